"""Puts an outcome into a store: the files first, each whole or not at all, then the record that names them.

Free of torch.
"""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy

from bench.canonical import canonical_json, digest_of_file
from bench.machine.partial import written_whole
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
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            if isinstance(content, pa.Table):
                pq.write_table(content, partial, compression="zstd")
            else:
                partial.write_bytes(safetensors.numpy.save(dict(content), metadata=metadata))
            digests[kind] = digest_of_file(partial)
    kept = dataclasses.replace(run, files=digests)
    store.append(kept)
    return kept
