"""The sentences of the page: the answers, what was held equal, and warnings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.judge.standings import Standings
from reports.records.comparison import Comparison, Entry, Study
from reports.records.implied import changed_values
from reports.writing.notation import estimate, fixed, setting_value
from reports.writing.sections import Facts

TUNED = "tuned"
"""Stands for a protocol value that each entrant has its own of."""


def answer_sentences(standings: Standings) -> str:
    """Who is best, who is not told apart from it, and the verdicts against the baseline."""
    where = f"{standings.data}, {standings.budget}, task {standings.task}"
    best = standings.best
    if best is None:
        return f"{where}: no contestant has a test AUC."
    leaders = standings.leaders()
    others = [row.label for row in leaders[1:]]
    area = f"test AUC {estimate(best.metrics['auc'], 4)}"
    if len(standings.rows) == 1:
        answer = f"{best.label} has {area}; there is no other contestant to compare it with"
    elif not leaders:
        answer = f"{best.label} has the highest AUC ({area}), but no difference can be judged"
    elif others:
        named = listed_labels(others) if len(others) <= 4 else f"{len(others)} others"
        verb = "is" if len(others) == 1 else "are"
        answer = f"{best.label} is best ({area}), and {named} {verb} not told apart from it"
    else:
        answer = f"{best.label} is best ({area}), ahead of all others"
    verdicts = Counter(row.verdict for row in standings.rows if row.verdict)
    if standings.baseline is None or not verdicts:
        return f"{where}: {answer}."
    counted = listed(
        [
            f"{verdicts[verdict]} {word}"
            for verdict, word in (
                ("better", "better"),
                ("tie", "tied"),
                ("worse", "worse"),
                ("undecided", "undecided"),
            )
            if verdicts[verdict]
        ]
    )
    return f"{where}: {answer}. Against {standings.baseline}: {counted}."


def held_equal(study: Study) -> Facts:
    """What all entrants of a study share, by data set, and how single entrants differ."""
    entries = [entry for comparison in study.comparisons for entry in comparison.entries]
    pairs: list[tuple[str, str]] = []
    seen = set()
    for comparison in study.comparisons:
        if comparison.data not in seen:
            seen.add(comparison.data)
            pairs += _data_facts(comparison, study)
    pairs += _feature_facts(entries)
    equal = [entry for comparison in study.equal for entry in comparison.entries]
    protocol, others = _usual(equal or entries, "protocol")
    if study.tuned is not None:
        pairs.append(("Tuned", study.tuned))
        others = []  # their settings have a table
        if protocol and not equal:
            tuned = {name: TUNED for entry in entries for name in entry.setting if name in protocol}
            protocol |= {**tuned, "name": protocol["name"].partition(", ")[0]}
    if protocol:
        pairs += _protocol_facts(protocol)
    pairs += [(f"Protocol of {label}", _unlike(values, protocol)) for label, values in others]
    return Facts(pairs=tuple(pairs))


def warnings(frame: pd.DataFrame, every_standings: Sequence[Standings]) -> tuple[str, ...]:
    """Sentences for the top of the page: data sets of the same name, and comparisons below the floor."""
    kinds = frame[["dataset", "dataset_rev", "fingerprint"]].drop_duplicates().groupby("dataset").size()
    namesakes = [
        f"{count} different data sets are called {name} (by rev or fingerprint). They are reported apart and "
        "must not be compared with each other."
        for name, count in kinds.items()
        if count > 1
    ]
    below = [
        f"{standings.study}, {standings.data}, {standings.budget}, task {standings.task}: the best "
        "contestant is worse than logistic regression without interactions."
        for standings in every_standings
        if standings.best_below_floor()
    ]
    return (*namesakes, *below)


def listed(texts: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def quoted(label: str) -> str:
    """With quotation marks where a comma of its own would part it from the rest of a sentence."""
    return f"“{label}”" if ", " in label else label


def listed_labels(labels: Iterable[str]) -> str:
    """``a, “b, with c” and d``."""
    return listed([quoted(label) for label in labels])


def _data_facts(comparison: Comparison, study: Study) -> list[tuple[str, str]]:
    """Of one data set; its name leads each fact where the study has several."""
    several = len({other.data for other in study.comparisons}) > 1
    of = f" of {comparison.data}" if several else ""
    return [
        (f"Data set{of}", f"{comparison.dataset}, rev {comparison.dataset_rev}"),
        (f"Fingerprint{of}", comparison.fingerprint[:16]),
        *([(f"Training rows{of}", _last_rows(comparison))] if comparison.train_rows else []),
        (f"Positive share{of}", _base_rates(comparison)),
    ]


def _usual(entries: Sequence[Entry], column: str) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    """The values that most entrants have, and (label, values) of each entrant with others."""
    found = {
        entry.label: text for entry in entries if not entry.runs.empty for text in entry.runs[column].unique()
    }
    if not found:
        return {}, []
    usual = Counter(found.values()).most_common(1)[0][0]
    return json.loads(usual), [(label, json.loads(text)) for label, text in found.items() if text != usual]


def _feature_facts(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """The features that all share; where they do not, that they differ and whose are which."""
    labels: dict[str, list[str]] = {}
    for entry in entries:
        for text in () if entry.runs.empty else entry.runs["features"].unique():
            if entry.label not in labels.setdefault(text, []):
                labels[text].append(entry.label)
    told = [(listed_labels(of), _features(json.loads(text))) for text, of in labels.items()]
    if len(told) == 1:
        return [("Features", told[0][1])]
    differ = [("Features", "they differ between contestants")] if told else []
    return differ + [(f"Features of {who}", features) for who, features in told]


def _features(features: Mapping[str, Any]) -> str:
    widths = "".join(f", {name} {width}" for name, width in sorted(features["widths"].items()))
    gate = "" if features["gate"] == "none" else f"; multiplied by a gate, {features['gate']}"
    return f"embedding width {features['width']}{widths}; sequences by {features['sequence_encoder']}{gate}"


def _protocol_facts(protocol: Mapping[str, Any]) -> list[tuple[str, str]]:
    epochs, patience = protocol["epochs"], protocol["patience"]
    passes = "one pass" if epochs == 1 else f"up to {epochs} passes, patience {patience}"
    clip = protocol["gradient_clip"]
    clipping = "no clipping" if clip is None else f"gradient norm at most {clip:g}"
    changed = changed_values(protocol)
    name = f"{protocol['name']} with {changed}" if changed else protocol["name"]
    return [
        ("Protocol", f"{name}: {passes}, batches of {_rows(protocol['batch_size'])}"),
        (
            "Dense optimizer",
            f"{protocol['dense_optimizer']}, learning rate {setting_value(protocol['dense_lr'])}, "
            f"decay {setting_value(protocol['dense_decay'])}, {clipping}",
        ),
        (
            "Sparse optimizer",
            f"adagrad, learning rate {setting_value(protocol['sparse_lr'])}, "
            f"initial accumulator {setting_value(protocol['sparse_initial_accumulator'])}",
        ),
        (
            "Learning rates",
            f"fall to 0 over the last {100 * protocol['cooldown']:g} % of the steps"
            if protocol["cooldown"]
            else "constant",
        ),
    ]


def _rows(size: int | str) -> str:
    return "a tuned size" if size == TUNED else f"{size:,} rows"


def _unlike(values: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """The values that are not the usual ones."""
    return ", ".join(
        f"{name} {value} instead of {usual.get(name)}"
        for name, value in values.items()
        if name != "name" and value != usual.get(name)
    )


def _last_rows(comparison: Comparison) -> str:
    return f"the last {comparison.train_rows:,}; valid and test are those of all"


def _base_rates(comparison: Comparison) -> str:
    rates = []
    for task in comparison.tasks:
        values = [entry.values(f"test.{task}.base_rate") for entry in comparison.entries]
        known = [float(of_entry.iloc[0]) for of_entry in values if not of_entry.empty]
        rates += [f"{task} {fixed(known[0], 4)}"] if known else []
    return ", ".join(rates) or "unknown: no run succeeded"
