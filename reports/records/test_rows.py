"""What the judge learned of the test rows, kept in a store in place of the predictions.

Predictions are hundreds of times larger than the rest of a store, and the judge asks little of them: how many
test rows there are, and how much each difference owes to their draw. `packing.pack` writes those answers, a
line each, and a report of the packed store is the report of the whole one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bench.canonical import canonical_json
from bench.runs.store import Store

TEST_ROWS_FILE = "test_rows.jsonl"


class TestRows:
    """Answers about test rows, by question: of predictions where they are there, else those kept in `stores`.

    Args:
        stores: those of a report; of two answers to one question the last counts.
    """

    __test__ = False  # pytest takes the name for a class of tests

    def __init__(self, stores: Sequence[Store]) -> None:
        self._kept: dict[str, Any] = {}
        self._given: dict[str, Any] = {}
        self.torn: list[str] = []
        for store in stores:
            for line in store.lines(TEST_ROWS_FILE, _parsed):
                if isinstance(line, str):
                    self.torn.append(line)
                else:
                    self._kept[line[0]] = line[1]

    def answer(self, question: Mapping[str, Any], own: Any) -> Any:
        """`own`, what the predictions say in plain JSON types, or what was kept where that is None."""
        asked = canonical_json(question)
        found = self._kept.get(asked) if own is None else own
        if found is not None:
            self._given[asked] = found
        return found

    def lines(self) -> list[str]:
        """Every answer given so far, a line of JSON each, in a fixed order."""
        return [
            canonical_json({"question": json.loads(asked), "answer": found})
            for asked, found in sorted(self._given.items())
        ]


def _parsed(data: Any) -> tuple[str, Any]:
    if not isinstance(data, dict) or data.keys() != {"question", "answer"}:
        raise ValueError("a line has the keys 'question' and 'answer'")
    return canonical_json(data["question"]), data["answer"]
