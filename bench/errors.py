"""The errors that the command line prints on one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class BadInput(ValueError):
    """The user gave something that cannot be used. The message says what is wrong, given and allowed.

    The command line prints it on one line and exits with code 2, before anything is trained. Line ends and
    control characters are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in message))


def unknown_name(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """The error for a misspelt name: names the nearest known one and lists them all."""
    return BadInput(f"unknown {kind} '{name}'{hint_of(name, known)}")


def hint_of(name: str, known: Iterable[str], *, listed: str = "known") -> str:
    """What ends the error for a misspelt name: the nearest known one, and a list of them all.

    Args:
        listed: what the list is called.
    """
    known = sorted(set(known))
    nearest = difflib.get_close_matches(name, known, n=1)
    did_you_mean = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return f"{did_you_mean} ({listed}: {', '.join(known) or 'none'})"


class WorkerDied(Exception):
    """A worker process ended without a result, for example because memory ran out."""


def cannot_write(path: Path, error: Exception) -> BadInput:
    """The error for a file that cannot be written, for example because the disk is full."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
    return BadInput(f"{path} cannot be written: {reason}; no usable file is left")
