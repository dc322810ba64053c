"""`rankbench check`: compare records with their files, and data sets with their fingerprints."""

from __future__ import annotations

from bench.errors import BadInput
from rankbench import options
from rankbench.console import answer, answer_json
from rankbench.options import DEFAULT_DATA


def run(
    store: options.Stores = options.DEFAULT_STORES,
    data_dir: options.DataDir = DEFAULT_DATA,
    json: options.Json = False,
) -> int:
    """Compare records with their files, and data sets with their fingerprints. Exits with 1 on a fault."""
    named = [("store", "--store", folder) for folder in store]
    for what, option, folder in [*named, ("data folder", "--data-dir", data_dir)]:
        if not folder.is_dir():
            raise BadInput(f"the {what} {folder} does not exist; choose another with {option}")

    from bench.runs.audit import audit_datasets, audit_store
    from bench.runs.store import Store

    runs = {str(folder): len(Store(folder).read().runs) for folder in store}
    faults = {str(folder): list(audit_store(Store(folder))) for folder in store}
    datasets = dict(audit_datasets(data_dir))
    if json:
        answer_json({"runs": runs, "stores": faults, "datasets": datasets})
    else:
        for name, of_store in faults.items():
            answer(f"{name}: {runs[name]} runs, {len(of_store)} faults")
            for line in of_store:
                answer(f"  {line}")
        for name, wrong in datasets.items():
            answer(f"{data_dir / name}: {wrong or 'matches its fingerprint'}")
    return 1 if any(faults.values()) or any(wrong is not None for wrong in datasets.values()) else 0
