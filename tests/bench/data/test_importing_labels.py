"""Labels of an import: numbers, texts, lists of texts, and those that are missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import Label
from bench.data.schema import MISSING_LABEL
from bench.errors import BadInput
from tests.bench.data.test_importing_cells import (
    PLAN,
    ROWS,
    column_of,
    csv,
)


@pytest.mark.parametrize(
    ("cells", "positive"),
    [
        (["yes", "no"], "yes"),
        (["yes", "maybe"], ("yes",)),
        ([">50K", "<=50K"], (">50K",)),
        (["b", "a"], ("b", "c")),
        (["TRUE", "FALSE"], None),
        (["true", "false"], None),
        (["True", "0"], None),
        (["1.0", "0"], None),
        (["TRUE", "FALSE"], "true"),
        (["1", "0"], "true"),
        (["5", "3"], ">= 4"),
    ],
)
def test_labels_may_be_texts(
    cells: list[str], positive: str | tuple[str, ...] | None, tmp_path: Path
) -> None:
    file = csv(tmp_path, "click,item", *(f"{cells[i % 2]},a" for i in range(ROWS)))
    plan = replace(PLAN, labels=(Label(name="click", positive=positive),))
    assert column_of(import_table(plan, file, tmp_path / "data"), "label")[:, 0].tolist() == [1, 0] * 4


def test_boolean_labels_of_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table({"click": [True, False] * 4, "item": ["a"] * 8}), tmp_path / "log.parquet")
    for positive in (None, "true", ("True",)):
        plan = replace(PLAN, labels=(Label(name="click", positive=positive),))
        dataset = import_table(plan, tmp_path / "log.parquet", tmp_path / "data")
        assert column_of(dataset, "label")[:, 0].tolist() == [1, 0] * 4


def test_a_label_text_without_a_rule_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    file = csv(tmp_path, "click,item", "1,a", "yes,a")
    with pytest.raises(
        BadInput, match=r"line 3, column 'click': got 'yes', expected 0 or 1, true or false, or a rule"
    ):
        import_table(PLAN, file, tmp_path / "data")


@pytest.mark.parametrize("positive", [">50K", "=> 4", "≥ 4", "", ()])
def test_a_rule_that_is_none_is_refused(positive: str | tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match=r"expected a comparison with a number, .* or a list of texts"):
        Label(name="click", positive=positive)


def test_a_schema_file_says_texts_and_lists_of_them(tmp_path: Path) -> None:
    def label(line: str) -> Label:
        (tmp_path / "schema.toml").write_text(
            f'name = "s"\n[[labels]]\nname = "c"\n{line}\n[[fields]]\nname = "a"\nkind = "numeric"\n'
            'group = "item"\nclip = true\n[split]\nby = "order"\nfractions = [0.5, 0.25, 0.25]'
        )
        plan = ImportPlan.from_toml(tmp_path / "schema.toml")
        assert plan.fields[0].clip is True
        return plan.labels[0]

    assert label('positive = "yes"').texts() == ("yes",)
    assert label('positive = [">50K", "x"]').texts() == (">50K", "x")
    assert label('positive = ">= 4"').rule() == (">=", 4.0)
    assert label("").positive is None
    with pytest.raises(BadInput, match="positive is 4, expected a text or a list of texts"):
        label("positive = 4")


def test_a_label_that_is_missing_for_one_task_is_kept_as_missing(tmp_path: Path) -> None:
    plan = replace(PLAN, labels=(Label(name="click"), Label(name="liked", column="stars", positive=">= 4")))
    file = csv(
        tmp_path, "click,stars,item", *["0,5,a", "1,,a", ",4,a", "1,1,a", ",3,a", "1,5,a", "0,,a", "1,2,a"]
    )
    dataset = import_table(plan, file, tmp_path / "data")
    m = MISSING_LABEL
    assert column_of(dataset, "label").tolist() == [
        [0, 1], [1, m], [m, 1], [1, 0], [m, 0], [1, 1], [0, m], [1, 0]
    ]  # fmt: skip
    assert dataset.source["labels"] == {
        "click": {
            "train": {"positive": 2, "negative": 1, "missing": 1},
            "valid": {"positive": 1, "negative": 0, "missing": 1},
            "test": {"positive": 1, "negative": 1, "missing": 0},
        },
        "liked": {
            "train": {"positive": 2, "negative": 1, "missing": 1},
            "valid": {"positive": 1, "negative": 1, "missing": 0},
            "test": {"positive": 0, "negative": 1, "missing": 1},
        },
    }
    with pytest.raises(
        BadInput, match="line 4, column 'click': got a missing value, expected a label of at least"
    ):
        import_table(plan, csv(tmp_path, "click,stars,item", "1,5,a", "0,3,a", ",,a"), tmp_path / "none")
