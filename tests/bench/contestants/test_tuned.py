"""Settings of a tuning: what is written is read, and what is wrong is named."""

from __future__ import annotations

import dataclasses
import math

import pytest

from bench.contestants.registry import CONTESTANTS
from bench.contestants.settings_file import FILE, read_settings, shipped, write_settings
from bench.contestants.tuned import Provenance, Setting, TunedSetting, TunedSettings, TunedSize, size_of
from bench.errors import BadInput
from bench.runs.studies import base_of
from bench.spec import Budget
from bench.training.protocols import changed

RANKMIXER = CONTESTANTS["rankmixer"]
PROVENANCE = Provenance(
    datasets={"rules-8000-0": "0123456789abcdef", "a shop": "f" * 16},
    rows={"rules-8000-0": 8000, "a shop": 10},
    width=8,
    protocol="short",
)


def of_size(size: int, **changes) -> TunedSize:
    given = {
        "trials": 24,
        "sampler": "qmc",
        "sampler_seed": 0,
        "date": "2026-11-28",
        "commit": "c0ffee",
        "command": "rankbench tune compare --set 'rankmixer.norm=\"pre\"'",
    }
    return TunedSize(**{**given, **changes}, size=size)


def tuned(size: int, contestant=RANKMIXER, **changes) -> TunedSetting:
    given = {
        "hyperparameters": {"num_layers": 3, "norm": "pre", "slicing": "fields"},
        "protocol": {"dense_lr": 0.004, "batch_size": 512},
        "contestant": contestant.name,
        "rev": contestant.rev,
        "trial": 7,
        "valid_auc": 0.75,
        "default_valid_auc": 1 / 3,
    }
    return TunedSetting(**{**given, **changes}, size=size)


def settings(*of: TunedSetting, **changes) -> TunedSettings:
    sizes = tuple(of_size(size) for size in sorted({one.size for one in of}))
    return TunedSettings(**{"provenance": PROVENANCE, "tunings": sizes, "settings": of, **changes})


def test_what_is_written_is_read(tmp_path):
    strange = tuned(
        30_000,
        hyperparameters={"hidden_dims": (64, 32), "flag": True, "rate": 1e-06, "odd key": 'a "b" \\ \x7f é'},
        source="ab" * 32,
        protocol={},
    )
    for each in (
        TunedSettings(),
        settings(tuned(100_000), strange),
        settings(tuned(100_000), tunings=(of_size(100_000, start="own.toml"),), rate_exponent=-0.25),
        TunedSettings(
            provenance=dataclasses.replace(PROVENANCE, protocol_values={"epochs": 2, "cooldown": 0.5})
        ),
    ):
        write_settings(each, tmp_path / "own.toml")
        assert read_settings(tmp_path / "own.toml") == each


def test_the_nearest_size_counts_by_ratio():
    small, large = tuned(30_000, trial=1), tuned(300_000, protocol={"dense_lr": 0.001})
    found = settings(small, large)
    middle = math.sqrt(30_000 * 300_000)
    for size, nearest in (
        (1, small),
        (30_000, small),
        (int(middle * 0.99), small),
        (int(middle * 1.01), large),
    ):
        assert found.of(RANKMIXER, size) == Setting(
            hyperparameters=nearest.hyperparameters, protocol=nearest.protocol
        )


def test_a_contestant_of_another_rev_or_source_has_no_setting():
    found = settings(tuned(100_000), tuned(100_000, CONTESTANTS["dcnv2"]))
    assert found.of(RANKMIXER, 100_000) is not None
    for other in (
        dataclasses.replace(RANKMIXER, rev=RANKMIXER.rev + 1),
        dataclasses.replace(RANKMIXER, source="edited"),
        CONTESTANTS["moe"],
    ):
        assert found.of(other, 100_000) is None


def test_the_dense_rate_may_change_with_the_size():
    found = settings(tuned(100_000), tuned(10_000, protocol={"sparse_lr": 0.1}), rate_exponent=-0.5)
    assert found.of(RANKMIXER, 100_000).protocol["dense_lr"] == 0.004
    assert found.of(RANKMIXER, 1_000_000).protocol == {"dense_lr": 0.00126, "batch_size": 512}  # 0.004 / √10
    assert found.of(RANKMIXER, 1_000).protocol == {"sparse_lr": 0.1}


def test_new_settings_replace_those_of_the_same_size_and_keep_the_others():
    first = settings(tuned(100_000), tuned(30_000), tuned(100_000, CONTESTANTS["dcnv2"]))
    again = first.merged([tuned(100_000, trial=3)], PROVENANCE, of_size(100_000, date="2027-01-01"))
    found = again.merged([tuned(300_000)], PROVENANCE, of_size(300_000, trials=48))
    assert [(one.contestant, one.size, one.trial) for one in found.settings] == [
        ("dcnv2", 100_000, 7),
        ("rankmixer", 30_000, 7),
        ("rankmixer", 100_000, 3),
        ("rankmixer", 300_000, 7),
    ]
    assert [(one.size, one.date) for one in found.tunings] == [
        (30_000, "2026-11-28"),
        (100_000, "2027-01-01"),
        (300_000, "2026-11-28"),
    ]
    assert found.told() == (
        "24 trials each at 30k, 24 trials each at 100k, 48 trials each at 300k "
        "on rules-8000-0, a shop; 2027-01-01"
    )


def test_a_tuning_stands_beside_others_unless_it_is_another_at_its_size_or_on_other_data():
    there = settings(tuned(100_000))
    there.refuse_other(PROVENANCE, of_size(100_000, date="d", commit="c", command="x"))
    there.refuse_other(PROVENANCE, of_size(30_000, trials=48, sampler="tpe"))
    TunedSettings().refuse_other(PROVENANCE, of_size(100_000))
    with pytest.raises(BadInput, match="it has settings of another tuning \\(24 trials each at 100k"):
        there.refuse_other(PROVENANCE, of_size(100_000, trials=25))
    with pytest.raises(BadInput, match="it has settings of another tuning"):
        there.refuse_other(PROVENANCE, of_size(100_000, start="tuned"))
    other = dataclasses.replace(PROVENANCE, datasets={"rules-8000-0": "0" * 16})
    with pytest.raises(BadInput, match="it has settings of another tuning"):
        there.refuse_other(other, of_size(30_000))


def test_the_size_of_a_budget_in_flops_is_half_of_it():
    assert size_of(Budget(kind="dense_parameters", target=101)) == 101
    assert size_of(Budget(kind="flops_forward", target=201)) == 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("format = 1", "format = 2"), "format is 2, this version reads 1"),
        (("format = 1", ""), "format is None, this version reads 1"),
        (("format = 1", "format = "), "is not TOML"),
        (("tunings]]\nsize = 100000", "tunings]]\nsize = 1000"), "has settings of size 100000, but no"),
        (("[[settings]]", "[[tunings]]\nsize = 7\n[[settings]]"), "missing required field `trials`"),
        (
            ("tunings]]\nsize = 100000", 'tunings]]\nsize = "100k"'),
            r"Expected `int`, got `str` - at `\$.tunings\[0\].size`",
        ),
        (("rev = ", "revv = 1\nrev = "), "unknown key 'revv'"),
        (("trials = 24", "trials = 24\ntrial = 24"), "unknown key 'trial'"),
        (("valid_auc = 0.75\n", ""), "missing required field `valid_auc`"),
        (("dense_lr = 0.004", 'dense_lr = "fast"'), "Expected `int | float`, got `str`"),
        (("[[settings]]", "[[setting]]"), "unknown key 'setting'"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, change, message):
    path = tmp_path / "own.toml"
    write_settings(settings(tuned(100_000)), path)
    before = path.read_text()
    assert change[0] in before
    path.write_text(before.replace(*change, 1))
    with pytest.raises(BadInput, match=f"^settings file {path}.*{message}".replace("|", r"\|")):
        read_settings(path)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"none.toml cannot be read: No such file"):
        read_settings(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"bytes.toml is not TOML"):
        read_settings(tmp_path / "bytes.toml")
    twice = settings(tuned(100_000), tuned(100_000))
    write_settings(twice, tmp_path / "twice.toml")
    with pytest.raises(BadInput, match="has rankmixer at size 100000 twice"):
        read_settings(tmp_path / "twice.toml")
    write_settings(settings(tuned(0)), tmp_path / "nothing.toml")
    with pytest.raises(BadInput, match="size of rankmixer is 0; it must be 1 or more"):
        read_settings(tmp_path / "nothing.toml")
    two = settings(tuned(1), tunings=(of_size(1), of_size(1, trials=48)))
    write_settings(two, tmp_path / "two.toml")
    with pytest.raises(BadInput, match=r"has two \[\[tunings\]\] of size 1"):
        read_settings(tmp_path / "two.toml")
    write_settings(dataclasses.replace(settings(tuned(1)), provenance=None), tmp_path / "bare.toml")
    with pytest.raises(BadInput, match=r"has settings but no \[provenance\]"):
        read_settings(tmp_path / "bare.toml")


def test_what_ships_is_of_contestants_and_values_that_exist():
    assert shipped() == read_settings(FILE)
    for one in shipped().settings:
        contestant = CONTESTANTS[one.contestant]
        assert one.rev == contestant.rev, "tune it again"
        assert (
            one.hyperparameters.keys() <= {**contestant.hyperparameters, **contestant.dial.proportions}.keys()
        )
        changed(base_of(shipped()), one.protocol)
        assert one.valid_auc >= one.default_valid_auc
