"""Taking wanted files out of an archive. No name in an archive decides where anything is written.

Only the files asked for are taken, by their last name, into one folder; and they appear there together, once
all of them are whole.
"""

from __future__ import annotations

import functools
import gzip
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from bench.errors import BadInput, cannot_write

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
_CHUNK_BYTES = 1 << 22

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a way of packing that zipfile does not know
    RuntimeError,  # a password
)
_LINK = 0o120000
_FILE_TYPE = 0o170000


@dataclass(frozen=True, kw_only=True)
class _Member:
    """One entry of an archive; `open` is how to read it."""

    name: str
    is_file: bool
    open: Callable[[], IO[bytes]]


def is_archive(file: Path) -> bool:
    """Whether the name says so."""
    return file.name.lower().endswith(SUFFIXES)


def extract(archive: Path, folder: Path, wanted: Collection[str]) -> None:
    """Puts the files called `wanted`, wherever in the archive they are, into `folder`.

    Raises:
        BadInput: a damaged archive, one with a path that would leave its folder, or one in which a wanted
            file is missing, there twice, or a link; or a full disk. Then `folder` has none of its files.
    """
    unpacking = folder / f".{archive.name}.unpacking"
    shutil.rmtree(unpacking, ignore_errors=True)
    unpacking.mkdir(parents=True)
    try:
        found = _copy_wanted(archive, wanted, unpacking)
        for name in found:
            (unpacking / name).replace(folder / name)
    except _DAMAGED as error:
        raise BadInput(
            f"{archive} cannot be unpacked, damaged or cut short: {' '.join(str(error).split())[:200]}"
        ) from error
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)


def _copy_wanted(archive: Path, wanted: Collection[str], to: Path) -> list[str]:
    """Copies every wanted file; returns their names. Reads the archive once, from beginning to end."""
    found: dict[str, str] = {}
    for member in _members(archive):
        path, windows = PurePosixPath(member.name), PureWindowsPath(member.name)
        if path.is_absolute() or windows.drive or windows.root or ".." in (*path.parts, *windows.parts):
            raise BadInput(f"{archive}: entry '{member.name}' would leave its folder; nothing is taken")
        if path.name not in wanted:
            continue
        if not member.is_file:
            raise BadInput(f"{archive}: '{member.name}' is a link or folder, expected a file")
        if path.name in found:
            raise BadInput(f"{archive} has two files {path.name}: '{found[path.name]}' and '{member.name}'")
        found[path.name] = member.name
        with member.open() as source:
            _copy(source, to / path.name)
    if missing := [name for name in wanted if name not in found]:
        raise BadInput(f"{archive} has no {missing[0]}")
    return list(found)


def _members(archive: Path) -> Iterator[_Member]:
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                link = info.external_attr >> 16 & _FILE_TYPE == _LINK
                yield _Member(
                    name=info.filename,
                    is_file=not (info.is_dir() or link),
                    open=functools.partial(opened.open, info),
                )
        return
    packed = archive.name.lower().endswith(("gz", "tgz"))
    with gzip.open(archive) if packed else archive.open("rb") as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for entry in tar:
                yield _Member(
                    name=entry.name,
                    is_file=entry.isreg(),
                    open=functools.partial(_open_in_tar, tar, entry),
                )
        while stream.read(_CHUNK_BYTES):  # to the end, where the checksum of the whole stands
            pass


def _open_in_tar(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    opened = tar.extractfile(info)
    assert opened is not None, info.name  # a regular file
    return opened


def _copy(source: IO[bytes], to: Path) -> None:
    with to.open("wb", buffering=0) as file:
        while chunk := source.read(_CHUNK_BYTES):
            try:
                while chunk:
                    chunk = chunk[file.write(chunk) :]
            except OSError as error:
                raise cannot_write(to, error) from error
