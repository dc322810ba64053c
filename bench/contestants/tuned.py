"""Settings that a tuning chose. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.contestants.contract import Hyperparameters


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is asked for in place of defaults.

    Args:
        hyperparameters: those of the model, its initialisation among them, and proportions of its dial.
        protocol: names of protocol values, such as ``dense_lr`` → what they are.
    """

    hyperparameters: Hyperparameters = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
