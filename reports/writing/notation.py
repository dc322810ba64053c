"""How numbers are written for people. Data files carry the numbers themselves.

A missing value is an en dash; a negative one has a true minus sign.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from bench import counts
from reports.judge.statistics import Difference, Estimate

MISSING = "–"


def short(number: float, unit: str = "") -> str:
    """Three significant digits with a letter: 101,234 → ``101k``; 0.5 → ``0.5``.

    Args:
        unit: the name of what is counted: 10⁹ is B of parameters and G of anything else.
    """
    return counts.short(number, billion=_billion(unit)).replace("-", "−")


def exact(number: int, unit: str = "") -> str:
    """The shortest text without rounding: ``100k``, ``1.25M``, ``123,456``; `unit` as in `short`."""
    for scale, letter in ((10**12, "T"), (10**9, _billion(unit)), (10**6, "M"), (10**3, "k")):
        if number >= scale and number % (scale // 100) == 0:
            return f"{number / scale:g}{letter}"
    return f"{number:,}"


def fixed(number: float | None, decimals: int, *, signed: bool = False) -> str:
    """`decimals` digits after the point; a value that rounds to zero carries no sign of minus."""
    if number is None or math.isnan(number):
        return MISSING
    rounded = round(number, decimals) + 0.0
    return f"{rounded:{'+' if signed else ''},.{decimals}f}".replace("-", "−")


def tick(value: float) -> str:
    """A signed difference on an axis, no longer than it must be: ``−0.5``, ``0``, ``+1``."""
    text = fixed(value, 2, signed=True).rstrip("0").rstrip(".")
    return "0" if text == "+0" else text


def estimate(value: Estimate | None, decimals: int, *, signed: bool = False) -> str:
    """``0.8032 ± 0.0004``; ``0.99 [0.97, 1.00]`` where a bound of what is possible cuts the interval off; the
    mean alone where one seed gives no interval. `signed`: with a plus, as a change is written."""
    if value is None:
        return MISSING
    mean = fixed(value.mean, decimals, signed=signed)
    if value.half_width is None:
        return mean
    if value.is_cut:
        low, high = (fixed(bound, decimals, signed=signed) for bound in (value.low, value.high))
        return f"{mean} [{low}, {high}]"
    return f"{mean} ± {fixed(value.half_width, decimals)}"


def share(value: Estimate | None) -> str:
    """A share in percent, one decimal: ``61.3 ± 0.8``."""
    return MISSING if value is None else estimate(value.scaled(100), 1)


def points(value: Difference | None) -> str:
    """A difference of AUC in points, 0.01 of AUC each: ``+0.12 [+0.05, +0.19]``."""
    if value is None:
        return MISSING
    mean = fixed(100 * value.mean, 2, signed=True)
    if value.half_width is None:
        return mean
    low, high = (fixed(100 * bound, 2, signed=True) for bound in (value.low, value.high))
    return f"{mean} [{low}, {high}]"


def p_value(value: float) -> str:
    """``0.13``, ``0.004``, ``< 0.001``."""
    return "< 0.001" if value < 0.001 else fixed(value, 3 if value < 0.1 else 2)


def setting_text(setting: Mapping[str, object]) -> str:
    """``num_layers 2, expansion 0.5``."""
    return ", ".join(f"{name} {setting_value(value)}" for name, value in setting.items())


def setting_value(value: object) -> str:
    """A hyper-parameter or protocol value; numbers with three significant digits: ``0.00312``, ``1e-6``."""
    if isinstance(value, float):
        return re.sub(r"e([+-])0+", r"e\1", f"{value:.3g}").replace("e+", "e")
    return "none" if value is None else str(value)


def percent(fraction: float | None) -> str:
    """A signed percentage with one decimal: ``+0.4 %``."""
    return MISSING if fraction is None else f"{fixed(100 * fraction, 1, signed=True)} %"


def _billion(unit: str) -> str:
    return "B" if unit.endswith("parameters") else "G"
