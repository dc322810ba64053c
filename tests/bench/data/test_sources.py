"""Where data sets come from: what is there, what is made, and what another version made."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.data.dataset import MANIFEST, Dataset, manifest_digest
from bench.data.importing import REV as IMPORT_REV
from bench.data.sources import RowsDone, current_rev, open_dataset, open_or_synthesize
from bench.data.synthetic import REV
from bench.errors import BadInput


class Told:
    """What progress and notices said."""

    def __init__(self) -> None:
        self.works: list[str] = []
        self.notices: list[str] = []

    @contextlib.contextmanager
    def show(self, work: str) -> Iterator[RowsDone]:
        self.works.append(work)
        yield lambda done, total: None


def synthetic(data_dir: Path, told: Told) -> Dataset:
    return open_or_synthesize(
        "rules", 110, 3, data_dir, processes=1, show=told.show, notice=told.notices.append
    )


def change(directory: Path, **values: object) -> None:
    """Writes other values into a manifest, as another version might have."""
    manifest = json.loads((directory / MANIFEST).read_text()) | values
    manifest["digest"] = manifest_digest(manifest)
    (directory / MANIFEST).write_text(json.dumps(manifest))


def test_a_synthetic_set_is_made_once(tmp_path: Path) -> None:
    told = Told()
    made = synthetic(tmp_path, told)
    assert synthetic(tmp_path, told).fingerprint == made.fingerprint
    assert (told.works, told.notices) == (["generating rules-110-3"], [])
    assert open_dataset("rules-110-3", tmp_path, notice=told.notices.append).rev == REV == current_rev(made)


@pytest.mark.parametrize("damage", ["other rev", "no synthetic one", "no manifest to read"])
def test_a_synthetic_set_of_another_rev_is_made_again_and_said(tmp_path: Path, damage: str) -> None:
    told = Told()
    made = synthetic(tmp_path, told)
    if damage == "other rev":
        change(made.directory, rev=REV - 1)
    elif damage == "no synthetic one":
        change(made.directory, source={"by": "hand"})
    else:
        (made.directory / MANIFEST).write_text("{")
    again = synthetic(tmp_path, told)
    assert (again.rev, again.fingerprint) == (REV, made.fingerprint)
    assert len(told.works) == 2
    assert told.notices == [
        f"{made.directory} is damaged or does not have rev {REV}, which this version makes; generating it "
        "again"
    ]


def test_a_synthetic_set_of_another_rev_is_refused_by_its_own_name(tmp_path: Path) -> None:
    change(synthetic(tmp_path, Told()).directory, rev=REV - 1)
    with pytest.raises(BadInput, match=f"has rev {REV - 1}.*synthesize --family rules --rows 110 --seed 3"):
        open_dataset("rules-110-3", tmp_path, notice=pytest.fail)


def test_an_imported_set_of_another_rev_is_used_with_a_notice(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(synthetic(tmp_path, Told()).directory, shop)
    told = Told()
    for source, rev in (({"files": ["a.csv"]}, IMPORT_REV), ({"loader": "frappe"}, 2), ({"by": "hand"}, 9)):
        change(shop, source=source, rev=rev)
        assert open_dataset("shop", tmp_path, notice=told.notices.append).source == source
    assert told.notices == []
    change(shop, source={"files": ["a.csv"]}, rev=IMPORT_REV - 1)
    open_dataset("shop", tmp_path, notice=told.notices.append)
    assert told.notices == [
        f"{shop} has rev {IMPORT_REV - 1}, but this version makes rev {IMPORT_REV}; "
        "import it again to get the same data as a new user"
    ]


def test_a_misspelt_name_says_what_there_is(tmp_path: Path) -> None:
    synthetic(tmp_path, Told())
    with pytest.raises(BadInput, match=r"did you mean 'rules-110-3'.*rankbench data import"):
        open_dataset("rules-110", tmp_path, notice=pytest.fail)
