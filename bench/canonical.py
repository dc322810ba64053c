"""Canonical JSON: one text for one value, so that its hash is an identity.

Keys are sorted, there is no white space, floats have their shortest round-trip form, list order matters,
tuples are lists, NaN and infinities are refused (JSON has none), and anything that is not plain data is
refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """`value` as plain JSON types (dict, list, str, int, float, bool, None).

    Raises:
        TypeError: a value or a key that has no JSON form.
        ValueError: NaN or an infinity.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no JSON form; only finite numbers do")
        return float(value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"keys must be strings, got {[key for key in value if not isinstance(key, str)]}")
        return {key: plain(item) for key, item in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} {value!r} has no JSON form")


def canonical_json(value: Any) -> str:
    """The one text of `value`."""
    return json.dumps(
        plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """SHA-256 of the bytes of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
