"""Points from a CSV file."""

from __future__ import annotations

import math

import pytest

from bench.errors import BadInput
from reports.scaling.points import Point, read_points


def test_every_column_in_any_order(tmp_path):
    file = tmp_path / "points.csv"
    file.write_bytes(
        "\ufeffvalue,Size,seed,series,rows,exclude\r\n0.71,300k,0,A,1.5M,\r\n\r\n,1e6,1,B,2000000,diverged\r\n".encode()
    )
    first, second = read_points(file)
    assert first == Point(size=300_000, value=0.71, seed="0", series="A", rows=1_500_000)
    assert (second.size, second.exclude, second.rows) == (1e6, "diverged", 2e6)
    assert math.isnan(second.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; it needs a header with the columns size and value"),
        ("size,value\n", "has a header and no points"),
        ("size,auc\n1,2\n", r"unknown column 'auc' \(known: exclude, rows, seed, series, size, value\)"),
        ("size,valeu\n1,2\n", "unknown column 'valeu'; did you mean 'value'?"),
        ("size,seed\n1,2\n", "has no column 'value'; it has size, seed"),
        ("size,value,size\n1,2,3\n", "has the column 'size' twice"),
        ("size,value\n1,2,3\n", "line 2 has 3 cells; the header has 2"),
        (
            "size,value\n1,0.7\nbig,0.7\n",
            "line 3: the size is 'big'; it must be a number, such as 300000",
        ),
        ("size,value\n1,high\n", "line 2: the value is 'high'; it must be a number, such as 0.7312"),
        ("size,value\n0,0.7\n", "line 2: the size is '0'; it must be a number above 0"),
        ("size,value\n-5,0.7\n", "line 2: the size is '-5'; it must be a number above 0"),
        ("size,value\ninf,0.7\n", "line 2: the size is 'inf'; it must be a number above 0"),
        ("size,value\n1,nan\n", "the value is 'nan'; it must be a number, or the column 'exclude' must say"),
        ("size,value\n1,\n", "the value is ''; it must be a number"),
        ("size,value,rows\n1,0.7,none\n", "the rows is 'none'; it must be a number"),
        ("size,value,seed\n1,0.7,0\n2,0.7,\n", "has a seed in some lines only"),
        ('size,value\n"1,0.7\n', "is not a CSV file"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    file = tmp_path / "points.csv"
    file.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_points(file)


def test_a_missing_file_and_other_bytes(tmp_path):
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_points(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"size,value\n\xff,1\n")
    with pytest.raises(BadInput, match="is not UTF-8 text: byte 11 is 0xff"):
        read_points(tmp_path / "bytes.csv")
