"""`rankbench data`: download, import, generate or describe a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BadInput, cannot_write, unknown_name
from rankbench import options
from rankbench.console import answer, answer_json, table
from rankbench.options import DEFAULT_DATA, parse_count
from rankbench.summary import cell, summarise

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.data.public import NamedDataset

app = typer.Typer(no_args_is_help=True, help="Download, import, generate or describe a data set.")


@app.command()
def synthesize(
    family: Annotated[
        str, typer.Option(help="Family of the hidden function: rules, trees or network.")
    ] = "rules",
    rows: Annotated[str, typer.Option(help="Number of rows in all splits together, such as 600k.")] = "2.75M",
    seed: Annotated[int, typer.Option(help="Seed of the world; the studies use 1.")] = 1,
    processes: Annotated[
        int | None, typer.Option(help="Number of processes that generate rows; one per core by default.")
    ] = None,
    data_dir: options.DataDir = DEFAULT_DATA,
) -> None:
    """Generate a synthetic data set, whose true probabilities are known."""
    dataset = options.synthetic(family, parse_count("rows", rows), seed, data_dir, processes=processes)
    answer(str(dataset.directory))


@app.command("import")
def import_(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files, or a folder. A folder needs --as, or a schema that splits by file. With --as, the "
            "default is the folder of 'data fetch'."
        ),
    ] = None,
    schema: Annotated[Path | None, typer.Option(help="TOML file that says what the columns mean.")] = None,
    known_as: Annotated[
        str | None, typer.Option("--as", help="A public data set that has a loader; see 'list data'.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace an existing data set of the same name.")
    ] = False,
    data_dir: options.DataDir = DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Import your own files by a schema, or a public data set by its loader, and print a summary."""
    from bench.machine.parallel import leave_polars_one_thread

    leave_polars_one_thread()

    from bench.data.importing import ImportPlan, import_table
    from bench.data.importing.reading import files_of
    from bench.data.synthetic import FAMILIES
    from bench.machine.allocator import keep_buffers
    from rankbench.progress import row_progress

    if (schema is None) == (known_as is None):
        raise BadInput("give either --schema FILE (for your own files) or --as NAME (for a public data set)")
    keep_buffers()
    if known_as is not None:
        named = _named(known_as)
        if len(paths or []) > 1:
            raise BadInput(f"--as takes one folder, but {len(paths or [])} paths were given")
        folder = paths[0] if paths else _fetched(known_as, data_dir)
        _refuse_to_replace(data_dir / known_as, replace)
        with row_progress(f"importing {known_as}") as progress:
            dataset = named.load(folder, data_dir / known_as, progress)
    else:
        assert schema is not None
        if not paths:
            raise BadInput("no files were given; name the files to import")
        plan = ImportPlan.from_toml(schema)
        if plan.name in FAMILIES:
            raise BadInput(f"name is '{plan.name}', a family of the synthetic world; choose another")
        files_of(plan, paths)  # a wrong path is told before what --replace would overwrite
        _refuse_to_replace(data_dir / plan.name, replace)
        with row_progress(f"importing {plan.name}") as progress:
            dataset = import_table(plan, paths, data_dir / plan.name, progress=progress)
    summarise(dataset, json=json)


def _refuse_to_replace(directory: Path, replace: bool) -> None:
    """Raises BadInput if `directory` exists and the user did not ask to replace it."""
    from bench.data.dataset import Dataset
    from bench.data.verification import is_dataset_folder

    if not directory.exists():
        return
    if not is_dataset_folder(directory):
        raise BadInput(f"{directory} exists and is not a data set; remove it or choose another name")
    if replace:
        return
    try:
        there = Dataset.open(directory)
        what = f"a data set of {sum(there.rows.values()):,} rows (rev {there.rev}, {_origin(there)})"
    except BadInput:
        what = "a damaged data set"
    raise BadInput(
        f"{directory} already holds {what}; add --replace to replace it, or choose another name or --data-dir"
    )


def _origin(dataset: Dataset) -> str:
    source = dataset.source
    return ", ".join(source["files"]) if "files" in source else str(source.get("loader", "made by hand"))


@app.command()
def draft(
    file: Annotated[Path, typer.Argument(help="A CSV, TSV or Parquet file that has column names.")],
    label: Annotated[
        list[str] | None, typer.Option(help="Column to predict; guessed by default. Can be repeated.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the data set; by default the name of the file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write; by default, the schema is printed.")
    ] = None,
) -> None:
    """Write a first schema for a file, with comments on what was guessed and why."""
    from bench.data.importing.draft import draft as drafted
    from bench.data.importing.draft import name_of

    if output is not None and output.exists():
        raise BadInput(f"{output} exists; remove it or choose another --output")
    text = drafted(file, name=name_of(file) if name is None else name, labels=label or ())
    if output is None:
        answer(text.rstrip())
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise cannot_write(output, error) from error
    answer(str(output))


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A public data set that has a loader; see 'list data'.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder for the files; DATA_DIR/downloads/NAME by default.")
    ] = None,
    data_dir: options.DataDir = DEFAULT_DATA,
) -> None:
    """Download the files of a public data set and verify them. An interrupted download continues."""
    from bench.data.public.fetching import fetch as fetch_named
    from rankbench.progress import DownloadProgress

    folder = to or _fetched(name, data_dir)
    with DownloadProgress() as progress:
        fetch_named(_named(name), folder, progress=progress.starts)
    answer(str(folder))


def _named(name: str) -> NamedDataset:
    from bench.data.public import NAMED

    if name not in NAMED:
        raise unknown_name("data set with a loader", name, NAMED)
    return NAMED[name]


def _fetched(name: str, data_dir: Path) -> Path:
    """The folder for the downloaded files of a named data set."""
    return data_dir / "downloads" / name


@app.command()
def describe(
    name: Annotated[str, typer.Argument(help="A data set in the data folder.")],
    references: Annotated[
        bool,
        typer.Option(help="Also fit a logistic regression, as a floor, if there is none yet. Takes minutes."),
    ] = False,
    data_dir: options.DataDir = DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Print the fields, base rates, users, splits and fingerprint of a data set."""
    from bench.data.describe import describe as described

    dataset = options.open_dataset(name, data_dir)
    description = described(dataset)
    description["logistic_regression_auc"] = _floor(dataset, fit=references)
    if json:
        answer_json(description)
        return
    fields = description.pop("fields")
    columns = list(fields[0])
    table(name, columns, [[cell(field[column]) for column in columns] for field in fields])
    for key, value in description.items():
        if value is None:  # not known for this data set
            continue
        answer(f"{key.replace('_', ' ')}: {cell(value)}")


def _floor(dataset: Dataset, *, fit: bool) -> dict[str, float | int | None] | None:
    """Task → test AUC of logistic regression; None if it is not known and `fit` is false."""
    from bench.data.references import known_references, references

    known = references(dataset) if fit else known_references(dataset)
    if known is None:
        return None
    return {task: metrics["auc"] for task, metrics in known.get("logistic_regression", {}).items()}
