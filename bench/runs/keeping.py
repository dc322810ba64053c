"""Puts an outcome into a store: the files first, each whole or not at all, then the record that names them.

Free of torch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy

from bench.canonical import canonical_json
from bench.runs.outcome import Outcome
from bench.runs.record import Run
from bench.runs.store import SUFFIXES, Store


def keep(outcome: Outcome, store: Store) -> Run:
    """Writes the files of an outcome and appends its record, which is returned with their digests."""
    run = outcome.run
    metadata = {"spec": canonical_json(run.spec.to_json())}
    digests = {}
    for kind in SUFFIXES:
        content = getattr(outcome, kind)
        if content is None:
            continue
        path = store.path(kind, run.key)
        with _Whole(path) as partial:
            if isinstance(content, pa.Table):
                pq.write_table(content, partial, compression="zstd")
            else:
                safetensors.numpy.save_file(dict(content), partial, metadata=metadata)
            digests[kind] = digest_of(partial)
    kept = dataclasses.replace(run, files=digests)
    store.append(kept)
    return kept


def digest_of(path: Path) -> str:
    """SHA-256 of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Whole:
    """A path to write to, which becomes the real one when the block ends well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(f".{path.name}.partial-{os.getpid()}")

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.partial

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is None:
            self.partial.replace(self.path)
        else:
            self.partial.unlink(missing_ok=True)
