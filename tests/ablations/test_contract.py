"""The contract of a contestant, for every arm: being in an ablation is being tested here."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from ablations import ABLATIONS
from bench.contestants.contract import training_loss
from bench.contestants.counting import counted, measure, on_meta
from bench.contestants.defaults import check_defaults
from bench.contestants.registry import CONTESTANTS
from tests.ablations.every_arm import ARMS, built, small
from tests.bench.contestants.test_contestants import EVEN, SHAPES, inputs, labels

each = pytest.mark.parametrize("arm", ARMS.values(), ids=list(ARMS))
shaped = pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))


@each
@shaped
def test_an_arm_gives_one_logit_per_task_and_gradient_reaches_every_parameter(arm, shape):
    check_defaults(arm.contestant)
    model = built(arm, shape)
    logits_BK = model.eval()(inputs(shape, 5))
    assert logits_BK.shape == (5, shape.num_tasks)
    assert logits_BK.isfinite().all()
    x_BI = inputs(shape, rows=512).requires_grad_()
    training_loss(model.train(), x_BI, labels(shape, 512), F.binary_cross_entropy_with_logits).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent
    assert x_BI.grad.abs().sum(dim=0).gt(0).all()


@each
def test_rows_of_an_arm_do_not_see_each_other(arm):
    model = built(arm, EVEN).eval()
    x_BI = inputs(EVEN, 8)
    with torch.no_grad():
        together, alone = model(x_BI), torch.cat([model(row[None]) for row in x_BI])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@each
def test_what_an_arm_costs_is_counted_on_the_meta_device(arm):
    model = on_meta(arm.contestant, EVEN, small(arm, EVEN))
    assert all(p.is_meta for p in model.parameters())
    assert measure(model, EVEN, "dense_parameters") == sum(p.numel() for p in built(arm, EVEN).parameters())
    if not hasattr(model, "closed_form"):
        for kind in ("flops_forward", "flops_train"):
            assert measure(model, EVEN, kind) == counted(model, EVEN, kind) > 0


def test_an_arm_with_another_model_has_another_name():
    of_name: dict[str, object] = {}
    for arm in ARMS.values():
        contestant = arm.contestant
        assert of_name.setdefault(contestant.name, contestant) == contestant
        if contestant.name in CONTESTANTS:
            assert contestant is CONTESTANTS[contestant.name]


def test_ablations_import_no_torch():
    code = "import sys, ablations; assert len(ablations.ABLATIONS) > 5; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_study_asks_a_question_of_a_base_and_arms():
    for name, study in ABLATIONS.items():
        assert study.name == name
        assert (study.kind, study.beside_equal, study.seeds) == ("ablation", False, (0, 1, 2))
        assert study.question.endswith("?")
        assert study.baseline == study.entrants[0].label
        assert study.tuned is not None
