"""The verdict of a check of fairness, against independent forms of its numbers, and what the page says."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from bench.runs.record import Run
from bench.runs.study_record import Member, StudyRecord
from bench.training.protocols import PROTOCOLS, changed
from reports.datafiles import check_for_machines
from reports.records.comparison import Entry
from reports.tuning.fairness import Checked, Variant
from reports.tuning.fairness_section import fairness_table, left_out_table
from tests.reports.conftest import cost_of

USED = (0.7010, 0.7030, 0.7005)
BETTER = (0.7062, 0.7075, 0.7049)
WORSE = (0.6990, 0.7001, 0.6961)


def variant(varied: str, *areas: float | None, reason: str = "") -> Variant:
    """With a run of each seed, which diverged where there is no AUC."""
    seeds = range(len(areas))
    runs = pd.DataFrame({"status": ["diverged" if area is None else "ok" for area in areas]}, index=seeds)
    entry = Entry(label=varied, contestant="a", runs=runs, planned=tuple(seeds), reason=reason)
    return Variant(
        varied=varied,
        setting={},
        dense_lr=0.001,
        values={seed: area for seed, area in zip(seeds, areas, strict=True) if area is not None},
        entries={"toy": entry},
    )


def checked(used: Sequence[float | None], **neighbours: Sequence[float | None]) -> Checked:
    others = tuple(variant(name, *areas) for name, areas in neighbours.items())
    return Checked(label="A", used=variant("", *used), neighbours=others)


def test_gains_are_paired_means_and_the_deviation_is_pooled_over_every_setting():
    one = checked(USED, better=BETTER, worse=WORSE)
    assert one.best == "better"
    differences = [b - u for b, u in zip(BETTER, USED, strict=True)]
    assert one.gains["better"].mean == pytest.approx(statistics.fmean(differences))
    variances = [statistics.variance(areas) for areas in (USED, BETTER, WORSE)]
    assert one.deviation == pytest.approx(math.sqrt(statistics.fmean(variances)))


def test_the_interval_is_bonferronis_with_the_variance_of_a_difference_pooled_over_every_pair():
    one = checked(USED, better=BETTER, worse=WORSE)
    pairs = itertools.combinations((USED, BETTER, WORSE), 2)
    variance = statistics.fmean(
        statistics.variance([a - b for a, b in zip(first, second, strict=True)]) for first, second in pairs
    )
    quantile = scipy.stats.t.ppf(1 - 0.05 / 2 / 2, 2 * 2)
    assert one.gains["better"].half_width == pytest.approx(quantile * math.sqrt(variance / 3))
    assert one.gains["worse"].half_width == one.gains["better"].half_width


def test_the_intervals_hold_for_all_neighbours_together():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):
        areas = 0.7 + 0.002 * rng.normal(size=(10, 3)) + 0.001 * rng.normal(size=(1, 3))
        one = checked(areas[0], **{f"n{i}": row for i, row in enumerate(areas[1:])})
        held.append(all(gain.low <= 0 <= gain.high for gain in one.gains.values()))
    assert statistics.fmean(held) >= 0.94


def test_handicapped_is_more_than_two_seed_deviations():
    flat = (0.70, 0.71, 0.72)  # its deviation is 0.01, and so is that of its copies
    for gain, verdict in ((0.0201, "handicapped"), (0.0199, "not handicapped"), (-0.1, "not handicapped")):
        one = checked(flat, copy=[area + gain for area in flat], far=[area - 0.2 for area in flat])
        assert one.deviation == pytest.approx(0.01)
        assert one.verdict == verdict


def test_one_seed_has_gains_but_no_deviation_and_no_verdict():
    one = checked(USED[:1], better=BETTER[:1])
    assert one.gains["better"].mean == pytest.approx(BETTER[0] - USED[0])
    assert one.gains["better"].half_width is None
    assert (one.deviation, one.verdict, one.doubt) == (None, "undecided", "1 seed")


def test_a_setting_without_a_result_for_every_seed_is_not_compared():
    one = checked(USED, better=(0.9, None, 0.9), worse=WORSE)
    assert list(one.gains) == ["worse"]
    assert one.deviation == checked(USED, worse=WORSE).deviation
    assert one.neighbours[0].missing == "seed 1: diverged"
    lost = checked((0.7, None, 0.7), better=BETTER)
    assert lost.gains == {}
    assert lost.verdict == "undecided"
    assert lost.doubt == "no result of the setting in use (seed 1: diverged)"
    assert checked(USED, better=(None, None, None)).doubt == "no neighbour has a result for every seed"


def keep(
    builder,
    areas: Mapping[str, Mapping[str, Sequence[float | None]]],
    *,
    left_out: Mapping[str, str] | None = None,
    datasets: Sequence[str] = ("trees-3000-1",),
) -> None:
    """Keeps a check: title → what is varied, empty for the setting in use → valid AUC by seed.

    The second of two data sets has an AUC that is 0.1 higher, the second task one that is 0.02 higher.
    """
    members = []
    for title, of_one in areas.items():
        for (varied, of_seed), (place, dataset) in itertools.product(of_one.items(), enumerate(datasets)):
            setting = {"dense_lr": {"÷2": 0.0005, "×2": 0.002}[varied[-2:]]} if "dense_lr" in varied else {}
            shown = f"dense_lr {setting['dense_lr']:g}" if setting else varied
            for seed, area in enumerate(of_seed):
                spec = builder.spec(title.lower(), seed, dataset=dataset, hyperparameters={"is": varied})
                spec = dataclasses.replace(spec, protocol=changed(PROTOCOLS["short"], setting))
                test = {"finish": {"auc": 0.99}, "skip": {"auc": 0.99}}
                valid = {
                    "finish": {"auc": (area or 0) + 0.1 * place},
                    "skip": {"auc": (area or 0) + 0.1 * place + 0.02},
                }
                builder.store.append(
                    Run(
                        spec=spec,
                        status="diverged" if area is None else "ok",
                        cost=cost_of(spec),
                        metrics=None if area is None else {"valid": valid, "test": test},
                        training={},
                        error={"type": "Diverged", "message": "", "traceback": ""} if area is None else None,
                        environment={},
                        timings={},
                    )
                )
                members.append(
                    Member(
                        label=f"{title} · {shown}" if varied else title,
                        contestant=spec.contestant.name,
                        title=title,
                        dataset=spec.dataset,
                        budget=spec.budget,
                        seed=seed,
                        key=spec.key(),
                        setting=setting,
                        varied=varied or None,
                    )
                )
    for title, reason in (left_out or {}).items():
        member = next(member for member in members if member.label == title)
        label = f"{title} · num_layers 3"
        members.append(
            dataclasses.replace(
                member, label=label, seed=None, key=None, reason=reason, varied="num_layers 3"
            )
        )
    builder.store.append_study(
        StudyRecord(
            name="compare-fairness",
            kind="fairness",
            question="Would any contestant gain?",
            command="rankbench fairness compare",
            baseline=None,
            paper=None,
            members=tuple(members),
        )
    )


def shifted(areas: Sequence[float], gain: float) -> list[float]:
    return [area + gain for area in areas]


def rates(gain: float) -> dict[str, Sequence[float]]:
    return {"": USED, "dense_lr ÷2": shifted(USED, -gain), "dense_lr ×2": shifted(USED, gain)}


def test_a_check_is_read_from_the_record_pooled_over_tasks_and_data_sets(builder):
    keep(builder, {"A": rates(0.02)}, datasets=("rules-3000-1", "trees-3000-1"))
    ((check,),) = (study.checks for study in builder.studies())
    (one,) = check.contestants
    assert check.budget == "100k dense parameters"
    assert len(check.data) == 2
    assert one.used.values == pytest.approx({s: area + 0.05 + 0.01 for s, area in enumerate(USED)})
    assert {name: gain.mean for name, gain in one.gains.items()} == pytest.approx(
        {"dense_lr ÷2": -0.02, "dense_lr ×2": 0.02}
    )
    assert [v.dense_lr for v in one.variants] == [PROTOCOLS["short"].dense_lr, 0.0005, 0.002]


def test_the_page_answers_in_a_sentence_with_a_table_and_a_figure(builder, tmp_path):
    keep(
        builder,
        {
            "A": rates(0.0001),
            "B": {**rates(0.01), "initialisation torch": [0.8, None, 0.8]},
            "C": rates(0.002),
        },
        left_out={"A": "A cannot reach 100,000"},
    )
    files = builder.report(tmp_path / "report")
    page = files.markdown.read_text()
    deviation = statistics.stdev(USED)
    assert (
        "trees-3000-1, 100k dense parameters: 1 of 3 contestants is handicapped: B (dense\\_lr ×2 gains "
        f"+1.00 points of valid AUC, {0.01 / deviation:.1f} seed deviations)."
    ) in page
    ((check,),) = (study.checks for study in builder.studies())
    table = fairness_table(check)
    assert [str(row[0]) for row in table.rows] == ["B", "C", "A"]
    assert [str(row[1]) for row in table.rows] == ["handicapped", "not handicapped", "not handicapped"]
    assert [[str(cell) for cell in row] for row in left_out_table(check).rows] == [
        ["A", "num_layers 3", "A cannot reach 100,000"],
        ["B", "initialisation torch", "seed 1: diverged"],
    ]
    assert [path.name.partition("-")[0] for path in files.figures] == ["rate", "rate"]
    flat = pd.read_csv(tmp_path / "report" / "tables" / "fairness.csv", keep_default_na=False)
    assert len(flat) == 3 * 4 - 1
    assert "B · initialisation torch" in page.partition("## Failures")[2]
    assert files.checks[0].contestants[1].verdict == "handicapped"


def test_none_handicapped_says_who_is_nearest(builder, tmp_path):
    keep(builder, {"A": rates(0.0001), "C": rates(0.002)})
    page = builder.report(tmp_path / "report").markdown.read_text()
    assert "none of 2 contestants is handicapped. C is nearest to it (dense\\_lr ×2 gains +0.20" in page


def test_one_seed_says_that_there_is_no_verdict(builder, tmp_path):
    keep(builder, {"A": {name: of[:1] for name, of in rates(0.01).items()}})
    page = builder.report(tmp_path / "report").markdown.read_text()
    assert "one seed has no deviation, so there is no verdict on any contestant" in page
    assert "undecided (1 seed)" in page


def test_for_machines_gains_are_numbers(builder):
    keep(builder, {"A": rates(0.01)}, left_out={"A": "too small"})
    ((check,),) = (study.checks for study in builder.studies())
    (told,) = check_for_machines(check)["contestants"]
    assert told["best"] == "dense_lr ×2"
    assert told["gain"]["mean"] == pytest.approx(0.01)
    assert told["seed_deviation"] == pytest.approx(statistics.stdev(USED))
    assert told["neighbours"][2] == {
        "varied": "num_layers 3",
        "setting": {},
        "valid_auc": None,
        "gain": None,
        "left_out": "too small",
    }
