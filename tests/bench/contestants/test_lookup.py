"""Contestants by name: what may be named, what a plug-in may do to the process, and what its source is."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from bench.contestants.contract import InputShape
from bench.contestants.lookup import contestants, named, registered
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput

MODEL = """
import torch
from bench.contestants import Contestant, Dial

class Model(torch.nn.Module):
    def __init__(self, field_dims, num_tasks=1, *, width=4):
        super().__init__()
        self.inner = torch.nn.Linear(sum(field_dims), width)
        self.head = torch.nn.Linear(width, num_tasks)

    def forward(self, x_BI):
        return self.head(self.inner(x_BI))

MINE = Contestant(
    name="mine", title="Mine", model=Model, hyperparameters={"width": 4}, dial=Dial(name="width")
)
"""
SHAPE = InputShape(field_dims=(4, 4), groups=((0,), (1,)), num_tasks=1)


def forget(*names: str) -> None:
    for name in names:
        sys.modules.pop(name, None)


def write(path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


def refusal(name: str) -> str:
    with pytest.raises(BadInput) as refused:
        named(name)
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


def test_names_of_all_kinds_stand_in_one_list(folder):
    write(folder / "one_model.py", MODEL)
    write(folder / "deep/er/two_model.py", MODEL.replace('"mine"', '"yours"'))
    write(folder / "three_model.py", MODEL.replace('"mine"', '"theirs"'))
    chosen = contestants(["dcnv2", "one_model:MINE", "deep/er/two_model.py:MINE", "three_model.py"])
    assert [c.name for c in chosen] == ["dcnv2", "mine", "yours", "theirs"]
    for contestant in chosen:
        assert contestant.build(SHAPE, contestant.hyperparameters)(torch.zeros(3, 8)).shape == (3, 1)


def test_a_module_and_its_file_are_the_same_contestant(folder):
    write(folder / "my_model.py", MODEL)
    assert named("my_model:MINE") == named("my_model.py:MINE") == named(str(folder / "my_model.py"))
    with pytest.raises(BadInput, match=r"'my_model\.py' has the name 'mine', which another one has too"):
        contestants(["my_model:MINE", "my_model.py"])


def test_a_file_in_a_package_is_imported_with_its_package(folder):
    write(folder / "work/package/__init__.py", "")
    write(folder / "work/package/layers.py", "WIDTH = 4\n")
    write(folder / "work/package/model.py", "from .layers import WIDTH\n" + MODEL)
    assert named("work/package/model.py:MINE").load().__module__ == "package.model"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rankmixr", "unknown contestant 'rankmixr'; did you mean 'rankmixer'? (known: "),
        ("nonsense", "give your own contestant as package.module:NAME or path/to/file.py:NAME"),
        ("no.such.module:NAME", "contestant 'no.such.module:NAME': module 'no' is neither in "),
        ("folder/absent.py:FM", "contestant file folder/absent.py does not exist"),
        ("my_model.py:MIME", "unknown contestant in my_model.py: 'MIME'; did you mean 'MINE'? (known: MINE)"),
        (
            "my_model:Model",
            "contestant 'my_model:Model' is a type; it must be a bench.contestants.Contestant",
        ),
        (
            "empty.py",
            "must define one Contestant, but it defines none; say which one to use: empty.py:NAME",
        ),
        ("several.py", "but it defines several: MINE, OTHER; say which one to use: several.py:NAME"),
        ("taken.py", "contestant 'taken.py' has the name 'rankmixer', which is taken"),
        ("comma.py", "contestant 'comma.py' has the name 'a,b'; a name can have letters"),
        ("random.py", "cannot be imported as 'random', which is "),
    ],
)
def test_what_cannot_be_found_is_refused_in_one_line(folder, name, message):
    write(folder / "my_model.py", MODEL)
    write(folder / "empty.py", "")
    write(
        folder / "several.py", MODEL + "import dataclasses\nOTHER = dataclasses.replace(MINE, name='other')\n"
    )
    write(folder / "taken.py", MODEL.replace('"mine"', '"rankmixer"'))
    write(folder / "comma.py", MODEL.replace('"mine"', '"a,b"'))
    write(folder / "random.py", MODEL)
    assert message in refusal(name)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\nraise RuntimeError('no\\nluck')\n", "raised RuntimeError: no luck (bad.py:2)"),
        ("x = 1\ny = = 2\n", "raised SyntaxError: invalid syntax (bad.py:2)"),
        ("import sys\n\nsys.exit('bye')\n", "called sys.exit(bye) (bad.py:3)"),
        ("class Mine(Exception): pass\nraise Mine\n", "raised Mine (bad.py:2)"),
        ("import torch\ntorch.zeros(2).view(3)\n", "raised RuntimeError: shape '[3]' is invalid"),
        (
            "import no_such_library\n",
            "raised ModuleNotFoundError: No module named 'no_such_library' (bad.py:1)",
        ),
        ("import json\njson.loads('{')\n", "(bad.py:2)"),
        ("def f(): return 1 / 0\nf()\n", "raised ZeroDivisionError: division by zero (bad.py:1)"),
    ],
)
def test_whatever_an_import_raises_is_one_line_with_the_line_of_its_code(folder, source, said):
    write(folder / "bad.py", source)
    for name in ("bad:MINE", "bad.py"):
        message = refusal(name)
        assert message.startswith(f"contestant '{name}' ")
        assert said in message
        assert "(bad.py:" in message
        forget("bad")


def test_an_import_changes_nothing_that_others_use(folder, capsys):
    meddles = """
    import os, random, warnings
    import numpy, torch
    random.seed(1)
    numpy.random.seed(1)
    numpy.seterr(all="ignore")
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.set_default_device("meta")
    warnings.simplefilter("error")
    os.chdir("/")
    print("hello")
    """
    write(folder / "meddles.py", textwrap.dedent(meddles) + MODEL)

    def state():
        return (
            random.getstate(),
            np.random.get_state()[1].tolist(),  # noqa: NPY002 (what a plug-in may have seeded)
            np.geterr(),
            torch.get_rng_state().tolist(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_default_device(),
            os.getcwd(),  # noqa: PTH109
            sys.dont_write_bytecode,
        )

    before = state()
    assert named("meddles:MINE").name == "mine"
    assert state() == before
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "hello" in printed.err


def test_registered_contestants_have_no_source_and_ones_own_have():
    assert all(c.source is None for c in contestants(list(CONTESTANTS)))


def test_an_edited_file_is_another_source_and_a_moved_one_is_not(folder):
    write(folder / "my_model.py", MODEL)
    first = named("my_model:MINE").source
    assert len(first) == 64
    forget("my_model")
    write(folder / "elsewhere/other_name.py", MODEL)
    assert named("elsewhere/other_name.py").source == first
    write(folder / "my_model.py", MODEL.replace("self.head(self.inner", "-self.head(self.inner"))
    edited = named("my_model:MINE")
    assert edited.source != first
    model = edited.build(SHAPE, edited.hyperparameters)
    assert torch.equal(
        model(torch.ones(1, 8)), -model.head(model.inner(torch.ones(1, 8)))
    )  # the new code runs


@pytest.mark.parametrize(
    ("line", "edited"),
    [
        ("from layers import WIDTH", "layers.py"),
        ("import layers", "layers.py"),
        ("from parts.deep import anything", "parts/deep.py"),
        ("from parts import deep", "parts/deep.py"),
        ("def later():\n    import layers", "layers.py"),
        ("from first import Model as Base", "layers.py"),
    ],
)
def test_what_lies_beside_and_is_imported_is_part_of_the_source(folder, line, edited):
    write(folder / "layers.py", "WIDTH = 4\n")
    write(folder / "parts/deep.py", "anything = 1\n")
    write(folder / "first.py", "import layers\n" + MODEL)
    write(folder / "unrelated.py", "x = 1\n")
    write(folder / "my_model.py", f"{line}\n" + MODEL)
    first = named("my_model:MINE").source
    forget("my_model", "layers", "parts", "parts.deep", "first")
    write(folder / "unrelated.py", "x = 2\n")
    assert named("my_model:MINE").source == first
    forget("my_model", "layers", "parts", "parts.deep", "first")
    with (folder / edited).open("a") as file:
        file.write("# edited\n")
    assert named("my_model:MINE").source != first


def test_the_harness_and_what_is_installed_are_no_part_of_the_source(folder):
    from bench.contestants.source import source_files

    write(folder / "my_model.py", "import numpy, json, rankmixer\n" + MODEL)
    write(folder / "venv/lib/site-packages/library.py", "x = 1\n")
    sys.path.append(str(folder / "venv/lib/site-packages"))
    write(folder / "second.py", "import library\n" + MODEL)
    named("my_model:MINE"), named("second:MINE")
    assert source_files("my_model") == [folder / "my_model.py"]
    assert source_files("second") == [folder / "second.py"]


def test_a_contestant_of_an_installed_package_has_a_source(folder, monkeypatch):
    write(folder / "package/__init__.py", "")
    write(folder / "package/models.py", MODEL)
    sys.path.append(str(folder))
    entry = importlib.metadata.EntryPoint("mine", "package.models:MINE", "rankbench.contestants")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry])
    assert "mine" in registered()
    assert len(named("mine").source) == 64
    assert contestants(["dcnv2", "mine"])[-1].source == named("mine").source
    broken = importlib.metadata.EntryPoint("b", "no_such_package:B", "rankbench.contestants")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry, broken])
    assert named("rankmixer") is CONTESTANTS["rankmixer"]  # no other is loaded for it
    assert "entry point no_such_package:B raised ModuleNotFoundError" in refusal("another")


def test_a_registered_name_is_found_without_torch():
    code = (
        "import sys; from bench.contestants.lookup import named; named('dcnv2')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
