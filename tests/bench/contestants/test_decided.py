"""What a budget decides cannot be set beside it, and proportions only with it."""

from __future__ import annotations

import pytest

from bench.canonical import canonical_json
from bench.contestants.budget import solve
from bench.contestants.contract import InputShape
from bench.contestants.decided import decided_by_budget, refuse_overruled, refuse_proportions, refuse_solved
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput
from bench.spec import Budget

SHAPE = InputShape(field_dims=(16,) * 10, groups=tuple((i,) for i in range(10)), num_tasks=2)


@pytest.mark.parametrize(
    ("contestant", "decided"),
    [
        ("dlrm-mlp", {"hidden_dims"}),
        ("dcnv2", {"hidden_dims"}),
        ("rdcn", {"rank", "hidden_dim"}),
        ("moe", {"expert_dim", "output_dim"}),
        ("autoint", {"head_dim", "token_dim"}),
        ("rankmixer", {"token_dim", "hidden_dim"}),
        ("tokenmixer-large-moe", {"token_dim", "hidden_dim"}),
    ],
)
def test_what_a_budget_decides(contestant, decided):
    assert decided <= decided_by_budget(CONTESTANTS[contestant], SHAPE)
    kept = CONTESTANTS[contestant].hyperparameters.keys() - decided - {"rank"}
    assert not kept & decided_by_budget(CONTESTANTS[contestant], SHAPE)


def test_no_point_of_a_search_space_is_decided():
    for contestant in CONTESTANTS.values():
        assert not contestant.search_space.keys() & decided_by_budget(contestant, SHAPE)


@pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))
def test_a_budget_keeps_proportions_and_only_a_budget_can(contestant):
    budget = Budget(kind="dense_parameters", target=300_000)
    for name, choices in contestant.search_space.items():
        if name not in contestant.dial.proportions:
            continue
        refuse_solved(contestant, {name: choices[0]}, SHAPE)
        found = [solve(contestant, SHAPE, budget, {name: choice}).hyperparameters for choice in choices]
        assert len({canonical_json(one) for one in found}) == len(choices)
        assert not any(name in one for one in found)
        with pytest.raises(BadInput, match=f"{name} of {contestant.name} is a proportion"):
            refuse_proportions(contestant, {name: choices[0]})


@pytest.mark.parametrize(
    ("contestant", "settings", "shown"),
    [
        ("rankmixer", {"num_layers": 3, "token_dim": 256}, "token_dim=256"),
        ("rankmixer", {"hidden_dim": 99}, "hidden_dim=99"),
        ("dcnv2", {"rank": 64}, "rank=64"),
        ("dlrm-mlp", {"hidden_dims": (512, 256)}, "hidden_dims=512,256"),
        ("wukong", {"num_fmb_tokens": 5}, "num_fmb_tokens=5"),
    ],
)
def test_setting_what_the_budget_decides_is_refused_with_the_way(contestant, settings, shown):
    name = shown.partition("=")[0]
    with pytest.raises(BadInput) as refused:
        refuse_solved(CONTESTANTS[contestant], settings, SHAPE)
    assert str(refused.value) == (
        f"--set {shown}: the budget decides {name} of {contestant}; to set it by hand give --budget none"
    )


def test_what_the_budget_leaves_alone_passes_and_is_kept():
    for contestant, settings in (
        ("rankmixer", {"num_layers": 3, "norm": "pre"}),
        ("hiformer", {"max_tokens": 8}),
        ("dhen", {"num_heads": 4}),
    ):
        refuse_solved(CONTESTANTS[contestant], settings, SHAPE)
        budget = Budget(kind="dense_parameters", target=200_000)
        solved = solve(CONTESTANTS[contestant], SHAPE, budget, settings).hyperparameters
        refuse_overruled(CONTESTANTS[contestant], settings, solved)
        assert settings.items() <= solved.items()


def test_a_bound_that_a_small_budget_does_not_reach_is_refused_after_solving():
    hiformer, settings = CONTESTANTS["hiformer"], {"max_tokens": 60}
    refuse_solved(hiformer, settings, SHAPE)
    solved = solve(hiformer, SHAPE, Budget(kind="dense_parameters", target=30_000), settings).hyperparameters
    with pytest.raises(BadInput, match=rf"decides max_tokens of hiformer \({solved['max_tokens']} here\)"):
        refuse_overruled(hiformer, settings, solved)
