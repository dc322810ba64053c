import hashlib

import numpy as np
import pytest
from scipy import stats

from bench.data.synthetic.counter import integers, normal, uniform, words, zipf

ROWS = np.arange(200_000)


def splitmix64(state):
    """The next word and state, in Python integers, as Steele, Lea and Flood write it down."""
    mask = (1 << 64) - 1
    state = (state + 0x9E3779B97F4A7C15) & mask
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31), state


def test_words_of_one_counter_are_a_splitmix64_sequence():
    key = int.from_bytes(hashlib.blake2b(b"0 test", digest_size=8).digest(), "little")
    state, expected = (key - 0x9E3779B97F4A7C15) & ((1 << 64) - 1), []
    for _ in range(6):
        word, state = splitmix64(state)
        expected.append(word)
    assert words(0, "test", np.arange(6)).tolist() == expected


def test_a_number_depends_on_seed_purpose_and_counters_only():
    whole = words(1, "test", ROWS)
    assert np.array_equal(words(1, "test", ROWS[500:600]), whole[500:600])
    assert np.array_equal(words(1, "test", ROWS[::-1]), whole[::-1])
    for other in (words(2, "test", ROWS), words(1, "tset", ROWS), words(1, "test", ROWS, ROWS)):
        assert not (other == whole).any()


def test_counters_do_not_commute_and_broadcast():
    users, ticks = np.arange(50)[:, None], np.arange(60)
    together = words(0, "test", users, ticks)
    assert together.shape == (50, 60)
    assert np.unique(together).size == 3_000
    assert together[3, 7] == words(0, "test", np.array([3]), np.array([7]))[0]
    assert words(0, "test", np.array([3]), np.array([7])) != words(0, "test", np.array([7]), np.array([3]))


def test_negative_counters_are_fine():
    assert np.unique(words(0, "test", np.arange(-1_000, 1_000))).size == 2_000


def test_uniform_numbers_are_uniform_and_independent():
    draws = uniform(0, "test", ROWS)
    assert draws.min() >= 0
    assert draws.max() < 1
    assert stats.kstest(draws, "uniform").pvalue > 1e-3
    cells = np.bincount((draws[:-1] * 16).astype(int) * 16 + (draws[1:] * 16).astype(int), minlength=256)
    assert stats.chisquare(cells).pvalue > 1e-3
    assert abs(np.corrcoef(draws, uniform(0, "other test", ROWS))[0, 1]) < 0.01
    bits = np.unpackbits(words(0, "test", ROWS).view(np.uint8)).reshape(len(ROWS), 64).mean(axis=0)
    assert np.abs(bits - 0.5).max() < 5 * 0.5 / np.sqrt(len(ROWS))


def test_integers_and_normal_numbers():
    assert stats.chisquare(np.bincount(integers(7, 0, "test", ROWS), minlength=7)).pvalue > 1e-3
    assert stats.kstest(normal(0, "test", ROWS), "norm").pvalue > 1e-3


@pytest.mark.parametrize(("count", "exponent"), [(10, 0.5), (300, 0.8), (300, 1.4)])
def test_zipf_falls_as_a_power(count, exponent):
    counts = np.bincount(zipf(count, exponent, uniform(0, "test", ROWS)), minlength=count)
    shares = np.diff(np.arange(1.0, count + 2) ** (1 - exponent)) / ((count + 1.0) ** (1 - exponent) - 1)
    assert stats.chisquare(counts, shares * len(ROWS)).pvalue > 1e-3
    ranks = np.arange(1.5, count + 1)
    np.testing.assert_allclose(shares / shares[-1], (ranks / ranks[-1]) ** -exponent, rtol=0.1)


def test_zipf_takes_a_count_for_each():
    counts = np.array([1, 5, 1_000_000])
    assert np.array_equal(zipf(counts, 0.8, np.zeros(3)), [0, 0, 0])
    assert np.array_equal(zipf(counts, 0.8, np.full(3, 1 - 2.0**-53)), counts - 1)
