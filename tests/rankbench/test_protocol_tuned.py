"""`--protocol`: tuned settings that ship or are one's own, or one setting for all."""

from __future__ import annotations

import dataclasses

import pytest

from bench.contestants.settings_file import shipped, write_settings
from bench.errors import BadInput
from bench.training.protocols import PROTOCOLS
from rankbench.choices import Choices
from rankbench.request import study
from tests.bench.contestants.test_tuned import PROVENANCE, settings, tuned


@pytest.fixture
def own(tmp_path):
    """A path of settings that were tuned from `epochs` with another cooldown."""
    provenance = dataclasses.replace(PROVENANCE, protocol="epochs", protocol_values={"cooldown": 0.5})
    write_settings(dataclasses.replace(settings(tuned(1_000)), provenance=provenance), tmp_path / "own.toml")
    return tmp_path / "own.toml"


def test_studies_and_single_contestants_are_by_the_settings_that_ship():
    for target in ("compare", "worlds", "rankmixer"):
        for choices in (Choices(), Choices(protocol="tuned")):
            asked = study(target, choices)
            assert (asked.tuned, asked.protocol, asked.given) == (shipped(), PROTOCOLS["short"], ())
    assert study("compare", Choices()).beside_equal
    assert not study("rankmixer", Choices()).beside_equal


def test_a_named_protocol_is_one_for_all():
    asked = study("compare", Choices(protocol="short"))
    assert (asked.tuned, asked.protocol) == (None, PROTOCOLS["short"])


def test_a_file_brings_the_protocol_that_it_changes(own):
    asked = study("compare", Choices(protocol=str(own), dense_lr=0.007))
    assert asked.tuned.settings == (tuned(1_000),)
    assert asked.protocol.name == "epochs, cooldown 0.5, dense_lr 0.007"
    assert asked.given == ("dense_lr",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"rankmixer"', '"rankmixr"', "rankmixr at size 1000: unknown contestant 'rankmixr'; did you mean"),
        ("num_layers =", "num_layer =", "unknown hyper-parameter 'num_layer'; did you mean 'num_layers'"),
        ("dense_lr =", "dense_rate =", "unknown protocol value 'dense_rate'; did you mean"),
        ("dense_lr = 0.004", "dense_lr = -1", "dense_lr is -1; it must be a number above 0"),
        ("batch_size = 512", "batch_size = 0", "batch_size is 0; it must be from 1"),
        ('protocol = "epochs"', 'protocol = "epoch"', "unknown protocol 'epoch'; did you mean 'epochs'"),
        ("cooldown = 0.5", "cooldown = 5", "cooldown is 5; it must be from 0 to 1"),
    ],
)
def test_what_a_file_names_must_exist(own, old, new, message):
    text = own.read_text()
    assert old in text
    own.write_text(text.replace(old, new))
    with pytest.raises(BadInput, match=message):
        study("compare", Choices(protocol=str(own)))


def test_an_unknown_protocol_is_named_with_those_there_are():
    with pytest.raises(BadInput, match=r"unknown protocol 'tunes'; did you mean 'tuned'\?"):
        study("compare", Choices(protocol="tunes"))
