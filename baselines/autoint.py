"""AutoInt: feature interactions by self-attention over fields (arXiv 1810.11921, CIKM 2019).

    e_i    = P_i x_i + b_i                                            field i as a token of width C
    head h   a_ij = softmax_j(⟨W_Q e_i, W_K e_j⟩),   o_i = Σ_j a_ij W_V e_j ∈ R^D
    layer    e_i ← ReLU([o_i of every head] + W_Res e_i) ∈ R^A,     A = H D
    logits = Σ_i w_iᵀ e_i + b;   AutoInt+ adds those of an MLP on x

Letters: B batch, I flat input width, T tokens, C token width, H heads, D head width, A = H D attention width,
K tasks.

The maps of a layer have no biases and the scores no 1/√D, as in the paper. The authors' code differs from
their paper: each of the four maps has a bias and a ReLU, the scores are divided by √D, and a LayerNorm
follows the layer's ReLU. Of these, only the division is offered here, by `scaled_scores`.
Weights start as in the authors' code (DeepGraphLearning/RecommenderSystems, featureRec/autoint): the maps of
attention Glorot uniform; those of MLP and heads, and the MLP's biases, normal with variance 2 / (in + out).
The biases of their heads are drawn from a standard normal; ours is zero.
Where we differ: the paper's tokens are the embeddings themselves; ours are a linear map of each, since fields
may differ in width and C should not depend on the embedding; beyond `max_tokens` fields, neighbours share a
token (see `tokens.FieldTokens`), as scores grow with T². The two parts of AutoInt+ share one bias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from baselines.initialisation import INITIALISATIONS, initialise, require_known
from baselines.interacting import InteractingLayer
from baselines.mlp import mlp
from baselines.tokens import FieldTokens, by_rows, require_positive

FLOATS_AT_A_TIME = 1 << 19
"""Of the queries, keys, values and residuals of a layer; half or twice as many gained nothing."""


class AutoInt(nn.Module):
    """Attention layers over the fields; with `hidden_dims`, AutoInt+.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: the most tokens; up to as many fields, every field is one.
        token_dim: C.
        num_layers: attention layers, from 1.
        num_heads: H.
        head_dim: D.
        scaled_scores: whether scores are divided by √D.
        hidden_dims: widths of the MLP of AutoInt+; none: AutoInt.
        initialisation: ``autoint`` (the authors'), or one of `initialisation`.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 40,
        token_dim: int = 16,
        num_layers: int = 3,
        num_heads: int = 2,
        head_dim: int = 32,
        scaled_scores: bool = False,
        hidden_dims: Sequence[int] = (),
        initialisation: str = "autoint",
    ) -> None:
        super().__init__()
        require_known(initialisation, ("autoint", *INITIALISATIONS))
        require_positive({"num_layers": num_layers, "num_heads": num_heads, "head_dim": head_dim})
        attention_dim = num_heads * head_dim
        self.tokens = FieldTokens(field_dims, max_tokens=max_tokens, token_dim=token_dim)
        self.layers = nn.ModuleList(
            InteractingLayer(in_dim, num_heads, head_dim, scaled_scores=scaled_scores)
            for in_dim in [token_dim] + [attention_dim] * (num_layers - 1)
        )
        self.floats_per_row = self.tokens.num_tokens * 4 * attention_dim  # what `maps` of a layer gives
        self.head = nn.Linear(self.tokens.num_tokens * attention_dim, num_tasks)
        self.deep: nn.Module | None = None
        if hidden_dims:
            deep_head = nn.Linear(hidden_dims[-1], num_tasks, bias=False)
            self.deep = nn.Sequential(mlp(sum(field_dims), hidden_dims), deep_head)
        initialise(self, "glorot" if initialisation == "autoint" else initialisation)
        if initialisation == "autoint":
            for part in (self.head, self.deep):
                if part is not None:
                    part.apply(_glorot_normal_)
            nn.init.zeros_(self.head.bias)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K).

        So few rows at a time that what a layer makes of them stays in a core's cache.
        """
        return by_rows(self._logits, x_BI, max(1, FLOATS_AT_A_TIME // self.floats_per_row))

    def _logits(self, x_BI: Tensor) -> Tensor:
        e_BTA = self.tokens(x_BI)
        for layer in self.layers:
            e_BTA = layer(e_BTA)
        logits_BK = self.head(e_BTA.flatten(1))
        return logits_BK if self.deep is None else logits_BK + self.deep(x_BI)


def _glorot_normal_(module: nn.Module) -> None:
    """Weight and bias normal with variance 2 / (in + out)."""
    if isinstance(module, nn.Linear):
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=math.sqrt(2 / sum(module.weight.shape)))
