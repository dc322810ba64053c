"""Opens a data set of the data folder, or generates a synthetic one that is missing.

The caller says how progress and notices are shown. If another version made the data set, a synthetic one is
generated again, and an imported one is used with a notice. Imports no torch.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bench.data.dataset import MANIFEST, Dataset, DatasetFacts
from bench.errors import BadInput, hint_of

Notice = Callable[[str], None]
"""Told of one line that a user should read."""
RowsDone = Callable[[int, int | None], None]
"""Told (rows done, rows in all or None)."""
ShowRows = Callable[[str], AbstractContextManager[RowsDone]]
"""Description of the work → a context that shows how far it is."""


def open_dataset(name: str, data_dir: Path, *, notice: Notice) -> Dataset:
    """The data set called `name` in `data_dir`.

    Args:
        notice: told if an imported data set has another rev than this version makes.

    Raises:
        BadInput: it does not exist, is damaged, or is a synthetic one of another rev.
    """
    if not (data_dir / name / MANIFEST).is_file():
        present = [path.parent.name for path in data_dir.glob(f"*/{MANIFEST}")]
        raise BadInput(
            f"no data set '{name}' in {data_dir}/{hint_of(name, present)}; import it with 'rankbench data "
            "import', or generate one with 'rankbench data synthesize'"
        )
    dataset = Dataset.open(data_dir / name)
    made_now = current_rev(dataset)
    if made_now in (None, dataset.rev):
        return dataset
    said = f"{dataset.directory} has rev {dataset.rev}, but this version makes rev {made_now}"
    if _is_synthetic(dataset):
        raise BadInput(
            f"{said}: generate it again with 'rankbench data synthesize "
            f"--family {dataset.source['family']} --rows {dataset.source['rows']} "
            f"--seed {dataset.source['seed']}', or remove the folder"
        )
    notice(f"{said}; import it again to get the same data as a new user")
    return dataset


def open_or_synthesize(
    family: str,
    rows: int,
    seed: int,
    data_dir: Path,
    *,
    processes: int | None = None,
    show: ShowRows,
    notice: Notice,
) -> Dataset:
    """The synthetic data set of that family, size and seed; generated if it is missing or has another rev.

    Args:
        processes: number of processes that make rows; None: one per core.
        show: used while rows are generated.
        notice: told why an existing data set is generated again.

    Raises:
        BadInput: it cannot be generated.
    """
    from bench.data.synthetic import REV, dataset_name, synthesize
    from bench.machine.parallel import cores

    directory = data_dir / dataset_name(family, rows, seed)
    if (directory / MANIFEST).is_file():
        with contextlib.suppress(BadInput):  # a damaged one is generated again
            dataset = Dataset.open(directory)
            if dataset.rev == REV and _is_synthetic(dataset):
                return dataset
        notice(
            f"{directory} is damaged or does not have rev {REV}, which this version makes; generating it "
            "again"
        )
    with show(f"generating {directory.name}") as progress:
        return synthesize(
            directory,
            family=family,
            rows=rows,
            seed=seed,
            processes=cores() if processes is None else processes,
            progress=progress,
        )


def synthetic_facts(family: str, rows: int, seed: int, data_dir: Path) -> DatasetFacts:
    """What there is to know of a synthetic data set, whether or not it is generated; writes nothing.

    Raises:
        BadInput: it could not be generated.
    """
    from bench.data.synthetic import REV, dataset_name, rows_of_splits, schema

    name = dataset_name(family, rows, seed)
    if (data_dir / name / MANIFEST).is_file():
        with contextlib.suppress(BadInput):  # a damaged one will be generated again
            dataset = Dataset.open(data_dir / name)
            if dataset.rev == REV and _is_synthetic(dataset):
                return dataset.facts
    return DatasetFacts(name=name, rev=REV, schema=schema(), rows=rows_of_splits(rows), fingerprint="")


def current_rev(dataset: Dataset) -> int | None:
    """The rev that this version would give to `dataset`; None if this project did not make it."""
    if _is_synthetic(dataset):
        from bench.data.synthetic import REV

        return REV
    if (loader := dataset.source.get("loader")) is not None:
        from bench.data.public import NAMED

        if loader not in NAMED:
            return None
        rev: int = importlib.import_module(NAMED[loader].module).REV
        return rev
    if "files" in dataset.source:
        from bench.data.importing import REV as IMPORT_REV

        return IMPORT_REV
    return None


def _is_synthetic(dataset: Dataset) -> bool:
    return dataset.source.get("generator") == "synthetic"
