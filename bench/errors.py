"""The errors that the command line puts into one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class BadInput(ValueError):
    """Something the user gave cannot be used; the message says what was wrong, was got and is allowed.

    The command line prints it on one line and exits with code 2; nothing has been trained by then. Line ends
    and control characters in what the user gave are shown escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in message))


def unknown_name(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """The error for a misspelt name: names the nearest known one and lists them all."""
    known = sorted(known)
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return BadInput(f"unknown {kind} '{name}'{hint} (known: {', '.join(known) or 'none'})")


class WorkerDied(Exception):
    """One of several processes ended without a result, as when memory runs out."""


def cannot_write(path: Path, error: Exception) -> BadInput:
    """The error for a disk that is full, or takes no more for another reason."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
    return BadInput(f"{path} cannot be written: {reason}; nothing usable is left of it")
