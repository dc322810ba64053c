"""Cells that say when a row happened, as integers: microseconds since 1970 in UTC, or of any unit."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import polars as pl

from bench.data.importing.cells import Check
from bench.data.importing.columns import Time
from bench.data.importing.time_formats import (
    END_SECOND,
    PER_SECOND,
    YEARS,
    is_pattern,
    unit_that_fits,
    written,
    year_of,
)
from bench.data.schema import FIRST_ID

_ISO_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_PLAUSIBLE = f"a time from {YEARS[0]} to {YEARS[1]}"


def times(frame: pl.DataFrame, time: Time, check: Check) -> np.ndarray:
    """int64 (rows,); 0 in rows that were refused."""
    text = frame[time.column]
    if time.format == "integer" or time.format in PER_SECOND:
        count = text.cast(pl.Int64, strict=False)
        check.refuse(time.column, count.is_null().to_numpy(), "an integer, for the time")
        whole = count.fill_null(0).to_numpy()
        return whole if time.format == "integer" else _in_microseconds(whole, time, check)
    found = frame.select(parsed(pl.col(time.column), time.format)).to_series()
    check.refuse(time.column, found.is_null().to_numpy(), f"{_expected(time.format)}, for the time")
    time_us = found.fill_null(0).to_numpy()
    implausible = (time_us < 0) | (time_us >= END_SECOND * 1_000_000)

    def note(row: int) -> str:
        return f"it is in the year {year_of(int(time_us[row]), 'microseconds')}"

    check.refuse(time.column, implausible, _PLAUSIBLE, note)
    return time_us


def _in_microseconds(count: np.ndarray, time: Time, check: Check) -> np.ndarray:
    per_second = PER_SECOND[time.format]
    implausible = (count < 0) | (count >= END_SECOND * per_second)

    def note(row: int) -> str:
        value = int(count[row])
        got = f"in {time.format} it is in the year {year_of(value, time.format)}"
        other = unit_that_fits(value)
        return got if other is None else f"{got}; format = '{other}' makes it {year_of(value, other)}"

    check.refuse(time.column, implausible, _PLAUSIBLE, note)
    count = np.where(implausible, 0, count)  # else the product could pass 64 bits
    return count * (10**6 // per_second) if per_second <= 10**6 else count // (per_second // 10**6)


def _expected(form: str) -> str:
    if form == "iso":
        return "ISO 8601 text such as 2024-05-31T23:59:59Z"
    return f"a time such as {'14102123' if form == 'yymmddhh' else written(form)}"


def parsed(text: pl.Expr, form: str) -> pl.Expr:
    """Text as microseconds since 1970 in UTC, null where it is not as `form` says. No offset means UTC."""
    if form == "iso":
        return _iso(text)
    if form == "yymmddhh":
        form = "%y%m%d%H"
    assert is_pattern(form), form
    form = form.replace(".%f", "%.f")  # as chrono, which reads it, calls the fraction
    if re.search("%[HI]", form) and "%M" not in form:  # chrono wants the minute beside the hour
        text, form = text + " 00", form + " %M"
    if not re.search("%[HI]", form):
        text, form = text + " 00:00", form + " %H:%M"
    zone = "%z" in form
    text, form = (text, form.replace("%z", "%#z")) if zone else (text + " +00:00", form + " %#z")
    return text.str.to_datetime(form, time_unit="us", strict=False).dt.timestamp("us")


def _iso(text: pl.Expr) -> pl.Expr:
    """ISO 8601 text. A date is its midnight."""
    full = pl.when(text.str.len_bytes() == len("2024-05-31")).then(text + "T00:00").otherwise(text)
    full = full.str.replace(" ", "T", literal=True).str.replace("Z$", "+00:00")
    full = pl.when(full.str.contains(r"T.*[+-]")).then(full).otherwise(full + "+00:00")
    parsed = [full.str.to_datetime(form, time_unit="us", strict=False) for form in _ISO_FORMATS]
    return pl.coalesce(parsed).dt.timestamp("us")


def part_of_time(time_us: np.ndarray, part: str) -> np.ndarray:
    """Ids (int32) of the hour, the weekday (Monday first) or whether it is weekend, in UTC."""
    if part == "hour":
        return (time_us // _HOUR_US % 24 + FIRST_ID).astype(np.int32)
    weekday = (time_us // _DAY_US + 3) % 7  # 1970 began on a Thursday
    return ((weekday if part == "weekday" else weekday >= 5) + FIRST_ID).astype(np.int32)


def told(time_us: int) -> str:
    """A time for people."""
    return f"{datetime.fromtimestamp(time_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S}"
