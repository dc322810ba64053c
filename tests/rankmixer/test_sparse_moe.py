"""Sparse RankMixer against its equations as loops, and how its routers learn, route and are counted."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from rankmixer import SparseRankMixer
from rankmixer.sparse_moe import FIRST_PENALTY
from tests.costs import cost_of

FIELD_DIMS = (3, 4, 2, 4, 5)
BCE = F.binary_cross_entropy_with_logits


def model_of(routing: str = "relu", **changes) -> SparseRankMixer:
    torch.manual_seed(0)
    settings = {"num_tokens": 4, "token_dim": 8, "num_experts": 4, "hidden_dim": 3, "routing": routing}
    return SparseRankMixer(FIELD_DIMS, 2, groups=((4, 0), (1, 2, 3)), **{**settings, **changes})


def batch(rows: int = 16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x_BI = torch.randn(rows, sum(FIELD_DIMS), generator=generator)
    return x_BI, torch.randint(0, 2, (rows, 2), generator=generator).float()


def layer_norm(x: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    centred = x - x.mean()
    return centred / torch.sqrt((centred**2).mean() + norm.eps) * norm.weight + norm.bias


def logits_of_row(model: SparseRankMixer, tokens: list[Tensor], router: str) -> tuple[Tensor, list[Tensor]]:
    """The equations for one example, and the gates of every block, (T, E)."""
    T, E = len(tokens), model.num_experts
    width = model.token_dim // T
    gates_of_blocks = []
    for block in model.blocks:
        mixed = [torch.cat([x[h * width : (h + 1) * width] for x in tokens]) for h in range(T)]
        s = [layer_norm(m + x, block.mixing_norm) for m, x in zip(mixed, tokens, strict=True)]
        h = getattr(block.ffn, router)
        gates = torch.zeros(T, E, dtype=s[0].dtype)
        out = []
        for i in range(T):
            score = s[i] @ h.weight[i] + h.bias[i, 0]
            if model.routing == "relu":
                gates[i] = torch.relu(score + (model.offset if router == "h_infer" else 0))
            else:
                probability = score.exp() / score.exp().sum()
                for j in score.argsort(descending=True)[: round(E * model.active_fraction)]:
                    gates[i, j] = probability[j]
            v = torch.zeros_like(s[i])
            for j in range(E):
                experts = block.ffn.experts
                hidden = F.gelu(experts.up_TEND[i, j] @ s[i] + experts.up_bias_TEN[i, j])
                v = v + gates[i, j] * (hidden @ experts.down_TEND[i, j] + experts.down_bias_TED[i, j])
            out.append(layer_norm(v + s[i], block.ffn_norm))
        tokens = out
        gates_of_blocks.append(gates)
    mean = sum(tokens) / T
    return model.head.weight @ mean + model.head.bias, gates_of_blocks


def by_rows(model: SparseRankMixer, x_BI: Tensor, router: str) -> tuple[Tensor, Tensor]:
    x_TBD = model.tokenizer(x_BI)
    rows = [logits_of_row(model, list(x_TBD[:, b]), router) for b in range(len(x_BI))]
    return torch.stack([logits for logits, _ in rows]), torch.stack([torch.stack(g) for _, g in rows])


@pytest.mark.parametrize("routing", ["relu", "top_k"])
def test_served_logits_are_the_equations_with_h_infer(routing):
    model = model_of(routing).double()
    model.offset.fill_(0.1)
    x_BI = batch(5)[0].double()
    logits_BK, gates_BLTE = by_rows(model, x_BI, "h_infer")
    torch.testing.assert_close(model(x_BI), logits_BK)
    torch.testing.assert_close(model.activation_fractions(x_BI), gates_BLTE.gt(0).double().mean(dim=0))


def test_training_path_is_the_equations_with_h_train():
    model = model_of().double()
    x_BI = batch(5)[0].double()
    torch.testing.assert_close(model.training_path(x_BI), by_rows(model, x_BI, "h_train")[0])
    assert not torch.allclose(model.training_path(x_BI), model(x_BI))


def test_loss_is_the_mean_of_both_paths_and_the_penalty_on_h_infer():
    model = model_of().double()
    model.penalty.fill_(0.5)
    x_BI, y_BK = (t.double() for t in batch(5))
    train_BK, _ = by_rows(model, x_BI, "h_train")
    infer_BK, gates_BLTE = by_rows(model, x_BI, "h_infer")
    expected = (BCE(train_BK, y_BK) + BCE(infer_BK, y_BK)) / 2 + 0.5 * gates_BLTE.sum(dim=(2, 3)).mean()
    torch.testing.assert_close(model.loss(x_BI, y_BK, BCE), expected)


def test_both_routers_learn_from_the_task():
    model = model_of()
    model.penalty.zero_()
    model.loss(*batch(), BCE).backward()
    for block in model.blocks:
        assert block.ffn.h_train.weight.grad.any()
        assert block.ffn.h_infer.weight.grad.any()


def test_penalty_and_offset_move_once_a_training_step_and_never_in_eval():
    model = model_of(active_fraction=0.25)  # about half of the gates start open
    for step in (1, 2, 3):
        excess = model.activation_fractions(batch()[0]).mean() - 0.25
        assert excess > 0
        expected = model.offset - model.offset_rate * excess
        model.loss(*batch(), BCE)
        assert model.penalty.item() == pytest.approx(FIRST_PENALTY * 1.2**step)
        torch.testing.assert_close(model.offset, expected)
    model.active_fraction = 1.0
    for _ in range(5):
        model.loss(*batch(), BCE)
    assert model.penalty.item() == pytest.approx(FIRST_PENALTY)  # 1.2³ up, five times down: held at the start
    before = (model.penalty.clone(), model.offset.clone())
    loss = model.eval().loss(*batch(), BCE)
    assert all(torch.equal(a, b) for a, b in zip(before, (model.penalty, model.offset), strict=True))
    torch.testing.assert_close(loss, BCE(model(batch()[0]), batch()[1]))


def test_balance_loss_enters_with_its_weight():
    plain, balanced = model_of("top_k"), model_of("top_k", balance_weight=0.5)
    assert balanced.loss(*batch(), BCE) - plain.loss(*batch(), BCE) >= 0.4


def open_first_experts(router: torch.nn.Module, count: int) -> None:
    """Of every token, for every row."""
    router.weight.zero_()
    router.bias.fill_(-1.0)
    router.bias[:, :, :count] = 1.0


@pytest.mark.parametrize("fraction", [0.25, 0.5, 1.0])
def test_served_flops_are_those_of_the_active_experts_only(fraction):
    model = model_of(active_fraction=fraction)
    with torch.no_grad():
        for block in model.blocks:
            open_first_experts(block.ffn.h_infer, round(4 * fraction))
    with FlopCounterMode(display=False) as counter:
        model(batch(8)[0])
    assert counter.get_total_flops() == 8 * model.closed_form()["flops_forward"]


@pytest.mark.parametrize("routing", ["relu", "top_k"])
def test_the_cost_is_that_of_the_equations(routing):
    I, T, D, L, E, N, K = sum(FIELD_DIMS), 4, 8, 2, 4, 5, 2  # noqa: E741
    expert, router = 2 * D * N, D * E
    tokens_and_head = I * D + D * K
    routers = 2 if routing == "relu" else 1
    rest = tokens_and_head + T * D + K + L * 2 * 2 * D + L * T * routers * (router + E)
    experts = L * T * E * (expert + N + D)
    served = tokens_and_head + L * T * (router + E // 2 * expert)
    # With relu, two dense paths, in which the experts' last biases meet their gates in a product.
    dense = I * D + 2 * (L * T * (router + E * expert + E * D) + D * K)
    trained = dense if routing == "relu" else served
    sizes = {"num_layers": L, "num_tokens": T, "token_dim": D, "num_experts": E, "hidden_dim": N}
    assert cost_of(SparseRankMixer, FIELD_DIMS, K, routing=routing, **sizes) == {
        "dense_parameters": rest + experts,
        "active_parameters": rest + experts // 2,
        "flops_forward": 2 * served,
        "flops_train": 3 * 2 * trained,
    }


@pytest.mark.parametrize("routing", ["relu", "top_k"])
def test_active_parameters_are_all_but_the_experts_that_rows_do_not_choose(routing):
    model, x_BI = model_of(routing), batch(5)[0]
    _, gates_BLTE = by_rows(model, x_BI, "h_infer")
    one_expert = 2 * 8 * 3 + 3 + 8
    dense = sum(p.numel() for p in model.parameters())
    of_rows = [dense - one_expert * (gates_LTE == 0).sum().item() for gates_LTE in gates_BLTE]
    active = model.active_parameters(x_BI)
    assert active.shape == ()
    assert active.item() == pytest.approx(sum(of_rows) / 5)
    target = cost_of(SparseRankMixer, FIELD_DIMS, 2, num_tokens=4, token_dim=8, num_experts=4, hidden_dim=3)
    if routing == "relu":
        assert len(set(of_rows)) > 1  # it depends on the rows, and a target is only a target
        with torch.no_grad():
            for block in model.blocks:
                open_first_experts(block.ffn.h_infer, 2)
        assert model.active_parameters(x_BI).item() == target["active_parameters"]


def test_an_expert_serves_its_token_and_its_rows_alone():
    model = model_of(num_layers=1)
    x_BI, _ = batch(64)
    x_TBD = model.tokenizer(x_BI)
    block = model.blocks[0]
    gates = []

    def served(s_TBD):
        gates.append(model._served(block.ffn, s_TBD))
        return block.ffn.experts(s_TBD, gates[-1], dense=False)

    before = block(x_TBD, served)
    with torch.no_grad():
        block.ffn.experts.up_bias_TEN[2, 1] += 1
    after = block(x_TBD, served)
    changed = (after != before).any(dim=2)
    assert torch.equal(changed[2], gates[0].chosen[2, :, 1])
    assert not changed[[0, 1, 3]].any()


@pytest.mark.parametrize("active_fraction", [0.5, 0.125])
def test_dtsi_reaches_its_budget_and_serves_what_it_trained(active_fraction):
    torch.manual_seed(0)
    teacher = torch.randn(4, 4)

    def draw(rows):
        x_BI = torch.randn(rows, 16)
        logit_B = 3 * (torch.tanh(x_BI[:, :4] @ teacher) * torch.tanh(x_BI[:, 4:8] @ teacher)).sum(dim=1)
        return x_BI, torch.bernoulli(torch.sigmoid(logit_B + x_BI[:, 8])).unsqueeze(1)

    model = SparseRankMixer(
        (4,) * 4, num_tokens=4, token_dim=16, num_experts=8, hidden_dim=8, active_fraction=active_fraction
    )
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
    for _ in range(250):
        optimizer.zero_grad()
        model.loss(*draw(256), BCE).backward()
        optimizer.step()
    model.eval()
    x_BI, y_BK = draw(10_000)
    with torch.no_grad():
        served, trained = (roc_auc_score(y_BK, m(x_BI)) for m in (model, model.training_path))
        assert model.activation_fractions(x_BI).mean().item() == pytest.approx(active_fraction, abs=0.03)
    assert trained > 0.75
    assert served > trained - 0.02


def test_a_program_exported_with_the_sparse_path_serves_other_rows_and_batch_sizes():
    model = model_of().eval()
    rows = torch.export.Dim("rows")
    exported = torch.export.export(model, (batch(6)[0],), dynamic_shapes=({0: rows},)).module()
    x_BI = batch(9)[0] * 2
    torch.testing.assert_close(exported(x_BI), model(x_BI))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token_dim": 10}, "token_dim is 10; it must be a multiple of num_tokens, 4"),
        ({"num_experts": 0}, "num_experts is 0"),
        ({"routing": "softmax"}, "routing is 'softmax', allowed: relu, top_k"),
        ({"active_fraction": 0.0}, "active_fraction is 0.0"),
        ({"routing": "top_k", "active_fraction": 0.3}, "a whole number"),
        ({"balance_weight": 0.1}, "with routing 'relu' it must be 0"),
    ],
)
def test_impossible_hyperparameters_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        model_of(**changes)


def test_experts_start_with_the_fan_of_one_expert():
    experts = model_of(token_dim=16, hidden_dim=4).blocks[0].ffn.experts
    for weight_TEND in (experts.up_TEND, experts.down_TEND):
        assert weight_TEND.abs().max().item() == pytest.approx(math.sqrt(6 / (16 + 4)), rel=0.05)
