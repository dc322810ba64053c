"""The token layers, one token at a time."""

import pytest
import torch

from baselines.tokens import FieldTokens, PerTokenLinear, TokenMap

UNEVEN = (3, 1, 4, 1, 5)


def token_by_token(tokens: FieldTokens, field_dims: tuple[int, ...], x: torch.Tensor) -> torch.Tensor:
    """Feeds one token's fields at a time, all others zero; every other token must then be its bias."""
    bias = tokens(torch.zeros_like(x))
    T, F = tokens.num_tokens, len(field_dims)
    out = torch.empty_like(bias)
    for t in range(T):
        first, last = t * F // T, (t + 1) * F // T
        columns = slice(sum(field_dims[:first]), sum(field_dims[:last]))
        alone = torch.zeros_like(x)
        alone[:, columns] = x[:, columns]
        projected = tokens(alone)
        others = [other for other in range(T) if other != t]
        assert torch.equal(projected[:, others], bias[:, others])
        out[:, t] = projected[:, t]
    return out


@pytest.mark.parametrize("field_dims", [(4, 4, 4), UNEVEN])
@pytest.mark.parametrize("max_tokens", [2, 3, 64])
def test_every_token_is_a_map_of_its_own_run_of_fields(field_dims: tuple[int, ...], max_tokens: int) -> None:
    tokens = FieldTokens(field_dims, max_tokens=max_tokens, token_dim=6)
    x = torch.randn(5, sum(field_dims))
    assert tokens.num_tokens == min(len(field_dims), max_tokens)
    assert torch.allclose(tokens(x), token_by_token(tokens, field_dims, x), atol=1e-6)


def test_tokens_are_the_linear_maps_their_weights_say() -> None:
    tokens = FieldTokens(UNEVEN, max_tokens=64, token_dim=6).double()
    x = torch.randn(5, sum(UNEVEN), dtype=torch.float64)
    weights = {width: list(p.weight) for width, p in zip((1, 3, 4, 5), tokens.projections, strict=True)}
    biases = {width: list(p.bias) for width, p in zip((1, 3, 4, 5), tokens.projections, strict=True)}
    out = tokens(x)
    for t, field in enumerate(x.split(list(UNEVEN), dim=1)):
        width = UNEVEN[t]
        expected = field @ weights[width].pop(0) + biases[width].pop(0)
        assert torch.allclose(out[:, t], expected)


def test_a_token_has_one_map() -> None:
    tokens = FieldTokens(UNEVEN, max_tokens=2, token_dim=6)
    assert sum(p.numel() for p in tokens.parameters()) == 14 * 6 + 2 * 6


def test_token_map_mixes_tokens_and_no_columns() -> None:
    token_map = TokenMap(3, 2)
    x = torch.randn(4, 3, 5)
    expected = torch.stack(
        [sum(w * x[:, t] for t, w in enumerate(row)) for row in token_map.map.weight], dim=1
    )
    assert torch.allclose(token_map(x), expected, atol=1e-6)


def test_per_token_linear_starts_with_the_fan_of_one_token() -> None:
    layer = PerTokenLinear(50, 16, 8)
    assert layer.weight.abs().max() <= 1 / 4
    assert layer.weight.std().item() == pytest.approx(1 / 4 / 3**0.5, rel=0.1)


def test_per_token_weights_are_not_shared() -> None:
    layer = PerTokenLinear(3, 4, 2, bias=False)
    x = torch.randn(3, 5, 4)
    before = layer(x)
    with torch.no_grad():
        layer.weight[1] += 1
    changed = (layer(x) != before).flatten(1).any(dim=1)
    assert changed.tolist() == [False, True, False]


@pytest.mark.parametrize(("max_tokens", "token_dim"), [(0, 4), (4, 0)])
def test_refuses_what_leaves_no_tokens(max_tokens: int, token_dim: int) -> None:
    with pytest.raises(ValueError, match=r"is 0; it must be 1 or more"):
        FieldTokens(UNEVEN, max_tokens=max_tokens, token_dim=token_dim)
