"""Text from outside, such as titles, names and error messages, made safe for the medium it is shown in.

Nothing in the report is markup but what the templates write themselves, so each medium has one function and
every text passes through it. Data files (CSV) hold the texts unchanged.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_LABEL = 48
"""Letters of a label in a figure."""
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "−": "$-$",
    "–": "--",
    "·": r"$\cdot$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def visible(text: str) -> str:
    r"""`text` on one line, with control characters, such as those of a terminal, spelt out: ``\x1b``.

    Enough for HTML, where the template engine escapes the rest, and for a terminal.
    """
    return "".join(_spelt_out(character) for character in text.replace("\n", " "))


def markdown(text: str) -> str:
    """For any place in a line of GitHub's Markdown, cells of a table included."""
    return re.sub(r"([\\`*_\[\]<>|$~&#])", r"\\\1", visible(text))


def latex(text: str) -> str:
    """For a cell of a LaTeX table. A bracket at its start would be read as an argument of a line break."""
    escaped = "".join(_LATEX.get(character, character) for character in visible(text))
    return "{[}" + escaped[1:] if escaped.startswith("[") else escaped


def figure(text: str) -> str:
    """For a text of matplotlib, which reads mathematics between dollar signs."""
    return visible(text).replace("$", r"\$")


def label(text: str, longest: int = LONGEST_LABEL) -> str:
    """A label for a text of matplotlib; a long one, which would leave no room to draw, without its middle."""
    shown = visible(text)
    if len(shown) > longest:
        end = longest // 4
        shown = f"{shown[: longest - end - 1]}…{shown[-end:]}"
    return figure(shown)


def _spelt_out(character: str) -> str:
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    return character.encode("unicode_escape").decode() if hidden else character
