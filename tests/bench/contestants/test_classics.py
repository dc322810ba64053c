"""Budgets of the classics, from 2 fields to 300: each is met within 2 %, or impossible for a known reason."""

from __future__ import annotations

import pytest

from bench.contestants.registry import CONTESTANTS
from bench.runs.studies import STUDIES
from bench.spec import BUDGET_TOLERANCE, Budget
from tests.bench.contestants.test_contestants import attempt, fields_of

CLASSICS = tuple(entrant.contestant.name for entrant in STUDIES["classics"].entrants)
IMPOSSIBLE = {
    "deep-crossing": "40,807 is the smallest possible (inner_dims (1, 1, 1, 1, 1))",
    "ipnn": "29,194 is the nearest possible (hidden_dims (2, 2, 128))",
    "xdeepfm": "29,320 is the nearest possible (hidden_dims (2, 128))",
    "fgcnn": "38,729 is the smallest possible (max_tokens 1, hidden_dims (8, 1))",
    "dcnv2": "29,059 is the nearest possible (hidden_dims (1, 64))",
    "dlrm": "29,033 is the nearest possible (top_dims (2, 64))",
    "online-base": "41,026 is the smallest possible (top_dims (1, 1))",
}
"""30,000 dense parameters on 300 fields of width 8: 2,400 columns and the maps of the fields' vectors leave a
first layer no more than one or two units, and one more of them is too much."""


@pytest.mark.parametrize("target", [30_000, 100_000, 1_000_000, 10_000_000, 100_000_000])
@pytest.mark.parametrize("num_fields", [2, 10, 39, 300])
@pytest.mark.parametrize("name", CLASSICS)
def test_every_budget_is_met_or_impossible_for_a_known_reason(name, num_fields, target):
    budget = Budget(kind="dense_parameters", target=target)
    solution, refusal = attempt(CONTESTANTS[name], fields_of(num_fields, 8), budget)
    if (num_fields, target) == (300, 30_000) and name in IMPOSSIBLE:
        assert IMPOSSIBLE[name] in refusal
        return
    assert solution is not None, refusal
    assert abs(solution.error(budget)) <= BUDGET_TOLERANCE


@pytest.mark.parametrize("name", CLASSICS)
def test_a_small_budget_leaves_no_width_below_six_on_the_fields_of_the_studies(name):
    """But for the layer that closes the rest of the gap."""
    solution, _ = attempt(CONTESTANTS[name], fields_of(49, 8), Budget(kind="dense_parameters", target=30_000))
    assert solution is not None
    for dims in ("hidden_dims", "inner_dims", "bottom_dims", "top_dims"):
        assert min(solution.hyperparameters.get(dims, (6,))[:-1] or (6,)) >= 6
    assert solution.hyperparameters.get("token_dim", 8) >= 8
    assert solution.hyperparameters.get("num_maps", 6) >= (1 if name == "fgcnn" else 6)


def test_the_lineage_has_twenty_papers_contestants_with_a_year():
    entrants = STUDIES["lineage"].entrants
    assert len(entrants) == 20
    assert all(one.contestant.paper and one.contestant.paper.year for one in entrants)
    assert "online-base" not in {one.contestant.name for one in entrants}  # no paper of its own
    compared = {one.contestant.name for one in STUDIES["compare"].entrants}
    assert compared <= {one.contestant.name for one in entrants}


@pytest.mark.parametrize("name", STUDIES)
def test_in_a_study_all_contestants_have_tuned_settings_or_none_uses_them(name):
    """Else the order would say who was tuned."""
    tuned = STUDIES[name].tuned
    entrants = STUDIES[name].entrants
    assert tuned is None or all(tuned.of(one.contestant, 100_000) is not None for one in entrants)


@pytest.mark.parametrize("name", ["classics", "lineage"])
def test_they_are_trained_as_compare_is_by_one_protocol(name):
    study, compare = STUDIES[name], STUDIES["compare"]
    assert study.protocol == compare.protocol
    assert (study.budgets, study.seeds, study.datasets) == (compare.budgets, compare.seeds, compare.datasets)
    assert (study.synthetic_rows, study.features) == (compare.synthetic_rows, compare.features)
