"""The forms of [split] in a schema file: which rows are for training, validation and test."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from bench.data.dataset import SPLITS
from bench.data.importing.columns import refuse_twice
from bench.data.importing.strict_toml import build
from bench.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class ByColumn:
    """A column says which split a row is in.

    Args:
        column: the column that holds the split.
        train, valid, test: the values that mean this split; every value in the column must be in one list.
    """

    column: str
    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        refuse_twice("value in [split]", [value for split in SPLITS for value in getattr(self, split)])


@dataclass(frozen=True, kw_only=True)
class ByTime:
    """The earliest rows are for training, the latest for test.

    Args:
        fractions: of the rows for train, valid and test. Rows of the same time stay together: at a border
            they belong to the later split, so train and valid have at most their fraction.
    """

    fractions: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_fractions(self.fractions)


@dataclass(frozen=True, kw_only=True)
class ByRandom:
    """The split of each row is drawn at random.

    Args:
        fractions: of the rows for train, valid and test.
        seed: decides, with the row number, the split of a row.
    """

    fractions: tuple[float, ...]
    seed: int

    def __post_init__(self) -> None:
        _check_fractions(self.fractions)
        _check_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class ByUserTime:
    """The earliest rows of each user are for training, the latest for test. Ties keep their order.

    This suits data whose users come and go: a split at one time would test on users without training rows.

    Args:
        fractions: of each user's rows for train, valid and test; a user with few rows may have none in a
            split.
    """

    fractions: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_fractions(self.fractions)


@dataclass(frozen=True, kw_only=True)
class ByOrder:
    """The rows are in order of time: the first are for training, the last for test.

    Args:
        fractions: of the rows for train, valid and test.
    """

    fractions: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_fractions(self.fractions)


@dataclass(frozen=True, kw_only=True)
class ByFile:
    """Each split has its own files, all in one folder.

    Args:
        train, valid, test: names of the files. If `valid` is empty, a fraction of the rows of the training
            files, drawn at random, is the valid split.
        valid_fraction: that fraction, above 0 and below 1; only if `valid` is empty.
        seed: decides which rows are drawn.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    valid: tuple[str, ...] = ()
    valid_fraction: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_twice("file in [split]", self.files())
        _check_seed(self.seed)
        if not self.train or not self.test:
            raise BadInput("[split] by file needs at least one file of train and one of test")
        if bool(self.valid) == bool(self.valid_fraction) or not 0 <= self.valid_fraction < 1:
            raise BadInput(
                f"[split] has valid {list(self.valid)} and valid_fraction {self.valid_fraction:g}; "
                "give either files, or a fraction above 0 and below 1"
            )

    def files(self) -> tuple[str, ...]:
        """The names of all files: train, valid, test."""
        return self.train + self.valid + self.test


SplitPlan = ByColumn | ByTime | ByUserTime | ByOrder | ByRandom | ByFile
_SPLIT_PLANS: dict[str, type[SplitPlan]] = {
    "column": ByColumn,
    "time": ByTime,
    "user-time": ByUserTime,
    "order": ByOrder,
    "random": ByRandom,
    "file": ByFile,
}


def split_plan(table: Any) -> SplitPlan:
    """The plan in the table [split].

    Raises:
        BadInput: an unknown form, an unknown or missing key, or a value that is not allowed.
    """
    by = table.get("by") if isinstance(table, dict) else None
    if not isinstance(by, str) or by not in _SPLIT_PLANS:
        raise BadInput(f"[split] by is {by!r}, allowed: {', '.join(_SPLIT_PLANS)}")
    return build(_SPLIT_PLANS[by], {key: value for key, value in table.items() if key != "by"}, "[split]")


def split_table(split: SplitPlan) -> dict[str, Any]:
    """The inverse of `split_plan`."""
    (by,) = (name for name, kind in _SPLIT_PLANS.items() if isinstance(split, kind))
    return {"by": by, **dataclasses.asdict(split)}


def _check_fractions(fractions: tuple[float, ...]) -> None:
    # A comparison with NaN is false, so what is right is asked for, not what is wrong.
    if not (len(fractions) == 3 and all(f > 0 for f in fractions) and abs(sum(fractions) - 1) <= 1e-9):
        raise BadInput(
            f"[split] fractions are {list(fractions)}, expected three numbers above 0 (train, valid, test) "
            "with sum 1"
        )


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**63:
        raise BadInput(f"[split] seed is {seed}, allowed: 0 … 2^63 − 1")
