"""`rankbench predict`: write the predictions of a trained contestant for a file or a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BadInput, cannot_write, hint_of, unknown_name
from bench.machine.writable import refuse_unwritable
from rankbench import options
from rankbench.console import answer, answer_json, complain
from rankbench.named import ARMS

if TYPE_CHECKING:
    from collections import Counter

    from bench.contestants import Contestant
    from bench.data.dataset import Dataset
    from bench.data.importing.applying import AnotherFile
    from bench.runs.predicting import Predicted
    from bench.runs.record import Run

SPLITS = ("train", "valid", "test")
DEFAULT_SPLIT = "test"


def run(
    key: Annotated[
        str, typer.Argument(help="Key of a run that kept its weights, or the first 6 or more digits of it.")
    ],
    data: Annotated[
        str, typer.Option("--data", help="A CSV, TSV or Parquet file, or the name of a data set.")
    ],
    split: Annotated[
        str | None, typer.Option("--split", help="Split of a data set: train, valid or test (the default).")
    ] = None,
    contestant: Annotated[
        str | None,
        typer.Option(
            "--contestant", help="Your own contestant, as package.module:NAME or path/to/file.py:NAME."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write; KEY-DATA.parquet by default.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing output file.")] = False,
    device: options.Device = "auto",
    store: options.Stores = options.DEFAULT_STORES,
    data_dir: options.DataDir = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Score the rows of a file with a trained contestant; writes Parquet."""
    options.check_device(device)
    if split not in (None, *SPLITS):
        raise unknown_name("split", str(split), SPLITS)

    from bench.machine.parallel import leave_polars_one_thread

    leave_polars_one_thread()

    from bench.runs.kept import run_with_weights
    from bench.runs.store import JoinedStores, Store

    of, weights = run_with_weights(JoinedStores([Store(folder) for folder in store]), key)
    file = Path(data) if Path(data).is_file() else None
    if file is not None and split is not None:
        raise BadInput(f"--split is '{split}', but {data} is a file, which has no splits; leave --split out")
    dataset = _dataset(of, data, data_dir) if file is None else _trained_on(of, data_dir)
    into = _output(output or Path(_default_name(of, data, split, file)), replace, file)
    trained = _contestant(of, contestant)
    opened = None if file is None else _opened(dataset, file)

    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.machine.partial import written_whole
    from bench.runs.predicting import batches_of_file, batches_of_split, write_predictions
    from rankbench.progress import row_progress

    where = choose_device(device)
    keep_buffers()
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        with row_progress(f"predicting {data}") as progress, written_whole(into) as partial:
            rows = (
                batches_of_split(dataset.splits[split or DEFAULT_SPLIT])
                if opened is None
                else batches_of_file(opened, progress=progress)
            )
            predicted = write_predictions(of, trained, weights, dataset, rows, partial, device=where)
    except OSError as error:
        raise cannot_write(into, error) from error
    _tell(of, into, predicted, opened, json=json)


def _default_name(of: Run, data: str, split: str | None, file: Path | None) -> str:
    name = f"{data}-{split or DEFAULT_SPLIT}" if file is None else file.name.partition(".")[0]
    return f"{of.key[:8]}-{name}.parquet"


def _output(path: Path, replace: bool, file: Path | None) -> Path:
    """`path`, after a check that it can be written.

    Raises:
        BadInput: it is a folder, the input file, a name of another format, or an existing file without
            --replace.
    """
    from bench.data.importing.blocks import PARQUET_SUFFIXES

    if path.is_dir():
        raise BadInput(f"--output is {path}, which is a folder; give the name of a file")
    if file is not None and path.exists() and path.samefile(file):
        raise BadInput(f"--output is {path}, which is also the input file; give another name")
    if path.suffix.lower() not in PARQUET_SUFFIXES:
        raise BadInput(
            f"--output is {path}, but Parquet is written; give a name that ends in "
            f"{' or '.join(PARQUET_SUFFIXES)}"
        )
    if path.exists() and not replace:
        raise BadInput(f"{path} already exists; add --replace to replace it, or give another --output")
    refuse_unwritable("the output folder", path.parent, "--output")
    return path


def _dataset(of: Run, name: str, data_dir: Path) -> Dataset:
    """The data set called `name`, whose ids and schema are those the run was trained on."""
    from bench.data.dataset import IMPORT_FILE, MANIFEST, vocabulary_digests
    from bench.data.verification import verify

    if not (data_dir / name / MANIFEST).is_file():
        present = [path.parent.name for path in data_dir.glob(f"*/{MANIFEST}")]
        raise BadInput(
            f"no file '{name}', and no data set of that name in {data_dir}/{hint_of(name, present)}"
        )
    dataset = options.open_dataset(name, data_dir)
    if dataset.fingerprint == of.spec.dataset.fingerprint:
        verify(dataset)
        return dataset
    trained_on = _trained_on(of, data_dir)
    verify(dataset)
    told = f"'{trained_on.name}', on which run {of.key} was trained"
    if dataset.schema != trained_on.schema:
        difference = _difference(dataset, trained_on)
        raise BadInput(f"data set '{name}' has a different schema from {told}: {difference}")
    mine, other = (vocabulary_digests(d.directory) | {IMPORT_FILE: ""} for d in (dataset, trained_on))
    if mine != other:
        raise BadInput(
            f"data set '{name}' has different ids from {told}, because each import assigns its own "
            "ids; give the file instead of the name"
        )
    return dataset


def _trained_on(of: Run, data_dir: Path) -> Dataset:
    """The data set that the run was trained on."""
    from bench.data.verification import verify

    reference = of.spec.dataset
    dataset = options.open_dataset(reference.name, data_dir)
    if dataset.fingerprint != reference.fingerprint:
        raise BadInput(
            f"run {of.key} was trained on data set '{reference.name}' with fingerprint "
            f"{reference.fingerprint[:16]}, but the one in {data_dir} has {dataset.fingerprint[:16]}; "
            "import the original files again, or give another --data-dir"
        )
    verify(dataset)
    return dataset


def _difference(dataset: Dataset, trained_on: Dataset) -> str:
    """The first field or task in which two schemas differ."""
    mine, other = dataset.schema, trained_on.schema
    for a, b in zip(mine.fields, other.fields, strict=False):
        if a != b:
            return f"field '{a.name}' instead of '{b.name}'" if a.name != b.name else f"field '{a.name}'"
    if len(mine.fields) != len(other.fields):
        return f"{len(mine.fields)} fields instead of {len(other.fields)}"
    return f"tasks, user or time ({', '.join(mine.tasks)} instead of {', '.join(other.tasks)})"


def _contestant(of: Run, given: str | None) -> Contestant:
    """The contestant that the run trained.

    Raises:
        BadInput: it is not known, or has changed since.
    """
    from bench.contestants.lookup import named, registered

    reference = of.spec.contestant
    if given is None and reference.name not in {**registered(), **ARMS}:
        raise BadInput(
            f"run {of.key} trained '{reference.name}', which is your own contestant; give it with "
            "--contestant package.module:NAME or --contestant path/to/file.py:NAME"
        )
    found = ARMS.get(given or reference.name) or named(given or reference.name)
    if found.name != reference.name:
        raise BadInput(f"--contestant is '{found.name}', but run {of.key} trained '{reference.name}'")
    if found.source != reference.source:
        raise BadInput(
            f"contestant '{found.name}' has changed since run {of.key} trained it "
            f"(SHA-256 is {_short(found.source)}, was {_short(reference.source)}); give the file "
            "as it was when trained, or train again"
        )
    if found.rev != reference.rev:
        raise BadInput(
            f"contestant '{found.name}' is at rev {found.rev}, but run {of.key} trained rev {reference.rev}, "
            "which computes something else; train it again"
        )
    return found


def _short(source: str | None) -> str:
    return "none" if source is None else source[:12]


def _opened(dataset: Dataset, file: Path) -> AnotherFile:
    from bench.data.importing import REV
    from bench.data.importing.applying import AnotherFile, read_rules

    return AnotherFile(read_rules(dataset, rev=REV), file)


def _tell(of: Run, into: Path, predicted: Predicted, opened: AnotherFile | None, *, json: bool) -> None:
    skipped: Counter[str] | dict[str, int] = {} if opened is None else opened.skipped
    unmatched: Counter[str] | dict[str, int] = {} if opened is None else opened.unmatched
    for reason, count in sorted(skipped.items()):
        complain(f"skipped {count:,} rows: {reason}")
    for table, count in sorted(unmatched.items()):
        complain(f"{count:,} rows have a key that table '{table}' does not have")
    if json:
        answer_json(
            {
                "file": str(into),
                "key": of.key,
                "rows": predicted.rows,
                "mean_probability": dict(predicted.mean_probability),
                "skipped_rows": dict(skipped),
                "unmatched_keys": dict(unmatched),
            }
        )
        return
    answer(f"{into}: {predicted.rows:,} rows, {of.spec.contestant.name} seed {of.spec.seed}")
    for task, mean in predicted.mean_probability.items():
        answer(f"mean probability of {task}: {mean:.6f}")
