"""The latent codes: what an event is in truth, and all that the hidden function looks at.

A code is an ordinal with a few levels. Nobody logs codes; what is logged are ids, and attributes that are
noisy functions of codes (`population`), circumstances and counters (`events`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Code:
    """One latent: its name, whose it is (a group of `bench.data.schema.GROUPS`), and its number of levels."""

    name: str
    group: str
    levels: int


USER_LEVELS = (8, 4, 8, 8, 6, 10, 6, 8)
"""Of the codes of a user."""
ITEM_LEVELS = (8, 6, 8, 8, 8, 6, 8, 10, 8)
"""Of the codes of an item: the first two come with its category, the next two with its author."""
CATEGORY_CODES = (0, 1)
AUTHOR_CODES = (2, 3)

CODES = (
    *(Code(name=f"user_{i}", group="user", levels=levels) for i, levels in enumerate(USER_LEVELS)),
    *(Code(name=f"item_{i}", group="item", levels=levels) for i, levels in enumerate(ITEM_LEVELS)),
    Code(name="daypart", group="context", levels=8),
    Code(name="network", group="context", levels=5),
    Code(name="depth", group="context", levels=6),
    Code(name="device", group="context", levels=12),
    Code(name="tab", group="context", levels=6),
    Code(name="activity", group="cross", levels=5),
    Code(name="freshness", group="cross", levels=6),
    Code(name="category_affinity", group="cross", levels=8),
    Code(name="author_affinity", group="cross", levels=8),
    Code(name="tag_affinity", group="cross", levels=8),
    Code(name="history_match", group="sequence", levels=5),
    Code(name="history_mood", group="sequence", levels=6),
)
