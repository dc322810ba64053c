"""The registry: every contestant, explicitly. Free of torch until one is built.

Registering a model puts it under every contract test, the budget solver, the command line and the tables.
What is known of each is in `bench.contestants.entries`.
"""

from __future__ import annotations

from bench.contestants.contract import Contestant
from bench.contestants.entries import crosses, perceptrons, products, subject, tokens

CONTESTANTS: dict[str, Contestant] = {
    contestant.name: contestant
    for contestant in (
        perceptrons.DLRM_MLP,
        crosses.DCNV2,
        crosses.RDCN,
        perceptrons.MOE,
        tokens.AUTOINT,
        tokens.AUTOINT_PLUS,
        tokens.HIFORMER,
        tokens.DHEN,
        tokens.WUKONG,
        perceptrons.WIDE_DEEP,
        perceptrons.DEEP_CROSSING,
        products.IPNN,
        products.OPNN,
        products.DEEPFM,
        crosses.DCN,
        products.XDEEPFM,
        products.FGCNN,
        products.FIGNN,
        products.DLRM,
        crosses.ONLINE_BASE,
        subject.RANKMIXER,
        subject.RANKMIXER_MOE,
        subject.TOKENMIXER_LARGE,
        subject.TOKENMIXER_LARGE_MOE,
    )
}
