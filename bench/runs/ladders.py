"""Ladders: the same contestants at many sizes, from which `reports` fits how quality grows. Imports no torch.

    scaling         dense parameters, ten contestants, from 30 thousand to 3 million
    scaling-flops   the same at equal forward FLOPs
    data            dense parameters × training rows, so that a law can have both

All are on the larger world of 704 thousand rows, of which 512 thousand are for training. Each contestant has
the setting that was tuned for the nearest size. Dense sizes start at 30 thousand, the smallest round number
that all ten meet with their tuned settings (Hiformer needs 15 thousand, whatever its setting). Sizes that
`compare` has too are run once for both where the data is the same.

FLOPs are half of the ladder's: 2 a parameter is what a matrix that an example uses once costs. AutoInt+ takes
part from 600 thousand on, because attention over all pairs of 49 fields costs 522 thousand at any width.
"""

from __future__ import annotations

from bench.contestants.registry import CONTESTANTS
from bench.contestants.settings_file import shipped
from bench.runs.studies import BASELINE, COMPARED, Study, entrants_called
from bench.spec import Budget

_ROWS = 704_000
_SIZES = (30_000, 60_000, 100_000, 300_000, 1_000_000, 3_000_000)
_SIZES_BY_ROWS = (30_000, 100_000, 300_000, 1_000_000)
_TRAIN_ROWS = (16_000, 32_000, 64_000, 128_000, 256_000, None)


def _ladder(
    name: str,
    question: str,
    *contestants: str,
    budgets: tuple[Budget, ...],
    train_rows: tuple[int | None, ...] = (None,),
) -> Study:
    return Study(
        name=name,
        question=question,
        entrants=entrants_called(*contestants),
        kind="ladder",
        synthetic_rows=_ROWS,
        train_rows=train_rows,
        budgets=budgets,
        tuned=shipped(),
        baseline=CONTESTANTS[BASELINE].title,
    )


def _dense(*sizes: int) -> tuple[Budget, ...]:
    return tuple(Budget(kind="dense_parameters", target=size) for size in sizes)


LADDERS: dict[str, Study] = {
    study.name: study
    for study in (
        _ladder(
            "scaling",
            "How does quality grow with dense parameters?",
            *COMPARED,
            budgets=_dense(*_SIZES),
        ),
        _ladder(
            "scaling-flops",
            "How does quality grow with forward FLOPs?",
            *COMPARED,
            budgets=tuple(Budget(kind="flops_forward", target=2 * size) for size in _SIZES),
        ),
        _ladder(
            "data",
            "How does quality grow with dense parameters and with training rows?",
            "dlrm-mlp",
            "dcnv2",
            "rankmixer",
            "tokenmixer-large",
            budgets=_dense(*_SIZES_BY_ROWS),
            train_rows=_TRAIN_ROWS,
        ),
    )
}
