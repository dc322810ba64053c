"""The studies that the command line knows by name, and the contestants of their arms. Imports no torch."""

from __future__ import annotations

from ablations import ABLATIONS
from bench.contestants import Contestant
from bench.contestants.registry import CONTESTANTS
from bench.runs.ladders import LADDERS
from bench.runs.studies import STUDIES as COMPARISONS
from bench.runs.studies import Study

STUDIES: dict[str, Study] = {**COMPARISONS, **LADDERS, **ABLATIONS}
ARMS: dict[str, Contestant] = {
    one.contestant.name: one.contestant
    for study in ABLATIONS.values()
    for one in study.entrants
    if one.contestant.name not in CONTESTANTS
}
"""The contestants that take part in ablations only."""
