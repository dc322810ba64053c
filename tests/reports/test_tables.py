"""The tables as people read them, and the sentences around them."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from reports import columns
from reports.answer_figure import answer_figure
from reports.columns import REFERENCE_TITLES, Column
from reports.prose import answer_sentences, held_equal, warnings
from reports.records.curves import mean_curves
from reports.records.frame import run_frame
from reports.records.sources import Sources
from reports.tables import comparison_table, glance_table, metrics_table
from reports.writing.drawing import marks
from reports.writing.sections import Cell, Table, words


def only(builder) -> Table:
    (standings,) = builder.standings()
    return comparison_table(standings)


def column(table: Table, title: str) -> list[str]:
    return [str(row[table.header.index(title)]) for row in table.rows]


def by_label(table: Table, title: str) -> dict[str, str]:
    return dict(zip(column(table, "Contestant"), column(table, title), strict=True))


def facts(builder) -> dict[str, str]:
    (study,) = builder.studies()
    return dict(held_equal(study).pairs)


def test_one_contestant_has_no_rank_and_no_difference(builder):
    for seed in range(2):
        builder.ok(builder.spec("rankmixer", seed))
    (standings,) = builder.standings()
    table = comparison_table(standings)
    assert "there is no other contestant to compare it with." in answer_sentences(standings)
    assert column(table, "Rank") == ["–", "", ""]
    assert column(table, "Contestant") == ["RankMixer", *REFERENCE_TITLES.values()]
    assert "Verdict" not in table.header
    assert "This comparison has no baseline" in " ".join(table.notes)


def test_one_seed_claims_nothing(builder):
    builder.three_contestants(seeds=1)
    (standings,) = builder.standings()
    table = comparison_table(standings)
    assert sorted(column(table, "Verdict")) == ["", "", "", "1 seed: no claim", "1 seed: no claim"]
    assert not any(bar for row in table.bars() for bar in row)
    glance = glance_table([standings])
    assert column(glance, "Best, and not told apart from it") == ["no claim"]
    assert "no difference can be judged" in answer_sentences(standings)


def test_no_common_seed_and_no_result_are_told_apart(builder):
    for seed in (0, 1):
        builder.ok(builder.spec("dlrm-mlp", seed))
        builder.ok(builder.spec("rankmixer", seed + 2))
        builder.failed(builder.spec("dcnv2", seed))
    table = only(builder)
    verdicts = by_label(table, "Verdict")
    assert verdicts["RankMixer"] == "no common seed"
    assert verdicts["DCNv2"] == "no result"
    assert by_label(table, "Seeds")["DCNv2"] == "0 (of 2)"


def test_missing_predictions_are_said_in_place_of_a_verdict(builder):
    for contestant in builder.titles:
        for seed in range(2):
            builder.ok(builder.spec(contestant, seed), predictions=contestant != "dcnv2")
    table = only(builder)
    assert by_label(table, "Verdict")["DCNv2"] == "undecided, predictions missing"
    assert "[" not in by_label(table, "Δ AUC to DLRM-MLP, points")["DCNv2"]
    assert "predictions are missing or damaged: DCNv2." in " ".join(table.notes)


def test_too_few_positives_are_said_in_place_of_a_verdict(builder):
    builder.three_contestants(positive_rate=0.005)
    (standings,) = builder.standings()
    table = comparison_table(standings)
    assert standings.num_positives == 15
    assert by_label(table, "Verdict")["RankMixer"] == "undecided, too little data"
    assert "the test split has 15 positives of the 30 that a claim needs" in " ".join(table.notes)
    assert standings.leaders() == ()


def test_too_few_users_with_both_classes_leave_uauc_undecided(builder):
    builder.three_contestants(num_users=20)
    (standings,) = builder.standings()
    row = next(row for row in standings.rows if row.label == "RankMixer")
    assert row.uauc_to_baseline.doubt == "20 users with both classes of the 30 that a claim needs"
    assert row.to_baseline.doubt == "20 users of the 30 that a claim needs"
    assert "too few for a verdict on UAUC" in " ".join(metrics_table(standings).notes)


def test_a_size_off_its_budget_is_marked(builder):
    for seed in range(2):
        builder.ok(builder.spec("tokenmixer-large", seed))  # the builder makes it 2.2 % too large
        builder.ok(builder.spec("rankmixer", seed))
    table = only(builder)
    styles = {str(row[1]): row[2].style for row in table.rows}
    assert styles == {
        "tokenmixer-large": "worse",
        "RankMixer": "",
        **dict.fromkeys(REFERENCE_TITLES.values(), ""),
    }
    assert "102k (+2.2 %)" in column(table, "Dense parameters")
    assert "differs from the budget by more than 2%: tokenmixer-large." in " ".join(table.notes)


def test_active_parameters_are_the_observed_ones_beside_the_planned(builder):
    builder.three_contestants(seeds=2)
    (standings,) = builder.standings()
    assert "Active parameters" not in comparison_table(standings).header
    observed = dataclasses.replace(standings.rows[0].metrics["auc"], mean=61_300.0)
    first = dataclasses.replace(standings.rows[0], active=observed)
    table = comparison_table(dataclasses.replace(standings, rows=(first, *standings.rows[1:])))
    assert column(table, "Active parameters")[0] == "61.3k (planned 100k)"
    assert column(table, "Active parameters")[1] == "100k"
    assert "FLOPs are counted for the planned ones." in " ".join(table.notes)


def test_ranks_are_intervals(builder):
    builder.three_contestants()
    (standings,) = builder.standings()
    shown = column(comparison_table(standings), "Rank")[:3]
    assert shown[0] == "1"
    for row, text in zip(standings.rows, shown, strict=True):
        first, last = row.rank
        assert text == (f"{first}–{last}" if first != last else f"{first}")


def test_the_glance_names_three_of_many_who_are_not_told_apart(builder):
    builder.three_contestants()
    (standings,) = builder.standings()
    rows = tuple(dataclasses.replace(standings.rows[0], label=letter) for letter in "ABCDE")
    ties = {pair: tie_of(standings) for pair in itertools.permutations("ABCDE", 2)}
    table = glance_table([dataclasses.replace(standings, rows=rows, pairs=ties)])
    assert column(table, "Best, and not told apart from it") == ["A, B, C, and 2 more"]


def tie_of(standings):
    """A difference of nothing."""
    found = next(iter(standings.pairs.values()))
    return dataclasses.replace(found, mean=0.0, adjusted_p_value=1.0, doubt="")


def test_the_glance_names_the_best_and_who_is_not_told_apart(builder):
    builder.three_contestants()
    (standings,) = builder.standings()
    table = glance_table([standings])
    assert column(table, "Best, and not told apart from it") == ["RankMixer"]
    second = standings.rows[1].label
    pairs = {
        pair: dataclasses.replace(value, half_width=0.5) if second in pair else value
        for pair, value in standings.pairs.items()
    }
    tied = dataclasses.replace(standings, pairs=pairs)
    assert column(glance_table([tied]), "Best, and not told apart from it") == [f"RankMixer, {second}"]
    assert f"and {second} is not told apart from it" in answer_sentences(tied)


def test_a_tie_whose_interval_excludes_zero_is_marked_and_explained(builder):
    builder.three_contestants()
    (standings,) = builder.standings()
    pairs = {
        pair: dataclasses.replace(value, half_width=0.9 * abs(value.mean), adjusted_p_value=0.126, family=3)
        for pair, value in standings.pairs.items()
    }
    rows = tuple(
        dataclasses.replace(row, to_baseline=pairs.get((row.label, "DLRM-MLP"))) for row in standings.rows
    )
    tied = dataclasses.replace(standings, pairs=pairs, rows=rows)
    table = comparison_table(tied)
    verdicts = by_label(table, "Verdict")
    assert verdicts["RankMixer"] == verdicts["DCNv2"] == "tie (p 0.13)"
    assert {bar.verdict for row in table.bars() for bar in row if bar} == {"tie"}
    (note,) = (note for note in table.notes if "excludes zero" in note)
    assert "RankMixer" in note
    assert "3 pairs are judged together" in note
    assert "Against DLRM-MLP: 2 tied." in answer_sentences(tied)
    assert {row.label for row in tied.leaders()} == set(builder.titles.values())
    image = answer_figure([tied], marks(builder.titles.values()))
    assert "Hollow: a tie all the same" in image.caption
    assert not any("excludes zero" in note for note in comparison_table(standings).notes)
    assert "Hollow" not in answer_figure([standings], marks(builder.titles.values())).caption


def test_the_widest_interval_fills_the_drawing(builder):
    builder.three_contestants()
    found = [bar for row in only(builder).bars() for bar in row if bar]
    assert len(found) == 2
    assert max(max(abs(bar.low - 50), abs(bar.high - 50)) for bar in found) == 46
    assert all(bar.low <= bar.mean <= bar.high for bar in found)


def test_metrics_table_has_user_columns_only_with_users(builder, new_store):
    without = new_store("without")
    builder.three_contestants()
    without.three_contestants(users=False)
    (with_users,) = builder.standings()
    (anonymous,) = without.standings()
    expected = ("Contestant", "Log loss", "Normalised entropy", "Calibration")
    assert metrics_table(anonymous).header == expected
    users = ("UAUC", "GAUC", "GAUC by positives", "Δ UAUC to DLRM-MLP, points")
    table = metrics_table(with_users)
    assert table.header == expected + users
    assert "are skipped" in " ".join(table.notes)


def test_what_is_attained_lies_between_logistic_regression_and_the_oracle(builder):
    builder.three_contestants()
    (standings,) = builder.standings()
    table = comparison_table(standings)
    assert column(table, "Attained, %")[-2:] == ["100", "0"]
    oracle = standings.references["oracle"]["auc"]
    for row, text in zip(standings.rows, column(table, "Attained, %"), strict=False):
        mean, half_width = (float(part) for part in text.split(" ± "))
        assert mean == pytest.approx(100 * (row.metrics["auc"].mean - 0.6) / (oracle - 0.6), abs=0.05)
        assert half_width == pytest.approx(100 * row.metrics["auc"].half_width / (oracle - 0.6), abs=0.05)


def test_without_references_nothing_is_said_to_be_attained(builder):
    for name in builder.titles:
        for seed in (0, 1):
            builder.ok(builder.spec(name, seed), references=False)
    table = only(builder)
    assert "Attained, %" not in table.header
    assert len(table.rows) == 3


def test_logistic_regression_stands_in_the_table_of_ones_own_data(builder):
    """There the true probabilities are unknown, so nothing is attained, but a floor is a floor."""
    builder.three_contestants(seeds=2)
    (standings,) = builder.standings()
    own = dataclasses.replace(standings, references={"logistic_regression": {"auc": 0.6}})
    table = comparison_table(own)
    assert by_label(table, "Test AUC")["logistic regression (no interactions)"] == "0.6000"


def test_a_best_contestant_below_logistic_regression_is_warned_of(builder):
    builder.three_contestants(seeds=2)
    (standings,) = builder.standings()
    assert not standings.best_below_floor()
    below = dataclasses.replace(standings, references={"logistic_regression": {"auc": 0.9}})
    frame = run_frame(builder.store.read().runs.values())
    assert "the best contestant is worse than logistic regression" in warnings(frame, [below])[0]
    assert "even the best contestant is worse than" in " ".join(comparison_table(below).notes)
    assert warnings(frame, [standings]) == ()


def test_adding_a_column_is_one_entry(builder, monkeypatch):
    """The page, Markdown, LaTeX and the terminal follow from the entry."""
    added = Column(title="Label length", cell=lambda row, _: Cell(text=str(len(row.label))))
    monkeypatch.setattr("reports.tables.COMPARISON", (*columns.COMPARISON, added))
    builder.three_contestants(seeds=2)
    (standings,) = builder.standings()
    for terminal in (True, False):
        table = comparison_table(standings, terminal=terminal)
        assert by_label(table, "Label length")["RankMixer"] == "9"
        assert by_label(table, "Label length")[REFERENCE_TITLES["oracle"]] == ""
    assert "Label length" in table.latex()


def test_latex_escapes_and_sets_symbols():
    table = Table(name="t", header=("Name", "Δ"), rows=(words("[a]_b & 2 % <$|", "−0.1 ± 0.2"),))
    assert table.latex().splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"Name & $\Delta$ \\",
        r"\midrule",
        r"{[}a]\_b \& 2 \% \textless{}\$\textbar{} & $-$0.1 $\pm$ 0.2 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_namesakes_among_data_sets_are_warned_of(builder):
    runs = [builder.ok(builder.spec("dcnv2", 0, fingerprint=fingerprint)) for fingerprint in "ab"]
    (warning,) = warnings(run_frame(runs), [])
    assert warning.startswith("2 different data sets are called toy")
    assert warnings(run_frame(runs[:1]), []) == ()


def test_what_was_held_equal(builder):
    run = builder.ok(builder.spec("dcnv2", 0))
    found = facts(builder)
    assert found["Data set"] == "toy, rev 1"
    assert found["Positive share"] == f"finish {run.metrics['test']['finish']['base_rate']:.4f}"
    assert found["Dense optimizer"] == "rmsprop, learning rate 0.01, decay 0, no clipping"
    assert found["Learning rates"] == "constant"


def test_learning_rates_that_fall_and_changed_values_are_said(builder):
    spec = builder.spec("dcnv2", 0)
    changed = dataclasses.replace(spec.protocol, cooldown=0.15, dense_lr=0.1)
    builder.ok(dataclasses.replace(spec, protocol=changed))
    found = facts(builder)
    assert found["Learning rates"] == "fall to 0 over the last 15 % of the steps"
    assert found["Protocol"].startswith("paper with cooldown 0.15, dense_lr 0.1: one pass")
    (study,) = builder.studies()
    assert study.title == "toy · paper, cooldown 0.15, dense_lr 0.1"


def test_several_passes_are_drawn_by_valid_auc(builder):
    for name in ("dcnv2", "rankmixer"):
        builder.ok(builder.spec(name, 0), epochs=5)
    found = mean_curves(builder.comparison(), Sources([builder.directory]))
    assert {curve.quantity for curve in found} == {"valid AUC, mean over tasks"}
    assert all(curve.step.size == 5 for curve in found)
