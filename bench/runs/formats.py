"""Lines of past formats, brought to the present one: what the records of runs and of studies share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


def upgraded(data: Any, upgrades: Sequence[Upgrade], *, what: str) -> dict[str, Any]:
    """The fields of a line, but for its format, as the present format has them.

    Args:
        upgrades: from format 1 to 2, and so on; the present format is one more than there are.
        what: the kind of line, for errors, such as ``record``.

    Raises:
        ValueError: no JSON object, or an unknown format.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"a {what} is a JSON object, got {type(data).__name__}")
    got, present = data.get("format"), len(upgrades) + 1
    if type(got) is not int or not 1 <= got <= present:
        raise ValueError(f"{what} format is {got}, this version reads 1 to {present}")
    fields = {name: value for name, value in data.items() if name != "format"}
    for upgrade in upgrades[got - 1 :]:
        fields = upgrade(fields)
    return fields
