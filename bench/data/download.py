"""Downloads large files: an interrupted download resumes, and a wrong file is never accepted.

The received part is in ``FILE.part`` until it is complete and its checksum is right. It is resumed by an HTTP
range request, on condition (If-Range) that the file on the server has not changed. A server without range
requests sends the whole file again.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from bench.errors import BadInput, cannot_write

ATTEMPTS = 5
TIMEOUT_S = 60.0
_CHUNK_BYTES = 1 << 20
_PAUSE_S = 1.0

BytesDone = Callable[[int, int | None], None]
"""(bytes done, bytes in all or None)."""


class _InterruptedError(Exception):
    """The connection broke; what came is kept."""


def download(
    url: str,
    to: Path,
    *,
    md5: str | None = None,
    size: int | None = None,
    progress: BytesDone | None = None,
    pause_s: float = _PAUSE_S,
) -> None:
    """Downloads the file at `url` to `to`. A file that is already there is only verified.

    Args:
        md5, size: of the file, where they are known.
        pause_s: before each further attempt, times its number.

    Raises:
        BadInput: no such address, a connection that broke `ATTEMPTS` times, a full disk, or a file that is
            not the one expected. What had come so far is kept, except for a wrong file.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise BadInput(f"{url} is not an http address")
    if to.is_file():
        verify(to, md5=md5, size=size)
        return
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(to.parent, error) from error
    partial = to.with_name(f"{to.name}.part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _continue(url, partial, progress)
            break
        except _InterruptedError as error:
            if attempt == ATTEMPTS:
                raise BadInput(
                    f"{url} was interrupted ({error}); run the same command again to resume"
                ) from error
            time.sleep(pause_s * attempt)
    try:
        verify(partial, md5=md5, size=size)
    except BadInput:
        partial.unlink()
        raise
    finally:
        _validator_of(partial).unlink(missing_ok=True)
    partial.rename(to)


def verify(file: Path, *, md5: str | None = None, size: int | None = None) -> None:
    """Raises BadInput unless the file has that size and checksum, if they are given."""
    got_size = file.stat().st_size
    if size is not None and got_size != size:
        raise BadInput(
            f"{file} has {got_size:,} bytes, expected {size:,}, so it is incomplete or another file; remove "
            "it"
        )
    if md5 is not None and (got := md5_of(file)) != md5:
        raise BadInput(f"{file} has MD5 {got}, expected {md5}, so it is damaged or another file; remove it")


def md5_of(file: Path) -> str:
    """32 hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _continue(url: str, partial: Path, progress: BytesDone | None) -> None:
    """Adds to `partial` until it has all bytes."""
    validator = _validator_of(partial)
    start = partial.stat().st_size if partial.is_file() and validator.is_file() else 0
    headers = {"User-Agent": "rankbench"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator.read_text()}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S
        ) as answer:
            if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                start = 0
            length = answer.headers.get("Content-Length")
            total = None if length is None else start + int(length)
            _remember_version(answer.headers, validator)
            done = _append(answer, partial, start, total, progress)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            validator.unlink(missing_ok=True)  # longer than the file there: begin anew
            raise _InterruptedError("the server refused to continue") from error
        if error.code >= 500:
            raise _InterruptedError(f"HTTP {error.code} {error.reason}") from error
        raise BadInput(f"{url} answers HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise BadInput(f"{url} cannot be reached: {error.reason}") from error
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _InterruptedError(type(error).__name__) from error
    if total is not None and done < total:
        raise _InterruptedError(f"{done:,} of {total:,} bytes came")


def _append(
    answer: http.client.HTTPResponse,
    partial: Path,
    start: int,
    total: int | None,
    progress: BytesDone | None,
) -> int:
    """Writes the answer to `partial` from byte `start` on; returns how many bytes it has then."""
    done = start
    with partial.open("r+b" if start else "wb") as file:
        file.truncate(start)
        file.seek(start)
        while chunk := answer.read(_CHUNK_BYTES):
            try:
                file.write(chunk)
            except OSError as error:
                raise cannot_write(partial, error) from error
            done += len(chunk)
            if progress is not None:
                progress(done, total)
    return done


def _remember_version(headers: http.client.HTTPMessage, validator: Path) -> None:
    """Keeps what tells one version of the file on the server from the next; a weak tag does not."""
    tag = headers.get("ETag", "")
    version = headers.get("Last-Modified") if not tag or tag.startswith("W/") else tag
    if not version:
        validator.unlink(missing_ok=True)
        return
    try:
        validator.write_text(version)
    except OSError as error:
        raise cannot_write(validator, error) from error


def _validator_of(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.version")
