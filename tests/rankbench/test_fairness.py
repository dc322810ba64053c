"""`rankbench fairness` through real processes."""

from __future__ import annotations

import json

CHECK = ("fairness", "dcnv2", "--rows", "4000", "--budget", "10k", "--width", "4", "--processes", "1")


def test_a_check_ends_with_verdicts_and_is_not_trained_twice(bench):
    done = bench(*CHECK, "--seeds", "2", "--json")
    (check,) = json.loads(done.stdout)["checks"]
    (one,) = check["contestants"]
    assert one["verdict"] in ("handicapped", "not handicapped")
    assert {n["varied"] for n in one["neighbours"]} >= {"dense_lr ×2", "sparse_lr ÷2", "structure stacked"}
    assert one["gain"]["mean"] == max(n["gain"]["mean"] for n in one["neighbours"] if n["gain"])
    again = bench(*CHECK, "--seeds", "2")
    assert "20 planned, 20 already in the store" in again.stderr
    assert "Best neighbour" in again.stdout
    assert one["verdict"] in again.stdout
