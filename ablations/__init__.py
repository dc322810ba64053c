"""Questions about the subject, one file a table or figure of the papers. Imports no torch.

A file holds one `STUDY`: a base, and arms that each change one thing. The models of arms are in `arms`.
"""

from ablations import (
    activation,
    blocks,
    components,
    depth,
    directions,
    expansion,
    experts,
    gates,
    initialisation,
    norm,
    old_operators,
    residuals,
    routing,
    sparsity,
    tokenization,
)
from bench.runs.studies import Study

ABLATIONS: dict[str, Study] = {
    study.name: study
    for study in (
        components.STUDY,
        routing.STUDY,
        sparsity.STUDY,
        activation.STUDY,
        tokenization.STUDY,
        norm.STUDY,
        expansion.STUDY,
        directions.STUDY,
        residuals.STUDY,
        blocks.STUDY,
        experts.STUDY,
        gates.STUDY,
        old_operators.STUDY,
        initialisation.STUDY,
        depth.STUDY,
    )
}
"""In the order of the papers."""
