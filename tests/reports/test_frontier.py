"""Who is on the frontier of quality for cost."""

from __future__ import annotations

import pytest

from reports.frontier import FLOPS, SECONDS, frontier_figure, spots_of
from tests.reports.laddered import ladder

pytestmark = pytest.mark.usefixtures("without_drawing")


def rungs(builder):
    from reports.records.sources import Sources
    from reports.study_section import judged

    (study,) = builder.studies()
    return list(judged(study, Sources([builder.directory])))


def test_dominated_is_no_better_and_no_cheaper(builder):
    ladder(builder, budgets=(30_000, 100_000), seeds=2)
    found = spots_of(rungs(builder), FLOPS)
    assert [spot.cost for spot in found] == sorted(spot.cost for spot in found)
    for spot in found:
        others = [other for other in found if other is not spot]
        beaten = any(other.cost <= spot.cost and other.auc.mean >= spot.auc.mean for other in others)
        assert spot.dominated == beaten, spot
    assert not next(spot for spot in found if spot.label == "RankMixer" and "100k" in spot.budget).dominated


def test_times_of_two_machines_are_not_compared(builder):
    for name in builder.titles:
        for seed in range(2):
            cores = 64 if name == "dcnv2" else 2
            builder.ok(builder.spec(name, seed), environment={"cores": cores, "processor": "p"})
    assert spots_of(rungs(builder), SECONDS) == []
    assert len(spots_of(rungs(builder), FLOPS)) == 3


def test_too_few_entrants_have_no_frontier(builder):
    for seed in range(2):
        builder.ok(builder.spec("dcnv2", seed))
        builder.failed(builder.spec("rankmixer", seed))
    assert frontier_figure(rungs(builder), {}) is None
