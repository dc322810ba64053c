"""HSTU (Zhai et al. 2024, arXiv 2402.17152) as encoder of a sequence, in front of any contestant.

    tokens     the ids of the history as stored, then the target: the field whose table the history shares
    a layer    n = norm(x);  q, k, u, v = SiLU(n W)                                        equation 1
               a_ij = SiLU(q_i · k_j + p[i − j]) / M   for j ≤ i, else 0                   equation 2
               x_i ← x_i + (norm(Σ_j a_ij v_j) ⊙ u_i) W_o + b_o                            equation 3
    output     x of the last token, the target, after `NUM_LAYERS` layers; zeros for an empty history

So the attention is causal, and a sum over all tokens rather than a softmax, so that strength of interest is
kept. That the target is the last token is the paper's form for ranking. The paper has a bias by the time
between two tokens beside that by their distance p. Data sets here have no times of the ids in a history, so
p is the only bias. The division by M, the norm of x, both without parameters, the residual and the start of
the weights are those of the authors' code (meta-recsys/generative-recommenders). Before the layers that code
multiplies embeddings by √D, adds a learned vector for each position and drops some out at random; ours does
none of these. Ours too: one head, two layers (with fewer, no token but the last would matter), and actions of
the user are no tokens, since a history of one label has none.

Histories are read in the order in which they are stored. An import writes the oldest first. The synthetic
world writes the latest first, so there each token sees those after it in time; its labels do not depend on
the order of a history.

The widths of q, k (`query_dim`) and u, v (`value_dim`) are those with which the whole encoder has as many
parameters as DIN's attention unit for the same field.

Letters: B batch, N ids of a history, M = N + 1 tokens, Q queries, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.training.target_attention import num_parameters as parameters_of_din

NUM_LAYERS = 2
EPSILON = 1e-6
PROJECTION_STD = BIAS_STD = 0.02
_NARROWEST_VALUE = 2
"""The norm of a single number is always 0."""


class HSTU(nn.Module):
    """(B, N, D) rows, (B, D) target, (B, N) which of the rows are ids → (B, D).

    Args:
        dim: D.
        max_length: N.
    """

    def __init__(self, dim: int, max_length: int) -> None:
        super().__init__()
        query_dim, value_dim = widths_like_din(dim, max_length)
        self.layers = nn.ModuleList(
            HSTULayer(dim, max_length + 1, query_dim, value_dim) for _ in range(NUM_LAYERS)
        )

    def forward(self, e_BND: Tensor, t_BD: Tensor, present_BN: Tensor) -> Tensor:
        x_BMD, present_BM = tokens(e_BND, t_BD, present_BN)
        for layer in self.layers[:-1]:
            x_BMD = layer(x_BMD, present_BM)
        last_BD: Tensor = self.layers[-1](x_BMD, present_BM, num_queries=1).squeeze(1)
        return last_BD * present_BN.any(dim=1, keepdim=True)


class HSTULayer(nn.Module):
    """(B, M, D) tokens, (B, M) which of them exist → (B, Q, D), those of the last Q tokens."""

    def __init__(self, dim: int, num_tokens: int, query_dim: int, value_dim: int) -> None:
        super().__init__()
        self.query_dim, self.value_dim = query_dim, value_dim
        self.of_queries = nn.Linear(dim, query_dim + value_dim, bias=False)
        self.of_keys = nn.Linear(dim, query_dim + value_dim, bias=False)
        self.output = nn.Linear(value_dim, dim)
        self.bias = nn.Parameter(torch.empty(num_tokens))
        for projection in (self.of_queries, self.of_keys):
            nn.init.normal_(projection.weight, std=PROJECTION_STD)
        nn.init.xavier_uniform_(self.output.weight)
        nn.init.normal_(self.bias, std=BIAS_STD)
        place = torch.arange(num_tokens)
        distance_MM = place.unsqueeze(1) - place
        self.distance_MM: Tensor
        self.causal_MM: Tensor
        self.register_buffer("distance_MM", distance_MM.clamp(min=0), persistent=False)
        self.register_buffer("causal_MM", distance_MM >= 0, persistent=False)

    def forward(self, x_BMD: Tensor, present_BM: Tensor, num_queries: int | None = None) -> Tensor:
        num_tokens, dim = x_BMD.shape[1:]
        first = num_tokens - (num_queries or num_tokens)
        n_BMD = F.layer_norm(x_BMD, (dim,), eps=EPSILON)
        widths = [self.query_dim, self.value_dim]
        q_BQd, u_BQd = F.silu(self.of_queries(n_BMD[:, first:])).split(widths, dim=2)
        k_BMd, v_BMd = F.silu(self.of_keys(n_BMD)).split(widths, dim=2)
        scores_BQM = q_BQd @ k_BMd.transpose(1, 2) + self.bias[self.distance_MM[first:]]
        seen_BQM = present_BM.unsqueeze(1) & self.causal_MM[first:]
        a_BQM = F.silu(scores_BQM) * seen_BQM / num_tokens
        summed_BQd = F.layer_norm(a_BQM @ v_BMd, (self.value_dim,), eps=EPSILON)
        output_BQD: Tensor = self.output(summed_BQd * u_BQd)
        return x_BMD[:, first:] + output_BQD


def tokens(e_BND: Tensor, t_BD: Tensor, present_BN: Tensor) -> tuple[Tensor, Tensor]:
    """(B, M, D) tokens and (B, M) which of them exist: first what is absent, then the ids, then the target.

    So the distance between two tokens is that between their places.
    """
    order_BN = present_BN.to(torch.uint8).argsort(dim=1, stable=True)
    e_BND = e_BND.gather(1, order_BN.unsqueeze(2).expand_as(e_BND))
    present_BN = present_BN.gather(1, order_BN)
    x_BMD = torch.cat([e_BND, t_BD.unsqueeze(1)], dim=1)
    return x_BMD, F.pad(present_BN, (0, 1), value=True)


def widths_like_din(dim: int, max_length: int) -> tuple[int, int]:
    """(`query_dim`, `value_dim`), as equal as can be, with which an encoder is of the size of DIN's unit.

    It is then met within 1 %, but for histories of more than 63 × `dim` ids: their biases by distance alone
    are more, and the widths are the narrowest.
    """
    asked, fixed = parameters_of_din(dim), dim + max_length + 1
    columns = max(2 + 3 * _NARROWEST_VALUE, round((asked / NUM_LAYERS - fixed) / dim))

    def error(widths: tuple[int, int]) -> tuple[int, int]:
        query_dim, value_dim = widths
        parameters = NUM_LAYERS * (dim * (2 * query_dim + 3 * value_dim) + fixed)
        return abs(parameters - asked), abs(query_dim - value_dim)

    choices = (
        (max(1, (columns - 3 * value_dim + more) // 2), value_dim)
        for value_dim in range(_NARROWEST_VALUE, columns // 3 + 1)
        for more in (0, 1)
    )
    return min(choices, key=error)
