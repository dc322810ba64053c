"""What a contestant of your own is checked for when it is looked up and built."""

from __future__ import annotations

import pytest

from bench.contestants.lookup import named
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput
from tests.bench.contestants.test_lookup import MODEL, SHAPE, refusal, write


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '{"width": 4}',
            '{"widht": 4}',
            "mine: hyperparameters has 'widht', but Model.__init__ has no such argument; "
            "did you mean 'width'? (it has: width)",
        ),
        ("*, width=4", "*, depth, width=4", "needs 'depth', which has no default"),
        ("*, width=4", "*, width=4, **more", "takes **more; its constructor must name every hyper-parameter"),
        ("*, width=4", "*more, width=4", "takes *more; its constructor must name every"),
        (
            "field_dims, num_tasks=1, ",
            "dims, ",
            "takes (dims, width); the first two arguments of its constructor must be field_dims",
        ),
        (
            'Dial(name="width")',
            'Dial(name="widht")',
            "mine: dial has 'widht', but Model.__init__ has no such argument; did you mean",
        ),
        ('{"width": 4}', "{}", "the dial of mine is 'width', which is not among the hyperparameters"),
        (
            "dial=",
            "trim='depth', dial=",
            "mine: trim has 'depth', but Model.__init__ has no such argument; did you mean 'width'? (it has:",
        ),
        (
            "dial=",
            "search_space={'deep': (1,)}, dial=",
            "mine: search_space has 'deep', but Model.__init__ has no such argument (it has: width)",
        ),
        (
            '{"width": 4}',
            '{"width": torch.relu}',
            "hyper-parameter 'width' of mine cannot be written to a record",
        ),
        (
            '{"width": 4}',
            '{"width": float("nan")}',
            "hyper-parameter 'width' of mine cannot be written to a record",
        ),
        ("model=Model", "model='my_model:Modl'", "contestant 'my_model:MINE' raised AttributeError"),
        ("model=Model", "model=3", "the model of mine is 3; it must be a class"),
    ],
)
def test_defaults_are_checked_against_the_constructor(folder, old, new, message):
    assert old in MODEL
    write(folder / "my_model.py", MODEL.replace(old, new))
    assert message in refusal("my_model:MINE")


def test_every_registered_contestant_passes_the_check_of_defaults():
    from bench.contestants.defaults import check_defaults

    for contestant in CONTESTANTS.values():
        check_defaults(contestant)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("assert width < 2, 'too wide'", "raised AssertionError: too wide (my_model.py:"),
        ("1 / 0", "raised ZeroDivisionError: division by zero (my_model.py:"),
        ("torch.nn.Linear(2, 'a')", "raised TypeError: "),
        ("raise SystemExit(3)", "called sys.exit(3) (my_model.py:"),
    ],
)
def test_what_a_constructor_raises_is_one_line_with_the_line_of_its_code(folder, line, said):
    write(folder / "my_model.py", MODEL.replace("super().__init__()", f"super().__init__()\n        {line}"))
    contestant = named("my_model:MINE")
    with pytest.raises(BadInput) as refused:
        contestant.build(SHAPE, contestant.hyperparameters)
    assert str(refused.value).startswith(f"mine: its constructor {said}")
    assert "(my_model.py:8)" in str(refused.value)


def test_too_little_memory_in_a_constructor_stays_what_it_is(folder):
    line = "raise MemoryError"
    write(folder / "my_model.py", MODEL.replace("super().__init__()", f"super().__init__()\n        {line}"))
    contestant = named("my_model:MINE")
    with pytest.raises(MemoryError):
        contestant.build(SHAPE, contestant.hyperparameters)
