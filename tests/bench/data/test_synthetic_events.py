"""The people, items and events of the synthetic world."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from bench.data.synthetic import population as p
from bench.data.synthetic.codes import CODES, ITEM_LEVELS, USER_LEVELS
from bench.data.synthetic.events import HISTORY_LENGTH, draw_events

END = 2_750_000


@pytest.fixture(scope="module")
def early():
    return draw_events(0, np.arange(20_000))


@pytest.fixture(scope="module")
def late():
    return draw_events(0, np.arange(END, END + 20_000))


@pytest.fixture(scope="module")
def spread():
    return draw_events(0, np.linspace(0, END, 60_000, dtype=np.int64))


def test_events_belong_to_their_row_number(early):
    alone = draw_events(0, np.array([17, 4_711]))
    for name in ("user", "item", "author", "history", "is_history", "codes", "activity"):
        assert np.array_equal(getattr(alone, name), getattr(early, name)[[17, 4_711]]), name
    assert not np.array_equal(draw_events(1, np.arange(100)).item, early.item[:100])
    assert not np.array_equal(draw_events(0, np.arange(100), stream="sample").item, early.item[:100])


def test_codes_stay_within_their_levels_and_use_them(spread):
    for code, levels in zip(CODES, spread.codes.T, strict=True):
        shares = np.bincount(levels) / len(spread)
        assert len(shares) == code.levels, code.name
        assert shares.min() > 0.015, code.name


@pytest.mark.parametrize("attributes", [p.USER_ATTRIBUTES, p.ITEM_ATTRIBUTES])
def test_attributes_tell_of_their_codes_and_of_no_others(attributes):
    ids = np.arange(60_000)
    if attributes is p.USER_ATTRIBUTES:
        codes, levels = p.user_codes(0, ids, np.zeros_like(ids)), USER_LEVELS
        values = p.user_profile(0, ids)
    else:
        ids = ids * 16
        codes, levels = p.item_codes(0, ids), ITEM_LEVELS
        values = p.item_attributes(0, ids, codes)
    for a in attributes:
        value = values[a.name]
        assert value.min() == 0
        assert value.max() == a.cardinality - 1
        for i, code in enumerate(codes):
            right = most_frequent(value, code)[value] == code
            chance = np.bincount(code).max() / len(code)
            if i in a.codes:
                share = min(1, a.cardinality / np.prod([levels[c] for c in a.codes]))
                assert right.mean() > chance + 0.6 * (share - chance) * (1 - a.noise), (a.name, i)
            elif a.cardinality <= 1_000:
                assert normalized_mutual_info_score(value, code) < 0.1, (a.name, i)


def most_frequent(value, code):
    """For every value, the code seen with it most."""
    table = np.zeros((value.max() + 1, code.max() + 1))
    np.add.at(table, (value, code), 1)
    return table.argmax(axis=1)


def test_noise_is_the_share_it_says():
    user = np.arange(100_000)
    codes, age = p.user_codes(0, user, np.zeros_like(user)), p.user_profile(0, user)["age"]
    wrong = (age != codes[0]).mean()
    assert wrong == pytest.approx(0.03 * 7 / 8, abs=0.003)


def test_profiles_last_but_codes_drift():
    user = np.arange(20_000)
    start, end = (p.user_codes(0, user, np.full_like(user, row)) for row in (0, END))
    for levels, before, after in zip(USER_LEVELS, start, end, strict=True):
        renewed = END / p.CODE_ROWS * (1 - 1 / levels)
        assert (before != after).mean() == pytest.approx(renewed, rel=0.1)
    assert np.array_equal(start, p.user_codes(0, user, np.ones_like(user)))


def test_low_numbers_are_the_popular_ones(spread):
    users = np.bincount(spread.user, minlength=p.USERS)
    assert users[:2_000].sum() / len(spread) == pytest.approx(0.1**0.5, abs=0.02)
    established = spread.item[spread.item < p.ESTABLISHED_SLOTS * p.CATEGORIES] // p.CATEGORIES
    share = (established < p.ESTABLISHED_SLOTS // 100).mean()
    assert share == pytest.approx(0.01 ** (1 - p.ITEM_EXPONENT), abs=0.12)
    assert len(np.unique(spread.item)) > 20_000


def test_every_user_comes_often_enough_for_an_auc_of_his_own():
    rows_of_the_least = END / p.rows_between_visits(np.array([p.USERS - 1]))[0]
    assert rows_of_the_least > 60


def test_new_items_appear_and_are_shown_more_while_they_are_new(early, late):
    def newcomers(events):
        return events.item[events.item >= p.ESTABLISHED_SLOTS * p.CATEGORIES]

    for events in (early, late):
        assert len(newcomers(events)) / len(events) == pytest.approx(p.NEWCOMER_SHARE, abs=0.02)
        assert events.age_rows.min() > -100  # a slot is filled within so many rows of its birth
    assert newcomers(late).max() > 3 * newcomers(early).max() - 2 * p.ESTABLISHED_SLOTS * p.CATEGORIES
    unborn = p.birth_row(0, late.item) > 0
    assert 0.1 < unborn.mean() < p.NEWCOMER_SHARE


def test_born_slots_and_births_agree():
    item = np.arange(p.ESTABLISHED_SLOTS, p.SLOTS - 1, 97) * p.CATEGORIES
    birth = p.birth_row(0, item)
    assert (np.diff(birth) > 0).all()
    born = p.born_slots(birth + 1_000)
    assert (born >= item // p.CATEGORIES - p.ESTABLISHED_SLOTS).all()
    assert (p.born_slots(birth - 1_000)[10:] <= item[10:] // p.CATEGORIES - p.ESTABLISHED_SLOTS + 1).all()


def test_authors_stay_within_a_category(spread):
    assert np.array_equal(spread.author % p.CATEGORIES, spread.item % p.CATEGORIES)


def test_a_history_slides_and_is_made_of_items_that_were_there():
    user_rows = np.arange(400_000)
    user = p.users(0, "row user", user_rows)
    events = draw_events(0, user_rows[user == 0])
    assert len(events) > 1_000
    lengths = events.is_history.sum(axis=1)
    visits = [set(items) for items in events.history.tolist()]
    overlap = [len(before & after) for before, after in pairwise(visits)]
    assert np.mean(overlap) > 0.7 * HISTORY_LENGTH
    assert len(np.unique(events.history)) > 300
    assert lengths.std() < 2


def test_histories_vary_in_length_and_hold_nothing_from_the_future(spread):
    assert (p.birth_row(0, spread.history) <= spread.row[:, None] + 1_000).all()
    lengths = spread.is_history.sum(axis=1)
    assert np.array_equal(spread.is_history, np.sort(spread.is_history, axis=1)[:, ::-1])
    assert 0.05 < (lengths == 0).mean() < 0.3
    assert (lengths == HISTORY_LENGTH).mean() > 0.2
    assert len(np.unique(lengths)) == HISTORY_LENGTH + 1


def test_the_history_shows_the_taste_that_recommends(spread):
    categories, now = spread.history % p.CATEGORIES, (spread.item % p.CATEGORIES)[:, None]
    same = (categories == now)[spread.is_history].mean()
    chance = (categories == np.roll(now, 1, axis=0))[spread.is_history].mean()
    assert same > 3 * chance


def test_affinity_is_higher_for_favourites(spread):
    is_favourite = (p.favourite_categories(0, spread.user) == spread.item % p.CATEGORIES).any(axis=0)
    affinity = spread.affinities["category_affinity"]
    assert affinity[is_favourite].mean() == pytest.approx(0.75, abs=0.02)
    assert affinity[~is_favourite].mean() == pytest.approx(0.5, abs=0.02)
