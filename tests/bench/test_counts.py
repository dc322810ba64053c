"""Numbers as people write them: exact, bounded, and of one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.counts import parse_count, short
from bench.errors import BadInput


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4.1M", 4_100_000),
        ("8.2M", 8_200_000),
        ("2.01k", 2_010),
        ("1.001G", 1_001_000_000),
        ("1e6", 1_000_000),
        ("1.5e3k", 1_500_000),
        ("1_000", 1_000),
        (".5M", 500_000),
        ("250 K", 250_000),
        (" 7 ", 7),
        ("2b", 2_000_000_000),
        ("999999999999999", 10**15 - 1),
    ],
)
def test_a_count_is_read_exactly(text, value):
    assert parse_count("budget", text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("0", "-1", "-4k", "nan", "NaN", "inf", "-Infinity", "sNaN", "1e15", "1e999999999", "1000000G"),
        *(
            "",
            "k",
            "lots",
            "1.5",
            "0.0001k",
            "1,000",
            "1/2",
            "0x10",
            "4.1000000000000000000000000000000000001M",
        ),
    ],
)
def test_what_is_no_count_is_refused_in_the_same_words(text):
    with pytest.raises(BadInput) as refused:
        parse_count("--rows", text)
    assert str(refused.value) == (
        f"--rows is '{text}'; it must be a whole number above 0 and below 10^15, such as 250000, 250k or 1.5M"
    )


@given(thousandths=st.integers(1, 10**9))
def test_every_thousandth_of_a_million_is_exact(thousandths):
    assert parse_count("budget", f"{thousandths // 1000}.{thousandths % 1000:03}M") == thousandths * 1000


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (950, "950"),
        (999.6, "1k"),
        (101_234, "101k"),
        (999_999, "1M"),
        (4_100_000, "4.1M"),
        (2.5e9, "2.5G"),
        (1e12, "1T"),
        (-12_345, "-12.3k"),
    ],
)
def test_a_large_number_is_short(number, text):
    assert short(number) == text


def test_a_billion_parameters_are_b():
    assert short(1_500_000_000, billion="B") == "1.5B"
