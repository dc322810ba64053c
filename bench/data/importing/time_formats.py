"""The ways in which a schema file may say that a time is written, checked before any row is read."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bench.errors import BadInput, unknown_name

PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
"""Unit of an integer time since 1970 → how many of it a second has; the coarsest first."""
NAMED_FORMATS = ("integer", "iso", *PER_SECOND, "yymmddhh")
YEARS = (1970, 2100)
"""First and last year that a time may lie in; another one means that its unit or pattern is wrong."""
END_SECOND = int(datetime(YEARS[1] + 1, 1, 1, tzinfo=UTC).timestamp())

_DIRECTIVES = "YymdjbBaAHIMSfpz%"
_SAMPLE = datetime(2021, 11, 23, 14, 35, 7, tzinfo=UTC)


def is_pattern(form: str) -> bool:
    """Whether it is a pattern such as ``%d/%m/%Y``, not a name."""
    return "%" in form


def written(form: str) -> str:
    """What a time looks like under a pattern."""
    return _SAMPLE.strftime(form)


def check_format(form: str) -> None:
    """Raises BadInput unless `form` is a name or a pattern that says year, month and day."""
    if not is_pattern(form):
        if form not in NAMED_FORMATS:
            raise unknown_name("[time] format", form, [*NAMED_FORMATS, "a pattern such as %d/%m/%Y %H:%M"])
        return
    found = re.findall(r"%(.?)", form)
    strange = [directive for directive in found if not directive or directive not in _DIRECTIVES]
    if strange:
        allowed = " ".join(f"%{directive}" for directive in _DIRECTIVES)
        raise BadInput(f"[time] format '{form}' has %{strange[0]}, allowed: {allowed}")
    if form.count("%f") != form.count(".%f"):
        raise BadInput(
            f"[time] format '{form}' has %f (a fraction of a second) without a '.' before it; write .%f"
        )
    try:
        back = datetime.strptime(written(form), form)
    except ValueError as error:
        raise BadInput(f"[time] format '{form}' cannot be used: {error}") from error
    if back.date() != _SAMPLE.date():
        raise BadInput(
            f"[time] format '{form}' does not contain year, month and day: "
            f"it writes {_SAMPLE:%d %B %Y} as '{written(form)}'"
        )


def year_of(count: int, unit: str) -> int:
    """The year of so many seconds, milliseconds … since 1970, however far away."""
    return 1970 + int(count // (PER_SECOND[unit] * 31_556_952))


def unit_that_fits(count: int) -> str | None:
    """The coarsest unit under which an integer is a time within `YEARS`."""
    return next((unit for unit, per in PER_SECOND.items() if 0 <= count < END_SECOND * per), None)
