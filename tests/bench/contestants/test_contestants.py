"""The contract, for every registered contestant: being in the registry is being tested here."""

from __future__ import annotations

import inspect
import itertools
import json
import math
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from bench.contestants.budget import Solution, solve
from bench.contestants.contract import COMBINATIONS, Contestant, Dial, InputShape, training_loss
from bench.contestants.counting import counted, measure, on_meta
from bench.contestants.lookup import contestants
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput
from bench.spec import BUDGET_TOLERANCE, Budget

EVEN = InputShape(field_dims=(8,) * 10, groups=((0, 3, 1), (2, 4, 5, 6), (7, 8, 9)), num_tasks=2)
UNEVEN = InputShape(
    field_dims=(4, 16, 8, 8, 2, 12, 8, 6, 8), groups=((8, 0, 3, 1), (2, 4, 5, 6, 7)), num_tasks=1
)
SHAPES = {"even": EVEN, "uneven": UNEVEN}

each = pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))
shaped = pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))


def small(contestant: Contestant, shape: InputShape) -> dict:
    return dict(solve(contestant, shape, Budget(kind="dense_parameters", target=60_000)).hyperparameters)


def built(contestant: Contestant, shape: InputShape, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return contestant.build(shape, small(contestant, shape))


def inputs(shape: InputShape, rows: int = 16, seed: int = 1) -> torch.Tensor:
    return torch.randn(rows, sum(shape.field_dims), generator=torch.Generator().manual_seed(seed))


def labels(shape: InputShape, rows: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 2, (rows, shape.num_tasks), generator=generator).float()


@each
def test_registry_states_every_hyperparameter_with_the_default_of_the_class(contestant):
    parameters = inspect.signature(contestant.load()).parameters
    keyword_only = {n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY} - {"groups"}
    assert set(contestant.hyperparameters) == keyword_only
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    assert json.loads(json.dumps(contestant.hyperparameters)) is not None
    assert contestant.trim is None or contestant.trim in contestant.hyperparameters


@each
def test_search_spaces_are_of_one_size(contestant):
    assert math.prod(len(set(choices)) for choices in contestant.search_space.values()) == COMBINATIONS
    known = {**contestant.hyperparameters, **contestant.dial.proportions}
    for name, choices in contestant.search_space.items():
        assert known[name] in choices
        assert list(choices) == sorted(choices)
    for combination in itertools.product(*contestant.search_space.values()):
        given = dict(zip(contestant.search_space, combination, strict=True))
        solution = solve(contestant, fields_of(20, 8), Budget(kind="dense_parameters", target=300_000), given)
        assert abs(solution.reached / 300_000 - 1) <= BUDGET_TOLERANCE


@each
@shaped
def test_forward_gives_one_logit_per_task_for_any_batch(contestant, shape):
    model = built(contestant, shape).eval()
    for rows in (1, 5):
        logits = model(inputs(shape, rows))
        assert logits.shape == (rows, shape.num_tasks)
        assert logits.isfinite().all()


@each
@shaped
@pytest.mark.parametrize("training", [False, True])
def test_no_rows_give_no_logits(contestant, shape, training):
    x_BI = inputs(shape, rows=0).requires_grad_(training)
    logits = built(contestant, shape).train(training)(x_BI)
    assert logits.shape == (0, shape.num_tasks)
    if training:
        logits.sum().backward()
        assert x_BI.grad.shape == x_BI.shape


@each
@shaped
def test_gradient_reaches_every_parameter_and_the_whole_input(contestant, shape):
    model = built(contestant, shape).train()
    x_BI = inputs(shape, rows=256).requires_grad_()
    training_loss(model, x_BI, labels(shape, 256), F.binary_cross_entropy_with_logits).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent
    assert x_BI.grad.abs().sum(dim=0).gt(0).all()


@each
def test_rows_do_not_see_each_other(contestant):
    model = built(contestant, EVEN).eval()
    x_BI = inputs(EVEN, 8)
    with torch.no_grad():
        together = model(x_BI)
        alone = torch.cat([model(row[None]) for row in x_BI])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@each
def test_every_field_matters(contestant):
    model = built(contestant, UNEVEN).eval()
    x_BI = inputs(UNEVEN, 4)
    with torch.no_grad():
        before = model(x_BI)
        start = 0
        for dim in UNEVEN.field_dims:
            changed = x_BI.clone()
            changed[:, start : start + dim] += 1.0
            assert not torch.equal(model(changed), before)
            start += dim


@each
@shaped
def test_what_a_closed_form_says_beside_sparse_experts_is_what_is_counted(contestant, shape):
    for hyperparameters in (contestant.hyperparameters, small(contestant, shape)):
        model = on_meta(contestant, shape, hyperparameters)
        assert measure(model, shape, "dense_parameters") == sum(p.numel() for p in model.parameters())
        if measure(model, shape, "active_parameters") == measure(model, shape, "dense_parameters"):
            for kind in ("flops_forward", "flops_train"):
                assert measure(model, shape, kind) == counted(model, shape, kind)


@each
def test_same_seed_same_model_and_another_seed_another(contestant):
    first, again, other = built(contestant, EVEN), built(contestant, EVEN), built(contestant, EVEN, seed=1)
    x_BI = inputs(EVEN)
    for model in (first, again, other):
        model.eval()
    assert torch.equal(first(x_BI), again(x_BI))
    assert not torch.equal(first(x_BI), other(x_BI))


@each
def test_bfloat16_agrees_with_float32_to_its_precision(contestant):
    model = built(contestant, EVEN).eval()
    x_BI = inputs(EVEN)
    with torch.no_grad():
        exact = model(x_BI)
        rounded = model.to(torch.bfloat16)(x_BI.bfloat16()).float()
    assert (rounded - exact).abs().max() <= 0.06 * exact.abs().max().clamp(min=1.0)


@each
def test_forward_exports(contestant):
    model = built(contestant, EVEN).eval()
    x_BI = inputs(EVEN, 4)
    exported = torch.export.export(model, (x_BI,)).module()
    torch.testing.assert_close(exported(x_BI), model(x_BI), rtol=1e-4, atol=1e-5)


@each
@pytest.mark.parametrize("num_fields", [10, 39, 300])
@pytest.mark.parametrize("kind", ["dense_parameters", "flops_forward"])
@pytest.mark.parametrize("target", [30_000, 1_000_000, 100_000_000])
def test_budget_is_met_within_two_percent_or_refused_with_the_nearest(contestant, num_fields, kind, target):
    fifth = num_fields // 5
    groups = tuple(tuple(range(g * fifth, (g + 1) * fifth if g < 4 else num_fields)) for g in range(5))
    shape = InputShape(field_dims=(16,) * num_fields, groups=groups, num_tasks=2)
    budget = Budget(kind=kind, target=target)
    solution, refusal = attempt(contestant, shape, budget)
    if solution is None:
        # Only what is too wide to be small may refuse.
        assert target == 30_000 or (target == 1_000_000 and num_fields == 300 and kind == "flops_forward")
        assert contestant.name in refusal
        assert " possible (" in refusal
        return
    reached = measure(on_meta(contestant, shape, solution.hyperparameters), shape, kind)
    assert abs(reached / target - 1) <= BUDGET_TOLERANCE
    assert solution.reached == reached


@pytest.mark.parametrize("name", ["rankmixer-moe", "tokenmixer-large", "tokenmixer-large-moe"])
@pytest.mark.parametrize("num_fields", [10, 39])
def test_no_model_is_bent_out_of_shape_for_a_last_fraction_of_the_budget(name, num_fields):
    shape = InputShape(
        field_dims=(16,) * num_fields, groups=tuple((i,) for i in range(num_fields)), num_tasks=2
    )
    solution = solve(CONTESTANTS[name], shape, Budget(kind="dense_parameters", target=100_000))
    assert 0.75 <= solution.trim_ratio <= 1.35


def attempt(contestant: Contestant, shape: InputShape, budget: Budget) -> tuple[Solution | None, str]:
    try:
        return solve(contestant, shape, budget), ""
    except BadInput as error:
        return None, str(error)


@each
@pytest.mark.parametrize("num_fields", [1, 2, 10])
def test_size_never_falls_as_the_dial_turns(contestant, num_fields):
    shape = fields_of(num_fields, 8)
    base = contestant.hyperparameters_on(shape)
    models = [on_meta(contestant, shape, contestant.dial.at(n, base, shape)) for n in range(1, 13)]
    for kind in ("dense_parameters", "flops_forward"):
        values = [measure(model, shape, kind) for model in models]
        assert values == sorted(values)
        assert values[-1] > values[0]


def fields_of(num_fields: int, width: int) -> InputShape:
    groups = tuple((i,) for i in range(num_fields))
    return InputShape(field_dims=(width,) * num_fields, groups=groups, num_tasks=2)


class Tiny(torch.nn.Module):
    """A user's own contestant, without a closed form."""

    def __init__(self, field_dims, num_tasks=1, *, width=4):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(sum(field_dims), width), torch.nn.ReLU(), torch.nn.Linear(width, num_tasks)
        )

    def forward(self, x_BI):
        return self.layers(x_BI)


TINY = Contestant(
    name="tiny", title="Tiny", model=Tiny, hyperparameters={"width": 4}, dial=Dial(name="width"), trim=None
)


def test_a_contestant_without_a_closed_form_is_counted():
    solution = solve(TINY, EVEN, Budget(kind="dense_parameters", target=8_302))
    assert solution.hyperparameters == {"width": 100}
    assert solution.reached == 100 * 81 + 2 * 101


def test_a_hyperparameter_that_is_not_there_is_refused_by_name():
    with pytest.raises(BadInput, match=r"tiny has no hyper-parameter 'widht'; did you mean 'width'"):
        TINY.build(EVEN, {"widht": 3})


def test_names_are_looked_up_with_a_suggestion():
    assert [c.name for c in contestants(["dcnv2", "rankmixer"])] == ["dcnv2", "rankmixer"]
    with pytest.raises(BadInput, match="did you mean 'rankmixer'"):
        contestants(["rankmixr"])


def test_registry_imports_no_torch():
    code = "import sys, bench.contestants.lookup as c; c.registered(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
