"""Scaling laws: how a metric grows with size, and what is known of the metric beforehand.

Inside, every law is a gain (more is better) on a centred axis, u = sign · value and t = ln size − centre:

    constant   u = level
    log        u = level + slope · t
    power      u = level + slope · (1 − e^(−b·t)) / b
    anchored   the same with a given asymptote
    optimum    u = level + slope · t + curvature · t²

The power law is c − a·N^(−b) for AUC and E + A·N^(−b) for log loss. Written so, it becomes the log law as b
goes to 0, and its coefficients stay of the size of the data. c (or E) is its *asymptote*, b its *exponent*.
Forms: Hoffmann et al. 2022 (arXiv 2203.15556), Ardalani et al. 2022 (2208.08489), Wukong (2403.02545).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import unknown_name

Floats = NDArray[np.float64]

CONSTANT, LOG, POWER, ANCHORED, OPTIMUM = "constant", "log", "power", "anchored", "optimum"
NUM_COEFFICIENTS = {CONSTANT: 1, LOG: 2, POWER: 3, ANCHORED: 2, OPTIMUM: 3}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric, its direction, and the value that no model can pass.

    Args:
        name: what it is called in options and files.
        title: what it is called on axes.
        more_is_better: its direction.
        bound: the best possible value, None where there is none. The oracle's value where it is known.
    """

    name: str
    title: str
    more_is_better: bool
    bound: float | None = None

    @property
    def sign(self) -> float:
        """1 where more is better, −1 where less is."""
        return 1.0 if self.more_is_better else -1.0


METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="auc", title="AUC", more_is_better=True, bound=1.0),
        Metric(name="uauc", title="UAUC", more_is_better=True, bound=1.0),
        Metric(name="log-loss", title="log loss", more_is_better=False, bound=0.0),
        Metric(name="gain", title="gain", more_is_better=True),
        Metric(name="loss", title="loss", more_is_better=False),
    )
}
"""Name → metric. `gain` and `loss` are for any other number that should be large or small."""


def metric_named(name: str, bound: float | None = None) -> Metric:
    """A metric of `METRICS`, with `bound` in place of its own where one is given.

    Raises:
        BadInput: unknown name.
    """
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS)
    known = METRICS[name]
    return Metric(
        name=known.name,
        title=known.title,
        more_is_better=known.more_is_better,
        bound=known.bound if bound is None else bound,
    )


@dataclass(frozen=True, kw_only=True)
class Law:
    """A fitted curve, in the units of the metric and of the size.

    Args:
        form: a key of `NUM_COEFFICIENTS`. sign: 1 where more is better, −1 where less is. centre: the ln size
        where t is 0. level, slope, exponent, curvature: the coefficients of the module's text; those that a
        form lacks are 0.
    """

    form: str
    sign: float
    centre: float
    level: float
    slope: float = 0.0
    exponent: float = 0.0
    curvature: float = 0.0

    def value(self, size: ArrayLike) -> Floats:
        """The metric at `size`, of the same shape."""
        t = np.log(np.asarray(size, dtype=np.float64)) - self.centre
        return self.sign * gain_at(t, self.level, self.slope, self.exponent, self.curvature)

    @property
    def asymptote(self) -> float | None:
        """The value that the metric approaches as the size grows; None for a form that has none."""
        if self.form == CONSTANT:
            return self.sign * self.level
        if self.form not in (POWER, ANCHORED):
            return None
        return self.sign * (self.level + self.slope / self.exponent)

    @property
    def factor(self) -> float | None:
        """a of c − a·N^(−b), A of E + A·N^(−b); None for a form without an exponent."""
        if self.form not in (POWER, ANCHORED):
            return None
        return self.slope / self.exponent * math.exp(self.exponent * self.centre)

    @property
    def optimum(self) -> float | None:
        """The size of the best value; None for a form that has none."""
        return math.exp(self.centre - self.slope / (2 * self.curvature)) if self.form == OPTIMUM else None

    @property
    def formula(self) -> str:
        """As one would type it, with six digits: ``0.8 - 0.31 N^-0.25``."""
        if self.form == CONSTANT:
            return f"{self.sign * self.level:.6g}"
        if self.form in (POWER, ANCHORED):
            minus = "-" if self.sign > 0 else "+"
            return f"{self.asymptote:.6g} {minus} {self.factor:.6g} N^-{self.exponent:.6g}"
        bend, slope = self.sign * self.curvature, self.sign * (self.slope - 2 * self.curvature * self.centre)
        start = self.sign * (self.level - self.slope * self.centre + self.curvature * self.centre**2)
        square = f" {bend:+.6g} (ln N)^2".replace("+", "+ ").replace("-", "- ", 1) if bend else ""
        return f"{start:.6g} {'-' if slope < 0 else '+'} {abs(slope):.6g} ln N{square}"


def power_basis(t: ArrayLike, exponent: ArrayLike) -> Floats:
    """(1 − e^(−b·t)) / b, which is t at b = 0; arguments broadcast."""
    t, b = np.broadcast_arrays(np.asarray(t, dtype=np.float64), np.asarray(exponent, dtype=np.float64))
    return np.divide(-np.expm1(-b * t), b, out=t.astype(np.float64), where=b > 0)


def gain_at(
    t: ArrayLike, level: ArrayLike, slope: ArrayLike, exponent: ArrayLike, curvature: ArrayLike
) -> Floats:
    """u at t; all broadcast."""
    t = np.asarray(t, dtype=np.float64)
    return np.asarray(level) + np.asarray(slope) * power_basis(t, exponent) + np.asarray(curvature) * t**2
