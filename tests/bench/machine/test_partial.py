"""Nothing half-written stands under its name, and what a killed process left is removed by the next."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bench.data.dataset import Dataset
from bench.data.public.importing import folder_beside
from bench.data.references import references
from bench.data.synthetic import synthesize
from bench.data.verification import verify
from bench.errors import BadInput
from bench.machine.partial import partial_of, written_whole


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_dead_processes_left_is_removed_and_nothing_else(tmp_path: Path, dead: int) -> None:
    (tmp_path / f".shop.partial-{dead}").mkdir()
    (tmp_path / f".shop.partial-{dead}" / "x").touch()
    (tmp_path / f".shop.partial-old-{dead}").touch()
    kept = {f".shop.partial-{os.getppid()}", f".shop2.partial-{dead}", ".shop.partial-x"}
    for name in kept:
        (tmp_path / name).touch()
    assert partial_of(tmp_path / "shop").name == f".shop.partial-{os.getpid()}"
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert partial_of(tmp_path / "a[b]*").name == f".a[b]*.partial-{os.getpid()}"


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with written_whole(tmp_path / "notes") as partial:
        partial.write_text("first")
    with suppress(KeyError), written_whole(tmp_path / "notes") as partial:
        partial.write_text("second")
        raise KeyError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("notes", "first")]


def test_notes_beside_a_data_set_leave_nothing(tmp_path: Path, dead: int) -> None:
    world = synthesize(tmp_path / "world", family="rules", rows=110, seed=0)
    before = {path.name for path in world.directory.iterdir()}
    for name in (".references.json", "..verified.json"):
        (world.directory / f"{name}.partial-{dead}").touch()
    verify(world)
    references(world)
    after = {path.name for path in Dataset.open(world.directory).directory.iterdir()}
    assert after - before == {".verified.json", "references.json"}


def test_a_folder_for_files_in_between_is_removed_and_an_abandoned_one_too(tmp_path: Path, dead: int) -> None:
    (tmp_path / f".mind.prepared-{dead}").mkdir()

    def fill() -> None:
        with folder_beside(tmp_path / "mind") as folder:
            assert [path.name for path in tmp_path.iterdir()] == [folder.name]
            raise OSError(28, "disk is full")

    with pytest.raises(BadInput, match="disk is full"):
        fill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [20, 200, 300, 1_500])
def test_a_disk_that_is_full_leaves_nothing_of_a_data_set(
    tmp_path: Path, size: int, no_file_larger_than: Callable[[int], None]
) -> None:
    no_file_larger_than(size)  # too little for a header, for rows, for the manifest
    with pytest.raises(BadInput, match="cannot be written"):
        synthesize(tmp_path / "world", family="rules", rows=11, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for make in (
        lambda: synthesize(tmp_path / "file" / "world", family="rules", rows=11, seed=0),
        lambda: folder_beside(Path("/proc/nope/mind")).__enter__(),
    ):
        with pytest.raises(BadInput, match="cannot be written"):
            make()
