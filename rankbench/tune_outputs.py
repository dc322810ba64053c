"""What `rankbench tune` writes beside the store: a file of settings, and a storage for optuna-dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contestants.settings_file import read_settings, write_settings
from bench.contestants.tuned import Provenance, TunedSettings, TunedSize
from bench.errors import BadInput, cannot_write
from bench.machine.writable import refuse_unwritable
from rankbench.console import complain, count

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.runs.studies import Study
    from bench.runs.trials import Search
    from bench.spec import Budget


def earlier_settings(write: Path | None) -> TunedSettings:
    """The settings that are in the file to write; none where it is not there.

    Raises:
        BadInput: it is no file of settings, or cannot be written.
    """
    if write is None:
        return TunedSettings()
    if write.suffix != ".toml":
        raise BadInput(f"--write is '{write}'; it must end in .toml")
    refuse_unwritable("the folder of the settings file", write.parent, "--write")
    return read_settings(write) if write.exists() else TunedSettings()


def refuse_other(
    earlier: TunedSettings, provenance: Provenance, tunings: Sequence[TunedSize], write: Path
) -> None:
    for tuning in tunings:
        try:
            earlier.refuse_other(provenance, tuning)
        except BadInput as error:
            raise BadInput(f"--write is '{write}', but {error}; give another file") from error


def write_out(settings: TunedSettings, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_settings(settings, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    complain(f"settings: {path}")


def opened_storage(url: str) -> Any:
    from bench.runs.optuna_study import open_storage

    return open_storage(url)


def keep(
    storage: Any, asked: Study, budget: Budget, datasets: Sequence[Dataset], searches: Sequence[Search]
) -> None:
    """Adds the trials to the storage, in one study for each contestant and budget."""
    from bench.runs.optuna_study import put

    on = ", ".join(dataset.name for dataset in datasets)
    size = f"{count(budget.target)} {budget.kind.replace('_', ' ')}"
    for one in searches:
        name = f"{asked.name}: {one.entrant.label} at {size} on {on}"
        try:
            put(storage, name, one)
        except BadInput as error:  # the trials are in the store; only the copy of them is not made
            complain(str(error))
