"""Fi-GNN: Modeling Feature Interactions via Graph Neural Networks (arXiv 1910.05552, CIKM 2019).

    e_i    = a vector for every field
    h_i^0  = ReLU([Σ_j softmax_j(⟨W_Q e_i, W_K e_j⟩ / √d) W_V e_j, of every head] + W_Res e_i)       d = D / H
    A_ij   = softmax_j(LeakyReLU(w_edgeᵀ [e_i ; e_j])),  A_ii = 0            one graph for all steps
    a_i    = W_in,i Σ_j A_ij W_out,j h_j^{t−1} + b                           W_in,i, W_out,i ∈ R^{D×D}
    h_i^t  = GRU(a_i, h_i^{t−1}) + h_i^0
    ŷ_i    = MLP_1(h_i) ∈ R^K,   α = σ(W_2 [h_1 ; … ; h_T]) ∈ R^T
    logits = Σ_i α_i ŷ_i

Letters: B batch, I flat input width, T nodes, D their width, H attention heads, K tasks. Each step has maps W
and a bias of its own; all share one GRU:

    r = σ(U_r a + V_r h),  z = σ(U_z a + V_z h),  n = tanh(U_n a + r ⊙ V_n h),  h' = (1 − z) ⊙ n + z ⊙ h

with a bias in each of the six maps.

The paper puts a multi-head self-attention between embeddings and graph. Ours is the layer that its authors'
code (CRIPAC-DIG/Fi_GNN) takes from AutoInt, with its residual; as in `autoint`, its maps have no bias and no
ReLU, and no LayerNorm follows. FuxiCTR, the public code whose sizes are published, leaves it out: that is
`attention_heads` 0, with h_i^0 = e_i.

Where we differ:
- α_i of the paper sees its own node only; here, as in FuxiCTR, it sees all of them and ends in a sigmoid.
- MLP_1 has one hidden layer, or is FuxiCTR's linear map.
- The GRU is PyTorch's `GRUCell`: the reset gate multiplies V_n h, and message and state have biases of their
  own. In TensorFlow's cell, which the authors' code has, the reset gate multiplies h before V_n, and there is
  one bias a map, which starts at one for the gates. Ours start at zero.
- The slope of LeakyReLU is PyTorch's 0.01; TensorFlow's default is 0.2.
- The authors' published code has no weights on the edges and a linear head; here edges are the paper's.
- The paper's fields are embeddings; with a `token_dim` ours are a linear map of each, and beyond `max_tokens`
  fields neighbours share a node (see `tokens.FieldTokens`). A single node has no neighbours, and no message.

Weights start as the layers of TensorFlow do in the authors' code, Glorot uniform.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.initialisation import FusedLinear, initialise, require_known
from baselines.interacting import InteractingLayer
from baselines.mlp import mlp_with_head
from baselines.products import FieldVectors
from baselines.tokens import FieldTokens, PerTokenLinear, require_positive


class FiGNN(nn.Module):
    """Messages between the fields along a graph with learned edges.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: the most nodes; up to as many fields, every field is one.
        token_dim: D; None: the fields' own width.
        num_layers: steps of the graph network.
        attention_heads: H, of which the width of a node is a multiple; 0: no attention before the graph.
        scoring_dim: hidden width of MLP_1; 0: a linear map without bias.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

    Raises:
        ValueError: a size that is too small, or a width that is no multiple of the heads.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 64,
        token_dim: int | None = 16,
        num_layers: int = 2,
        attention_heads: int = 2,
        scoring_dim: int = 64,
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_positive({"num_layers": num_layers})
        for name, size in {"attention_heads": attention_heads, "scoring_dim": scoring_dim}.items():
            if size < 0:
                raise ValueError(f"{name} is {size}; it must be 0 or more")
        require_known(initialisation)
        self.nodes: FieldTokens | FieldVectors = (
            FieldVectors(field_dims, max_tokens=max_tokens)
            if token_dim is None
            else FieldTokens(field_dims, max_tokens=max_tokens, token_dim=token_dim)
        )
        T = self.nodes.num_tokens
        D = max(field_dims) if token_dim is None else token_dim
        if attention_heads and D % attention_heads:
            raise ValueError(
                f"the width of a node is {D}; it must be a multiple of attention_heads, {attention_heads}"
            )
        self.interacting = (
            InteractingLayer(D, attention_heads, D // attention_heads, scaled_scores=True)
            if attention_heads
            else nn.Identity()
        )
        self.edges = nn.Linear(2 * D, 1, bias=False)
        self.layers = nn.ModuleList(Messages(T, D) for _ in range(num_layers))
        self.gru = GatedUnit(D)
        self.scores = (
            mlp_with_head(D, (scoring_dim,), num_tasks)
            if scoring_dim
            else nn.Linear(D, num_tasks, bias=False)
        )
        self.attention = nn.Linear(T * D, T, bias=False)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        e_BTD = self.nodes(x_BI)
        edges_BTT = self._edges(e_BTD)
        first_BTD = self.interacting(e_BTD)
        h_BTD = first_BTD
        for layer in self.layers:
            h_BTD = self.gru(layer(h_BTD, edges_BTT), h_BTD) + first_BTD
        weight_BT1 = torch.sigmoid(self.attention(h_BTD.flatten(1))).unsqueeze(2)
        logits_BK: Tensor = (weight_BT1 * self.scores(h_BTD)).sum(dim=1)
        return logits_BK

    def _edges(self, e_BTD: Tensor) -> Tensor:
        """A: (B, T, T). The two halves of w_edge are applied once per node, not once per edge."""
        T = e_BTD.shape[1]
        halves_BT2 = F.linear(e_BTD, self.edges.weight.view(2, -1))
        scores_BTT = F.leaky_relu(halves_BT2[:, :, :1] + halves_BT2[:, :, 1:].transpose(1, 2))
        if T == 1:
            return torch.zeros_like(scores_BTT)
        itself_TT = torch.eye(T, dtype=torch.bool, device=e_BTD.device)
        return torch.softmax(scores_BTT.masked_fill(itself_TT, -torch.inf), dim=2)


class Messages(nn.Module):
    """W_in,i Σ_j A_ij W_out,j h_j + b: (B, T, D), (B, T, T) → (B, T, D)."""

    def __init__(self, num_nodes: int, dim: int) -> None:
        super().__init__()
        self.outgoing = PerTokenLinear(num_nodes, dim, dim, bias=False)
        self.incoming = PerTokenLinear(num_nodes, dim, dim, bias=False)
        self.bias = nn.Parameter(torch.zeros(dim).uniform_(-(dim**-0.5), dim**-0.5))

    def forward(self, h_BTD: Tensor, edges_BTT: Tensor) -> Tensor:
        sent_BTD = self.outgoing(h_BTD.transpose(0, 1)).transpose(0, 1)
        received_TBD = torch.bmm(edges_BTT, sent_BTD).transpose(0, 1)
        message_BTD: Tensor = self.incoming(received_TBD).transpose(0, 1)
        return message_BTD + self.bias


class GatedUnit(nn.Module):
    """h' of the GRU, for the message a and the state h of every node: (B, T, D) each."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.message = FusedLinear(dim, 3 * dim, outputs=3)
        self.state = FusedLinear(dim, 3 * dim, outputs=3)

    def forward(self, a_BTD: Tensor, h_BTD: Tensor) -> Tensor:
        r_a, z_a, n_a = self.message(a_BTD).chunk(3, dim=2)
        r_h, z_h, n_h = self.state(h_BTD).chunk(3, dim=2)
        z_BTD = torch.sigmoid(z_a + z_h)
        n_BTD = torch.tanh(torch.addcmul(n_a, torch.sigmoid(r_a + r_h), n_h))
        return torch.lerp(n_BTD, h_BTD, z_BTD)
