"""Every combination of a grid is an entrant, labelled by its values."""

from __future__ import annotations

import itertools

import pytest

from bench.errors import BadInput
from rankbench.choices import Choices
from rankbench.grid import gridded
from rankbench.request import study


def labels(target: str, *grid: str, **given: object) -> list[str]:
    choices = Choices(**given)  # type: ignore[arg-type]
    return [one.label for one in gridded(study(target, choices), grid, choices).entrants]


def test_the_cross_product_of_all_axes() -> None:
    found = labels("rankmixer", "token_dim=64,128", "num_layers=1,2", "batch_size=256,1k")
    assert found == [
        f"RankMixer (token_dim {dim}, num_layers {layers}, batch_size {size})"
        for dim, layers, size in itertools.product((64, 128), (1, 2), (256, 1000))
    ]


def test_a_grid_of_one_contestant_leaves_the_others_of_a_study() -> None:
    found = labels("compare", "rankmixer.token_dim=64,128", contestants="dlrm-mlp,rankmixer")
    assert found == ["DLRM-MLP", "RankMixer (token_dim 64)", "RankMixer (token_dim 128)"]


def test_lists_are_in_brackets() -> None:
    found = labels("dlrm-mlp", "hidden_dims=(64,32),[16],8")
    assert found == ["DLRM-MLP (hidden_dims 64-32)", "DLRM-MLP (hidden_dims 16)", "DLRM-MLP (hidden_dims 8)"]


def test_without_a_grid_a_study_stays_as_it_is() -> None:
    asked = study("compare", Choices())
    assert gridded(asked, [], Choices()) is asked


@pytest.mark.parametrize("target", ["components", "expansion"])
def test_the_arms_of_an_ablation_follow_their_base_and_no_grid(target: str) -> None:
    with pytest.raises(BadInput, match=f"--grid changes entrants one by one, but the arms of '{target}'"):
        labels(target, "batch_size=64,128")


@pytest.mark.parametrize(
    ("grid", "given", "message"),
    [
        (["num_layers=1", "num_layers=2"], {}, "--grid gives num_layers twice"),
        (["batch_size=64"], {"batch_size": 32}, "--grid and --batch-size both give batch_size"),
        (["num_layers=1"], {"settings": ["num_layers=2"]}, "which is set already"),
        (["batch_size=64,64"], {}, "--grid batch_size has 64 twice"),
    ],
)
def test_what_is_given_twice_is_refused(grid: list[str], given: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        labels("rankmixer", *grid, **given)
