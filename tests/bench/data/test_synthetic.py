"""The synthetic data set: what is logged, and that it is the same however it is made."""

import numpy as np
import pytest

from bench.data.dataset import SPLITS, Rows
from bench.data.schema import FIRST_ID, GROUPS, MISSING_ID, UNKNOWN_ID
from bench.data.synthetic import FAMILIES, dataset_name, generate, schema, synthesize
from bench.data.synthetic import population as p
from bench.data.synthetic.events import FIRST_SECOND, draw_events
from bench.data.synthetic.truth import draw_truth, probability
from bench.errors import BadInput
from bench.metrics import auc

ROWS = 22_000


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    return {f: synthesize(directory / f, family=f, rows=ROWS, seed=0) for f in FAMILIES}


@pytest.fixture(scope="module")
def rows(datasets):
    return all_rows(datasets["rules"])


def all_rows(dataset):
    """The rows of all splits in the order they were made."""
    columns = [dict(dataset.splits[split].columns()) for split in SPLITS]
    return Rows.from_columns(
        {name: np.concatenate([split[name] for split in columns]) for name in columns[0]}
    )


def column(rows, name):
    return rows.categorical[:, [field.name for field in schema().of_kind("categorical")].index(name)]


def number(rows, name):
    return rows.numeric[:, [field.name for field in schema().of_kind("numeric")].index(name)]


@pytest.mark.parametrize("family", FAMILIES)
def test_chunks_and_processes_leave_no_trace(datasets, family, tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "CHUNK_ROWS", 9_999)
    again = synthesize(tmp_path / "again", family=family, rows=ROWS, seed=0, processes=2)
    assert again.fingerprint == datasets[family].fingerprint
    assert again.name == dataset_name(family, ROWS, 0) == f"{family}-{ROWS}-0"
    assert again.source == {"generator": "synthetic", "family": family, "seed": 0, "rows": ROWS}


def test_a_row_does_not_depend_on_how_many_there_are(rows, tmp_path):
    shorter = synthesize(tmp_path / "shorter", family="rules", rows=5_003, seed=0)
    expected = dict(rows.take(slice(5_003)).columns())
    for name, array in all_rows(shorter).columns():
        assert np.array_equal(array, expected[name], equal_nan=name == "numeric"), name


def test_the_seed_decides_the_content(rows, tmp_path):
    other = synthesize(tmp_path / "other", family="rules", rows=11, seed=1).splits["train"]
    few = rows.take(slice(8))
    assert not np.array_equal(other.categorical, few.categorical)
    assert not np.array_equal(other.probability, few.probability)


def test_families_share_their_events_and_differ_in_labels(datasets):
    first, *others = (dict(all_rows(datasets[family]).columns()) for family in FAMILIES)
    for other in others:
        for name, array in first.items():
            if name in ("label", "probability"):
                assert np.mean(array != other[name]) > 0.2
            else:
                assert np.array_equal(array, other[name], equal_nan=name == "numeric"), name


def test_splits_follow_each_other_in_time(datasets, rows):
    assert datasets["rules"].rows == {"train": 16_000, "valid": 2_000, "test": 4_000}
    assert np.array_equal(rows.time, FIRST_SECOND + np.arange(ROWS))


def test_the_schema_has_the_shape_of_a_feed(datasets):
    fields = schema().fields
    assert schema() == datasets["rules"].schema
    assert {field.group for field in fields} == set(GROUPS)
    assert len(fields) >= 40
    assert schema().tasks == ("finish", "skip")
    known = [field.cardinality - FIRST_ID for field in fields if field.kind != "numeric"]
    assert (min(known), max(known)) == (2, 1_000_000)
    assert len(set(known)) > 20
    assert [field.table for field in schema().of_kind("sequence")] == ["item", "category", "author"]


def test_only_the_fields_that_say_so_have_gaps(rows):
    for i, field in enumerate(schema().of_kind("categorical")):
        ids = rows.categorical[:, i]
        assert not (ids == UNKNOWN_ID).any()
        missing = (ids == MISSING_ID).mean()
        assert missing == pytest.approx(0.02, abs=0.004) if field.name in ("city", "device") else missing == 0
        assert ids.max() < field.cardinality
    for i, field in enumerate(schema().of_kind("numeric")):
        missing = np.isnan(rows.numeric[:, i]).mean()
        assert missing == pytest.approx(0.02, abs=0.004) if field.name == "category_minutes" else missing == 0


def test_numbers_are_about_standardised(rows):
    assert np.abs(np.nanmean(rows.numeric, axis=0)).max() < 0.5
    assert np.abs(np.nanstd(rows.numeric, axis=0) - 1).max() < 0.4


def test_what_is_logged_is_what_happened(datasets, rows):
    events = draw_events(0, np.arange(ROWS))
    assert np.array_equal(rows.user, events.user)
    assert np.array_equal(column(rows, "user"), events.user + FIRST_ID)
    assert np.array_equal(column(rows, "item"), events.item + FIRST_ID)
    assert np.array_equal(column(rows, "category"), events.item % p.CATEGORIES + FIRST_ID)
    assert np.array_equal(column(rows, "age"), events.profile["age"] + FIRST_ID)
    assert np.array_equal(column(rows, "tag"), events.attributes["tag"] + FIRST_ID)
    for of in ("category", "author", "tag"):
        affinity = events.affinities[f"{of}_affinity"]
        level = np.minimum((column(rows, f"{of}_affinity") - FIRST_ID) // 2, 7)
        assert (level == (affinity * 8).astype(int)).mean() > 0.8
        known = ~np.isnan(number(rows, f"{of}_minutes"))
        assert np.corrcoef(number(rows, f"{of}_minutes")[known], affinity[known])[0, 1] > 0.9
    for family, dataset in datasets.items():
        chance = probability(draw_truth(family, 0), events)
        np.testing.assert_allclose(all_rows(dataset).probability, chance, rtol=1e-4)


def test_sequences_are_padded_at_the_end_and_belong_together(rows):
    items = rows.sequences["recent_items"]
    present = items != MISSING_ID
    assert np.array_equal(present, np.sort(present, axis=1)[:, ::-1])
    assert items[present].min() >= FIRST_ID
    for name, of_item in (
        ("recent_categories", lambda item: item % p.CATEGORIES),
        ("recent_authors", lambda item: p.authors(0, item)),
    ):
        expected = np.where(present, of_item(items - FIRST_ID) + FIRST_ID, MISSING_ID)
        assert np.array_equal(rows.sequences[name], expected)
    plays = (rows.sequences["recent_categories"] == column(rows, "category")[:, None]) & present
    assert np.array_equal(column(rows, "category_plays") - FIRST_ID, np.minimum(plays.sum(axis=1), 8))


@pytest.mark.parametrize("family", FAMILIES)
def test_base_rates_and_exclusion(datasets, family):
    rows = all_rows(datasets[family])
    assert rows.label.mean(axis=0) == pytest.approx([0.35, 0.25], abs=0.04)
    assert np.corrcoef(rows.label.T)[0, 1] < -0.3
    room = rows.probability.sum(axis=1) < 1
    assert not rows.label[room].all(axis=1).any()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", [0, 1])
def test_labels_follow_their_probability(datasets, family, task):
    rows = all_rows(datasets[family])
    label, chance = rows.label[:, task], rows.probability[:, task]
    for low in np.arange(0, 0.9, 0.1):
        inside = (chance >= low) & (chance < low + 0.1)
        error = label[inside].mean() - chance[inside].mean()
        assert abs(error) < 4 * np.sqrt(0.25 / inside.sum())
    assert 0.82 < auc(label, chance) < 0.90


def test_progress_counts_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "CHUNK_ROWS", 500)
    seen = []
    synthesize(
        tmp_path / "small", family="network", rows=1_100, seed=0, progress=lambda *done: seen.append(done)
    )
    assert seen == [(500, 1_100), (1_000, 1_100), (1_100, 1_100)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 10}, "rows is 10; it must be 11 or more"),
        ({"seed": -1}, "seed is -1; it must be 0 or more"),
        ({"processes": 0}, "processes is 0; it must be 1 or more"),
        ({"family": "treees"}, "unknown family 'treees'; did you mean 'trees'"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path, change, message):
    with pytest.raises(BadInput, match=message):
        synthesize(tmp_path / "none", **{"family": "rules", "rows": 100, "seed": 0, **change})
    assert not (tmp_path / "none").exists()
