"""Downloads the files of a named data set, if its licence allows it, and verifies them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from bench.data.archives import extract, is_archive
from bench.data.download import BytesDone, download, verify
from bench.data.public.entry import Download, NamedDataset
from bench.errors import BadInput


def fetch(named: NamedDataset, folder: Path, *, progress: Callable[[str], BytesDone] | None = None) -> None:
    """Puts all files of the data set into `folder`, and checks their known checksums.

    A file or archive that you put into `folder` yourself is verified and used.

    Args:
        progress: called with the name of each download; returns what to call while it runs.

    Raises:
        BadInput: files that must be downloaded by hand, a failed download, or a file that is not the
            expected one.
    """
    if named.other_files and _has_all(folder, named.other_files):
        return
    if not named.downloads and not _has_all(folder, named.files):
        raise BadInput(_by_hand(named, folder))
    for item in named.downloads:
        _fetch(named, item, folder, progress)
    for file, md5 in named.md5.items():
        verify(folder / file, md5=md5)


def _fetch(
    named: NamedDataset, item: Download, folder: Path, progress: Callable[[str], BytesDone] | None
) -> None:
    packed = is_archive(Path(item.file))
    if packed and _has_all(folder, named.files):
        return
    told = None if progress is None else progress(item.file)
    download(item.url, folder / item.file, md5=item.md5, size=item.size, progress=told)
    if packed:
        extract(folder / item.file, folder, named.files)


def _has_all(folder: Path, files: Iterable[str]) -> bool:
    return all((folder / file).is_file() for file in files)


def _by_hand(named: NamedDataset, folder: Path) -> str:
    missing = [
        f"{file} ({what}{f', MD5 {named.md5[file]}' if file in named.md5 else ''})"
        for file, what in named.files.items()
        if not (folder / file).is_file()
    ]
    return (
        f"data set '{named.name}' cannot be downloaded automatically: {named.by_hand} ({named.url}), so that "
        f"{folder} has {', '.join(missing)}; then run this again, or import it"
    )
