"""How figures look and are written: one style, one mark per contestant, the same bytes every time."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import matplotlib.style
from matplotlib.figure import Figure

from reports.standings import BASELINE

INK = "#22262b"
FAINT = "#8b929a"
GRID = "#e6e8eb"
BASELINE_COLOUR = "#55595f"
PALETTE = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#b8860b",
    "#56b4e9",
    "#882255",
    "#117733",
    "#aa4499",
    "#332288",
    "#44aa99",
    "#994f00",
)
"""Okabe and Ito's colours, then Tol's: told apart with common colour blindness, and markers differ too."""
MARKERS = "sD^vP<>phd*"
"""One fewer than the colours, so that no pair of both comes twice among the first hundred."""
BASELINE_MARKER = "o"

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 9.0,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "pdf.fonttype": 42,
}


@dataclass(frozen=True, kw_only=True)
class Image:
    """A finished figure: `name` is the stem of its files, `caption` and `alternative` are for people."""

    name: str
    png: bytes
    pdf: bytes
    caption: str
    alternative: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How a contestant is drawn, everywhere on the page."""

    colour: str
    marker: str


def marks(contestants: Sequence[str]) -> dict[str, Mark]:
    """Contestant → mark: the baseline grey, the others by name."""
    others = sorted(set(contestants) - {BASELINE})
    result = {
        name: Mark(colour=PALETTE[i % len(PALETTE)], marker=MARKERS[i % len(MARKERS)])
        for i, name in enumerate(others)
    }
    return {**result, BASELINE: Mark(colour=BASELINE_COLOUR, marker=BASELINE_MARKER)}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Our style on matplotlib's own defaults, whatever the user's matplotlibrc says."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def rendered(figure: Figure) -> tuple[bytes, bytes]:
    """PNG and PDF, without dates and version names."""
    png, pdf = io.BytesIO(), io.BytesIO()
    figure.savefig(png, format="png", dpi=200, metadata={"Software": None})
    plain = {"Creator": None, "Producer": None, "CreationDate": None}
    figure.savefig(pdf, format="pdf", metadata=plain)
    return png.getvalue(), pdf.getvalue()
