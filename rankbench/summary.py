"""The summary that `rankbench data import` prints: the answer on stdout, warnings on stderr."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rankbench.console import answer, answer_json, complain, table

if TYPE_CHECKING:
    from bench.data.dataset import Dataset


def summarise(dataset: Dataset, *, json: bool) -> None:
    """Prints the folder, rows, labels, users, skipped rows and warnings."""
    from bench.data.describe import describe
    from bench.data.findings import findings

    description = describe(dataset)
    warnings = findings(description)
    if json:
        answer_json({"directory": str(dataset.directory), **description, "warnings": warnings})
    else:
        _print(dataset, description)
    for warning in warnings:
        complain(f"warning: {warning}")


def _print(dataset: Dataset, description: dict[str, Any]) -> None:
    answer(str(dataset.directory))
    answer(f"rows: {cell(description['rows'])}")
    columns = ["task", "split", "labels", "positives", "base rate", "labels missing"]
    table("", columns, [row for task in dataset.schema.tasks for row in _of_task(description, task)])
    if description["users"] is not None:
        answer(f"users: {cell(description['users'])}")
        answer(f"users with both classes in test: {cell(description['users_with_both_classes'])}")
    fields = description["fields"]
    kinds = Counter(field["kind"] for field in fields)
    answer(f"fields: {len(fields)} ({', '.join(f'{number} {kind}' for kind, number in kinds.items())})")
    for key in ("skipped_rows", "unmatched_keys"):
        if counts := description["source"].get(key):
            answer(f"{key.replace('_', ' ')}: {sum(counts.values()):,}")
            for what, count in counts.items():
                answer(f"  {count:,}: {what}")
    for what, names in (
        ("constant in train", [f["name"] for f in fields if f["constant"]]),
        ("all values unknown in test", [f["name"] for f in fields if f["unknown_test_share"] == 1]),
        ("all values missing", [f["name"] for f in fields if f["missing_share"] == 1]),
    ):
        if names:
            answer(f"{what}: {', '.join(names)}")


def _of_task(description: dict[str, Any], task: str) -> list[list[str]]:
    rows = []
    for split, count in description["rows"].items():
        missing = description["missing_labels"][task][split]
        rate = description["base_rate"][task][split]
        positives = description["positives"][task][split]
        rows.append([task, split, f"{count - missing:,}", f"{positives:,}", cell(rate), f"{missing:,}"])
    return rows


def cell(value: object) -> str:
    """A value of a description as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {cell(item)}" for key, item in value.items())
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)
