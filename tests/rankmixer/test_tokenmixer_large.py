"""TokenMixer-Large against its equations as loops over rows and tokens, and what each choice does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rankmixer import TokenMixerLarge
from rankmixer.experts import SparsePerTokenMoE
from tests.costs import cost_of

FIELD_DIMS = (3, 4, 2, 4, 5)
GROUPS = ((4, 0), (1, 2, 3))
BCE = F.binary_cross_entropy_with_logits
MOE = {"num_experts": 4, "active_experts": 2}


def model_of(**changes) -> TokenMixerLarge:
    torch.manual_seed(0)
    settings = {"num_tokens": 4, "token_dim": 12, "hidden_dim": 5, "down_init": 1.0}
    return TokenMixerLarge(FIELD_DIMS, 2, groups=GROUPS, **{**settings, **changes})


def batch(rows: int = 16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x_BI = torch.randn(rows, sum(FIELD_DIMS), generator=generator)
    return x_BI, torch.randint(0, 2, (rows, 2), generator=generator).float()


def rms_norm(x: Tensor, norm: nn.Module) -> Tensor:
    return x if isinstance(norm, nn.Identity) else x / torch.sqrt((x**2).mean() + 1e-6) * norm.weight


def swish(x: Tensor) -> Tensor:
    return x / (1 + torch.exp(-x))


def dense_swiglu(layer: nn.Module, t: int, x: Tensor) -> Tensor:
    return (swish(x @ layer.gate.weight[t]) * (x @ layer.up.weight[t])) @ layer.down.weight[t]


def swiglu(layer: nn.Module, t: int, x: Tensor, model: TokenMixerLarge) -> Tensor:
    if not isinstance(layer, SparsePerTokenMoE):
        return dense_swiglu(layer, t, x)
    score = x @ layer.router.weight[t]
    best = score.argsort(descending=True)[: model.active_experts - 1]
    over = score if layer.router_softmax == "all" else score[best]
    routed = torch.zeros_like(x)
    for i in best:
        hidden = swish(layer.gate_TEND[t, i] @ x) * (layer.up_TEND[t, i] @ x)
        routed = routed + score[i].exp() / over.exp().sum() * (hidden @ layer.down_TEND[t, i])
    return dense_swiglu(layer.shared_expert, t, x) + model.num_experts / model.active_experts * routed


def sublayer(
    part: nn.Module, x: list[Tensor], residual: list[Tensor], model: TokenMixerLarge
) -> list[Tensor]:
    out = []
    for t in range(len(x)):
        if model.norm == "post":
            out.append(rms_norm(residual[t] + swiglu(part.layer, t, x[t], model), part.norm))
        else:
            y = swiglu(part.layer, t, rms_norm(x[t], part.norm), model)
            out.append(residual[t] + (rms_norm(y, part.output_norm) if model.norm == "sandwich" else y))
    return out


def readout(head: nn.Module, tokens: list[Tensor], output: str) -> Tensor:
    normed = [rms_norm(x, head.norm) for x in tokens]
    pooled = normed[0] if output == "global" else sum(normed) / len(normed)
    return head.head.weight @ pooled + head.head.bias


def tokens_of_row(model: TokenMixerLarge, x_I: Tensor) -> list[Tensor]:
    """The global token, then those of the runs [4], [0, 1], [2, 3] of the grouped fields 4 0 1 2 3."""
    fields = x_I.split(FIELD_DIMS)
    in_order = torch.cat([fields[i] for i in (4, 0, 1, 2, 3)])
    runs = [in_order, *(torch.cat([fields[i] for i in run]) for run in ([4], [0, 1], [2, 3]))]
    mlps = [model.tokenizer.global_mlp, *model.tokenizer.group_mlps]
    return [mlp[0].weight @ run + mlp[0].bias for mlp, run in zip(mlps, runs, strict=True)]


def heads_of_row(model: TokenMixerLarge, x_I: Tensor, *, residual: str, output: str) -> list[Tensor]:
    """Logits of the auxiliary heads, then of the model, for one example."""
    T, H, D = model.num_tokens, model.num_heads, model.token_dim
    history = [tokens_of_row(model, x_I)]
    logits, auxiliary = [], iter(model.auxiliary_readouts)
    for number, block in enumerate(model.blocks, start=1):
        x, width = history[-1], D // H
        mixed = [torch.cat([token[h * width : (h + 1) * width] for token in x]) for h in range(H)]
        mixed = sublayer(block.on_mixed, mixed, mixed, model)
        reverted = [torch.cat([m[t * width : (t + 1) * width] for m in mixed]) for t in range(T)]
        x = sublayer(block.on_tokens, reverted, x if residual == "input" else reverted, model)
        if number % 2 == 0 and number < len(model.blocks):
            x = [new + old for new, old in zip(x, history[number - 2], strict=True)]
            logits.append(readout(next(auxiliary), x, output))
        history.append(x)
    return [*logits, readout(model.readout, history[-1], output)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_layers": 5},
        {"num_heads": 3},
        {"num_heads": 6, "norm": "sandwich"},
        {"norm": "post", "residual": "reverted"},
        {"output": "global", "residual": "reverted"},
        MOE,
        {**MOE, "num_heads": 3, "norm": "post"},
        {"num_experts": 5, "active_experts": 3, "router_softmax": "chosen"},
    ],
    ids=str,
)
def test_logits_and_loss_are_the_equations(changes):
    model = model_of(**changes).double()
    x_BI, y_BK = (t.double() for t in batch(4))
    settings = {"residual": changes.get("residual", "input"), "output": changes.get("output", "mean")}
    rows = [heads_of_row(model, x_I, **settings) for x_I in x_BI]
    heads = [torch.stack(head) for head in zip(*rows, strict=True)]
    assert len(heads) == 1 + (len(model.blocks) - 1) // 2
    torch.testing.assert_close(model(x_BI), heads[-1])
    expected = BCE(heads[-1], y_BK) + 0.1 * sum(BCE(head, y_BK) for head in heads[:-1])
    torch.testing.assert_close(model.loss(x_BI, y_BK, BCE), expected)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": "post", "num_heads": 3},
        {"norm": "sandwich", "num_layers": 5},
        {"num_tokens": None, "tokenizer_layers": 3},
        {"inter_residual": 0},
        {"auxiliary_weight": 0.0},
        {**MOE, "num_heads": 3},
        {"num_experts": 8, "active_experts": 4, "norm": "sandwich"},
    ],
    ids=str,
)
def test_the_cost_is_that_of_the_equations(changes):
    I, T, D, N, K = sum(FIELD_DIMS), changes.get("num_tokens", 4) or 3, 12, 5, 2  # noqa: E741
    L, H = changes.get("num_layers", 3), changes.get("num_heads", T)
    E, k = changes.get("num_experts", 1), changes.get("active_experts", 1)
    norm, deeper = changes.get("norm", "pre"), changes.get("tokenizer_layers", 1) - 1
    auxiliary = 0
    if changes.get("inter_residual", 2) and changes.get("auxiliary_weight", 0.1):
        auxiliary = (L - 1) // 2
    mixed_dim, mixed_hidden = T * D // H, round(N * T / H)
    swiglus = routed = routers = norms = 0
    for tokens, dim, hidden in ((H, mixed_dim, mixed_hidden), (T, D, N)):
        of_one = max(1, hidden // E)
        shared = max(1, hidden - (E - 1) * of_one)
        swiglus += L * tokens * 3 * dim * shared
        routed += L * tokens * 3 * dim * of_one  # one expert of every token
        routers += L * tokens * dim * (E - 1)
        norms += L * dim * (2 if norm == "sandwich" else 1)
    products = 2 * I * D + T * deeper * D * D + swiglus + routers + D * K
    readout = D * K + K + (0 if norm == "post" else D)
    rest = products - D * K + T * (1 + deeper) * D + norms + (1 + auxiliary) * readout
    settings = {"num_tokens": 4, "token_dim": D, "hidden_dim": N}
    assert cost_of(TokenMixerLarge, FIELD_DIMS, K, groups=GROUPS, **{**settings, **changes}) == {
        "dense_parameters": rest + (E - 1) * routed,
        "active_parameters": rest + (k - 1) * routed,
        "flops_forward": 2 * (products + (k - 1) * routed),
        "flops_train": 3 * 2 * (products + (k - 1) * routed + auxiliary * D * K),
    }


def test_tokens_are_the_groups_and_a_global_one_unless_their_number_is_given():
    assert model_of(num_tokens=None).tokenizer.group_dims == [8, 10]
    assert model_of(num_tokens=None).num_tokens == 3
    assert model_of(num_tokens=None).num_heads == 3
    assert model_of(num_tokens=6).tokenizer.group_dims == [5, 3, 4, 2, 4]


def test_only_the_global_token_and_its_own_see_a_field():
    model = model_of()
    x_BI, _ = batch(3)
    before = model.tokenizer(x_BI)
    x_BI[:, :3] += 1  # field 0, in the second run
    changed = (model.tokenizer(x_BI) != before).any(dim=2).all(dim=1)
    assert changed.tolist() == [True, False, True, False]


@pytest.mark.parametrize("where", ["on_mixed", "on_tokens"])
def test_weights_are_a_tokens_own(where):
    part = getattr(model_of().blocks[0], where)
    x_TBD = torch.randn(part.layer.gate.weight.shape[0], 2, part.layer.gate.weight.shape[1])
    before = part.layer(x_TBD)
    with torch.no_grad():
        part.layer.up.weight[1] += 1
    assert (part.layer(x_TBD) != before).any(dim=2).all(dim=1).tolist() == [False, True, False, False]


def test_the_router_learns_even_where_it_chooses_a_single_expert():
    model = model_of(**MOE)
    model.loss(*batch(), BCE).backward()
    for block in model.blocks:
        for part in (block.on_mixed, block.on_tokens):
            assert part.layer.router.weight.grad.flatten(1).any(dim=1).all()


@pytest.mark.parametrize("softmax", ["all", "chosen"])
def test_the_balance_loss_is_that_of_every_pool(softmax):
    changes = {"num_experts": 5, "active_experts": 3, "router_softmax": softmax, "num_layers": 2}
    plain, balanced = (model_of(**changes, balance_weight=weight) for weight in (0.0, 0.5))
    inputs: list[Tensor] = []
    pools = [m for m in plain.modules() if isinstance(m, SparsePerTokenMoE)]
    for pool in pools:
        pool.router.register_forward_hook(lambda _, args, __: inputs.append(args[0]))
    difference = balanced.loss(*batch(), BCE) - plain.loss(*batch(), BCE)
    expected = 0.0
    for pool, x_TBD in zip(pools, inputs, strict=True):
        for t in range(4):
            p_BE = (x_TBD[t] @ pool.router.weight[t]).exp()
            p_BE = p_BE / p_BE.sum(dim=1, keepdim=True)
            choices = [j for row in p_BE.tolist() for j in sorted(range(4), key=row.__getitem__)[-2:]]
            for j in range(4):
                expected += 0.5 / 4 / 4 * 4 * choices.count(j) / len(choices) * p_BE[:, j].mean().item()
    assert difference.item() == pytest.approx(expected, abs=1e-6)
    assert torch.equal(balanced(batch()[0]), plain(batch()[0]))


def test_the_balance_loss_evens_a_lopsided_load():
    model = model_of(num_experts=4, active_experts=2, balance_weight=1.0)
    router = model.blocks[0].on_tokens.layer.router
    with torch.no_grad():
        router.weight[:, :, 0] *= 20
    optimizer = torch.optim.Adam([router.weight], lr=0.05)
    losses = []
    for _ in range(60):
        losses.append(model.loss(*batch(256), BCE))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0] - 0.02


def test_experts_that_a_row_does_not_choose_leave_it_alone():
    layer = model_of(**MOE).blocks[0].on_tokens.layer
    x_TBD = torch.randn(4, 32, 12)
    chosen_B = (x_TBD @ layer.router.weight).argmax(dim=2)[2] == 1
    before, _ = layer(x_TBD)
    with torch.no_grad():
        layer.down_TEND[2, 1] += 1
    changed = (layer(x_TBD)[0] != before).any(dim=2)
    assert torch.equal(changed[2], chosen_B)
    assert not changed[[0, 1, 3]].any()


@pytest.mark.parametrize("num_experts", [4, 5])
def test_experts_are_a_swiglu_cut_along_its_hidden_width(num_experts):
    dense = model_of(hidden_dim=23)
    sparse = model_of(hidden_dim=23, num_experts=num_experts, active_experts=2)
    for of_dense, of_sparse in zip(dense.blocks, sparse.blocks, strict=True):
        whole, pool = of_dense.on_tokens.layer, of_sparse.on_tokens.layer
        shared, routed = pool.shared_expert.up.weight, pool.up_TEND
        assert routed.shape == (4, num_experts - 1, 23 // num_experts, 12)
        assert shared.shape == (4, 12, 23 // num_experts + 23 % num_experts)
        assert shared.numel() + routed.numel() == whole.up.weight.numel()
    routers = 3 * 2 * 4 * 12 * (num_experts - 1)  # blocks, SwiGLUs, tokens, widths, scores
    size_of_dense, size = (sum(p.numel() for p in model.parameters()) for model in (dense, sparse))
    assert size == size_of_dense + routers


def test_an_expert_is_never_narrower_than_1():
    layer = model_of(hidden_dim=3, **MOE).blocks[0].on_tokens.layer
    assert layer.up_TEND.shape[2] == layer.shared_expert.up.weight.shape[2] == 1
