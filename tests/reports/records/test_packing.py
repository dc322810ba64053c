"""A packed store: a report of it is the report of the whole store."""

import json

import pytest

from bench.errors import BadInput
from reports.records.packing import refuse_to_pack
from reports.records.test_rows import TEST_ROWS_FILE

pytestmark = pytest.mark.usefixtures("without_drawing")


def verdicts_of(report):
    return {
        (standings.task, *pair): (
            difference.mean,
            difference.half_width,
            difference.p_value,
            difference.doubt,
        )
        for standings in report.verdicts
        for pair, difference in standings.pairs.items()
    }


@pytest.fixture
def packed(builder, tmp_path):
    """(report of the whole store, builder of the packed one)."""
    builder.three_contestants()
    report = builder.report(tmp_path / "whole", pack_into=tmp_path / "packed")
    return report, type(builder)(tmp_path / "packed")


def test_the_report_of_a_packed_store_is_that_of_the_whole_one(packed, tmp_path):
    whole, small = packed
    again = small.report(tmp_path / "again")
    assert again.markdown.read_text() == whole.markdown.read_text()
    for table in whole.tables:
        assert (tmp_path / "again" / "tables" / table.name).read_bytes() == table.read_bytes()
    assert all(doubt == "" for *_, doubt in verdicts_of(again).values())


def test_predictions_stay_behind_and_curves_come_along(builder, packed):
    directory = packed[1].store.directory
    assert sorted(path.name for path in directory.iterdir()) == [
        "curves",
        "runs.jsonl",
        "studies.jsonl",
        TEST_ROWS_FILE,
    ]
    assert len(list((directory / "curves").iterdir())) == len(builder.store.read().runs)


def test_a_difference_without_an_answer_is_undecided_and_the_others_stay(packed, tmp_path):
    whole, small = packed
    path = small.store.directory / TEST_ROWS_FILE
    lines = path.read_text().splitlines()
    of_auc = [line for line in lines if json.loads(line)["question"].get("metric") == "auc"]
    path.write_text("".join(f"{line}\n" for line in lines if line != of_auc[0]))
    before, after = verdicts_of(whole), verdicts_of(small.report(tmp_path / "again"))
    missing = [pair for pair, (*_, doubt) in after.items() if doubt]
    assert len(missing) == 2  # the pair and its reverse
    assert {pair: value[:3] for pair, value in after.items() if pair not in missing} == {
        pair: value[:3] for pair, value in before.items() if pair not in missing
    }


def test_a_damaged_line_is_named_on_the_page(packed, tmp_path):
    small = packed[1]
    path = small.store.directory / TEST_ROWS_FILE
    path.write_text(path.read_text() + '{"question": 3}\n')
    page = small.report(tmp_path / "again").markdown.read_text()
    assert f"{TEST_ROWS_FILE} line" in page.replace("\\", "")


def test_a_packed_store_is_packed_again_from_its_answers(packed, tmp_path):
    small = packed[1]
    small.report(tmp_path / "again", pack_into=tmp_path / "twice")
    twice = tmp_path / "twice" / TEST_ROWS_FILE
    assert twice.read_bytes() == (small.store.directory / TEST_ROWS_FILE).read_bytes()


def test_packing_again_replaces_what_was_packed(builder, packed, tmp_path):
    directory = packed[1].store.directory
    (directory / "curves" / "old.parquet").write_bytes(b"")
    builder.report(tmp_path / "whole", pack_into=directory)
    assert not (directory / "curves" / "old.parquet").exists()


def test_a_store_of_the_report_and_a_folder_with_more_are_refused(builder, packed, tmp_path):
    with pytest.raises(BadInput, match="is a store of this report"):
        refuse_to_pack(builder.store.directory, [builder.store.directory])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "predictions").mkdir()
    with pytest.raises(BadInput, match="has predictions"):
        refuse_to_pack(tmp_path / "other", [builder.store.directory])
    refuse_to_pack(packed[1].store.directory, [builder.store.directory])
    refuse_to_pack(tmp_path / "new", [builder.store.directory])
