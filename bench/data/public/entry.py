"""What is known of a public data set before any of its files is here. Imports nothing slow."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput

if TYPE_CHECKING:
    from bench.data.dataset import Dataset

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file to fetch: an archive that has the wanted files, or a wanted file itself.

    Args:
        url: where it is offered.
        file: its name.
        md5: of the file, where it is known.
        size: in bytes, where it is known.
    """

    url: str
    file: str
    md5: str | None = None
    size: int | None = None


@dataclass(frozen=True, kw_only=True)
class NamedDataset:
    """A public data set and how it is made from its files.

    Args:
        name: of the data set, and of the folder it is kept in.
        description: one line.
        rows: as published, all splits together.
        licence: what may be done with it.
        url: the publisher's page.
        files: name of each file needed → what it holds.
        other_files: another set of files that will do in place of `files`; empty: none.
        md5: file → its MD5, where it is known.
        downloads: what `fetching` downloads; empty: the files must be brought by hand, as `by_hand` says.
        by_hand: how to come by the files, where no program may fetch them.
        module: has ``load(name, source, directory, progress)``; imported only when called.
    """

    name: str
    description: str
    rows: int
    licence: str
    url: str
    files: Mapping[str, str]
    module: str
    other_files: Mapping[str, str] = field(default_factory=dict)
    md5: Mapping[str, str] = field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    by_hand: str = ""

    def __post_init__(self) -> None:
        assert bool(self.downloads) != bool(self.by_hand), f"{self.name}: fetched or brought by hand?"
        assert self.md5.keys() <= self.files.keys(), self.name

    def load(self, source: Path, directory: Path, progress: Progress | None = None) -> Dataset:
        """Makes the data set from the files in the folder `source`.

        Args:
            directory: folder of the data set; an existing one is replaced.
            progress: told (rows done, rows in all or None).

        Raises:
            BadInput: a file is missing or is not the expected one.
        """
        others = [(source / file).is_file() for file in self.other_files]
        if not others or not all(others):
            for file, content in self.files.items():
                if not (source / file).is_file():
                    raise BadInput(
                        f"data set '{self.name}' needs {source / file} ({content}), which does not exist; "
                        f"'rankbench data fetch {self.name}' downloads it or says how; its page is {self.url}"
                    )
        return importlib.import_module(self.module).load(self.name, source, directory, progress)
