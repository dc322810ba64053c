"""Studies: a question, the entrants that answer it, and the data. Imports no torch.

The comparisons are here, the ladders of sizes in `ladders`, the ablations in `ablations/`. A `Study` says
what to run. The command line can change any part of a named study. The store keeps a
`bench.runs.study_record.StudyRecord` of it beside the runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.contestants.registry import CONTESTANTS
from bench.contestants.settings_file import shipped
from bench.contestants.tuned import TunedSettings
from bench.counts import short
from bench.errors import BadInput
from bench.runs.entrants import (
    Entrant,
    lacking_of,
    refuse_equal_labels,
    refuse_unlike_line,
    refuse_unlike_namesakes,
)
from bench.runs.study_record import KINDS, Kind
from bench.spec import Budget, FeatureSpec, Protocol
from bench.training.protocols import PROTOCOLS, changed, protocol

TUNED = "tuned"
"""What the command line calls the base protocol with each contestant's tuned setting."""
_BASE = "short"
BUDGETS: tuple[Budget | None, ...] = (Budget(kind="dense_parameters", target=100_000),)
"""Of a study that names none."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """Entrants × data sets × numbers of training rows × budgets × seeds, everything else equal.

    Args:
        name: as the command line calls it, in one line.
        question: one sentence, in one line.
        entrants: who takes part; their labels differ.
        kind: one of `KINDS`. An ablation has a baseline, and every other entrant, at least one, is an arm of
            it: it starts from the baseline's hyper-parameters and is trained as the baseline is, but for what
            it changes. A lineage is a comparison that is also shown by the year of each contestant's paper.
        datasets: families of the synthetic world, or names of imported data sets.
        synthetic_rows: rows of the synthetic world, its three splits together.
        train_rows: how many of the training rows are used, each number a comparison of its own; None: all.
            The valid and test splits are the same for every number. See `Dataset.with_train_rows`.
        budgets: sizes at which the entrants meet; None among them: hyper-parameters as given. No size where
            no entrant is sized by the budget.
        seeds: each entrant runs with all of them; 0 is a seed.
        protocol: how all are trained, but for what an entrant or its tuned setting says.
        tuned: settings for the entrants that have one there, which change the protocol; None: for none.
        given: names of protocol values that are the protocol's for all, whatever was tuned.
        beside_equal: also runs the entrants without their tuned settings, to compare the two orders.
        features: how rows are embedded, but for what an entrant says.
        baseline: label of the entrant that the others are compared with; None: no differences are taken.
        paper: the paper's table that the results are set beside, such as ``rankmixer/table_1``.
        observed: whether to keep what the models show of themselves during training; see `observe` in
            `bench.contestants.contract`.
        resizable: whether the command line may change how the arms of an ablation are sized; not where their
            sizes are what is asked.
    """

    name: str
    question: str
    entrants: tuple[Entrant, ...]
    kind: Kind = "comparison"
    datasets: tuple[str, ...] = ("trees",)
    synthetic_rows: int = 160_000
    train_rows: tuple[int | None, ...] = (None,)
    budgets: tuple[Budget | None, ...] = BUDGETS
    seeds: tuple[int, ...] = (0, 1, 2)
    protocol: Protocol = PROTOCOLS["short"]
    tuned: TunedSettings | None = None
    given: tuple[str, ...] = ()
    beside_equal: bool = False
    features: FeatureSpec = field(default_factory=lambda: FeatureSpec(width=8))
    baseline: str | None = None
    paper: str | None = None
    observed: bool = False
    resizable: bool = True

    def __post_init__(self) -> None:
        refuse_unlike_line("the name of a study", self.name)
        refuse_unlike_line(f"study '{self.name}': its question", self.question)
        if self.kind not in KINDS:
            raise BadInput(f"study '{self.name}': kind is '{self.kind}', allowed: {', '.join(KINDS)}")
        for what in ("entrants", "datasets", "train_rows", "budgets", "seeds"):
            if not getattr(self, what):
                raise BadInput(f"study '{self.name}' has no {what}; it needs at least one")
        refuse_equal_labels(self.entrants)
        refuse_unlike_namesakes(self.entrants)
        labels = [one.label for one in self.entrants]
        if self.baseline is not None and self.baseline not in labels:
            raise BadInput(
                f"study '{self.name}': baseline is '{self.baseline}', allowed: {', '.join(labels)}"
            )
        if self.kind == "ablation" and self.baseline is None:
            raise BadInput(
                f"study '{self.name}' is an ablation, but has no baseline; name one of {', '.join(labels)}"
            )
        if self.kind == "ablation" and len(labels) == 1:
            raise BadInput(
                f"study '{self.name}' is an ablation of its baseline '{self.baseline}' only; it needs an arm "
                "to compare with it"
            )
        for one in self.entrants:
            if one.sized in ("baseline", "as_baseline"):
                self._refuse_without_baseline(one)
        sizes = [short(budget.target) for budget in self.budgets if budget is not None]
        if sizes and all(one.sized != "budget" for one in self.entrants):
            given = next(one.label for one in self.entrants if one.sized == "given")
            raise BadInput(
                f"study '{self.name}' has a budget ({', '.join(sizes)}), but no entrant is sized by it: "
                f"'{given}' has its size as given, and others follow it; leave the budget out"
            )

    def _refuse_without_baseline(self, one: Entrant) -> None:
        """Raises BadInput where the baseline cannot say how an entrant like it is sized."""
        if self.baseline is None:
            raise BadInput(
                f"study '{self.name}' has entrants of the size of the baseline, but no baseline; name one"
            )
        if one.label == self.baseline:
            raise BadInput(
                f"study '{self.name}': '{one.label}' cannot be the baseline, because it has the size of the "
                "baseline; choose another"
            )
        if one.sized == "as_baseline" and self.kind != "ablation":
            raise BadInput(
                f"study '{self.name}': '{one.label}' is sized as_baseline, but the study is a {self.kind}; "
                "only the arms of an ablation can be"
            )
        base = next(other.contestant for other in self.entrants if other.label == self.baseline)
        if one.sized == "as_baseline" and (lacking := lacking_of(base, one.contestant)):
            raise BadInput(
                f"study '{self.name}': '{one.label}' cannot have the hyper-parameters of the baseline "
                f"'{self.baseline}': it is another model, without {', '.join(lacking)}; size it by the budget"
            )
        if one.sized == "as_baseline" and (
            name := next((n for n in one.hyperparameters if n in one.contestant.dial.proportions), None)
        ):
            raise BadInput(
                f"study '{self.name}': '{one.label}' changes {name}, a proportion, which only a budget can "
                "keep; size it by the budget"
            )


def refuse_unsized(study: Study, what: str) -> None:
    """Raises BadInput where an entrant has another size than the budget's, so that it cannot be `what`."""
    for entrant in study.entrants:
        if entrant.sized != "budget":
            raise BadInput(
                f"'{entrant.label}' is not sized by the budget; only entrants that are can be {what}"
            )


def base_of(settings: TunedSettings) -> Protocol:
    """The protocol that tuned settings change.

    Raises:
        BadInput: there is none of that name, or a value of it is out of range.
    """
    found = settings.provenance
    return protocol(_BASE) if found is None else changed(protocol(found.protocol), found.protocol_values)


COMPARED = (
    "dlrm-mlp",
    "dcnv2",
    "rdcn",
    "moe",
    "autoint-plus",
    "hiformer",
    "dhen",
    "wukong",
    "rankmixer",
    "tokenmixer-large",
)
CLASSICS = (
    "wide-deep",
    "deep-crossing",
    "ipnn",
    "opnn",
    "deepfm",
    "dcn",
    "xdeepfm",
    "fgcnn",
    "fignn",
    "dlrm",
    "dlrm-mlp",
    "dcnv2",
    "rankmixer",
)
BASELINE = "dlrm-mlp"


def entrants_called(*names: str) -> tuple[Entrant, ...]:
    """Registered contestants, unchanged."""
    return tuple(Entrant(contestant=CONTESTANTS[name]) for name in names)


SEQUENCE_ENCODERS = {"mean": "mean", "target": "DIN", "hstu": "HSTU"}
"""The ways to encode a sequence, and what labels call them."""
_WITH_ENCODERS = tuple(
    Entrant(
        contestant=CONTESTANTS[name],
        features={"sequence_encoder": encoder},
        label=f"{CONTESTANTS[name].title} with {title}",
    )
    for name in ("dlrm-mlp", "rankmixer")
    for encoder, title in SEQUENCE_ENCODERS.items()
)

# The classics have no tuned settings: studies with them train all by one protocol.
STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        Study(
            name="compare",
            question="Who is ahead at one budget: RankMixer, TokenMixer-Large or one of eight baselines?",
            entrants=entrants_called(*COMPARED),
            baseline=CONTESTANTS[BASELINE].title,
            tuned=shipped(),
            beside_equal=True,
            paper="rankmixer/table_1",
        ),
        Study(
            name="compare-flops",
            question="Who is ahead at one budget of forward FLOPs?",
            entrants=entrants_called(*COMPARED),
            budgets=(Budget(kind="flops_forward", target=1_000_000),),
            baseline=CONTESTANTS[BASELINE].title,
            tuned=shipped(),
            beside_equal=True,
            paper="rankmixer/table_1",
        ),
        Study(
            name="worlds",
            question="Does the order of compare hold on all three families of the synthetic world?",
            entrants=entrants_called(*COMPARED),
            datasets=("rules", "trees", "network"),
            baseline=CONTESTANTS[BASELINE].title,
            tuned=shipped(),
            beside_equal=True,
            paper="rankmixer/table_1",
        ),
        Study(
            name="classics",
            question="How far behind RankMixer are the models that its field began with?",
            entrants=entrants_called(*CLASSICS, "online-base"),
            baseline=CONTESTANTS[BASELINE].title,
            paper="rankmixer/table_1",
        ),
        Study(
            name="lineage",
            kind="lineage",
            question="What did ten years of papers gain at equal size and by one protocol for all?",
            entrants=entrants_called(*dict.fromkeys((*CLASSICS, *COMPARED))),
            baseline=CONTESTANTS[BASELINE].title,
        ),
        Study(
            name="all",
            question="Who is ahead at one budget, of every registered contestant?",
            entrants=entrants_called(*CONTESTANTS),
            baseline=CONTESTANTS[BASELINE].title,
            paper="rankmixer/table_1",
        ),
        Study(
            name="sequence",
            question="What is the history of a user worth as a mean, by DIN and by HSTU?",
            entrants=_WITH_ENCODERS,
            baseline=f"{CONTESTANTS['rankmixer'].title} with mean",
            tuned=shipped(),
        ),
    )
}
