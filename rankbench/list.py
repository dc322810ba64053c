"""`rankbench list`: the contestants, studies, protocols and public data sets."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bench.contestants.lookup import registered
from bench.contestants.settings_file import shipped
from bench.errors import unknown_name
from bench.runs.studies import TUNED, Study, base_of
from bench.training.protocols import PROTOCOLS
from rankbench import options
from rankbench.console import answer_json, count, table
from rankbench.named import STUDIES

KINDS = ("models", "studies", "protocols", "data")
_KINDS_OF_BUDGETS = {"dense_parameters": "dense", "flops_forward": "FLOPs"}


def run(
    kind: Annotated[str | None, typer.Argument(help=f"One of {', '.join(KINDS)}; all by default.")] = None,
    json: options.Json = False,
) -> None:
    """List the contestants, studies, protocols and public data sets."""
    if kind is not None and kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    listed = {name: rows for name, rows in _all().items() if kind in (None, name)}
    if json:
        answer_json(listed)
        return
    for name, rows in listed.items():
        columns = list(rows[0])
        table(name, columns, [[str(row[column]) for column in columns] for row in rows])


def sizes_text(asked: Study) -> str:
    """``30k, 100k dense``, ``1M FLOPs``; ``as given`` without a budget."""
    kinds = {budget.kind: _KINDS_OF_BUDGETS[budget.kind] for budget in asked.budgets if budget is not None}
    sizes = ["as given" if budget is None else count(budget.target) for budget in asked.budgets]
    return " ".join([", ".join(sizes), *kinds.values()])


def _all() -> dict[str, list[dict[str, Any]]]:
    from bench.data.public import NAMED

    return {
        "models": [
            {
                "name": c.name,
                "model": c.title,
                "paper": c.paper.title if c.paper else "",
                "year": c.paper.year if c.paper else "",
                "arXiv": (c.paper.arxiv or "") if c.paper else "",
                "grows by": c.dial.name,
            }
            for c in registered().values()
        ],
        "studies": [
            {
                "name": s.name,
                "kind": s.kind,
                "question": s.question,
                "sizes": sizes_text(s),
                "training rows": ", ".join("all" if n is None else count(n) for n in s.train_rows),
                "paper": s.paper or "",
            }
            for s in STUDIES.values()
        ],
        "protocols": [
            {
                "name": TUNED,
                "dense": "by contestant",
                "sparse": "by contestant",
                "cooldown": f"{100 * base_of(shipped()).cooldown:g} %",
                "batch": "by contestant",
                "epochs": base_of(shipped()).epochs,
            },
            *(
                {
                    "name": p.name,
                    "dense": f"{p.dense_optimizer} {p.dense_lr:g}",
                    "sparse": f"adagrad {p.sparse_lr:g}",
                    "cooldown": f"{100 * p.cooldown:g} %",
                    "batch": p.batch_size,
                    "epochs": p.epochs,
                }
                for p in PROTOCOLS.values()
            ),
        ],
        "data": [
            {
                "name": n.name,
                "what": n.description,
                "rows": f"{n.rows:,}",
                "terms": n.licence,
                "from": n.url,
                "fetched": "yes" if n.downloads else "by hand",
            }
            for n in NAMED.values()
        ],
    }
