"""What one execution returns. It writes nothing: whoever called it does. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bench.runs.record import Run


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """A record, and what is kept beside it; `results/README.md` explains the columns.

    Args:
        predictions: of the test split, in its order; None unless the run is ``ok``.
        curves: loss and valid AUC over the training; None unless the run is ``ok``.
        observations: what the contestant shows of itself over the training; None unless it was asked.
        weights: name → array, of the epoch that was tested; None unless they were asked for.
    """

    run: Run
    predictions: pa.Table | None = None
    curves: pa.Table | None = None
    observations: pa.Table | None = None
    weights: Mapping[str, np.ndarray] | None = None
