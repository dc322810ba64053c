"""How contestants start: each matrix as in its paper or its authors' code, and no layer out of scale."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from bench.contestants.budget import solve
from bench.contestants.contract import Contestant, InputShape
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput
from bench.spec import Budget

SHAPE = InputShape(field_dims=(8,) * 49, groups=tuple((i,) for i in range(49)), num_tasks=2)
each = pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))

OUTPUTS_FIRST = ("ExpertLinear.weight_EOI", "PerTokenExperts.up_TEND")
OUTPUTS_FIRST += ("SparsePerTokenMoE.gate_TEND", "SparsePerTokenMoE.up_TEND")
"""Stacks of matrices (…, out, in); all others are (…, in, out)."""
FUSED = {
    "InteractingLayer.maps": (4, 1),
    "AttentionCross.down": (4, 1),
    "AttentionCross.up": (1, 2),
    "AttentionModule.qkv": (3, 1),
    "MixtureCross.v": (3, 1),
    "GatedUnit.message": (3, 1),
    "GatedUnit.state": (3, 1),
}
"""Linear layers that hold so many maps (above one another, side by side)."""
STARTS_AS_TENSORFLOW = ("rdcn", "moe", "hiformer", "wide-deep", "dcn", "ipnn", "opnn", "fignn")
MIXTURE = {"num_experts": 3, "rank": 16}


def built(contestant: Contestant, target: int, **given: object) -> nn.Module:
    budget = Budget(kind="dense_parameters", target=target)
    hyperparameters = solve(contestant, SHAPE, budget, given).hyperparameters
    torch.manual_seed(0)
    return contestant.build(SHAPE, hyperparameters)


def matrices(model: nn.Module) -> Iterator[tuple[str, Tensor, int, int]]:
    """(path, weight, inputs, outputs) of every map: a matrix, or a stack of equal ones."""
    owners = dict(model.named_modules())
    for path, module in owners.items():
        if isinstance(module, nn.Linear):
            parent = owners[path.rpartition(".")[0]]
            above, beside = FUSED.get(f"{type(parent).__name__}.{path.rpartition('.')[2]}", (1, 1))
            outputs, inputs = module.weight.shape[0] // above, module.weight.shape[1] // beside
            parts = [side for row in module.weight.split(outputs) for side in row.split(inputs, dim=1)]
            yield path, torch.stack(parts), inputs, outputs
            continue
        for name, p in module.named_parameters(recurse=False):
            if p.ndim < 3 or "bias" in name or name == "task_tokens":
                continue
            inputs, outputs = p.shape[-2:]
            if f"{type(module).__name__}.{name}" in OUTPUTS_FIRST:
                inputs, outputs = outputs, inputs
            yield f"{path}.{name}", p.flatten(0, -3), inputs, outputs


def biases(model: nn.Module) -> dict[str, Tensor]:
    return {name: p for name, p in model.named_parameters() if "bias" in name and "norm" not in name}


def narrowing(contestant: Contestant, path: str) -> float:
    """The small start of TokenMixer-Large's last matrices."""
    return float(contestant.hyperparameters.get("down_init", 1.0)) if "down" in path else 1.0


@each
@pytest.mark.parametrize("initialisation", ["glorot", "torch"])
def test_uniform_weights_have_the_bounds_of_their_own_map(contestant, initialisation):
    given = MIXTURE if contestant.name == "dcnv2" else {}
    hyperparameters = {**contestant.hyperparameters_on(SHAPE), **given, "initialisation": initialisation}
    torch.manual_seed(0)
    model = contestant.build(SHAPE, hyperparameters)
    found = 0
    for path, weight, inputs, outputs in matrices(model):
        bound = math.sqrt(6 / (inputs + outputs)) if initialisation == "glorot" else 1 / math.sqrt(inputs)
        if initialisation == "torch" and path.endswith(".up") and contestant.name == "rdcn":
            bound = 1 / math.sqrt(2 * inputs)  # one linear layer of both maps' inputs
        bound *= narrowing(contestant, path)
        largest = weight.detach().abs().amax(dim=(1, 2))
        assert largest.max() <= bound * 1.0001, path
        assert largest.min() >= 0.6 * bound, path
        if weight[0].numel() > 200:
            assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15), path
        found += 1
    assert found
    started = {name for name, bias in biases(model).items() if bias.any()}
    assert started == (set(biases(model)) if initialisation == "torch" else set())


@pytest.mark.parametrize(
    ("name", "given", "weight_std", "bias_std"),
    [
        # create_mlp of facebookresearch/dlrm: √(2 / (m + n)) and √(1 / m), m outputs and n inputs
        ("dlrm-mlp", {}, lambda n, m: math.sqrt(2 / (m + n)), lambda n, m: math.sqrt(1 / m)),
        ("dlrm", {}, lambda n, m: math.sqrt(2 / (m + n)), lambda n, m: math.sqrt(1 / m)),
        ("online-base", {}, lambda n, m: math.sqrt(2 / (m + n)), lambda n, m: math.sqrt(1 / m)),
        # He et al. 2015: √(2 / n), and zero
        ("dcnv2", {}, lambda n, m: math.sqrt(2 / n), None),
        ("dcnv2", MIXTURE, lambda n, m: math.sqrt(2 / n), None),
        # featureRec/autoint of DeepGraphLearning/RecommenderSystems: √(2 / (m + n)) for both
        (
            "autoint-plus",
            {},
            lambda n, m: math.sqrt(2 / (m + n)),
            lambda n, m: math.sqrt(2 / (m + n)),
        ),
    ],
)
def test_normal_weights_have_the_deviation_of_the_authors(name, given, weight_std, bias_std):
    contestant = CONTESTANTS[name]
    torch.manual_seed(0)
    model = contestant.build(SHAPE, {**contestant.hyperparameters_on(SHAPE), **given})
    linears = dict(model.named_modules())
    checked = 0
    for path, weight, inputs, outputs in matrices(model):
        if name == "autoint-plus" and not path.startswith(("head", "deep")):
            continue  # uniform, above
        if weight.numel() > 200:
            assert weight.std().item() == pytest.approx(weight_std(inputs, outputs), rel=0.15), path
            assert weight.abs().max() > 2 * weight_std(inputs, outputs), f"{path} is not normal"
            checked += 1
        bias = getattr(linears.get(path), "bias", None)
        if bias is not None and bias_std is None:
            assert not bias.any(), path
        if bias is not None and bias_std is not None and len(bias) > 100:
            assert bias.std().item() == pytest.approx(bias_std(inputs, outputs), rel=0.25), path
    assert checked >= 3


def test_the_attention_of_autoint_starts_glorot_uniform_and_its_head_without_bias():
    contestant = CONTESTANTS["autoint"]
    torch.manual_seed(0)
    model = contestant.build(SHAPE, contestant.hyperparameters_on(SHAPE))
    for layer in model.layers:
        in_dim, attention_dim = layer.maps.in_features, layer.maps.out_features // 4
        bound = math.sqrt(6 / (in_dim + attention_dim))
        for part in layer.maps.weight.split(attention_dim):
            assert 0.9 * bound <= part.abs().max() <= bound
    assert not model.head.bias.any()


@each
def test_the_registry_names_every_initialisation_of_the_model_and_its_default_first(contestant):
    default = contestant.hyperparameters["initialisation"]
    assert contestant.initialisations[0] == default
    for name in contestant.initialisations:
        contestant.build(SHAPE, {**contestant.hyperparameters_on(SHAPE), "initialisation": name})
    with pytest.raises(BadInput, match=f"'kaiming', allowed: {', '.join(contestant.initialisations)}"):
        contestant.build(SHAPE, {**contestant.hyperparameters_on(SHAPE), "initialisation": "kaiming"})
    assert contestant.initialisation_is_open == (set(contestant.initialisations) == {"glorot", "torch"}) or (
        contestant.name in STARTS_AS_TENSORFLOW
    )


@each
@pytest.mark.parametrize("target", [100_000, 1_000_000, 10_000_000])
def test_no_layer_starts_out_of_scale(contestant, target):
    """Of unit inputs, every layer and the logits are within a factor of 20 at every size.

    The two ends: AutoInt's maps have no more than a narrow token to sum over, and each of DCNv2's He normal
    cross layers more than doubles the scale. Beyond them: Fi-GNN's messages are means over all other nodes,
    and DeepFM's machine is a plain sum over the products of all pairs of fields.
    """
    low, high = 1 / (40 if contestant.name == "fignn" else 20), 20.0
    if contestant.name == "deepfm":
        high = 1.1 * math.sqrt(8 * 49 * 48 / 2)
    model = built(contestant, target).eval()
    seen: dict[str, float] = {}

    def watch(name: str) -> None:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            tensor = output[0] if isinstance(output, tuple) else output
            assert isinstance(tensor, Tensor)
            seen[name] = tensor.std().item()

        model.get_submodule(name).register_forward_hook(hook)

    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and name in ("layers", "blocks", "cross_layers"):
            for number, _ in enumerate(module):
                watch(f"{name}.{number}")
    x_BI = torch.randn(64, sum(SHAPE.field_dims), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits = model(x_BI)
        layers = dict(seen)
        small = model(0.01 * x_BI)  # as embeddings start
    for name, deviation in layers.items():
        assert low <= deviation <= 20, f"{name} deviates by {deviation:.3g}"
    assert 1 / 20 <= logits.std(dim=0).mean() <= high
    assert 1e-4 <= small.std(dim=0).mean() <= 2
