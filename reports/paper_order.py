"""Does the order of a paper's models return here? Pairs by verdict, and Kendall's τ with an interval.

Ours are the verdicts on pairs, so a tie is a tie. In the paper's Table 1 a difference below `SIGNIFICANT`
points is a tie, because the paper calls 0.01 points significant. In its Figure 2 slopes tie where they differ
by less than the figure can be read.

τ is Kendall's τ-b as Daniels' coefficient (Biometrika 1944) of the two sets of signs: Σab / √(Σa² · Σb²) over
all pairs. It needs no order without cycles, which verdicts need not have. Its interval is by Fisher's z with
the variance 0.437 / (n − 4) (Fieller, Hartley and Pearson 1957, Biometrika 44) for n contestants, as if they
were drawn at random from many; with ties it is approximate. Below `FEWEST` contestants there is none.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from reports.judge.standings import Standings
from reports.judge.statistics import CONFIDENCE
from reports.ladder.growth import DENSE, Growth
from reports.records.paper import (
    FIGURE_2,
    RANKMIXER_TABLE,
    Curve,
    gains_near,
    named,
    paper_curves,
    paper_task,
)
from reports.writing.notation import fixed, short
from reports.writing.sections import Cell, Table, words

SIGNIFICANT = 0.01
"""Points of AUC that the paper calls significant, and the error of reading its figure."""
AT_SIZE = 100e6
"""Of the rows of one model in the paper, the one nearest to the size that its Table 1 claims for all."""
FEWEST = 5
SIGN = {"better": 1, "steeper": 1, "worse": -1, "flatter": -1}


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The paper's order against ours.

    Args:
        item: what of the paper.
        num: contestants that both have.
        same, opposite: pairs that both decide, in the same and in the other direction.
        ours_only, paper_only, neither: pairs that only ours, only the paper's or none of both decides.
        tau, low, high: None where they are not defined.
    """

    item: str
    num: int
    same: int
    opposite: int
    ours_only: int
    paper_only: int
    neither: int
    tau: float | None
    low: float | None
    high: float | None


def kendall(ours: Sequence[int], theirs: Sequence[int]) -> float | None:
    """τ-b of two sequences of signs, a pair of contestants each; None where one has ties only."""
    product = sum(a * b for a, b in zip(ours, theirs, strict=True))
    weight = sum(a * a for a in ours) * sum(b * b for b in theirs)
    return product / math.sqrt(weight) if weight else None


def kendall_interval(tau: float, num: int) -> tuple[float, float] | None:
    """Its 95 % interval for `num` contestants; None below `FEWEST`, and where τ is 1 or −1."""
    if num < FEWEST or abs(tau) >= 1:
        return None
    reach = float(ndtri((1 + CONFIDENCE) / 2)) * math.sqrt(0.437 / (num - 4))
    return math.tanh(math.atanh(tau) - reach), math.tanh(math.atanh(tau) + reach)


def table_agreement(standings: Standings) -> Agreement | None:
    """The verdicts of one comparison against the paper's Table 1; None with fewer than three contestants."""
    gains = gains_near(RANKMIXER_TABLE, paper_task(standings.task), AT_SIZE)
    named_there = _of_both([(row.label, row.contestant) for row in standings.rows if row.metrics], gains)
    theirs = {label: gains[contestant][0] for label, contestant in named_there.items()}
    ours = {pair: SIGN.get(value.verdict, 0) for pair, value in standings.pairs.items()}
    paper = {(a, b): _sign(theirs[a] - theirs[b], SIGNIFICANT) for a, b in itertools.combinations(theirs, 2)}
    return _agreement("Table 1", ours, paper, len(theirs))


def figure_agreement(growth: Growth) -> Agreement | None:
    """The verdicts on slopes over dense parameters against the paper's Figure 2; None as above."""
    laws = next(laws for laws in growth.laws if laws.column == DENSE)
    curves = paper_curves(FIGURE_2)
    contestants = {row.label: row.contestant for _, standings in growth.rungs for row in standings.rows}
    named_there = _of_both([(one.label, contestants[one.label]) for one in laws.fits], curves)
    slopes = {label: slope_per_decade(curves[contestant]) for label, contestant in named_there.items()}
    ours = {(pair.first, pair.second): SIGN.get(pair.slopes.verdict, 0) for pair in laws.pairs if pair.slopes}
    ours |= {(second, first): -sign for (first, second), sign in ours.items()}
    paper = {
        (a, b): _sign(slopes[a][0] - slopes[b][0], slopes[a][1] + slopes[b][1])
        for a, b in itertools.combinations(slopes, 2)
    }
    return _agreement("Figure 2, slopes", ours, paper, len(slopes))


def slope_per_decade(curve: Curve) -> tuple[float, float]:
    """Points of AUC per decade of dense parameters by least squares, and its error of reading."""
    x = np.log10(curve.dense_parameters)
    centred = x - x.mean()
    squares = float(centred @ centred)
    return float(centred @ np.asarray(curve.gains)) / squares, SIGNIFICANT / math.sqrt(squares)


def agreement_table(found: Sequence[tuple[str, Agreement]]) -> Table:
    """A row per (where, agreement)."""
    rows = []
    for where, one in found:
        both = one.same + one.opposite
        tau = "not defined" if one.tau is None else fixed(one.tau, 2, signed=True)
        tau = "too few contestants" if one.num < FEWEST else tau
        if one.low is not None and one.high is not None:
            tau += f" [{fixed(one.low, 2, signed=True)}, {fixed(one.high, 2, signed=True)}]"
        counts = (one.ours_only, one.paper_only, one.neither)
        rows.append(
            (
                *words(where, one.item, str(one.num), f"{one.same} of {both}", *map(str, counts)),
                Cell(text=tau),
            )
        )
    return Table(
        name="agreement",
        header=(
            "Where",
            "Paper",
            "Contestants",
            "Pairs of the same sign",
            "Decided here only",
            "In the paper only",
            "By neither",
            "Kendall's τ",
        ),
        rows=tuple(rows),
        num_text_columns=2,
        notes=(
            f"Against {named(RANKMIXER_TABLE)} and its Figure 2. Ours are verdicts, so ties are ties; the "
            f"paper's differences below {SIGNIFICANT} points, and slopes that the figure cannot tell apart, "
            "are ties too. Of several rows of one model, the one nearest to 100M counts. τ is τ-b over all "
            "pairs, with its 95 % interval by Fieller, Hartley and Pearson (1957), as if contestants were "
            f"drawn at random; there is none below {FEWEST} contestants.",
        ),
    )


def agreement_sentence(one: Agreement) -> str:
    """``Of 12 pairs that both decide, 9 have the paper's sign; Kendall's τ is +0.61 [0.10, 0.87].``"""
    both = one.same + one.opposite
    if not both:
        return f"Beside the paper's {one.item}: no pair is decided both here and there."
    text = (
        f"Beside the paper's {one.item}: of {both} pair{'s'[: both != 1]} decided in both, {one.same} "
        f"{'has' if one.same == 1 else 'have'} the paper's sign"
    )
    if one.tau is not None and one.low is not None and one.high is not None:
        low, high = fixed(one.low, 2, signed=True), fixed(one.high, 2, signed=True)
        text += f"; Kendall's τ is {fixed(one.tau, 2, signed=True)} [{low}, {high}]"
        text += "" if one.low > 0 or one.high < 0 else ", which leaves the order open"
    return f"{text}."


def inconsistencies(titles: Mapping[str, str]) -> str:
    """Where the paper's Figure 2 and Table 1 disagree about one model at about one size.

    Args:
        titles: contestant name → how to print it.
    """
    curves, told = paper_curves(FIGURE_2), []
    gains = gains_near(RANKMIXER_TABLE, "finish", AT_SIZE)
    for contestant, (gain, size) in gains.items():
        if contestant in curves:
            curve = curves[contestant]
            nearest = min(
                range(len(curve.gains)), key=lambda i: abs(math.log(curve.dense_parameters[i] / size))
            )
            there = curve.gains[nearest]
            if round(abs(there - gain), 2) >= SIGNIFICANT:
                at = short(curve.dense_parameters[nearest], DENSE)
                named_there = f"{titles.get(contestant, contestant)} {fixed(gain, 2, signed=True)}"
                told.append(
                    f"{named_there} at {short(size, DENSE)} in the table, "
                    f"{fixed(there, 2, signed=True)} at {at} in the figure"
                )
    return (
        f"RankMixer's Figure 2 and Table 1 disagree about {len(told)} models at nearly the same size: "
        f"{'; '.join(told)}. So its order of the baselines is not precise, and Table 1 is not of one size: "
        "five baselines have 19M to 48M dense parameters."
    )


def _of_both(labels: Sequence[tuple[str, str]], known: Mapping[str, object]) -> dict[str, str]:
    """Label → contestant, of contestants that the paper has and that one label has alone."""
    contestants = [contestant for _, contestant in labels]
    return {label: name for label, name in labels if name in known and contestants.count(name) == 1}


def _sign(difference: float, tie_below: float) -> int:
    """0 below `tie_below`; the paper's numbers have two decimals."""
    if round(abs(difference), 6) < round(tie_below, 6):
        return 0
    return 1 if difference > 0 else -1


def _agreement(
    item: str, ours: Mapping[tuple[str, str], int], paper: Mapping[tuple[str, str], int], num: int
) -> Agreement | None:
    if num < 3:
        return None
    pairs = [(ours.get(pair, 0), sign) for pair, sign in paper.items()]
    tau = kendall([a for a, _ in pairs], [b for _, b in pairs])
    ends = None if tau is None else kendall_interval(tau, num)
    return Agreement(
        item=item,
        num=num,
        same=sum(a * b > 0 for a, b in pairs),
        opposite=sum(a * b < 0 for a, b in pairs),
        ours_only=sum(a != 0 and b == 0 for a, b in pairs),
        paper_only=sum(a == 0 and b != 0 for a, b in pairs),
        neither=sum(a == 0 and b == 0 for a, b in pairs),
        tau=tau,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
    )
