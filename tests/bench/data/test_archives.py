"""Archives: the wanted files come out whole, and nothing ever lands outside of the folder."""

from __future__ import annotations

import io
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from bench.data import archives
from bench.data.archives import extract, is_archive
from bench.errors import BadInput

WANTED = ("train.csv", "test.csv")


def make_zip(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def make_tar(path: Path, members: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


MAKERS = {"set.zip": make_zip, "set.tar.gz": make_tar}
GOOD = {
    "Set/data/train.csv": "a",
    "Set/data/test.csv": "b",
    "Set/README.md": "c",
    "Set/__MACOSX/._train.csv": "d",
}


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", MAKERS)
def test_wanted_files_come_out_by_their_last_name(name: str, tmp_path: Path) -> None:
    archive = MAKERS[name](tmp_path / name, GOOD)
    extract(archive, tmp_path / "out", WANTED)
    assert tree(tmp_path / "out") == {"train.csv": "a", "test.csv": "b"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test.csv", "train.csv"]


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("path", ["../../x", "/etc/x", "a/../../train.csv", "..\\x", "C:\\x", "C:x"])
def test_a_path_that_leaves_the_folder_is_refused(name: str, path: str, tmp_path: Path) -> None:
    (tmp_path / "deep" / "down").mkdir(parents=True)
    archive = MAKERS[name](tmp_path / "deep" / name, {**GOOD, path: "evil"})
    with pytest.raises(BadInput, match="points outside of its folder"):
        extract(archive, tmp_path / "deep" / "down" / "out", WANTED)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [archive]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_link_in_place_of_a_file_is_refused_in_a_tar(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        info = tarfile.TarInfo("train.csv")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(BadInput, match=r"'train\.csv' is a link or folder"):
        extract(tmp_path / "set.tar", tmp_path / "out", WANTED)
    assert tree(tmp_path / "out") == {}


def test_a_link_in_place_of_a_file_is_refused_in_a_zip(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("train.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(BadInput, match=r"'train\.csv' is a link or folder"):
        extract(tmp_path / "set.zip", tmp_path / "out", WANTED)


@pytest.mark.parametrize("name", MAKERS)
def test_a_missing_or_doubled_file_is_named(name: str, tmp_path: Path) -> None:
    archive = MAKERS[name](tmp_path / name, {"train.csv": "a"})
    with pytest.raises(BadInput, match=r"does not contain test\.csv"):
        extract(archive, tmp_path / "out", WANTED)
    archive = MAKERS[name](tmp_path / name, {**GOOD, "old/train.csv": "z"})
    with pytest.raises(BadInput, match=r"two files train\.csv"):
        extract(archive, tmp_path / "out", WANTED)
    assert tree(tmp_path / "out") == {}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("keep", [0, 40, 0.5, -30])
def test_a_damaged_archive_leaves_no_file(name: str, keep: float, tmp_path: Path) -> None:
    archive = MAKERS[name](tmp_path / name, {"train.csv": "".join(map(str, range(9999))), "test.csv": "b"})
    content = archive.read_bytes()
    archive.write_bytes(content[: int(keep * len(content)) if keep == 0.5 else int(keep)])
    with pytest.raises(BadInput, match=r"damaged or incomplete|does not contain t"):
        extract(archive, tmp_path / "out", WANTED)
    assert tree(tmp_path / "out") == {}


def test_a_bad_checksum_inside_leaves_no_file(tmp_path: Path) -> None:
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("test.csv", "b")
        opened.writestr("train.csv", "content to damage")
    archive.write_bytes(archive.read_bytes().replace(b"content to damage", b"content to DAMAGE"))
    with pytest.raises(BadInput, match="damaged or incomplete"):
        extract(archive, tmp_path / "out", WANTED)
    assert tree(tmp_path / "out") == {}


def test_what_is_an_archive() -> None:
    assert [is_archive(Path(name)) for name in ("a.zip", "a.tar.gz", "day_0.gz", "A.TGZ")] == [
        True,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("member", ["train.csv", "unwanted.bin"])
def test_an_archive_that_unpacks_to_far_too_much_is_refused(
    name: str, member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1 << 16)
    archive = MAKERS[name](tmp_path / name, {**GOOD, "Set/data/train.csv": "a", member: "0" * (1 << 24)})
    wanted = [member, "test.csv"]
    if name.endswith("zip") and member == "unwanted.bin":
        extract(archive, tmp_path / "out", ["train.csv"])  # a zip has no need to unpack what is not wanted
        return
    if member == "train.csv":
        archive = MAKERS[name](tmp_path / name, {"train.csv": "0" * (1 << 24), "test.csv": "b"})
    with pytest.raises(BadInput, match="unpacks to more than 200 times its size"):
        extract(archive, tmp_path / "out", wanted)
    assert tree(tmp_path / "out") == {}


def test_an_archive_larger_than_the_disk_is_refused_before_it_fills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: free)
    archive = make_zip(tmp_path / "set.zip", {"train.csv": "a" * 2000, "test.csv": "b"})
    with pytest.raises(BadInput, match=r"train\.csv needs 2,000 bytes, but the disk of .* has 1,000 free"):
        extract(archive, tmp_path / "out", WANTED)
    assert tree(tmp_path / "out") == {}


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_ENTRIES", 3)
    archive = make_tar(tmp_path / "set.tar.gz", GOOD)
    with pytest.raises(BadInput, match="has more than 3 entries"):
        extract(archive, tmp_path / "out", WANTED)
