"""Hyper-parameters as text: read by the type of what they set."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Literal

import pytest
from torch import nn

from bench.canonical import plain
from bench.contestants.contract import Contestant, Dial
from bench.contestants.registry import CONTESTANTS
from bench.contestants.values import read_value, read_values
from bench.errors import BadInput


class Model(nn.Module):
    def __init__(
        self,
        field_dims,
        num_tasks=1,
        *,
        width: int = 4,
        rate: float = 1,
        tokens: int | str = "auto",
        name: str = "relu",
        activation: str | None = "relu",
        mode: Literal["sum", "mean", 3] = "sum",
        pair: tuple[int, float] = (1, 0.5),
        widths: list[int] | None = None,
        names: Sequence[str] = (),
        skip: bool | None = None,
        free=None,
        untyped=(8, 8),
        odd: NoSuchType = None,  # noqa: F821
    ) -> None:
        super().__init__()


DEFAULTS = {
    "width": 4,
    "rate": 1,
    "tokens": "auto",
    "name": "relu",
    "activation": "relu",
    "mode": "sum",
    "pair": (1, 0.5),
    "widths": None,
    "names": (),
    "skip": None,
    "free": None,
    "untyped": (8, 8),
    "odd": None,
}
MINE = Contestant(name="mine", title="M", model=Model, hyperparameters=DEFAULTS, dial=Dial(name="width"))


@pytest.mark.parametrize(
    ("contestant", "name", "text", "value"),
    [
        ("rdcn", "inner_skip", "false", False),
        ("rdcn", "inner_skip", "True", True),
        ("autoint", "scaled_scores", "no", False),
        ("autoint", "scaled_scores", "on", True),
        ("autoint", "scaled_scores", "0", False),
        ("rdcn", "temperature", "2", 2.0),
        ("rdcn", "temperature", "1e-3", 0.001),
        ("rankmixer", "num_layers", " 3 ", 3),
        ("rankmixer", "num_layers", "1_000", 1000),
        ("rankmixer", "norm", "pre", "pre"),
        ("rankmixer", "norm", "'pre'", "pre"),
        ("rankmixer", "hidden_dim", "none", None),
        ("tokenmixer-large", "num_heads", "None", None),
        ("tokenmixer-large", "gate_scale", "2", 2.0),
        ("moe", "top_k", "2", 2),
        ("moe", "top_k", "none", None),
        ("dlrm-mlp", "hidden_dims", "128", (128,)),
        ("dlrm-mlp", "hidden_dims", "128,64", (128, 64)),
        ("dlrm-mlp", "hidden_dims", "(128, 64)", (128, 64)),
        ("dlrm-mlp", "hidden_dims", "[128,64]", (128, 64)),
        ("dlrm-mlp", "hidden_dims", "(128,)", (128,)),
        ("autoint", "hidden_dims", "()", ()),
        ("dhen", "interactions", "attention,fm", ("attention", "fm")),
        ("dhen", "interactions", "('attention', 'fm')", ("attention", "fm")),
    ],
)
def test_a_value_is_read_by_the_type_of_what_it_sets(contestant, name, text, value):
    read = read_value(CONTESTANTS[contestant], name, text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rate", "0.5", 0.5),  # the annotation allows more than the default shows
        ("tokens", "8", 8),
        ("tokens", "all", "all"),
        ("name", "none", "none"),
        ("name", "true", "true"),
        ("activation", "none", None),
        ("mode", "mean", "mean"),
        ("mode", "3", 3),
        ("pair", "2,0.25", (2, 0.25)),
        ("widths", "8,4", [8, 4]),
        ("widths", "none", None),
        ("names", "a,b", ("a", "b")),
        ("skip", "no", False),
        ("free", "4", 4),
        ("free", "4.5", 4.5),
        ("free", "yes", True),
        ("free", "words", "words"),
        ("free", "[1, [2, 3]]", [1, [2, 3]]),
        ("untyped", "16,16,16", (16, 16, 16)),
        ("odd", "7", 7),
    ],
)
def test_the_annotation_of_the_constructor_settles_what_the_default_leaves_open(name, text, value):
    read = read_value(MINE, name, text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("contestant", "name", "text", "allowed"),
    [
        ("rankmixer", "num_layers", "abc", "a whole number"),
        ("rankmixer", "num_layers", "2.5", "a whole number"),
        ("rankmixer", "num_layers", "true", "a whole number"),
        ("rankmixer", "num_layers", "", "a whole number"),
        ("rankmixer", "num_layers", "9" * 5000, "a whole number"),
        ("rankmixer", "num_layers", "None", "a whole number"),
        ("rankmixer", "hidden_dim", "wide", "a whole number or none"),
        ("hiformer", "num_heads", "None", "a whole number"),
        ("rdcn", "temperature", "nan", "a finite number"),
        ("rdcn", "temperature", "-inf", "a finite number"),
        ("rdcn", "temperature", "1e999", "a finite number"),
        ("rdcn", "inner_skip", "maybe", "true or false"),
        ("rdcn", "inner_skip", "2", "true or false"),
        (
            "dlrm-mlp",
            "hidden_dims",
            "128,wide",
            "a list separated by commas, each item a whole number, such as",
        ),
        ("dlrm-mlp", "hidden_dims", "128,,64", "a list separated by commas, each item a whole number"),
        ("dlrm-mlp", "hidden_dims", "", "a list separated by commas, each item a whole number"),
    ],
)
def test_what_is_no_value_of_the_type_is_refused_by_name(contestant, name, text, allowed):
    with pytest.raises(BadInput) as refused:
        read_value(CONTESTANTS[contestant], name, text)
    start = f"--set {name}={text}: {name} of {contestant} is '{text}'; it must be {allowed}"
    assert str(refused.value).startswith(start)
    assert str(refused.value)[len(start) :][:1] in ("", ",", " ")


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("mode", "max", "one of sum, mean, 3"),
        ("pair", "1", "a list separated by commas"),
        ("pair", "1,2,3", "a list separated by commas"),
        ("free", "nan", "a finite number, a text"),
        ("free", "[1e999]", "a finite number, a text"),
        ("free", "{1, 2}", "a finite number, a text"),
        ("skip", "perhaps", "true or false or none"),
    ],
)
def test_annotations_say_what_is_allowed(name, text, allowed):
    with pytest.raises(BadInput, match=f"it must be {allowed}"):
        read_value(MINE, name, text)


@pytest.mark.parametrize(
    ("contestant", "name", "text", "least"),
    [
        ("rankmixer", "num_layers", "-1", 0),
        ("dcnv2", "num_cross_layers", "-1", 0),
        ("tokenmixer-large", "tokenizer_layers", "-2", 0),
        ("moe", "expert_dim", "0", 1),
        ("hiformer", "max_tokens", "0", 1),
        ("dlrm-mlp", "hidden_dims", "128,0", 1),
    ],
)
def test_counts_and_widths_that_no_model_can_have_are_refused(contestant, name, text, least):
    with pytest.raises(BadInput) as refused:
        read_value(CONTESTANTS[contestant], name, text)
    assert str(refused.value) == (
        f"--set {name}={text}: {name} of {contestant} is '{text}'; it must be {least} or more"
    )


def test_an_unknown_hyperparameter_names_the_nearest():
    with pytest.raises(
        BadInput, match=r"rankmixer has no hyper-parameter 'num_layer'; did you mean 'num_layers'"
    ):
        read_value(CONTESTANTS["rankmixer"], "num_layer", "3")


def test_pairs_are_read_together_and_each_once():
    rankmixer = CONTESTANTS["rankmixer"]
    assert read_values(rankmixer, ["num_layers=3", "norm=pre"]) == {"num_layers": 3, "norm": "pre"}
    for settings, message in (
        (["num_layers"], "--set is 'num_layers'; it must be name=value"),
        (["=3"], "--set is '=3'; it must be name=value"),
        (["num_layers=3", "num_layers=4"], "--set gives num_layers twice"),
    ):
        with pytest.raises(BadInput, match=message):
            read_values(rankmixer, settings)


@pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))
def test_every_default_and_every_choice_is_read_back_from_its_own_text(contestant):
    for name, default in {**contestant.hyperparameters, **contestant.dial.proportions}.items():
        for value in (default, *contestant.search_space.get(name, ())):
            assert plain(read_value(contestant, name, str(value))) == plain(value)


def test_plain_values_are_read_without_torch():
    code = (
        "import sys; from bench.contestants.registry import CONTESTANTS as c\n"
        "from bench.contestants.values import read_values\n"
        "read_values(c['rdcn'], ['num_cross_layers=3', 'inner_skip=no', 'temperature=0.5'])\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
