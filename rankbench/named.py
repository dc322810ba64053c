"""The studies that the command line knows by name. Imports no torch."""

from __future__ import annotations

from ablations import ABLATIONS
from bench.runs.studies import STUDIES as COMPARISONS
from bench.runs.studies import Study

STUDIES: dict[str, Study] = {**COMPARISONS, **ABLATIONS}
