"""Contestants: what the harness must know of a model, the registry of them all, their size and cost."""

from bench.contestants.contract import Contestant, Dial, InputShape, Paper

__all__ = ["Contestant", "Dial", "InputShape", "Paper"]
