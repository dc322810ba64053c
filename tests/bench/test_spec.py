from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.canonical import canonical_json, digest, plain
from bench.errors import BadInput, unknown_name
from bench.spec import Budget, ContestantRef, DatasetRef, FeatureSpec, Protocol, Spec


def spec(seed: int = 0, **hyperparameters: object) -> Spec:
    return Spec(
        dataset=DatasetRef(name="d", rev=1, fingerprint="f" * 64),
        features=FeatureSpec(width=8, widths={"user": 32}),
        contestant=ContestantRef(
            name="m", rev=1, hyperparameters=hyperparameters or {"hidden_dims": (64, 32)}
        ),
        protocol=Protocol(name="p"),
        budget=Budget(kind="dense_parameters", target=100_000),
        seed=seed,
    )


def test_key_is_the_same_in_every_process():
    program = (
        "import sys, json; from bench.spec import Spec; print(Spec.from_json(json.load(sys.stdin)).key())"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(spec().to_json()),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert elsewhere.stdout.strip() == spec().key()
    assert len(spec().key()) == 32


def test_seed_zero_is_a_seed():
    assert len({spec(seed).key() for seed in range(5)}) == 5


def test_list_order_matters_and_key_order_does_not():
    assert spec(hidden_dims=(64, 32)).key() != spec(hidden_dims=(32, 64)).key()
    assert spec(hidden_dims=(64, 32)).key() == spec(hidden_dims=[64, 32]).key()
    assert spec(a=1, b=2).key() == spec(b=2, a=1).key()
    assert spec(a=1).key() != spec(a=1.5).key()
    assert spec(a="1").key() != spec(a=1).key()


@pytest.mark.parametrize(
    "changed",
    [
        {"dataset": DatasetRef(name="d", rev=1, fingerprint="e" * 64)},
        {"dataset": DatasetRef(name="d", rev=2, fingerprint="f" * 64)},
        {"dataset": DatasetRef(name="d", rev=1, fingerprint="f" * 64, train_rows=20_000)},
        {"features": FeatureSpec(width=8)},
        {"features": FeatureSpec(width=8, widths={"user": 32}, gate="lhuc")},
        {"protocol": Protocol(name="p", epochs=2)},
        {"budget": None},
        {"budget": Budget(kind="flops_forward", target=100_000)},
    ],
)
def test_every_part_decides_the_key(changed):
    assert dataclasses.replace(spec(), **changed).key() != spec().key()


def test_all_training_rows_leave_the_key_as_it_was_before_they_could_be_fewer():
    with_all = spec().to_json()
    without = {**with_all, "dataset": {k: v for k, v in with_all["dataset"].items() if k != "train_rows"}}
    assert with_all["dataset"]["train_rows"] is None
    # What version 2 of the specs hashed, which had no training rows.
    assert Spec.from_json(without).key() == spec().key() == digest(_hashed(without))[:32]


def _hashed(stored: dict) -> dict:
    """Without what was at its default and came later: the protocol's cooldown, the contestant's source, the
    gate of the features."""
    later = {"protocol": "cooldown", "contestant": "source", "features": "gate"}
    parts = {part: {k: v for k, v in stored[part].items() if k != name} for part, name in later.items()}
    return {**stored, **parts}


def test_training_rows_below_one_are_refused():
    with pytest.raises(BadInput, match="training rows are 0; there must be 1 or more"):
        DatasetRef(name="d", rev=1, fingerprint="f", train_rows=0)


def test_round_trip_through_json():
    for budget in (None, Budget(kind="flops_forward", target=7)):
        first = dataclasses.replace(spec(), budget=budget)
        again = Spec.from_json(json.loads(json.dumps(first.to_json())))
        assert again.key() == first.key()
        assert again.to_json() == first.to_json()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_canonical_text_reads_back_as_the_same_value(value):
    assert json.loads(canonical_json(value)) == value
    assert canonical_json(json.loads(canonical_json(value))) == canonical_json(value)


@given(st.dictionaries(st.text(), json_values, min_size=2), st.randoms())
def test_digest_does_not_depend_on_the_order_of_keys(value, random):
    keys = list(value)
    random.shuffle(keys)
    assert digest({key: value[key] for key in keys}) == digest(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, float("-inf")]])
def test_numbers_without_a_json_form_are_refused(value):
    with pytest.raises(ValueError, match="has no JSON form"):
        plain(value)


@pytest.mark.parametrize("value", [{1: 2}, {"a": object()}, {1, 2}, b"x"])
def test_what_is_not_plain_data_is_refused(value):
    with pytest.raises(TypeError):
        plain(value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Protocol(name="p", dense_optimizer="sgdd"), "dense optimizer is 'sgdd', allowed: rmsprop"),
        (lambda: Protocol(name="p", epochs=0), "epochs is 0; it must be from 1 to"),
        (lambda: Protocol(name="p", sparse_lr=0.0), "sparse_lr is 0.0; it must be a number above 0"),
        (lambda: Protocol(name="p", cooldown=20.0), "cooldown is 20.0; it must be from 0 to 1"),
        (lambda: Protocol(name="p", gradient_clip=-1.0), "gradient_clip is -1.0"),
        (lambda: FeatureSpec(width=0), "embedding width of every field is 0"),
        (lambda: FeatureSpec(width=10**9), "must be a whole number from 1 to 4096"),
        (lambda: Protocol(name="p", batch_size=2**40), "batch_size is 1099511627776; it must be from 1 to"),
        (lambda: Protocol(name="p", dense_lr=float("nan")), "dense_lr is nan"),
        (lambda: Protocol(name="p", gradient_clip=float("inf")), "gradient_clip is inf"),
        (lambda: Protocol(name="p", dense_decay=-0.1), "dense_decay is -0.1; it must be a number from 0"),
        (
            lambda: FeatureSpec(sequence_encoder="sum"),
            "sequence encoder is 'sum', allowed: mean, target, hstu",
        ),
        (lambda: FeatureSpec(gate="open"), "gate is 'open', allowed: none, lhuc"),
        (
            lambda: Budget(kind="parameters", target=1),
            "budget kind is 'parameters', allowed: dense_parameters",
        ),
        (lambda: Budget(kind="flops_forward", target=0), "budget is 0"),
    ],
)
def test_bad_values_are_refused_by_name(make, message):
    with pytest.raises(BadInput, match=message):
        make()


def test_unknown_name_suggests_the_nearest():
    assert "did you mean 'wukong'?" in str(unknown_name("contestant", "wukon", ["wukong", "dhen"]))
    assert "did you mean" not in str(unknown_name("contestant", "zzz", ["wukong", "dhen"]))
    assert str(unknown_name("contestant", "zzz", ["b", "a", "b"])).endswith("(known: a, b)")
