"""Parameter totals that public logs print for models of these papers, number by number.

The logs are those of BARS on Criteo_x1 (reczoo/BARS, ranking/ctr/…_criteo_x1): 39 fields of width 10, one
task. They count the embedding tables, and for models with a linear part over the ids a second table of one
number per id: Wide & Deep, DeepFM and xDeepFM. Their MLPs of three times 400 have batch normalization, where
`batch_norm` is on: 2 × 400 numbers a layer, which ours do not have.
"""

from __future__ import annotations

import pytest
import torch

from baselines.dcn import DCN
from baselines.deepfm import DeepFM
from baselines.dlrm import DLRM
from baselines.fignn import FiGNN
from baselines.pnn import PNN
from baselines.wide_deep import WideDeep
from baselines.xdeepfm import XDeepFM

FIELDS, WIDTH = 39, 10
IDS = 2_086_316
NORMS = 3 * 2 * 400
MLP = {"hidden_dims": (400, 400, 400)}


@pytest.mark.parametrize(
    ("model", "hyperparameters", "beside", "published"),
    [
        (WideDeep, MLP, IDS + NORMS, 23_429_477),
        (DeepFM, MLP, IDS + NORMS, 23_429_477),
        (PNN, MLP, NORMS, 21_639_561),
        (DCN, {**MLP, "num_cross_layers": 3}, 0, 21_343_491),
        # A bias for each of its 2 × 16 maps and one more in its head.
        (XDeepFM, {**MLP, "num_cin_layers": 2, "num_maps": 16}, IDS + 2 * 16 + 1, 23_461_462),
        # Without the paper's attention before the graph.
        (FiGNN, {"token_dim": None, "num_layers": 6, "scoring_dim": 0, "attention_heads": 0}, 0, 20_925_920),
    ],
)
def test_the_published_total_comes_out(model, hyperparameters, beside, published):
    with torch.device("meta"):
        built = model((WIDTH,) * FIELDS, 1, **hyperparameters)
    dense = sum(parameter.numel() for parameter in built.parameters())
    assert WIDTH * IDS + dense + beside == published


def test_the_published_total_of_dlrm_comes_out_where_13_numbers_enter_the_bottom():
    """Theirs embeds the 26 other fields only, and its bottom MLP reads the 13 numbers as they are."""
    with torch.device("meta"):
        built = DLRM((WIDTH,) * 26, 1, bottom_dims=(400, 400, 400), top_dims=(400, 400, 400))
    dense = sum(parameter.numel() for parameter in built.parameters())
    of_bottom = (26 * WIDTH - 13) * 400
    assert WIDTH * (IDS - 13) + dense - of_bottom + 2 * NORMS == 21_664_241
