"""How numbers are written for people. Data files carry the numbers themselves.

A missing value is an en dash; a negative one has a true minus sign.
"""

from __future__ import annotations

import math
from dataclasses import replace

from reports.statistics import Difference, Estimate

MISSING = "–"


def short(number: float, *, billion: str = "G") -> str:
    """Three significant digits with K, M, G or T: 101,234 → ``101K``; 0.5 → ``0.5``.

    Args:
        billion: the letter for 10⁹: ``G`` for FLOPs and rows, ``B`` for parameters, as is the custom.
    """
    for scale, letter in _scales(billion):
        if abs(number) >= scale * 0.9995:
            return _three_digits(number / scale) + letter
    return _three_digits(number)


def exact(number: int, *, billion: str = "G") -> str:
    """The shortest text that says exactly this number: ``100K``, ``1.25M``, ``123,456``."""
    for scale, letter in _scales(billion):
        if number >= scale and number % (scale // 100) == 0:
            return f"{number / scale:g}{letter}"
    return f"{number:,}"


def letter_of_billion(kind: str) -> str:
    """The letter for 10⁹ of a cost: its name says whether it counts parameters."""
    return "B" if kind.endswith("parameters") else "G"


def fixed(number: float | None, decimals: int, *, signed: bool = False) -> str:
    """`decimals` digits after the point; a value that rounds to zero carries no sign of minus."""
    if number is None or math.isnan(number):
        return MISSING
    rounded = round(number, decimals) + 0.0
    return f"{rounded:{'+' if signed else ''},.{decimals}f}".replace("-", "−")


def estimate(value: Estimate | None, decimals: int) -> str:
    """``0.8032 ± 0.0004``, or the mean alone where one seed gives no interval."""
    if value is None:
        return MISSING
    if value.half_width is None:
        return fixed(value.mean, decimals)
    return f"{fixed(value.mean, decimals)} ± {fixed(value.half_width, decimals)}"


def share(value: Estimate | None) -> str:
    """A share in percent, one decimal: ``61.3 ± 0.8``."""
    if value is None:
        return MISSING
    half_width = None if value.half_width is None else 100 * value.half_width
    return estimate(replace(value, mean=100 * value.mean, half_width=half_width), 1)


def points(value: Difference | None) -> str:
    """A difference of AUC in points, 0.01 of AUC each: ``+0.12 [+0.05, +0.19]``."""
    if value is None:
        return MISSING
    mean = fixed(100 * value.mean, 2, signed=True)
    if value.half_width is None:
        return mean
    low, high = (fixed(100 * bound, 2, signed=True) for bound in (value.low, value.high))
    return f"{mean} [{low}, {high}]"


def percent(fraction: float | None) -> str:
    """A signed percentage with one decimal: ``+0.4 %``."""
    return MISSING if fraction is None else f"{fixed(100 * fraction, 1, signed=True)} %"


def _scales(billion: str) -> tuple[tuple[int, str], ...]:
    return ((10**12, "T"), (10**9, billion), (10**6, "M"), (10**3, "K"))


def _three_digits(number: float) -> str:
    if number == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(number))))
    text = f"{number:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")
