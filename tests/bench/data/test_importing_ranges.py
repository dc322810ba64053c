"""Every value of a schema file has a range: what is outside of it is refused in one line that names it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import ByColumn, ByFile, ByTime, Table
from bench.errors import BadInput

GOOD = {
    "": {"name": '"shop"', "user": '"user"'},
    "[source]": {"on_bad_row": '"error"'},
    "[time]": {"column": '"ts"'},
    "[[labels]]": {"name": '"click"'},
    "[[fields]]": {"name": '"item"', "kind": '"categorical"', "group": '"item"'},
    "[split]": {"by": '"order"', "fractions": "[0.6, 0.2, 0.2]"},
}
ROWS = "click,item,user,hist,price,ts\n" + "".join(
    f"{i % 2},i{i % 3},u{i % 4},a|b,{i}.5,{1_600_000_000 + i}\n" for i in range(20)
)


def schema(table: str, /, **changes: str | None) -> str:
    """The schema file with other values of one table; None: without the key."""
    tables = {name: dict(keys) for name, keys in GOOD.items()}
    tables.setdefault(table, {}).update(changes)  # type: ignore[arg-type]
    lines = []
    for name, keys in tables.items():
        lines += [name, *(f"{key} = {value}" for key, value in keys.items() if value is not None)]
    return "\n".join(lines) + "\n"


def run(folder: Path, text: str, rows: str = ROWS) -> Dataset:
    (folder / "schema.toml").write_text(text, encoding="utf-8")
    (folder / "rows.csv").write_bytes(rows.encode())
    return import_table(ImportPlan.from_toml(folder / "schema.toml"), folder / "rows.csv", folder / "set")


SEQUENCE = {"name": '"hist"', "kind": '"sequence"', "group": '"item"', "separator": '"|"'}


@pytest.mark.parametrize(
    ("table", "changes", "named"),
    [
        (
            "[[fields]]",
            {"pattern": '"(?=(i))"'},
            "field 'item': pattern '(?=(i))' is not a regular expression",
        ),
        (
            "[[fields]]",
            {"pattern": '"(i){999999999}"'},
            "field 'item': pattern '(i){999999999}' is not a regular expression",
        ),
        ("[[fields]]", {**SEQUENCE, "max_length": str(2**31)}, "'hist': max_length is 2147483648"),
        ("[[fields]]", {**SEQUENCE, "max_length": str(2**63)}, "'hist': max_length is 9223372036854775808"),
        ("[[fields]]", {"prefix": str(2**70)}, "'item': prefix is 1180591620717411303424"),
        ("[[fields]]", {"minimum_count": str(2**63)}, "'item': minimum_count is 9223372036854775808"),
        ("[[fields]]", {"buckets": str(2**31)}, "'item': buckets is 2147483648"),
        ("[[fields]]", {"name": f'"{"x" * 201}"', "column": '"item"'}, "has 201 bytes, allowed: 200 at most"),
        ("[[fields]]", {"name": f'"{"é" * 101}"', "column": '"item"'}, "has 202 bytes, allowed: 200 at most"),
        ("[[labels]]", {"name": f'"{"x" * 256}"', "column": '"click"'}, "label name 'xxx"),
        ("", {"name": f'"{"x" * 300}"'}, "data set name 'xxx"),
        ("", {"tables": "1"}, "the schema file's tables is 1, expected [[tables]] tables"),
        ("", {"tables": "[1]"}, "[[tables]] is 1, expected a table"),
        ("", {"name": "[" * 3000}, "is not valid TOML"),
        ("[[fields]]", {"prefix": "9" * 5000}, "is not valid TOML"),
        ("[split]", {"fractions": "[nan, 0.5, 0.5]"}, "[split] fractions are [nan, 0.5, 0.5]"),
        ("[split]", {"fractions": "[inf, 0.5, 0.5]"}, "[split] fractions are [inf, 0.5, 0.5]"),
        ("[split]", {"fractions": "[0.6, nan, 0.4]"}, "[split] fractions are [0.6, nan, 0.4]"),
        (
            "[split]",
            {
                "by": '"file"',
                "fractions": None,
                "train": '["a"]',
                "test": '["b"]',
                "valid_fraction": "nan",
            },
            "[split] has valid [] and valid_fraction nan",
        ),
        ("[source]", {"delimiter": '"\\u0000"'}, "[source] delimiter is '\\x00'"),
        ("[source]", {"delimiter": '"\\r"'}, "[source] delimiter is '\\r'"),
    ],
)
def test_what_is_out_of_range_is_named(
    tmp_path: Path, table: str, changes: dict[str, str | None], named: str
) -> None:
    with pytest.raises(BadInput, match=re.escape(named)) as error:
        run(tmp_path, schema(table, **changes))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "set").exists()


def test_lines_that_end_in_carriage_returns_alone_are_named(tmp_path: Path) -> None:
    for text in (schema(""), schema("[source]", quote='""')):
        with pytest.raises(BadInput, match="line 1 has a carriage return inside it"):
            run(tmp_path, text, ROWS.replace("\n", "\r"))


def test_names_as_long_as_allowed_fit_into_file_names(tmp_path: Path) -> None:
    fields = {"name": f'"{"é" * 100}"', "column": '"item"'}
    text = schema("[[fields]]", **fields).replace('"shop"', f'"{"s" * 200}"')
    assert run(tmp_path, text).schema.fields[0].name == "é" * 100
    sequence = {**SEQUENCE, "name": f'"{"h" * 200}"', "column": '"hist"', "max_length": "2"}
    assert run(tmp_path, schema("[[fields]]", **sequence)).schema.fields[0].max_length == 2


VALUES = (
    "nan", "-inf", "-1", "0", "1", "1.5", str(2**31), str(2**63), str(2**70), "true", "[]", "[[]]", "{}",
    '""', '"\\u0000"', '"é"', '"\\n"', '"("', '"item"', '"hist"', '"price"', '"*"', f'"{"x" * 300}"',
    '["item"]', '[""]', "1979-05-27",
)  # fmt: skip
KEYS = [
    ("", "name"),
    ("", "user"),
    ("", "tables"),
    *(("[source]", field.name) for field in dataclasses.fields(Source)),
    *(("[time]", field.name) for field in dataclasses.fields(Time)),
    *(("[[labels]]", field.name) for field in dataclasses.fields(Label)),
    *(("[[fields]]", field.name) for field in dataclasses.fields(FieldPlan)),
    ("[[fields]]", "names"),
    *(("[[tables]]", field.name) for field in dataclasses.fields(Table)),
    *(("[split]", field.name) for by in (ByColumn, ByFile, ByTime) for field in dataclasses.fields(by)),
    ("[split]", "by"),
]


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_no_value_ends_in_anything_but_a_set_or_one_line(tmp_path: Path, table: str, key: str) -> None:
    several = [{}, {**SEQUENCE, "max_length": "2"}] if table == "[[fields]]" else [{}]
    said = []
    for value in VALUES:
        for others in several:
            try:
                run(tmp_path, schema(table, **(others | {key: value})))
            except BadInput as error:
                said.append(str(error))
    assert said
    assert [line for line in said if "\n" in line] == []
