"""DHEN: A Deep and Hierarchical Ensemble Network for Click-Through Rate Prediction (arXiv 2203.11014).

    X_{n+1} = LN(Ensemble_i(u_i(X_n)) + ShortCut(X_n))             X_n ∈ R^{m×D}, u_i(X) ∈ R^{l×D}
    linear     u = W X                                             W ∈ R^{l×m}
    attention  u = W TransformerEncoderLayer(X)
    dcn        u = W_m (x ⊙ (U Vᵀ x + b)),  x = flatten(X)         U, V ∈ R^{mD×r}, W_m ∈ R^{lD×mD}
    fm         u = W_m MLP(all ⟨X_a, X_b⟩, a < b)                  W_m ∈ R^{lD×h}
    logits     = W flatten(X_N) + b

The ensemble concatenates the modules' tokens, adds them up, or adds them up with a learned weight for each
module. The shortcut is the identity, or a linear map over the tokens where their number changes.

Letters: B batch, I flat input width, T tokens (m of a layer's input, l of a module's output), D token width,
H heads, K tasks.
Inside, features come first and tokens last (`x_DBT`), as D is narrow and a CPU's vector units run along the
innermost axis. Weights that the paper's order flattens, tokens first, are reordered to match, not the data.

Our reading where the paper is silent: concatenated modules give l = ⌈m / modules⌉ tokens each and added ones
l = m, so that the number of tokens stays and the shortcut is the identity, but for a first layer whose m the
modules do not divide. The cross map is of low rank and has no skip of its own, as the layer has one. Maps
over tokens and W_m of the DCN have no bias. The encoder layer is the original one: norms behind, ReLU. The
fm MLP has one hidden layer. The ensemble's weights are one scalar a module, from 1. The head is linear.
A layer on the single token of a single field has no pairs and goes without its fm module.
Every field, and beyond `max_tokens` fields every run of them, is projected (see `tokens.FieldTokens`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.attention import add_norm, attend
from baselines.initialisation import FusedLinear, initialise, require_known
from baselines.mlp import mlp
from baselines.products import PairProducts
from baselines.tokens import FieldTokens, TokenMap, by_rows, require_positive, swap_pairs

INTERACTIONS = ("attention", "linear", "dcn", "fm")
ENSEMBLES = ("concat", "sum", "weighted")

ROWS_AT_A_TIME = 1024
"""Fewer gain nothing at this batch; at 4096, parts of this size are faster than all rows at once."""


class DHEN(nn.Module):
    """Stacked ensembles of interaction modules.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: most tokens the fields become.
        token_dim: D, a multiple of H.
        num_layers: N.
        interactions: the modules of every layer, of ``attention``, ``linear``, ``dcn`` and ``fm``.
        ensemble: ``concat``, ``sum`` or ``weighted``.
        num_heads: H of the attention.
        attention_hidden_dim: hidden width of the encoder layer's feed-forward network.
        cross_rank: r of the DCN.
        fm_hidden_dim: h of the FM.
        initialisation: ``glorot`` or ``torch``, see `initialisation`; the paper does not say.

    Raises:
        ValueError: a hyper-parameter that fits no model, such as an unknown module.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 64,
        token_dim: int = 16,
        num_layers: int = 2,
        interactions: Sequence[str] = INTERACTIONS,
        ensemble: str = "concat",
        num_heads: int = 2,
        attention_hidden_dim: int = 64,
        cross_rank: int = 16,
        fm_hidden_dim: int = 64,
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_positive(
            {
                "num_layers": num_layers,
                "number of interactions": len(interactions),
                "num_heads": num_heads,
                "attention_hidden_dim": attention_hidden_dim,
                "cross_rank": cross_rank,
                "fm_hidden_dim": fm_hidden_dim,
            }
        )
        for name in interactions:
            if name not in INTERACTIONS:
                raise ValueError(f"interactions hold '{name}', allowed: {', '.join(INTERACTIONS)}")
        require_known(initialisation)
        if ensemble not in ENSEMBLES:
            raise ValueError(f"ensemble is '{ensemble}', allowed: {', '.join(ENSEMBLES)}")
        if token_dim % num_heads:
            raise ValueError(f"token_dim is {token_dim}; it must be a multiple of num_heads, {num_heads}")

        def interaction(name: str, in_tokens: int, out_tokens: int) -> Interaction:
            if name == "attention":
                return AttentionModule(in_tokens, out_tokens, token_dim, num_heads, attention_hidden_dim)
            if name == "linear":
                return LinearModule(in_tokens, out_tokens, token_dim)
            if name == "dcn":
                return DCNModule(in_tokens, out_tokens, token_dim, cross_rank)
            return FMModule(in_tokens, out_tokens, token_dim, fm_hidden_dim)

        self.tokens = FieldTokens(field_dims, max_tokens=max_tokens, token_dim=token_dim)
        self.layers = nn.ModuleList()
        num_tokens = self.tokens.num_tokens
        for _ in range(num_layers):
            names = _without_pairs(interactions) if num_tokens == len(field_dims) == 1 else interactions
            out_tokens = -(-num_tokens // len(names)) if ensemble == "concat" else num_tokens
            modules = [interaction(name, num_tokens, out_tokens) for name in names]
            layer = DHENLayer(modules, num_tokens, out_tokens, token_dim, ensemble)
            self.layers.append(layer)
            num_tokens = layer.out_tokens
        self.head = nn.Linear(num_tokens * token_dim, num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        return by_rows(self._logits, x_BI, ROWS_AT_A_TIME)

    def _logits(self, x_BI: Tensor) -> Tensor:
        x_DBT = self.tokens(x_BI).permute(2, 0, 1).contiguous()
        for layer in self.layers:
            x_DBT = layer(x_DBT)
        weight = swap_pairs(self.head.weight, 1, x_DBT.shape[0])
        return F.linear(x_DBT.transpose(0, 1).flatten(1), weight, self.head.bias)


def _without_pairs(interactions: Sequence[str]) -> Sequence[str]:
    """Those that work on a single token; all of them where none would be left, so that the FM says why."""
    return [name for name in interactions if name != "fm"] or interactions


class DHENLayer(nn.Module):
    """LN(Ensemble_i(u_i(X)) + ShortCut(X)): (D, B, m) → (D, B, `out_tokens`)."""

    def __init__(
        self, interactions: Sequence[Interaction], in_tokens: int, module_tokens: int, dim: int, ensemble: str
    ) -> None:
        super().__init__()
        count = len(interactions)
        self.concat = ensemble == "concat"
        self.out_tokens = count * module_tokens if self.concat else module_tokens
        self.interactions = nn.ModuleList(interactions)
        self.weights = nn.Parameter(torch.ones(count)) if ensemble == "weighted" else None
        same = in_tokens == self.out_tokens
        self.shortcut = nn.Identity() if same else TokenMap(in_tokens, self.out_tokens)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x_DBT: Tensor) -> Tensor:
        outputs = [interaction(x_DBT) for interaction in self.interactions]
        if not self.concat:
            ensemble_DBT = outputs[0] if self.weights is None else self.weights[0] * outputs[0]
            for i, output in enumerate(outputs[1:], start=1):
                ensemble_DBT = ensemble_DBT + (output if self.weights is None else self.weights[i] * output)
            outputs = [ensemble_DBT]
        shortcut_DBT = self.shortcut.tokens_last(x_DBT) if isinstance(self.shortcut, TokenMap) else x_DBT
        return add_norm(outputs, shortcut_DBT, self.norm, dim=0, along=2)


class LinearModule(nn.Module):
    """W X: (D, B, m) → (D, B, l)."""

    def __init__(self, in_tokens: int, out_tokens: int, dim: int) -> None:
        super().__init__()
        self.map = TokenMap(in_tokens, out_tokens)

    def forward(self, x_DBT: Tensor) -> Tensor:
        return self.map.tokens_last(x_DBT)


class AttentionModule(nn.Module):
    """W TransformerEncoderLayer(X): (D, B, m) → (D, B, l).

    S = LN(X + softmax(Q Kᵀ / √(D/H)) V W_O),   Z = LN(S + W_2 ReLU(W_1 S + b_1) + b_2),   u = W Z
    """

    def __init__(self, in_tokens: int, out_tokens: int, dim: int, num_heads: int, hidden_dim: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = FusedLinear(dim, 3 * dim, outputs=3)
        self.out = nn.Linear(dim, dim)
        self.attention_norm = nn.LayerNorm(dim)
        self.ffn = nn.Sequential(mlp(dim, (hidden_dim,)), nn.Linear(hidden_dim, dim))
        self.ffn_norm = nn.LayerNorm(dim)
        self.map = TokenMap(in_tokens, out_tokens)

    def forward(self, x_DBT: Tensor) -> Tensor:
        s_DBT = add_norm([self._attend(x_DBT)], x_DBT, self.attention_norm, dim=0, along=0)
        hidden_HBT = torch.relu_(_per_token(self.ffn.get_submodule("0.0"), s_DBT))
        ffn_DBT = _per_token(self.ffn[1], hidden_HBT)
        return self.map.tokens_last(add_norm([ffn_DBT], s_DBT, self.ffn_norm, dim=0, along=0))

    def _attend(self, x_DBT: Tensor) -> Tensor:
        D, _, T = x_DBT.shape
        H, head_dim = self.num_heads, D // self.num_heads
        qkv_3HdBT = _per_token(self.qkv, x_DBT).unflatten(0, (3, H, head_dim))
        q, k, v = qkv_3HdBT.permute(0, 3, 1, 2, 4).flatten(1, 2)
        heads_BDT = attend(q * head_dim**-0.5, k, v).view(-1, D, T)
        return _per_token(self.out, heads_BDT.transpose(0, 1))


def _per_token(linear: nn.Module, x_DBT: Tensor) -> Tensor:
    """`linear` of every token: (D, B, T) → (out, B, T)."""
    assert isinstance(linear, nn.Linear)
    out = torch.addmm(linear.bias.unsqueeze(1), linear.weight, x_DBT.flatten(1))
    return out.unflatten(1, x_DBT.shape[1:])


class DCNModule(nn.Module):
    """W_m (x ⊙ (U Vᵀ x + b)) with x = flatten(X), the cross layer of DCNv2: (D, B, m) → (D, B, l)."""

    def __init__(self, in_tokens: int, out_tokens: int, dim: int, rank: int) -> None:
        super().__init__()
        in_dim, out_dim = in_tokens * dim, out_tokens * dim
        self.v = nn.Linear(in_dim, rank, bias=False)
        self.u = nn.Linear(rank, in_dim)
        self.map = nn.Linear(in_dim, out_dim, bias=False)

    def forward(self, x_DBT: Tensor) -> Tensor:
        D = x_DBT.shape[0]
        x_BI = x_DBT.transpose(0, 1).flatten(1)
        low_Br = F.linear(x_BI, swap_pairs(self.v.weight, 1, D))
        cross_BI = F.linear(low_Br, swap_pairs(self.u.weight, 0, D), swap_pairs(self.u.bias, 0, D))
        weight = swap_pairs(swap_pairs(self.map.weight, 1, D), 0, D)
        return F.linear(x_BI * cross_BI, weight).unflatten(1, (D, -1)).transpose(0, 1)


class FMModule(nn.Module):
    """W_m ReLU(W_1 p + b_1) + b_m, p the products of all pairs of tokens: (D, B, m) → (D, B, l)."""

    def __init__(self, in_tokens: int, out_tokens: int, dim: int, hidden_dim: int) -> None:
        super().__init__()
        if in_tokens < 2:
            raise ValueError(f"interaction 'fm' has {in_tokens} token; it needs 2 or more")
        self.products = PairProducts(in_tokens)
        self.mlp = nn.Sequential(
            mlp(self.products.num_pairs, (hidden_dim,)),
            nn.Linear(hidden_dim, out_tokens * dim),
        )

    def forward(self, x_DBT: Tensor) -> Tensor:
        D, last = x_DBT.shape[0], self.mlp[1]
        assert isinstance(last, nn.Linear)
        products_BP = self.products(x_DBT.transpose(0, 1))
        out = F.linear(self.mlp[0](products_BP), swap_pairs(last.weight, 0, D), swap_pairs(last.bias, 0, D))
        return out.unflatten(1, (D, -1)).transpose(0, 1)


Interaction = AttentionModule | LinearModule | DCNModule | FMModule
