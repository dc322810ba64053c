"""RankMixer, section 3.2: how fields become tokens, everything at one budget.

The base cuts the fields into runs of whole ones, semantic group after semantic group. The paper warns of both
ends: a token for every field, and a single token.
"""

from __future__ import annotations

from ablations.arm import RANKMIXER, ablation, arm, varied

_MORE_THAN_FIELDS = 4096

STUDY = ablation(
    "tokenization",
    "Does it matter how fields become tokens?",
    RANKMIXER,
    varied(RANKMIXER, "slices blind to the groups", {"slicing": "shuffled"}, sized="budget"),
    varied(RANKMIXER, "equal slices that cut fields", {"slicing": "equal"}, sized="budget"),
    arm(
        RANKMIXER,
        "rankmixer-token-per-field",
        "one token per field",
        hyperparameters={"num_tokens": _MORE_THAN_FIELDS},  # as many as there are fields
        sized="budget",
    ),
    varied(RANKMIXER, "a single token", {"num_tokens": 1}, sized="budget"),
)
