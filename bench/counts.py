"""Large numbers as people write and read them: 250k, 4.1M, 1.5B. One spelling on every screen and page.

k is thousand, M million, T 10¹². 10⁹ is B for parameters and G for FLOPs, rows and bytes, as usual.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal, InvalidOperation

from bench.errors import BadInput

LIMIT = 10**15
_FACTORS = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}


def parse_count(what: str, text: str) -> int:
    """A whole number such as 250000, 250_000, 1e6, 250k, 1.5M or .5M.

    Args:
        what: the name of the number, for the error.

    Raises:
        BadInput: it is none, or is not within 1 and `LIMIT`.
    """
    digits, factor = text.strip().lower(), 1
    if digits[-1:] in _FACTORS:
        digits, factor = digits[:-1], _FACTORS[digits[-1]]
    try:
        value = Decimal(digits)  # 4.1M is 4,100,000; as a binary fraction it would be a little less
    except InvalidOperation:
        value = Decimal("NaN")
    if value.is_finite() and 0 < value < LIMIT:
        whole = Context(prec=len(text) + 16).multiply(value, Decimal(factor))
        if whole < LIMIT and whole == int(whole):
            return int(whole)
    raise BadInput(
        f"{what} is '{text}'; it must be a whole number above 0 and below 10^15, such as 250000, 250k or 1.5M"
    )


def short(number: float, *, billion: str = "G") -> str:
    """Three significant digits with k, M, G or T: 101,234 → ``101k``; 0.5 → ``0.5``.

    Args:
        billion: the letter for 10⁹: ``B`` for parameters.
    """
    for scale, letter in ((1e12, "T"), (1e9, billion), (1e6, "M"), (1e3, "k")):
        if abs(number) >= scale * 0.9995:
            return _three_digits(number / scale) + letter
    return _three_digits(number)


def _three_digits(number: float) -> str:
    if number == 0 or not math.isfinite(number):
        return f"{number:g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(number))))
    text = f"{number:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
