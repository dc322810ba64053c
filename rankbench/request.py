"""From the options of `run`, `show` and `speed` to a request: what is compared, on what, and how."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contestants.contract import Contestant
from bench.contestants.lookup import contestants, registered
from bench.errors import BadInput, unknown_name
from bench.runs.suites import SUITES, Suite
from bench.spec import BUDGET_KINDS, Budget
from bench.training.protocols import protocol
from rankbench import options
from rankbench.data import synthetic

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.runs.sweep import Request

SYNTHETIC_SEED = 1
"""Of the world that suites share; seed 0 was looked at while the world was being shaped."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """What the command line says in place of a suite's own choices, named as its options; None: those."""

    data: str | None = None
    data_dir: Path = options.DEFAULT_DATA
    rows: str | None = None
    budget: str | None = None
    budget_kind: str | None = None
    contestants: str | None = None
    contestant: list[str] | None = None
    settings: list[str] | None = None
    width: int | None = None
    sequence_encoder: str | None = None
    seeds: int | None = None
    protocol: str | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None
    dense_lr: float | None = None
    sparse_lr: float | None = None
    cooldown: float | None = None
    gradient_clip: float | None = None

    @staticmethod
    def among(given: Mapping[str, Any]) -> Choices:
        """The choices among a command's parameters."""
        return Choices(**{f.name: given[f.name] for f in dataclasses.fields(Choices) if f.name in given})

    def given(self, *names: str) -> dict[str, Any]:
        """Those of `names` that were chosen."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def requests(target: str, choices: Choices) -> list[Request]:
    """The requests for `target`, a suite or one contestant (in the suite `compare`): one a data set.

    Raises:
        BadInput: an unknown name, or a value that cannot be used.
    """
    suite, chosen = _chosen(target, choices)
    settings = options.parse_settings(choices.settings)
    if settings and len(chosen) != 1:
        raise BadInput(f"--set is for one contestant, but {len(chosen)} were named")
    seeds = suite.seeds if choices.seeds is None else choices.seeds
    if seeds < 1:
        raise BadInput(f"--seeds is {seeds}; it must be 1 or more")
    features = dataclasses.replace(suite.features, **choices.given("width", "sequence_encoder"))
    budgets: tuple[Budget | None, ...] = suite.budgets
    if choices.budget is not None:
        budgets = options.parse_budgets(choices.budget, choices.budget_kind or BUDGET_KINDS[0])
    elif choices.budget_kind is not None:
        raise BadInput(f"--budget-kind is '{choices.budget_kind}' without a --budget; say how much of it")
    overrides = choices.given(
        "batch_size", "epochs", "patience", "dense_lr", "sparse_lr", "cooldown", "gradient_clip"
    )
    trained_by = protocol(choices.protocol or suite.protocol, overrides)
    datasets = _datasets(suite, choices)

    from bench.runs.sweep import Request  # imports torch: only once everything cheap is known to be right

    return [
        Request(
            contestants=chosen,
            dataset=dataset,
            features=features,
            protocol=trained_by,
            budgets=budgets,
            seeds=range(seeds),
            hyperparameters=settings,
        )
        for dataset in datasets
    ]


def request(target: str, choices: Choices) -> Request:
    """As `requests`, where there can be one data set only.

    Raises:
        BadInput: as `requests`, or several data sets.
    """
    found = requests(target, choices)
    if len(found) > 1:
        named = ", ".join(one.dataset.name for one in found)
        raise BadInput(
            f"one data set is wanted here, but there are {len(found)}: {named}; choose with --data"
        )
    return found[0]


def _chosen(target: str, choices: Choices) -> tuple[Suite, list[Contestant]]:
    plugins = choices.contestant or []
    if target in SUITES:
        suite = SUITES[target]
        if choices.contestants is not None:
            return suite, contestants(choices.contestants.split(","), plugins)
        return suite, contestants(suite.contestants, plugins)
    known = {c.name: c for c in contestants((), plugins)}
    if target not in known:
        raise unknown_name("suite or contestant", target, [*SUITES, *registered()])
    if choices.contestants is not None:
        raise BadInput(f"--contestants is for suites; '{target}' is one contestant")
    return SUITES["compare"], [known[target]]


def _datasets(suite: Suite, choices: Choices) -> list[Dataset]:
    from bench.data.synthetic import FAMILIES

    names = suite.datasets if choices.data is None else tuple(choices.data.split(","))
    imported = [name for name in names if name not in FAMILIES]
    if choices.rows is not None and imported:
        raise BadInput(
            f"--rows is for the synthetic world ({', '.join(FAMILIES)}); '{imported[0]}' has the rows it has"
        )
    rows = suite.synthetic_rows if choices.rows is None else options.parse_count("--rows", choices.rows)
    found = {name: options.open_dataset(name, choices.data_dir) for name in imported}
    return [
        found[name] if name in found else synthetic(name, rows, SYNTHETIC_SEED, choices.data_dir)
        for name in dict.fromkeys(names)
    ]
