"""The sentences of an ablation: the answer, how many signs of the paper are found, and how arms were made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.ablation.judged import Ablation, Arm
from reports.judge.statistics import Difference
from reports.prose import listed, listed_labels, quoted
from reports.records.comparison import Comparison, Study
from reports.writing.notation import fixed, points, setting_value

MOST_NAMED = 4
"""How many arms of a kind a sentence names."""
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SIZED = {
    "as_baseline": "the hyper-parameters of the base, but for what an arm changes",
    "baseline": "solved for the dense parameters of the base, or a share of them",
    "budget": "solved for the budget",
    "given": "as given",
}
"""How an arm is sized, as the record says it → in words."""
OTHER_DATA = "The paper's data and scale are different: compare signs and orders, not sizes."


def answer(ablation: Ablation) -> str:
    """What each arm loses or gains; of lines, what the last point of each does. Ends with a full stop."""
    if not ablation.arms:
        return "There is no arm to judge."
    return _answer_of_lines(ablation) if ablation.lines else _answer_of_arms(ablation)


def agreement(ablation: Ablation) -> str:
    """How many of the paper's signs are found here; empty where the paper has none for these arms."""
    verdicts = [_agrees(arm) for arm in ablation.arms if _sign(arm)]
    if not verdicts:
        return ""
    same, opposite, tie, none = (verdicts.count(each) for each in ("same", "opposite", "tie", "none"))
    if len(verdicts) == 1:
        told = {
            "same": "is found",
            "opposite": "is the opposite",
            "tie": "cannot be told from 0",
            "none": "gets no verdict",
        }
        return f"The sign that the paper has {told[verdicts[0]]} here."
    if same == len(verdicts):
        return f"All {_number(same)} signs of the paper are found here."
    if none == len(verdicts):
        return f"None of the paper's {_number(none)} signs has a verdict here."
    parts = [f"{_counted(same)} found here"]
    parts += [f"{_counted(opposite)} the opposite"] if opposite else []
    parts += [f"{_number(tie)} cannot be told from 0"] if tie else []
    parts += [f"{_number(none)} {'has' if none == 1 else 'have'} no verdict here"] if none else []
    return f"Of the paper's {_number(len(verdicts))} signs, {listed(parts)}."


def made(study: Study, ablations: Sequence[Ablation]) -> str:
    """How the arms were sized, and by which setting they were trained; empty without an arm."""
    if not ablations[0].arms:
        return ""
    by_size: dict[str, list[str]] = {}
    for arm in ablations[0].arms:
        if arm.sized is not None:
            by_size.setdefault(arm.sized, []).append(arm.label)
    sentences = []
    for sized, labels in by_size.items():
        every = len(by_size) == 1
        of = "the arms" if every else named(labels)
        sentences.append(f"Size of {of}: {_SIZED[sized]}.")
    if study.tuned is None:
        sentences.append("All are trained by the protocol of the base.")
    else:
        sentences.append(f"All are trained by the setting that was tuned for the base: {study.tuned}.")
    return " ".join(sentences)


def decided_otherwise(study: Study, comparison: Comparison) -> str:
    """Which arms sized at the budget differ from the base in what the budget decides; empty where none does.

    What an arm sets itself does not count.
    """
    base = next(entry for entry in comparison.entries if entry.label == comparison.baseline)
    told: dict[str, dict[str, Any]] = {}
    for entry in comparison.entries if comparison.budget_target else ():
        names = study.decided.get(entry.contestant) or study.decided.get(base.contestant, ())
        own, of_base = entry.hyperparameters, base.hyperparameters
        shared = sorted({*names} & own.keys() & of_base.keys() - entry.setting.keys())
        differing = {name: own[name] for name in shared if own[name] != of_base[name]}
        if differing and entry.sized == "budget":
            told[entry.label] = differing
    if not told:
        return ""
    names = sorted({name for differing in told.values() for name in differing})
    if len(told) > MOST_NAMED:
        return f"At the budget, {named([*told])} have another {' or '.join(names)} than the base."
    arms = [f"{quoted(label)} has {_values(differing)}" for label, differing in told.items()]
    bases = _values({name: base.hyperparameters[name] for name in names})
    return f"At the budget, {', '.join(arms)}; the base has {bases}."


def _values(values: Mapping[str, Any]) -> str:
    return listed([f"{name} {setting_value(value)}" for name, value in values.items()])


def changed(label: str) -> str:
    """An arm as an adverbial: ``without token mixing``, ``with k = 8``."""
    if label.lower().startswith("no "):
        return f"without {label[3:].replace(', no ', ' and ')}"
    return label if label.startswith(("without ", "with ")) else f"with {quoted(label)}"


def named(labels: Sequence[str], noun: str = "arms") -> str:
    """Labels in a sentence; of many only how many there are, of what `noun` says."""
    if len(labels) > MOST_NAMED:
        return f"{_number(len(labels))} {noun}"
    return listed_labels(labels)


def _answer_of_arms(ablation: Ablation) -> str:
    base = quoted(ablation.base.label)
    found = {
        verdict: _of_verdict(ablation, verdict) for verdict in ("worse", "better", "tie", "undecided", "")
    }
    clauses: list[str] = []
    for verdict, verb in (("worse", "loses"), ("better", "gains")):
        if arms := found[verdict]:
            clauses.append(_changes(arms, verb, base="it" if clauses else base))
    if ties := found["tie"]:
        rest = not found["undecided"] and not found[""]
        clauses.append(_ties(ties, base, others=bool(clauses), rest=rest))
    if undecided := found["undecided"]:
        doubts = {arm.standing.to_baseline.doubt for arm in undecided if arm.standing.to_baseline}
        clauses.append(f"no difference can be judged of {_named(undecided)} ({listed(sorted(doubts))})")
    if without := found[""]:
        clauses.append(_without(without))
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _of_verdict(ablation: Ablation, verdict: str) -> list[Arm]:
    """The arms of that verdict, the largest difference first."""
    found = [arm for arm in ablation.arms if arm.standing.verdict == verdict]
    return sorted(
        found, key=lambda arm: -abs(arm.standing.to_baseline.mean) if arm.standing.to_baseline else 0.0
    )


def _changes(arms: Sequence[Arm], verb: str, *, base: str) -> str:
    """``without token mixing, RankMixer loses 0.31 [0.22, 0.40] points of AUC, with shared FFN 0.12 […]``."""
    parts = [f"{changed(arm.label)} {_size(arm.standing.to_baseline)}" for arm in arms[1:MOST_NAMED]]
    first = f"{changed(arms[0].label)}, {base} {verb} {_size(arms[0].standing.to_baseline)} points of AUC"
    if more := len(arms) - MOST_NAMED if len(arms) > MOST_NAMED else 0:
        parts.append(f"with {_number(more)} more {'arms' if more > 1 else 'arm'} less")
    return ", ".join([first, *parts])


def _ties(ties: Sequence[Arm], base: str, *, others: bool, rest: bool) -> str:
    """
    Args:
        others: whether other arms were named before; `rest`: whether these are all that are left.
    """
    if others and rest:
        return "the other arm ties" if len(ties) == 1 else f"the other {_number(len(ties))} arms tie"
    if len(ties) == 1:
        return f"no difference to {base} is found {changed(ties[0].label)}"
    counted = "both" if rest and len(ties) == 2 else f"{'all ' if rest else ''}{_number(len(ties))}"
    return f"{counted} arms tie with {base}"


def _answer_of_lines(ablation: Ablation) -> str:
    """The last point of each line that has a difference, and which arms have none."""
    by_point: dict[str, list[str]] = {}
    for line, arms in ablation.lines.items():
        last = next((arm for arm in reversed(arms) if arm.standing.to_baseline), None)
        if last is None:
            continue
        aside = {"tie": ", a tie", "undecided": ", no verdict"}.get(last.standing.verdict, "")
        if last.standing.to_baseline and last.standing.to_baseline.is_tie_by_family:
            aside = ", a tie because arms are judged together"
        if last.share is not None and last.share.misses:
            aside += f", with {fixed(100 * last.share.observed, 1)} % of its experts active"
        said = f"{line or last.label} {points(last.standing.to_baseline)}{aside}"
        by_point.setdefault(str(last.point), []).append(said)
    sentences = [
        f"at {point}, in points of AUC against {quoted(ablation.base.label)}: {'; '.join(said)}"
        for point, said in by_point.items()
    ]
    if without := [arm for arm in ablation.arms if arm.standing.to_baseline is None]:
        sentences.append(_without(without))
    text = ". ".join(f"{sentence[0].upper()}{sentence[1:]}" for sentence in sentences)
    return f"{text}."


def _without(arms: Sequence[Arm]) -> str:
    return f"there is no result to compare for {_named(arms)}"


def _sign(arm: Arm) -> int:
    """That of the paper's difference; 0 where it has none, or not the same at all its sizes.

    A value that was read off a figure has no sign if it is within the error of reading.
    """
    signs = {0 if abs(paper.auc) <= paper.precision else math.copysign(1, paper.auc) for paper in arm.paper}
    return int(signs.pop()) if len(signs) == 1 else 0


def _agrees(arm: Arm) -> str:
    """Whether our difference has the paper's sign: ``same``, ``opposite``, ``tie`` or, unjudged, ``none``."""
    if arm.standing.verdict not in ("better", "worse"):
        return "tie" if arm.standing.verdict == "tie" else "none"
    return "same" if (arm.standing.verdict == "better") == (_sign(arm) > 0) else "opposite"


def _size(value: Difference | None) -> str:
    """``0.31 [0.22, 0.40]``, without its sign."""
    assert value is not None
    turned = value if value.mean > 0 else value.reversed()
    mean, low, high = (fixed(100 * part, 2) for part in (turned.mean, turned.low, turned.high))
    return f"{mean} [{low}, {high}]"


def _named(arms: Sequence[Arm]) -> str:
    return named([arm.label for arm in arms])


def _counted(number: int) -> str:
    return "none is" if number == 0 else f"{_number(number)} {'is' if number == 1 else 'are'}"


def _number(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)
