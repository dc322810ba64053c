"""Fetching a named data set: archives unpacked, files verified, and what is to be done by hand said."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.data.public.entry import Download, NamedDataset
from bench.data.public.fetching import fetch
from bench.errors import BadInput

TRAIN = "label,a\n1,2\n"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """(a folder, the address it is served at)."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def named(downloads: tuple[Download, ...], checksum: str = md5(TRAIN), by_hand: str = "") -> NamedDataset:
    return NamedDataset(
        name="set",
        description="a set",
        rows=1,
        licence="none",
        url="http://example.org/set",
        files={"train.csv": "label, a"},
        md5={"train.csv": checksum},
        downloads=downloads,
        by_hand=by_hand,
        module="none",
    )


def test_an_archive_is_fetched_and_unpacked_once(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = served
    with zipfile.ZipFile(folder / "Set.zip", "w") as archive:
        archive.writestr("Set/train.csv", TRAIN)
    one = named((Download(url=f"{address}/Set.zip", file="Set.zip"),))
    fetch(one, tmp_path / "got")
    assert (tmp_path / "got" / "train.csv").read_text() == TRAIN
    (folder / "Set.zip").unlink()
    fetch(one, tmp_path / "got")  # all is there: the server is not asked


def test_an_archive_brought_by_hand_is_taken(served: tuple[Path, str], tmp_path: Path) -> None:
    _, address = served
    (tmp_path / "got").mkdir()
    with zipfile.ZipFile(tmp_path / "got" / "Set.zip", "w") as archive:
        archive.writestr("train.csv", TRAIN)
    fetch(named((Download(url=f"{address}/none", file="Set.zip"),)), tmp_path / "got")
    assert (tmp_path / "got" / "train.csv").read_text() == TRAIN


def test_a_wrong_file_is_told_by_its_checksum(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = served
    (folder / "train.csv").write_text(TRAIN)
    plain = (Download(url=f"{address}/train.csv", file="train.csv"),)
    fetch(named(plain), tmp_path / "good")
    with pytest.raises(BadInput, match=f"MD5 {md5(TRAIN)}, expected {md5('other')}"):
        fetch(named(plain, checksum=md5("other")), tmp_path / "bad")


def test_what_to_do_by_hand_is_said_until_it_is_done(tmp_path: Path) -> None:
    one = named((), by_hand="log in and download it")
    with pytest.raises(BadInput) as caught:
        fetch(one, tmp_path)
    said = str(caught.value)
    assert all(part in said for part in ("log in", "example.org", str(tmp_path), "train.csv", md5(TRAIN)))
    (tmp_path / "train.csv").write_text(TRAIN)
    fetch(one, tmp_path)
    (tmp_path / "train.csv").write_text("cut sho")
    with pytest.raises(BadInput, match="damaged or another file"):
        fetch(one, tmp_path)
