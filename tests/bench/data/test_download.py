"""Downloads from a server on this machine that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.data import download as module
from bench.data.download import download
from bench.errors import BadInput

CONTENT = bytes(range(256)) * 4000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@dataclass
class Behaviour:
    """What the server does, and what it was asked for."""

    content: bytes = CONTENT
    tag: str | None = '"v1"'
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    status: int = 200
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def url(behaviour: Behaviour) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            behaviour.asked.append(wanted)
            if behaviour.status != 200:
                self.send_error(behaviour.status)
                return
            start = 0
            if wanted and behaviour.ranges and self.headers.get("If-Range") == behaviour.tag:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            body = behaviour.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            if behaviour.tag is not None:
                self.send_header("ETag", behaviour.tag)
            self.end_headers()
            self.wfile.write(body[: behaviour.cut_after.pop(0)] if behaviour.cut_after else body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/set.zip"
    server.shutdown()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole(url: str, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    download(
        url, tmp_path / "new" / "set.zip", md5=MD5, size=len(CONTENT), progress=lambda *t: told.append(t)
    )
    assert (tmp_path / "new" / "set.zip").read_bytes() == CONTENT
    assert files(tmp_path / "new") == ["set.zip"]
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_an_interruption_is_resumed_where_it_was(url: str, tmp_path: Path, behaviour: Behaviour) -> None:
    behaviour.cut_after = [1000, 5000]
    download(url, tmp_path / "set.zip", md5=MD5, pause_s=0)
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert behaviour.asked == [None, "bytes=1000-", "bytes=6000-"]


def test_what_came_is_kept_for_the_next_run(url: str, tmp_path: Path, behaviour: Behaviour) -> None:
    behaviour.cut_after = [1000] * module.ATTEMPTS
    with pytest.raises(BadInput, match=r"interrupted.*run the same command again"):
        download(url, tmp_path / "set.zip", md5=MD5, pause_s=0)
    assert not (tmp_path / "set.zip").exists()
    came = 1000 * module.ATTEMPTS
    download(url, tmp_path / "set.zip", md5=MD5, pause_s=0)
    assert behaviour.asked[-1] == f"bytes={came}-"
    assert files(tmp_path) == ["set.zip"]


def test_a_server_without_ranges_sends_all_again(url: str, tmp_path: Path, behaviour: Behaviour) -> None:
    behaviour.ranges, behaviour.cut_after = False, [1000]
    download(url, tmp_path / "set.zip", md5=MD5, pause_s=0)
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_another_version_on_the_server_is_not_mixed_in(
    url: str, tmp_path: Path, behaviour: Behaviour
) -> None:
    behaviour.cut_after = [1000] * module.ATTEMPTS
    with pytest.raises(BadInput, match="interrupted"):
        download(url, tmp_path / "set.zip", pause_s=0)
    behaviour.content, behaviour.tag = CONTENT[::-1], '"v2"'
    download(url, tmp_path / "set.zip", pause_s=0)
    assert (tmp_path / "set.zip").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("tag", [None, 'W/"weak"'])
def test_without_a_strong_version_it_begins_anew(
    url: str, tmp_path: Path, behaviour: Behaviour, tag: str | None
) -> None:
    behaviour.tag, behaviour.cut_after = tag, [1000]
    download(url, tmp_path / "set.zip", md5=MD5, pause_s=0)
    assert behaviour.asked == [None, None]
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"MD5 {MD5}, expected 0123"):
        download(url, tmp_path / "set.zip", md5="0123", pause_s=0)
    assert files(tmp_path) == []


def test_a_wrong_size_leaves_nothing(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="1,024,000 bytes, expected 7"):
        download(url, tmp_path / "set.zip", size=7, pause_s=0)
    assert files(tmp_path) == []


def test_a_file_that_is_there_is_verified_and_not_fetched(
    url: str, tmp_path: Path, behaviour: Behaviour
) -> None:
    (tmp_path / "set.zip").write_bytes(CONTENT)
    download(url, tmp_path / "set.zip", md5=MD5)
    assert behaviour.asked == []
    (tmp_path / "set.zip").write_bytes(CONTENT[:-1])
    with pytest.raises(BadInput, match="damaged or another file"):
        download(url, tmp_path / "set.zip", md5=MD5)


@pytest.mark.parametrize(("status", "message"), [(404, "HTTP 404 Not Found"), (503, "interrupted.*HTTP 503")])
def test_a_refusal_says_what_the_server_said(
    url: str, tmp_path: Path, behaviour: Behaviour, status: int, message: str
) -> None:
    behaviour.status = status
    with pytest.raises(BadInput, match=message):
        download(url, tmp_path / "set.zip", pause_s=0)
    assert len(behaviour.asked) == (1 if status == 404 else module.ATTEMPTS)


def test_addresses_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not an http address"):
        download("file:///etc/passwd", tmp_path / "set.zip")
    with pytest.raises(BadInput, match="cannot be reached"):
        download("http://127.0.0.1:9/set.zip", tmp_path / "set.zip")


def test_a_full_disk_is_said(url: str, tmp_path: Path, no_file_larger_than: Callable[[int], None]) -> None:
    no_file_larger_than(100_000)
    with pytest.raises(BadInput, match=r"set\.zip\.part cannot be written: File too large"):
        download(url, tmp_path / "set.zip", pause_s=0)
    assert not (tmp_path / "set.zip").exists()
