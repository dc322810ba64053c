"""One try of a contestant before training: what is refused, what is warned about; nothing is left behind."""

from __future__ import annotations

import asyncio
import random
import sys
import time

import pytest
import torch
from torch import nn

from bench.contestants import probe as probing
from bench.contestants.contract import Contestant, Dial, InputShape
from bench.contestants.probe import probe
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput

SHAPE = InputShape(field_dims=(8, 4, 8), groups=((0,), (1, 2)), num_tasks=2)


class Sound(nn.Module):
    """A model with nothing wrong, whose parts the others exchange."""

    def __init__(self, field_dims, num_tasks=1, *, width=8):
        super().__init__()
        self.inner = nn.Linear(sum(field_dims), width)
        self.head = nn.Linear(width, num_tasks)

    def hidden(self, x_BI):
        return self.inner(x_BI).relu()

    def forward(self, x_BI):
        return self.head(self.hidden(x_BI))


def contestant(model: type) -> Contestant:
    return Contestant(
        name="mine", title="M", model=model, hyperparameters={"width": 8}, dial=Dial(name="width")
    )


def tried(model: type) -> tuple[str, ...]:
    return probe(contestant(model), SHAPE, {"width": 8})


def refused(model: type) -> str:
    with pytest.raises(BadInput) as refusal:
        tried(model)
    assert str(refusal.value).startswith("mine: ")
    assert len(str(refusal.value).splitlines()) == 1
    return str(refusal.value)


def with_forward(function) -> type:
    return type("Changed", (Sound,), {"forward": function})


def test_a_sound_contestant_passes_without_a_word():
    assert tried(Sound) == ()


@pytest.mark.parametrize("name", CONTESTANTS)
def test_no_registered_contestant_would_be_warned_about(name):
    known = CONTESTANTS[name]
    twin = Contestant(
        name="mine",
        title="M",
        model=known.model,
        hyperparameters=known.hyperparameters,
        dial=known.dial,
    )
    shape = InputShape(field_dims=(8,) * 10, groups=((0, 3, 1), (2, 4, 5, 6), (7, 8, 9)), num_tasks=2)
    assert probe(twin, shape, known.hyperparameters) == ()


def test_contestants_of_the_registry_are_not_tried(monkeypatch):
    monkeypatch.setattr(Contestant, "build", lambda *_: pytest.fail("it was built"))
    for known in CONTESTANTS.values():
        assert probe(known, SHAPE, known.hyperparameters) == ()


def wrong_head(self, x_BI):
    raise KeyError("head")


def cancelled(self, x_BI):
    raise asyncio.CancelledError("\udcff")  # no Exception, and no text that can be stored


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (
            wrong_head,
            f"mine: its forward raised KeyError: 'head' ({{place}}:{wrong_head.__code__.co_firstlineno + 1})",
        ),
        (lambda self, x_BI: sys.exit(1), "mine: its forward called sys.exit(1) ({place}:"),
        (cancelled, "mine: its forward raised CancelledError: \\udcff ({place}:"),
        (lambda self, x_BI: x_BI @ x_BI, "mine: its forward raised RuntimeError: mat1 and mat2"),
        (
            lambda self, x_BI: None,
            "its forward returns a NoneType, expected a tensor of logits of shape [16, 2]",
        ),
        (
            lambda self, x_BI: self.inner(x_BI),
            "returns logits of shape [16, 8] for 16 rows, expected [16, 2]: one per row and task",
        ),
        (lambda self, x_BI: self.head(self.inner(x_BI))[:, 0], "of shape [16] for 16 rows"),
        (
            lambda self, x_BI: self.head(self.inner(x_BI)).squeeze(0),
            "of shape [2] for 1 rows, expected [1, 2]",
        ),
        (
            lambda self, x_BI: self.head(self.inner(x_BI)).long(),
            "logits of type torch.int64, expected floats",
        ),
        (lambda self, x_BI: Sound.forward(self, x_BI) * float("nan"), "returns NaN or infinite logits"),
        (
            lambda self, x_BI: Sound.forward(self, x_BI - x_BI.mean(0)),
            "its forward mixes the rows of a batch",
        ),
        (lambda self, x_BI: Sound.forward(self, x_BI + 0.1 * x_BI.flip(0)), "its forward mixes the rows"),
        (lambda self, x_BI: Sound.forward(self, x_BI).softmax(0), "its forward mixes the rows"),
        (
            lambda self, x_BI: Sound.forward(self, x_BI).sigmoid(),
            "returns values between 0 and 1, as a sigmoid",
        ),
        (lambda self, x_BI: Sound.forward(self, x_BI).softmax(1), "returns values between 0 and 1"),
        (lambda self, x_BI: Sound.forward(self, x_BI).detach(), "in training, has no gradient"),
        (
            lambda self, x_BI: Sound.forward(self, x_BI) * float(x_BI.mean() < 9),
            "mine: counting its size on the meta device, which has shapes but no values, raised",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(forward, message):
    said = refused(with_forward(forward))
    place = "test_probe.py"
    start, _, end = message.partition("{place}")
    assert start in said
    assert (place + end if end else "") in said


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda self, x, y, c: 1 / 0, "its loss, in training, raised ZeroDivisionError: division by zero ("),
        (
            lambda self, x, y, c: (self(x) - y) ** 2,
            "its loss, in training, gives shape [16, 2]; expected one",
        ),
        (lambda self, x, y, c: 0.5, "its loss, in training, gives type float; expected one number"),
        (
            lambda self, x, y, c: c(self(x), y) * float("inf"),
            "gives inf for ordinary input; it must be finite",
        ),
        (lambda self, x, y, c: c(self(x), y[:, 0]), "its loss, in training, raised ValueError: Target size"),
        (lambda self, x, y, c: (self(x) * 0).sqrt().sum(), "its gradients are NaN or infinite"),
    ],
)
def test_an_objective_of_its_own_is_tried_too(loss, message):
    assert message in refused(type("Changed", (Sound,), {"loss": loss}))


def test_a_backward_pass_that_raises_names_its_line():
    class Cut(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            raise RuntimeError("no way back")

    said = refused(with_forward(lambda self, x_BI: Cut.apply(Sound.forward(self, x_BI))))
    assert "mine: the backward pass of its training raised RuntimeError: no way back (" in said


def test_what_only_the_meta_device_refuses_says_so():
    class Reads(Sound):
        def __init__(self, field_dims, num_tasks=1, *, width=8):
            super().__init__(field_dims, num_tasks, width=width)
            self.scale = self.inner.weight.std().item()

    said = refused(Reads)
    assert "mine: its constructor raised RuntimeError" in said
    assert said.endswith("; this happens only on the meta device, which has shapes but no values")


def test_a_constructor_that_raises_everywhere_names_its_line():
    class Broken(Sound):
        def __init__(self, field_dims, num_tasks=1, *, width=8):
            raise OSError("no file")

    assert refused(Broken).startswith("mine: its constructor raised OSError: no file (")


def test_what_is_no_module_is_refused():
    assert "its model is a function, expected a torch.nn.Module" in refused(
        lambda field_dims, num_tasks=1, *, width=8: print
    ).replace("builtin_function_or_method", "function")


def test_a_wrong_closed_form_is_refused():
    form = {"dense_parameters": 5, "flops_forward": 7}
    said = refused(type("Changed", (Sound,), {"closed_form": lambda self: form}))
    assert "closed_form of Changed gives dense_parameters, allowed: active_parameters, flops_forward" in said


class Normed(Sound):
    def __init__(self, field_dims, num_tasks=1, *, width=8):
        super().__init__(field_dims, num_tasks, width=width)
        self.norm = nn.BatchNorm1d(width)

    def hidden(self, x_BI):
        return self.norm(super().hidden(x_BI))


class Frozen(Sound):
    def __init__(self, field_dims, num_tasks=1, *, width=8):
        super().__init__(field_dims, num_tasks, width=width)
        self.requires_grad_(False)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Normed, "mine mixes the rows of a batch in training, as BatchNorm does; in eval mode it does not"),
        (Frozen, "mine does not learn: no parameter gets a gradient in training"),
        (
            with_forward(lambda self, x_BI: nn.functional.dropout(Sound.forward(self, x_BI))),
            "mine returns different logits for the same rows in a second call, in eval mode",
        ),
        (
            with_forward(lambda self, x_BI: Sound.forward(self, x_BI / (1 + x_BI.abs())).sigmoid()),
            "even for large inputs of both signs; if they are probabilities, return the logits",
        ),
        (
            with_forward(lambda self, x_BI: Sound.forward(self, x_BI) / (x_BI.amax(1, True) < 0.5)),
            "mine returns NaN or infinite logits for input of unit variance",
        ),
    ],
)
def test_what_may_be_meant_is_warned_about(model, message):
    (warning,) = tried(model)
    assert message in warning


def test_dropout_in_training_and_heads_of_zeros_are_no_cause_for_warnings():
    class Usual(Sound):
        def __init__(self, field_dims, num_tasks=1, *, width=8):
            super().__init__(field_dims, num_tasks, width=width)
            nn.init.zeros_(self.head.weight)

        def hidden(self, x_BI):
            return nn.functional.dropout(super().hidden(x_BI), training=self.training)

    assert tried(Usual) == ()


def test_one_task_in_several_that_is_squeezed_is_noticed():
    def forward(self, x_BI):
        logits_BK = Sound.forward(self, x_BI)
        return torch.stack([logits_BK[:, 0], logits_BK[:, 1].sigmoid()], dim=1)

    assert "returns values between 0 and 1" in refused(with_forward(forward))


def test_what_it_prints_is_told_and_stays_off_stdout(capsys):
    def forward(self, x_BI):
        print("shape:", tuple(x_BI.shape))
        return Sound.forward(self, x_BI)

    (warning,) = tried(with_forward(forward))
    assert warning.startswith("mine prints while it runs: shape: (16, 20) shape: ")
    assert capsys.readouterr().out == ""


def test_nothing_that_others_use_is_changed():
    def forward(self, x_BI):
        random.seed(1)
        torch.manual_seed(1)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(3)
        return Sound.forward(self, x_BI)

    def state():
        threads = torch.get_num_threads()
        return random.getstate(), torch.get_rng_state().tolist(), torch.get_default_dtype(), threads

    before = state()
    assert tried(with_forward(forward)) == ()
    assert state() == before


def test_a_large_model_is_not_tried_but_counted(monkeypatch):
    monkeypatch.setattr(probing, "LARGEST", 100)
    before = time.perf_counter()
    (note,) = tried(with_forward(lambda self, x_BI: Sound.forward(self, x_BI).sigmoid()))
    assert note == "mine was not tried before training, because it has 186 parameters, more than 100"
    assert time.perf_counter() - before < 5
    assert "one per row and task" in refused_large(monkeypatch)


def refused_large(monkeypatch) -> str:
    with pytest.raises(BadInput) as refusal:
        tried(with_forward(lambda self, x_BI: self.inner(x_BI)))
    return str(refusal.value)
