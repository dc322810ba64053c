import numpy as np
import pytest

from bench import synthetic
from bench.dataset import SPLITS, Rows
from bench.errors import BadInput
from bench.metrics import auc
from bench.schema import FIRST_ID, GROUPS, MISSING_ID, UNKNOWN_ID
from bench.synthetic import generate


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return synthetic.synthesize(tmp_path_factory.mktemp("data") / "synthetic", rows=60_000, seed=0)


def all_rows(dataset):
    """The rows of all splits in the order they were made."""
    columns = [dict(dataset.splits[split].columns()) for split in SPLITS]
    return Rows.from_columns(
        {name: np.concatenate([split[name] for split in columns]) for name in columns[0]}
    )


def column(dataset, name):
    names = [field.name for field in dataset.schema.of_kind("categorical")]
    return all_rows(dataset).categorical[:, names.index(name)]


def test_a_row_does_not_depend_on_how_many_there_are(dataset, tmp_path):
    shorter = synthetic.synthesize(tmp_path / "shorter", rows=11_003, seed=0)
    expected = dict(all_rows(dataset).take(slice(11_003)).columns())
    for name, array in all_rows(shorter).columns():
        assert np.array_equal(array, expected[name], equal_nan=name == "numeric"), name


def test_blocks_are_appended_in_order_without_loss(dataset):
    assert dataset.rows == {"train": 48_000, "valid": 6_000, "test": 6_000}
    time = all_rows(dataset).time
    assert np.array_equal(time, np.arange(time[0], time[0] + 60_000))


def test_the_seed_decides_the_content(dataset, tmp_path):
    again = synthetic.synthesize(tmp_path / "again", rows=60_000, seed=0)
    other = synthetic.synthesize(tmp_path / "other", rows=10, seed=1)
    assert again.fingerprint == dataset.fingerprint
    assert again.name == synthetic.dataset_name(60_000, 0) == "synthetic-60000-0"
    assert (again.rev, again.source["seed"], again.source["rows"]) == (1, 0, 60_000)
    few = dataset.splits["train"].take(slice(8))
    assert not np.array_equal(other.splits["train"].categorical, few.categorical)
    assert not np.array_equal(other.splits["train"].probability, few.probability)


def test_blocks_differ():
    first, second = (generate._generator(0, 2, block).random() for block in (0, 1))
    assert first != second


def test_the_schema_stands_without_data(dataset):
    schema = synthetic.schema()
    assert schema == dataset.schema
    assert {field.group for field in schema.fields} == set(GROUPS)
    assert len(schema.fields) == 20
    assert schema.tasks == ("finish", "skip")
    assert [field.table for field in schema.of_kind("sequence")] == ["item", "category"]


def test_only_the_fields_that_say_so_have_gaps(dataset):
    rows = all_rows(dataset)
    for i, field in enumerate(dataset.schema.of_kind("categorical")):
        ids = rows.categorical[:, i]
        assert not (ids == UNKNOWN_ID).any()
        missing = (ids == MISSING_ID).mean()
        assert missing == pytest.approx(0.02, abs=0.004) if field.name in ("city", "device") else missing == 0
        assert ids.max() < field.cardinality
    for i, field in enumerate(dataset.schema.of_kind("numeric")):
        missing = np.isnan(rows.numeric[:, i]).mean()
        assert missing == pytest.approx(0.02, abs=0.004) if field.name == "category_minutes" else missing == 0


def test_numbers_are_about_standardised(dataset):
    numeric = all_rows(dataset).numeric
    assert np.abs(np.nanmean(numeric, axis=0)).max() < 0.5
    assert np.abs(np.nanstd(numeric, axis=0) - 1).max() < 0.4


@pytest.mark.parametrize(("name", "top_share"), [("user", 0.005), ("item", 0.01)])
def test_ids_have_a_long_tail(dataset, name, top_share):
    counts = np.sort(np.bincount(column(dataset, name)))[::-1]
    assert counts[0] / 60_000 > top_share
    assert counts[: len(counts) // 10].sum() > 0.25 * 60_000
    assert (counts > 0).sum() > 0.6 * len(counts)


def test_low_ids_are_the_popular_ones(dataset):
    user = column(dataset, "user")
    assert np.argmax(np.bincount(user)) < FIRST_ID + 20
    assert np.array_equal(user - FIRST_ID, all_rows(dataset).user)
    assert np.median(column(dataset, "item")) < 0.4 * synthetic.schema().of_kind("sequence")[0].cardinality


def test_sequences_are_padded_at_the_end_and_belong_together(dataset):
    rows = all_rows(dataset)
    items, categories = rows.sequences["recent_items"], rows.sequences["recent_categories"]
    present = items != MISSING_ID
    assert np.array_equal(present, np.sort(present, axis=1)[:, ::-1])
    assert np.array_equal(present, categories != MISSING_ID)
    assert items[present].min() >= FIRST_ID
    lengths = present.sum(axis=1)
    assert (lengths == 0).any()
    assert (lengths == items.shape[1]).any()

    category_of = np.zeros(synthetic.schema().of_kind("sequence")[0].cardinality, np.int64)
    category_of[column(dataset, "item")] = column(dataset, "category")
    known = present & (category_of[items] > 0)
    assert np.array_equal(category_of[items][known], categories[known])


def test_the_history_shows_the_taste_that_recommends(dataset):
    rows = all_rows(dataset)
    present = rows.sequences["recent_categories"] != MISSING_ID
    category = column(dataset, "category")[:, None]
    same = (rows.sequences["recent_categories"] == category)[present].mean()
    shuffled = (rows.sequences["recent_categories"] == np.roll(category, 1, axis=0))[present].mean()
    assert same > 2 * shuffled


def test_base_rates_and_exclusion(dataset):
    rows = all_rows(dataset)
    assert rows.label.mean(axis=0) == pytest.approx([0.35, 0.25], abs=0.015)
    assert np.corrcoef(rows.label.T)[0, 1] < -0.3
    room = rows.probability.sum(axis=1) < 1
    assert not rows.label[room].all(axis=1).any()


@pytest.mark.parametrize("task", [0, 1])
def test_labels_follow_their_probability(dataset, task):
    rows = all_rows(dataset)
    label, probability = rows.label[:, task], rows.probability[:, task]
    for low in np.arange(0, 0.9, 0.1):
        inside = (probability >= low) & (probability < low + 0.1)
        error = label[inside].mean() - probability[inside].mean()
        assert abs(error) < 4 * np.sqrt(0.25 / inside.sum())
    assert 0.80 < auc(label, probability) < 0.83


def test_progress_counts_rows(tmp_path):
    seen = []
    synthetic.synthesize(tmp_path / "small", rows=generate.BLOCK_ROWS + 1, seed=0, progress=seen.append)
    assert seen == [generate.BLOCK_ROWS, generate.BLOCK_ROWS + 1]


@pytest.mark.parametrize(("rows", "seed", "message"), [(9, 0, "rows is 9"), (100, -1, "seed is -1")])
def test_what_cannot_be_made_is_refused(tmp_path, rows, seed, message):
    with pytest.raises(BadInput, match=message):
        synthetic.synthesize(tmp_path / "none", rows=rows, seed=seed)
    assert not (tmp_path / "none").exists()
