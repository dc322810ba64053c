"""How scores of experts become gates (RankMixer, arXiv 2507.15551; TokenMixer-Large, arXiv 2602.06563).

    ReLU       G_j = ReLU(score_j)                              as many experts as the row asks for
    top k      G_j = softmax(score)_j for the k largest, else 0           always k

Letters: B batch, T tokens, E experts of a token.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rankmixer.grouped import Gates

SOFTMAXES = ("all", "chosen")


def relu_gates(score_TBE: Tensor) -> Gates:
    """G = ReLU(score); the experts with a positive gate are chosen."""
    weight_TBE = torch.relu(score_TBE)
    return Gates(weight=weight_TBE, chosen=weight_TBE > 0)


def top_k_gates(score_TBE: Tensor, k: int, *, softmax: str = "all") -> Gates:
    """The k experts with the largest scores.

    Args:
        softmax: over ``all`` experts before choosing, or over the ``chosen`` only, whose gates then sum to 1.
            The latter makes the gate of k = 1 the constant 1: no gradient reaches its score.
    """
    T, B, _ = score_TBE.shape
    top_TBk = score_TBE.topk(k, dim=2).indices
    chosen_TBE = torch.zeros_like(score_TBE, dtype=torch.bool).scatter(2, top_TBk, True)
    if softmax == "chosen":
        score_TBE = score_TBE.masked_fill(~chosen_TBE, float("-inf"))
    return Gates(weight=score_TBE.softmax(dim=2), chosen=chosen_TBE, num_chosen=T * B * k)


def balance_loss(gates: Gates) -> Tensor:
    """E · Σ_j f_j P_j, mean over the tokens (Switch Transformers, arXiv 2101.03961): 1 for an even load.

    f_j is expert j's share of the choices made in the batch, P_j the mean of its gate, a softmax over all.
    """
    E = gates.chosen.shape[2]
    load_TE = gates.chosen.to(gates.weight.dtype).mean(dim=1)
    share_TE = load_TE / load_TE.sum(dim=1, keepdim=True)
    return E * (share_TE * gates.weight.mean(dim=1)).sum(dim=1).mean()
