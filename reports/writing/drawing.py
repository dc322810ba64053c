"""How figures look and are written: one style, one mark per contestant, the same bytes every time."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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

WIDTH = 9.0
"""Inches of a figure as wide as the page."""
LETTERS = 110
"""Letters of a title that is as wide."""
BESIDE = 24
"""Letters of a label in a margin of fixed width beside the axes."""
DPI = 200
"""Of PNG files."""
NARROW = 6.0
"""Inches of a figure of one column of panels, which a telephone shows whole."""
VERDICT_COLOURS = {"better": "#0066a8", "worse": "#b3470a", "tie": "#7b838b", "undecided": "#7b838b"}
"""Those of the page's tables."""

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
    """A finished figure: `name` says what it shows, `caption` and `alternative` are for people.

    `inches` is its width, so that a page can set the type of all figures in one size.
    """

    name: str
    png: bytes
    pdf: bytes
    caption: str
    alternative: str
    inches: float = WIDTH


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How a contestant is drawn, everywhere on the page."""

    colour: str
    marker: str


def marks(labels: Iterable[str], baselines: Collection[str] = ()) -> dict[str, Mark]:
    """Label of a contestant → mark: the baselines grey, the others by name, everywhere on a page."""
    others = sorted(set(labels) - set(baselines))
    result = {
        name: Mark(colour=PALETTE[i % len(PALETTE)], marker=MARKERS[i % len(MARKERS)])
        for i, name in enumerate(others)
    }
    grey = Mark(colour=BASELINE_COLOUR, marker=BASELINE_MARKER)
    return {**result, **dict.fromkeys(baselines, grey)}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Our style on matplotlib's own defaults, whatever the user's matplotlibrc says."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def rendered(figure: Figure) -> tuple[bytes, bytes]:
    """PNG and PDF, without dates and version names; laid out once, as laying out takes as long as drawing."""
    png, pdf = io.BytesIO(), io.BytesIO()
    plain = {"Creator": None, "Producer": None, "CreationDate": None}
    with warnings.catch_warnings():
        # The font that matplotlib brings has no letters of some scripts; such a title shows boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        if engine := figure.get_layout_engine():
            figure.set_dpi(DPI)
            engine.execute(figure)
            figure.set_layout_engine("none")
        figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
        figure.savefig(pdf, format="pdf", metadata=plain)
    return png.getvalue(), pdf.getvalue()


def lead_label(
    axes: Axes,
    text: str,
    *,
    at: tuple[float, float],
    coords: str,
    to: tuple[float, float],
    colour: str,
    shrink: float,
    left: bool = False,
) -> None:
    """A label beside the axes, with a thin line from it to what it names.

    Args:
        at: what is named, in `coords`; `shrink`: points that the line ends before it.
        to: the label, in fractions of the axes.
        left: whether it ends there instead of beginning there.
    """
    axes.annotate(
        text,
        xy=at,
        xycoords=coords,
        xytext=to,
        textcoords="axes fraction",
        color=colour,
        ha="right" if left else "left",
        va="center",
        arrowprops={
            "arrowstyle": "-",
            "color": colour,
            "linewidth": 0.6,
            "alpha": 0.55,
            "shrinkA": 2,
            "shrinkB": shrink,
            "relpos": (1 if left else 0, 0.5),
        },
        annotation_clip=False,
    )
