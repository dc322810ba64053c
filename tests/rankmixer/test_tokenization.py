"""Tokenization: which fields a token holds, for fields of any widths, and what it makes of them."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rankmixer.tokenization import GroupTokenizer, Tokenizer, even_runs, shuffled

FIELD_DIMS = (4, 1, 3, 2, 6)
GROUPS = ((4, 0), (1, 2, 3))
STARTS = (0, 4, 5, 8, 10)


def columns_of(fields: list[int]) -> list[int]:
    return [column for i in fields for column in range(STARTS[i], STARTS[i] + FIELD_DIMS[i])]


def fields_that_matter(tokenizer: torch.nn.Module, token: int) -> list[int]:
    """The fields whose change changes the token."""
    x_BI = torch.randn(1, sum(FIELD_DIMS))
    before = tokenizer(x_BI)[token]
    changed = []
    for i, width in enumerate(FIELD_DIMS):
        other = x_BI.clone()
        other[:, STARTS[i] : STARTS[i] + width] += 1
        if not torch.equal(tokenizer(other)[token], before):
            changed.append(i)
    return changed


def test_tokens_are_projections_of_runs_of_whole_fields_group_after_group():
    tokenizer = Tokenizer(FIELD_DIMS, GROUPS, num_tokens=3, token_dim=8)
    runs = [[4], [0, 1], [2, 3]]  # 6, 5 and 5 columns of the order 4, 0, 1, 2, 3
    x_BI = torch.randn(7, sum(FIELD_DIMS))
    x_TBD = tokenizer(x_BI)
    assert x_TBD.shape == (3, 7, 8)
    for token, fields in enumerate(runs):
        projection = tokenizer.projections[token]
        expected = x_BI[:, columns_of(fields)] @ projection.weight.T + projection.bias
        torch.testing.assert_close(x_TBD[token], expected)
        assert fields_that_matter(tokenizer, token) == sorted(fields)


def test_shuffled_slices_are_runs_of_whole_fields_in_one_order_that_the_groups_do_not_decide():
    dims, groups = (2, 3) * 6, (tuple(range(6)), tuple(range(6, 12)))
    tokenizer = Tokenizer(dims, groups, num_tokens=6, token_dim=8, slicing="shuffled")
    order = shuffled(range(12))
    assert sorted(order) == list(range(12))
    assert order == shuffled(reversed(range(12))) != list(range(12))
    starts = [sum(dims[:i]) for i in range(12)]
    columns = [column for i in order for column in range(starts[i], starts[i] + dims[i])]
    assert tokenizer.regroup.columns.tolist() == columns
    assert tokenizer.slice_dims == even_runs([dims[i] for i in order], 6)
    assert any(len({i < 6 for i in order[t : t + 2]}) == 2 for t in range(0, 12, 2))


def test_equal_slices_cut_fields_and_lose_no_column():
    tokenizer = Tokenizer(FIELD_DIMS, GROUPS, num_tokens=5, token_dim=8, slicing="equal")
    assert tokenizer.slice_dims == [4, 3, 3, 3, 3]
    x_BI = torch.randn(7, sum(FIELD_DIMS))
    concatenated = x_BI[:, columns_of([4, 0, 1, 2, 3])]
    start = 0
    for width, projection, token in zip(
        tokenizer.slice_dims, tokenizer.projections, tokenizer(x_BI), strict=True
    ):
        torch.testing.assert_close(token, projection(concatenated[:, start : start + width]))
        start += width
    assert start == sum(FIELD_DIMS)


@given(dims=st.lists(st.integers(1, 30), min_size=1, max_size=9), data=st.data())
def test_runs_keep_every_field_and_are_as_even_as_can_be(dims, data):
    count = data.draw(st.integers(1, len(dims)))

    def deviation(widths: list[int]) -> float:
        mean = sum(dims) / count
        return sum((width - mean) ** 2 for width in widths)

    cuts = itertools.combinations(range(1, len(dims)), count - 1)  # all ways to cut, by exhaustion
    ways = [[sum(dims[a:b]) for a, b in itertools.pairwise([0, *cut, len(dims)])] for cut in cuts]
    least = min(map(deviation, ways))
    assert even_runs(dims, count) == max(w for w in ways if deviation(w) <= least + 1e-9)


@pytest.mark.parametrize(
    ("num_fields", "num_tokens", "fields_of_tokens"),
    [(49, 8, [7, 6, 6, 6, 6, 6, 6, 6]), (49, 7, [7] * 7), (39, 8, [5] * 7 + [4]), (10, 8, [2, 2, *[1] * 6])],
)
def test_no_token_gets_far_fewer_fields_than_another(num_fields, num_tokens, fields_of_tokens):
    tokenizer = Tokenizer((8,) * num_fields, None, num_tokens=num_tokens, token_dim=8)
    assert tokenizer.slice_dims == [8 * count for count in fields_of_tokens]
    tokenizer = GroupTokenizer((8,) * num_fields, None, num_tokens=num_tokens + 1, token_dim=8, num_layers=1)
    assert tokenizer.group_dims == [8 * count for count in fields_of_tokens]


def test_group_tokens_see_their_group_and_the_global_one_everything():
    tokenizer = GroupTokenizer(FIELD_DIMS, GROUPS, num_tokens=None, token_dim=8, num_layers=2)
    assert tokenizer(torch.randn(2, sum(FIELD_DIMS))).shape == (3, 2, 8)
    assert fields_that_matter(tokenizer, 0) == [0, 1, 2, 3, 4]
    assert fields_that_matter(tokenizer, 1) == [0, 4]
    assert fields_that_matter(tokenizer, 2) == [1, 2, 3]


def test_groups_that_are_no_partition_are_refused():
    with pytest.raises(
        ValueError, match=r"groups are \[\[0, 1\], \[1, 2\]\]; they must hold 0 … 4 once each"
    ):
        Tokenizer(FIELD_DIMS, ((0, 1), (1, 2)), num_tokens=2, token_dim=8)
