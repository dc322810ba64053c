"""Questions about the subject, one file a table or figure of the papers. Imports no torch.

A file holds one `STUDY`: a base, and arms that each change one thing. The models of arms are in `arms`.
"""

from ablations import components
from bench.runs.studies import Study

ABLATIONS: dict[str, Study] = {study.name: study for study in (components.STUDY,)}
"""In the order of the papers."""
