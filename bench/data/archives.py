"""Unpacks the wanted files of an archive. No name in an archive decides where a file is written.

Only the wanted files are unpacked, by the last part of their names, into one folder. They appear there
together, when all of them are complete. An archive is refused if it unpacks to far more than its size, or to
more than the free space of the disk.
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
from typing import IO, BinaryIO

from bench.errors import BadInput, cannot_write

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
LARGEST_RATIO = 200
"""Bytes that a byte of an archive may become; files of numbers become 3 to 30."""
ALWAYS_ALLOWED_BYTES = 1 << 26
MOST_ENTRIES = 100_000
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
    """One entry of an archive; `open` is how to read it, `size` what it says of its bytes.

    `is_counted`: its bytes count while the archive is read, whether they are wanted or not.
    """

    name: str
    is_file: bool
    size: int
    is_counted: bool
    open: Callable[[], IO[bytes]]


def is_archive(file: Path) -> bool:
    """Whether the name says so."""
    return file.name.lower().endswith(SUFFIXES)


def extract(archive: Path, folder: Path, wanted: Collection[str]) -> None:
    """Puts the files called `wanted`, wherever in the archive they are, into `folder`.

    Raises:
        BadInput: a damaged archive, one with a path that would leave its folder, one that unpacks to too
            much, or one in which a wanted file is missing, there twice, or a link; or a full disk. Then
            `folder` has none of its files.
    """
    unpacking = folder / f".{archive.name}.unpacking"
    shutil.rmtree(unpacking, ignore_errors=True)
    try:
        unpacking.mkdir(parents=True)
    except OSError as error:
        raise cannot_write(unpacking, error) from error
    try:
        found = _copy_wanted(archive, wanted, unpacking)
        for name in found:
            (unpacking / name).replace(folder / name)
    except _DAMAGED as error:
        raise BadInput(
            f"{archive} cannot be unpacked, because it is damaged or incomplete: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)


def _copy_wanted(archive: Path, wanted: Collection[str], to: Path) -> list[str]:
    """Copies every wanted file; returns their names. Reads the archive once, from beginning to end."""
    found: dict[str, str] = {}
    allowance = _Allowance(archive)
    for number, member in enumerate(_members(archive, allowance)):
        if number >= MOST_ENTRIES:
            raise BadInput(f"{archive} has more than {MOST_ENTRIES:,} entries, so it is not unpacked")
        path, windows = PurePosixPath(member.name), PureWindowsPath(member.name)
        if path.is_absolute() or windows.drive or windows.root or ".." in (*path.parts, *windows.parts):
            raise BadInput(
                f"{archive}: entry '{member.name}' points outside of its folder, so the archive is not "
                "unpacked"
            )
        if path.name not in wanted:
            continue
        if not member.is_file:
            raise BadInput(f"{archive}: '{member.name}' is a link or folder, expected a file")
        if path.name in found:
            raise BadInput(f"{archive} has two files {path.name}: '{found[path.name]}' and '{member.name}'")
        found[path.name] = member.name
        free = shutil.disk_usage(to).free
        if member.size > free:
            raise BadInput(
                f"{archive}: {path.name} needs {member.size:,} bytes, but the disk of {to.parent} "
                f"has {free:,} free"
            )
        with member.open() as source:
            _copy(source, to / path.name, None if member.is_counted else allowance)
    if missing := [name for name in wanted if name not in found]:
        raise BadInput(f"{archive} does not contain {missing[0]}")
    return list(found)


class _Allowance:
    """How many bytes an archive may still unpack to."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._left = max(ALWAYS_ALLOWED_BYTES, LARGEST_RATIO * archive.stat().st_size)

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise BadInput(
                f"{self._archive} unpacks to more than {LARGEST_RATIO} times its size, so it is not unpacked"
            )


class _Counted:
    """A stream whose bytes count, those of files that are passed over too."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, allowance: _Allowance) -> None:
        self._stream = stream
        self._allowance = allowance

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._allowance.take(len(data))
        return data


def _members(archive: Path, allowance: _Allowance) -> Iterator[_Member]:
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                link = info.external_attr >> 16 & _FILE_TYPE == _LINK
                yield _Member(
                    name=info.filename,
                    is_file=not (info.is_dir() or link),
                    size=info.file_size,
                    is_counted=False,
                    open=functools.partial(opened.open, info),
                )
        return
    packed = archive.name.lower().endswith(("gz", "tgz"))
    with gzip.open(archive) if packed else archive.open("rb") as stream:
        counted = _Counted(stream, allowance)
        with tarfile.open(fileobj=counted, mode="r|") as tar:  # type: ignore[call-overload]
            for entry in tar:
                yield _Member(
                    name=entry.name,
                    is_file=entry.isreg(),
                    size=entry.size,
                    is_counted=True,
                    open=functools.partial(_open_in_tar, tar, entry),
                )
        while counted.read(_CHUNK_BYTES):  # to the end, where the checksum of the whole stands
            pass


def _open_in_tar(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    opened = tar.extractfile(info)
    assert opened is not None, info.name  # a regular file
    return opened


def _copy(source: IO[bytes], to: Path, allowance: _Allowance | None) -> None:
    with to.open("wb", buffering=0) as file:
        while chunk := source.read(_CHUNK_BYTES):
            if allowance is not None:
                allowance.take(len(chunk))
            try:
                while chunk:
                    chunk = chunk[file.write(chunk) :]
            except OSError as error:
                raise cannot_write(to, error) from error
