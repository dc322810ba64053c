"""The budget solver: what it prefers among the settings that meet a budget."""

import pytest

from bench.contestants.budget import solve
from bench.contestants.contract import InputShape
from bench.contestants.registry import CONTESTANTS
from bench.spec import Budget

SHAPE = InputShape(field_dims=(8,) * 49, groups=tuple((i,) for i in range(49)), num_tasks=2)


@pytest.mark.parametrize(
    ("name", "target"), [("online-base", 41_000), ("xdeepfm", 12_000), ("dlrm", 14_500), ("ipnn", 11_000)]
)
def test_no_layer_is_choked_to_meet_a_budget(name, target):
    """The nearest of all settings would end in a layer of one unit, for two tasks."""
    contestant = CONTESTANTS[name]
    found = solve(contestant, SHAPE, Budget(kind="dense_parameters", target=target))
    widths = found.hyperparameters[contestant.trim]
    assert widths[-1] >= widths[-2] / 4
    assert abs(found.reached / target - 1) <= 0.02
