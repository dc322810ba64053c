"""`rankbench check`: compare records with their files, and data sets with their fingerprints."""

from __future__ import annotations

from bench.errors import BadInput
from rankbench import options
from rankbench.console import answer, answer_json
from rankbench.options import DEFAULT_DATA, DEFAULT_STORE


def run(
    store: options.Store = DEFAULT_STORE,
    data_dir: options.DataDir = DEFAULT_DATA,
    json: options.Json = False,
) -> int:
    """Compare records with their files, and data sets with their fingerprints. Exits with 1 on a fault."""
    for what, option, folder in (("store", "--store", store), ("data folder", "--data-dir", data_dir)):
        if not folder.is_dir():
            raise BadInput(f"the {what} {folder} does not exist; choose another with {option}")

    from bench.runs.audit import audit_datasets, audit_store
    from bench.runs.store import Store

    records = Store(store)
    wrong_in_store = list(audit_store(records))
    datasets = dict(audit_datasets(data_dir))
    wrong_data = {name: wrong for name, wrong in datasets.items() if wrong is not None}
    if json:
        answer_json({"runs": len(records.read().runs), "store": wrong_in_store, "datasets": datasets})
    else:
        answer(f"{store}: {len(records.read().runs)} runs, {len(wrong_in_store)} faults")
        for line in wrong_in_store:
            answer(f"  {line}")
        for name, wrong in datasets.items():
            answer(f"{data_dir / name}: {wrong or 'matches its fingerprint'}")
    return 1 if wrong_in_store or wrong_data else 0
