"""Schema files: what they say is read, and what they must not say is refused by name, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.importing import ImportPlan
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import ByColumn, ByRandom, ByTime
from bench.errors import BadInput

GOOD = """
name = "shop"
user = "who"

[source]
delimiter = ";"
missing = ["", "NULL"]

[time]
column = "when"
format = "iso"

[[labels]]
name = "liked"
column = "stars"
positive = ">= 4"

[[labels]]
name = "bought"

[[fields]]
names = ["brand", "colour"]
kind = "categorical"
group = "item"
minimum_count = 3

[[fields]]
name = "zip_prefix"
column = "zip"
kind = "categorical"
group = "user"
prefix = 3

[[fields]]
name = "seen"
kind = "sequence"
group = "sequence"
separator = "|"
max_length = 20
table = "brand"

[[fields]]
name = "price"
kind = "numeric"
group = "item"
transform = "log1p"

[split]
by = "time"
fractions = [0.8, 0.1, 0.1]
"""


def plan_of(tmp_path: Path, text: str) -> ImportPlan:
    file = tmp_path / "schema.toml"
    file.write_text(text)
    return ImportPlan.from_toml(file)


def test_a_schema_file_says_what_it_says(tmp_path: Path) -> None:
    item = {"kind": "categorical", "group": "item", "minimum_count": 3}
    assert plan_of(tmp_path, GOOD) == ImportPlan(
        name="shop",
        user="who",
        source=Source(delimiter=";", missing=("", "NULL")),
        time=Time(column="when", format="iso"),
        labels=(Label(name="liked", column="stars", positive=">= 4"), Label(name="bought", column="bought")),
        fields=(
            FieldPlan(name="brand", column="brand", **item),
            FieldPlan(name="colour", column="colour", **item),
            FieldPlan(name="zip_prefix", column="zip", kind="categorical", group="user", prefix=3),
            FieldPlan(
                name="seen", kind="sequence", group="sequence", separator="|", max_length=20, table="brand"
            ),
            FieldPlan(name="price", kind="numeric", group="item", transform="log1p"),
        ),
        split=ByTime(fractions=(0.8, 0.1, 0.1)),
    )


def test_columns_are_listed_once(tmp_path: Path) -> None:
    columns = ("stars", "bought", "brand", "colour", "zip", "seen", "price", "who", "when")
    assert plan_of(tmp_path, GOOD).columns() == columns
    assert plan_of(tmp_path, GOOD.replace('user = "who"', 'user = "zip"')).columns() == tuple(
        column for column in columns if column != "who"
    )


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (
            'by = "column"\ncolumn = "fold"\ntrain = ["1", "2"]\nvalid = ["3"]\ntest = ["4"]',
            ByColumn(column="fold", train=("1", "2"), valid=("3",), test=("4",)),
        ),
        (
            'by = "random"\nseed = 0\nfractions = [0.5, 0.25, 0.25]',
            ByRandom(seed=0, fractions=(0.5, 0.25, 0.25)),
        ),
    ],
)
def test_other_splits(tmp_path: Path, split: str, expected: object) -> None:
    text = GOOD[: GOOD.index("[split]")] + "[split]\n" + split
    assert plan_of(tmp_path, text).split == expected


@pytest.mark.parametrize(
    ("old", "new", "fragments"),
    [
        ('name = "shop"', "", ["name is None"]),
        ('name = "shop"', 'name = "../shop"', ["data set name '../shop'"]),
        ('name = "shop"', 'nmae = "shop"', ["'nmae'", "did you mean 'name'?"]),
        ('user = "who"', "user = 3", ["user is 3"]),
        ("delimiter", "delimeter", ["[source]", "'delimeter'", "did you mean 'delimiter'?"]),
        ('delimiter = ";"', 'delimiter = ""', ["delimiter is ''", "ASCII text"]),
        ('missing = ["", "NULL"]', 'missing = "NULL"', ["missing is 'NULL'", "list of texts"]),
        ("[source]", "[[source]]", ["[source] is", "expected a table"]),
        ('format = "iso"', 'format = "unix"', ["[time] format 'unix'", "integer, iso"]),
        ('positive = ">= 4"', 'positive = "=> 4"', ["label 'liked'", "'=> 4'"]),
        ('name = "bought"', 'name = "liked"', ["label 'liked' twice"]),
        ('name = "bought"', "", ["[[labels]]", "has no key 'name'"]),
        ('["brand", "colour"]', '["brand", "brand"]', ["field 'brand' twice"]),
        ('["brand", "colour"]', '["brand", "seen"]', ["field 'seen' twice"]),
        ('["brand", "colour"]', '["brand", 3]', ["name is 3", "expected a text"]),
        ('["brand", "colour"]', '["brand", "bought"]', ["'bought'", "see the answer"]),
        ('["brand", "colour"]', '["brand", "a/b"]', ["'a/b'", "not allowed"]),
        ('names = ["brand", "colour"]', 'names = "brand"', ["expected a list of columns"]),
        ('names = ["brand", "colour"]', 'names = ["brand", "c"]\nname = "x"', ["without name and column"]),
        (
            'kind = "numeric"',
            'kind = "number"',
            ["field 'price': unknown kind 'number'; did you mean 'numeric'? (known:"],
        ),
        (
            'group = "user"',
            'group = "usr"',
            ["field 'zip_prefix': unknown group 'usr'; did you mean 'user'?"],
        ),
        ("minimum_count = 3", "minimum_count = 0", ["field 'brand'", "minimum_count is 0"]),
        ("minimum_count = 3", "minimum_count = true", ["minimum_count is True", "integer"]),
        ("minimum_count = 3", "minimum_count = 3\ncardinality = 9", ["field 'brand'", "the cells hold ids"]),
        ("prefix = 3", 'transform = "log1p"', ["'zip_prefix'", "transform 'log1p'", "floor_log_squared"]),
        ("prefix = 3", "clip = true", ["'zip_prefix'", "clip does not apply to kind 'categorical'"]),
        ('transform = "log1p"', "clip = 1", ["price clip is 1", "true or false"]),
        ("prefix = 3", "prefix = 3\nprefix = 4", ["not valid TOML", "line"]),
        ('separator = "|"', 'separator = "|"\nhistory = "liked"', ["field 'seen'", "separator"]),
        ("max_length = 20", "max_length = 0", ["field 'seen'", "max_length"]),
        ('table = "brand"', 'table = "brnad"', ["field 'seen'", "'brnad'", "did you mean 'brand'?"]),
        ('table = "brand"', 'table = "price"', ["field 'seen'", "'price'", "categorical"]),
        ('table = "brand"', 'table = "brand"\nminimum_count = 2', ["field 'seen'", "shares the ids"]),
        ('transform = "log1p"', 'transform = "log"', ["field 'price'", "'log'", "log1p"]),
        (
            'by = "time"',
            'by = "tiem"',
            ["[split] by is 'tiem'", "column, time, user-time, order, random, file"],
        ),
        ('by = "time"', "by = []", ["[split] by is []"]),
        ("[0.8, 0.1, 0.1]", "[0.8, 0.1, 0.2]", ["fractions are [0.8, 0.1, 0.2]", "sum 1"]),
        ("[0.8, 0.1, 0.1]", "[0.9, 0.1, 0]", ["above 0"]),
        ("[0.8, 0.1, 0.1]", "[1]", ["fractions are [1.0]"]),
        ("[0.8, 0.1, 0.1]", '["a"]', ["list of numbers"]),
        ("fractions = [0.8, 0.1, 0.1]", "", ["[split] has no key 'fractions'"]),
        ('[time]\ncolumn = "when"\nformat = "iso"', "", ["by time", "no [time]"]),
        ("[[labels]]", "[[targets]]", ["'targets'"]),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, fragments: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(BadInput) as caught:
        plan_of(tmp_path, GOOD.replace(old, new))
    message = str(caught.value)
    assert [fragment for fragment in fragments if fragment not in message] == []
    assert "\n" not in message


def test_a_schema_needs_labels_and_fields(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no \[\[labels\]\]"):
        plan_of(tmp_path, 'name = "shop"\nlabels = []')
    with pytest.raises(BadInput, match=r"no \[\[fields\]\]"):
        plan_of(tmp_path, 'name = "shop"\n[[labels]]\nname = "click"')


def test_a_value_in_two_lists_of_the_split() -> None:
    with pytest.raises(BadInput, match=r"value in \[split\] '1' twice"):
        ByColumn(column="fold", train=("1", "2"), valid=("1",), test=("3",))


def test_a_schema_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        ImportPlan.from_toml(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(BadInput, match="not UTF-8"):
        ImportPlan.from_toml(tmp_path / "latin.toml")
