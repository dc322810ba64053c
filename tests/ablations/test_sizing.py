"""By `--sized budget` every arm of every ablation meets the budget; by its own sizing, what it says."""

from __future__ import annotations

import dataclasses

import pytest

from ablations import ABLATIONS
from bench.data.schema import Field, Schema
from bench.runs.plan import size
from bench.spec import BUDGET_TOLERANCE, Budget
from rankbench.choices import Choices
from rankbench.request import study

GROUPS = ("user", "item", "context", "cross")
IMPOSSIBLE = {("one token per field", 300, 100_000), ("one token per field", 300, 1_000_000)}
"""Arm, fields, budget: with 300 tokens, tokens 300 wide alone cost more."""


def schema(num_fields: int) -> Schema:
    fields = tuple(
        Field(name=f"f{i}", kind="categorical", group=GROUPS[i * 4 // num_fields], cardinality=20)
        for i in range(num_fields)
    )
    return Schema(fields=fields, tasks=("click",))


@pytest.mark.parametrize("num_fields", [10, 39, 300])
@pytest.mark.parametrize("name", [name for name, asked in ABLATIONS.items() if asked.resizable])
def test_by_the_budget_every_arm_meets_it(name, num_fields):
    asked = study(name, Choices(sized="budget", budget="100k,1M"))
    for sized in size(asked, schema(num_fields)):
        of = (sized.entrant.label, num_fields, sized.budget.target)
        if of in IMPOSSIBLE:
            assert "the smallest possible" in sized.reason
            continue
        assert sized.reason is None, of
        assert abs(sized.cost.dense_parameters / sized.budget.target - 1) <= BUDGET_TOLERANCE, of


def costs(name: str, num_fields: int = 49, **changes) -> dict[str, tuple[float, float]]:
    """Label → dense parameters and forward FLOPs, relative to the base."""
    asked = dataclasses.replace(ABLATIONS[name], **changes)
    base, *arms = size(asked, schema(num_fields))
    return {
        one.entrant.label: (
            one.cost.dense_parameters / base.cost.dense_parameters,
            one.cost.flops_forward / base.cost.flops_forward,
        )
        for one in arms
    }


@pytest.mark.parametrize("num_fields", [10, 49])
def test_the_first_two_ways_to_the_ffns_cost_what_mixing_does_and_attention_more(num_fields):
    found = costs("routing", num_fields)
    for label in ("All-Concat-MLP", "All-Share"):
        assert found[label] == pytest.approx((1, 1), abs=0.02)
    parameters, flops = found["Self-Attention"]
    assert parameters > 1.02
    assert flops > 1.3


def test_parts_leave_the_size_as_it_is_but_for_the_shared_ffn():
    found = costs("components")
    assert found["no skip connections"] == found["no token mixing"] == (1, 1)
    assert found["no LayerNorm"] == (pytest.approx(1, abs=0.003), 1)
    parameters, flops = found["shared FFN"]
    assert parameters < 0.4
    assert flops == 1


def test_directions_meet_the_same_ladder():
    found = costs("directions")
    for line in "TDLk":
        for times in (2, 4, 8):
            assert found[f"{line} · {times} × base size"][0] == pytest.approx(times, rel=0.02)


def test_each_direction_grows_alone_at_one_rate():
    base, *arms = size(ABLATIONS["directions"], schema(49))
    assert all("dense_lr" not in one.entrant.protocol for one in (base, *arms))
    grows = {"T": "num_tokens", "D": "token_dim", "L": "num_layers", "k": "hidden_dim"}
    for arm in arms:
        name = grows[arm.entrant.label[0]]
        changed = {n for n, value in arm.hyperparameters.items() if value != base.hyperparameters[n]}
        assert name in changed <= {name, "hidden_dim"}
        if name in ("num_tokens", "num_layers"):  # the hidden width closes the gap between whole steps
            assert 0.7 < arm.hyperparameters["hidden_dim"] / base.hyperparameters["hidden_dim"] < 1.4


@pytest.mark.parametrize("budget", [100_000, 1_000_000])
def test_the_expansions_are_what_their_labels_say(budget):
    asked = dataclasses.replace(
        ABLATIONS["expansion"], budgets=(Budget(kind="dense_parameters", target=budget),)
    )
    for one in size(asked, schema(49)):
        expansion = one.hyperparameters["hidden_dim"] / one.hyperparameters["token_dim"]
        assert one.entrant.label == f"hidden layer · {round(expansion)} × D"
        assert expansion == pytest.approx(round(expansion), rel=0.11)


def test_sparse_models_have_the_total_size_and_fewer_active_parameters():
    base, *arms = size(ABLATIONS["sparsity"], schema(49))
    active = {one.entrant.label: one.cost.active_parameters for one in arms}
    for one in arms[:-1]:
        assert one.cost.dense_parameters == pytest.approx(base.cost.dense_parameters, rel=0.02)
    of_dtsi = [active[f"DTSI + ReLU · {share} active"] for share in ("1", "1/2", "1/4", "1/8")]
    assert of_dtsi == sorted(of_dtsi, reverse=True)
    assert active["dense of the active size"] == pytest.approx(of_dtsi[-1], rel=0.2)


def test_the_runs_of_activation_are_runs_of_sparsity():
    whole = {one.entrant.label: one for one in size(ABLATIONS["sparsity"], schema(49))}
    for one in size(ABLATIONS["activation"], schema(49)):
        assert one == whole[one.entrant.label]
