"""Whether a folder can be written, asked before any work and without leaving a trace."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.errors import BadInput


def refuse_unwritable(what: str, directory: Path, option: str) -> None:
    """Nothing, where files can be put into `directory`, which need not be there yet.

    Args:
        what: what the directory is, for people.
        option: how to choose another one.

    Raises:
        BadInput: it cannot be created or written.
    """
    try:
        nearest = next(folder for folder in (directory, *directory.absolute().parents) if folder.exists())
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise BadInput(
            f"{what} {directory} cannot be written ({error.strerror}); choose another with {option}"
        ) from error
