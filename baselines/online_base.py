"""OnlineBase, the "DLRM + DCN" of 16M dense parameters that RankMixer replaced (arXiv 2507.15551, Table 6).

    z_0    = MLP_bottom(x) ∈ R^D
    x_{l+1} = x_0 (x_lᵀ w_l) + b_l + x_l                              DCN's cross layers, arXiv 1708.05123
    r      = [z_0 ; all pairs of z_0, e_1, …, e_T ; x_L]              DLRM's dot interaction, arXiv 1906.00091
    logits = W MLP_top(r) + b

Letters: B batch, I flat input width, T vectors, D their width, L cross layers, K tasks. The paper gives the
names of the two models and the size, and no more. Our reading: cross network and dot interaction stand side
by side below one top MLP; the cross layers are those of DCN, as the paper names DCNv2 where it means that.
What `dlrm` says of its bottom MLP and of its vectors holds here too, as does its start of weights; the cross
layers are linear maps to one number and start the same way, with zero biases.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.cross import VectorCross, crossed
from baselines.initialisation import INITIALISATIONS, initialise, require_known
from baselines.mlp import mlp_with_head
from baselines.products import DotInteraction


class OnlineBase(nn.Module):
    """DLRM's dot interaction and DCN's cross network below one MLP.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: the most vectors of fields; up to as many fields, every field is one.
        num_cross_layers: L.
        bottom_dims: hidden widths of the bottom MLP, before its layer of width D.
        top_dims: widths of the top MLP.
        initialisation: ``dlrm`` (that of DLRM's authors), or one of `initialisation`.

    Raises:
        ValueError: an unknown initialisation, or `max_tokens` below 1.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 64,
        num_cross_layers: int = 3,
        bottom_dims: Sequence[int] = (512, 256),
        top_dims: Sequence[int] = (512, 256),
        initialisation: str = "dlrm",
    ) -> None:
        super().__init__()
        require_known(initialisation, ("dlrm", *INITIALISATIONS))
        input_dim = sum(field_dims)
        self.cross_layers = nn.ModuleList(VectorCross(input_dim) for _ in range(num_cross_layers))
        self.dot = DotInteraction(field_dims, max_tokens=max_tokens, bottom_dims=bottom_dims)
        self.top = mlp_with_head(self.dot.out_dim + input_dim, top_dims, num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        logits_BK: Tensor = self.top(torch.cat([self.dot(x_BI), crossed(self.cross_layers, x_BI)], dim=1))
        return logits_BK
