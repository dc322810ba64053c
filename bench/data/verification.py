"""Checks every byte of a data set against its fingerprint and digests. Imports no torch.

A data set that passed is remembered beside its manifest with the size and time of every file, so the next
check is fast until a file changes.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from bench.data.dataset import (
    IMPORT_FILE,
    MANIFEST,
    SPLITS,
    Dataset,
    column_layout,
    files_of_import,
    fingerprint,
    read_manifest,
    vocabulary_digests,
)
from bench.errors import BadInput
from bench.machine.partial import written_whole

VERIFIED_FILE = ".verified.json"

_States = dict[str, list[int]]
"""File, as a path from the data set's folder → its size and the time of its last change in nanoseconds."""


def verify(dataset: Dataset) -> None:
    """Checks that the content of `dataset` matches its fingerprint and digests.

    Reads every byte the first time and after a file has changed; otherwise only the states of the files.

    Raises:
        BadInput: it does not match, or a file cannot be read.
    """
    try:
        states = _states(dataset)
        if _remembered(dataset) == {"fingerprint": dataset.fingerprint, "files": states}:
            return
    except OSError as error:
        raise BadInput(f"{dataset.directory} cannot be read ({error}); import the data set again") from error
    if (fault := fault_of(dataset)) is not None:
        raise BadInput(f"{dataset.directory}: {fault}; import the data set again")
    _remember(dataset, states)


def fault_of(dataset: Dataset) -> str | None:
    """What is wrong with the content of `dataset`, or None. Reads every byte."""
    probability = dataset.splits["test"].probability is not None
    try:
        found = fingerprint(dataset.directory, dataset.schema, probability=probability)
        vocabularies = vocabulary_digests(dataset.directory)
        expected = read_manifest(dataset.directory).get("vocabulary")
    except (OSError, ValueError) as error:
        return f"its content cannot be read ({error})"
    if found != dataset.fingerprint:
        return f"its content is damaged: the fingerprint is {found}, {MANIFEST} says {dataset.fingerprint}"
    if expected is None:  # written before vocabularies had digests
        return None
    for name in sorted({*expected, *vocabularies}):
        if expected.get(name) != vocabularies.get(name):
            file = name if name == IMPORT_FILE else f"vocabulary/{name}"
            return f"{file} is missing, added or changed since the data set was written"
    return None


def fault_in(directory: Path) -> str | None:
    """What is wrong with the data set at `directory`, or None: its manifest, columns and vocabularies."""
    try:
        return fault_of(Dataset.open(directory))
    except BadInput as error:
        return str(error)


def is_dataset_folder(directory: Path) -> bool:
    """Whether there is a data set, or was one before it was damaged."""
    return (directory / MANIFEST).is_file() or any(
        (directory / split / "label.npy").is_file() for split in SPLITS
    )


def _states(dataset: Dataset) -> _States:
    layout = column_layout(dataset.schema, probability=dataset.splits["test"].probability is not None)
    files = [Path(split, f"{name}.npy") for split in SPLITS for name in layout]
    of_import = files_of_import(dataset.directory)
    files += [Path(MANIFEST), *(path.relative_to(dataset.directory) for path in of_import)]
    states = {}
    for file in files:
        state = (dataset.directory / file).stat()
        states[file.as_posix()] = [state.st_size, state.st_mtime_ns]
    return states


def _remembered(dataset: Dataset) -> object:
    try:
        return json.loads((dataset.directory / VERIFIED_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return None


def _remember(dataset: Dataset, states: _States) -> None:
    file = dataset.directory / VERIFIED_FILE
    content = json.dumps({"fingerprint": dataset.fingerprint, "files": states})
    # A folder that cannot be written is read again the next time.
    with contextlib.suppress(OSError), written_whole(file) as partial:
        partial.write_text(content)
