"""What a ladder says, in sentences: each claim rests on an interval or a verdict, and doubt is said.

Slopes differ where Holm's method over all pairs says so. A crossing is named only where two slopes differ in
this sense and the interval of the crossing lies inside the measured range.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reports.ladder.by_rows import rows_sentence
from reports.ladder.growth import Growth, Laws
from reports.prose import answer_sentences, listed, listed_labels
from reports.scaling.comparison import Pair
from reports.scaling.intervals import Interval
from reports.scaling.selection import FALLING, FLAT, PEAKED
from reports.writing.notation import fixed, short

MOST_NAMED = 4
"""Names in one list; of more, their number."""
MOST_CROSSINGS = 3
CONTESTANTS = "contestants"


def answers(growth: Growth) -> list[str]:
    """The answer, then what it cannot say and how small an experiment tells the same; paragraphs."""
    laws = growth.main
    found = [f"{answer_sentences(growth.largest)} {slopes_sentence(laws)}"]
    told = [
        crossing_sentence(laws),
        shapes_sentence(laws),
        asymptote_sentence(laws),
        decision_sentence(growth),
        rows_sentence(growth.by_rows) if growth.by_rows else "",
    ]
    return [*found, *([text] if (text := " ".join(filter(None, told))) else [])]


def slopes_sentence(laws: Laws) -> str:
    """Whose gain per doubling is steepest, and which slopes differ from it."""
    if not laws.fits:
        why = Counter(laws.refused.values()).most_common(1)
        reason = _general(why[0][0]) if why else "no run succeeded"
        return f"No law is fitted over {laws.size}: {reason}."
    top = max(laws.fits, key=lambda one: (one.gain_per_doubling.value, one.label))
    over = f"per doubling of {laws.size}"
    gain = gain_text(top.gain_per_doubling, laws)
    if len(laws.fits) == 1:
        return f"{top.label} gains {gain} {over}; no other contestant has a law to compare it with."
    verdicts = {one.label: _against(laws, top.label, one.label) for one in laws.fits if one is not top}
    by_verdict = {
        verdict: [label for label, found in verdicts.items() if found == verdict]
        for verdict in ("steeper", "tie", "undecided")
    }
    num_pairs = sum(pair.slopes is not None and pair.slopes.adjusted is not None for pair in laws.pairs)
    if not num_pairs:
        return (
            f"{top.label} has the highest gain {over}, {gain}, but no slopes can be compared, for lack of "
            "repeated seeds."
        )
    holm = f"(Holm's method, {num_pairs} pair{'s'[: num_pairs != 1]})"
    if not by_verdict["steeper"]:
        if any(_decided(pair) for pair in laws.pairs):
            others = sum(_decided(pair) for pair in laws.pairs)
            return (
                f"{top.label} has the highest gain {over}, {gain}, but it is not told apart from that of any "
                f"other; {others} other pair{'s'[: others != 1]} of slopes differ {holm}."
            )
        return f"No two gains {over} are told apart {holm}; the highest is {gain} ({top.label})."
    all_others = len(by_verdict["steeper"]) == len(verdicts) > 1
    behind = "all others" if all_others else _named(by_verdict["steeper"])
    text = f"{top.label} gains most {over}, {gain}: more than {behind}"
    if by_verdict["tie"]:
        text += f", and not told apart from {_named(by_verdict['tie'])}"
    if by_verdict["undecided"]:
        text += f"; not compared with {_named(by_verdict['undecided'])}"
    return f"{text} {holm}."


def crossing_sentence(laws: Laws) -> str:
    """Who overtakes whom, and where; empty without a comparison of slopes."""
    if not any(pair.slopes and pair.slopes.adjusted is not None for pair in laws.pairs):
        return ""
    found = [pair for pair in laws.pairs if crosses(pair)]
    if not found:
        return "No law is shown to overtake another inside the measured range."
    found.sort(key=lambda pair: (_crossing_size(pair), pair.first, pair.second))
    texts = []
    for pair in found[:MOST_CROSSINGS]:
        crossing = pair.crossing
        assert crossing is not None
        behind = pair.second if crossing.ahead_after == pair.first else pair.first
        size = short(_crossing_size(pair), laws.column)
        low, high = (short(end or 0.0, laws.column) for end in (crossing.low, crossing.high))
        texts.append(f"{crossing.ahead_after} overtakes {behind} at {size} [{low}, {high}]")
    more = len(found) - len(texts)
    ending = f"; {more} more pair{'s'[: more != 1]} cross, see the table" if more else ""
    return f"{listed(texts)} {laws.size}{ending}."


def shapes_sentence(laws: Laws) -> str:
    """Ladders that do not simply rise; empty where all do."""
    told = (
        (FLAT, "No trend with size is found for"),
        (FALLING, "Larger is worse for"),
        (PEAKED, "Larger is worse beyond an optimum for"),
    )
    texts = []
    for trend, text in told:
        labels = [one.label for one in laws.fits if one.trend == trend]
        if labels:
            texts.append(f"{text} {_named(labels, CONTESTANTS)}.")
    return " ".join(texts)


def asymptote_sentence(laws: Laws) -> str:
    """For whom no asymptote can be told; empty where no law is fitted."""
    known = [one for one in laws.fits if one.identified]
    unknown = [one for one in laws.fits if not one.identified]
    if not unknown:
        return "An asymptote is identified for every contestant." if known else ""
    if known:
        names = _named([one.label for one in known], CONTESTANTS)
        others = _named([one.label for one in unknown])
        return f"An asymptote is identified for {names}, and not for {others}."
    reasons = {one.reason for one in unknown}
    why = f": {reasons.pop()}" if len(reasons) == 1 else ""
    return f"No asymptote is identified{why}."


def decision_sentence(growth: Growth) -> str:
    """Of the pairs that each smaller budget decides, how many the largest decides in the same way."""
    largest = growth.budget(growth.rungs[-1][0].budget_target)
    if not growth.accuracies or all(len(standings.rows) < 2 for _, standings in growth.rungs):
        return ""
    texts = []
    for one in growth.accuracies:
        if one.decided:
            pairs = f"decided pair{'s'[: one.decided != 1]}"
            texts.append(
                f"at {growth.budget(one.budget)}, {one.same} of {one.decided} {pairs} "
                f"{'has' if one.same == 1 else 'have'} the verdict of {largest}"
            )
        else:
            texts.append(f"at {growth.budget(one.budget)}, no pair is decided")
    text = "; ".join(texts)
    return f"{text[0].upper()}{text[1:]}."


def missing_sentences(growth: Growth) -> list[str]:
    """What the ladder lacks, and what that does to it; empty where nothing is missing."""
    texts = []
    by_label: dict[str, list[str]] = {}
    for gap in growth.gaps:
        what = "no result" if gap.whole else "fewer seeds"
        by_label.setdefault(gap.label, []).append(f"{gap.budget}: {what} ({gap.why})")
    if by_label:
        told = "; ".join(f"{label} at {', '.join(where)}" for label, where in by_label.items())
        texts.append(f"Missing: {told}. Laws use the runs that succeeded, so they say nothing of the others.")
    if growth.left_out:
        texts.append(f"Not used: {'; '.join(growth.left_out)}.")
    labels = {row.label for row in growth.largest.rows if row.metrics}
    absent = [one.label for one in growth.main.fits if one.label not in labels]
    if absent:
        texts.append(
            f"{_named(absent, CONTESTANTS)} {'has' if len(absent) == 1 else 'have'} no result at the "
            f"largest budget, so the answer there does not speak of {'it' if len(absent) == 1 else 'them'}."
        )
    return texts


def gain_text(value: Interval, laws: Laws) -> str:
    """``0.21 points [0.19, 0.23]``; a point is 0.01 of AUC."""
    decimals = 3 if abs(value.value) < 0.001 else 2
    text = f"{fixed(100 * value.value, decimals)} points of {laws.metric.title}"
    if value.low is None or value.high is None:
        return text
    return f"{text} [{fixed(100 * value.low, decimals)}, {fixed(100 * value.high, decimals)}]"


def crosses(pair: Pair) -> bool:
    """Do the slopes differ, and does the interval of the crossing lie inside the common range?"""
    found = pair.crossing
    if not _decided(pair) or found is None or found.size is None:
        return False
    return bool(found.low) and found.high is not None and found.high < float("inf")


def _crossing_size(pair: Pair) -> float:
    assert pair.crossing is not None
    assert pair.crossing.size is not None
    return pair.crossing.size


def _decided(pair: Pair) -> bool:
    return pair.slopes is not None and pair.slopes.verdict in ("steeper", "flatter")


def _against(laws: Laws, first: str, second: str) -> str:
    """The verdict on the slope of `first` against `second`: steeper, flatter, tie or undecided."""
    pair = laws.pair(first, second)
    if pair is None or pair.slopes is None:
        return "undecided"
    verdict = pair.slopes.verdict
    turned = {"steeper": "flatter", "flatter": "steeper"}
    return verdict if pair.first == first else turned.get(verdict, verdict)


def _named(labels: Sequence[str], noun: str = "others") -> str:
    return listed_labels(labels) if len(labels) <= MOST_NAMED else f"{len(labels)} {noun}"


def _general(reason: str) -> str:
    """A refusal without the name of the contestant that it is of."""
    return reason.partition(" have ")[2] or reason
