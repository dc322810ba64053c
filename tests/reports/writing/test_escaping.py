"""Texts from outside in every medium: shown as they are, never read as markup."""

from __future__ import annotations

import warnings

import pytest
from matplotlib.figure import Figure

from reports.writing import escaping
from reports.writing.drawing import rendered

WILD = "[b]x|y[/b] <script> a_b 5% $x_{$ \x1b[31m \u202e*"


def test_control_characters_are_spelt_out():
    assert escaping.visible("a\x1b[31mb\nc\u202e") == r"a\x1b[31mb c\u202e"
    assert escaping.visible("点击 Δ–−") == "点击 Δ–−"


def test_markdown_keeps_every_letter_and_no_meaning():
    assert escaping.markdown("[a]|<b>_c_`d`$e$&lt;") == r"\[a\]\|\<b\>\_c\_\`d\`\$e\$\&lt;"


def test_latex():
    assert escaping.latex(r"[a] \x{y} 100% ~^") == (
        r"{[}a] \textbackslash{}x\{y\} 100\% \textasciitilde{}\textasciicircum{}"
    )


@pytest.mark.parametrize("text", ["$x_{$", "a $1 and $2 b", WILD, "点击"])
def test_a_figure_draws_any_title_without_complaint(text):
    figure = Figure(figsize=(2, 1))
    figure.suptitle(escaping.figure(text))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png, pdf = rendered(figure)
    assert png.startswith(b"\x89PNG")
    assert pdf.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("DCNv2", 8, "DCNv2"),
        ("RankMixer", 8, "RankM…er"),
        ("x\x1b" + "y" * 9 + "$1", 8, r"x\x1b…\$1"),
    ],
)
def test_a_long_label_in_a_figure_loses_its_middle(text, longest, expected):
    assert escaping.label(text, longest) == expected


def test_a_wild_title_is_shown_in_every_medium(builder, tmp_path):
    builder.titles = {**builder.titles, "rankmixer": WILD}
    builder.three_contestants(seeds=2)
    files = builder.report(tmp_path / "out")
    page, markdown = files.page.read_text(), files.markdown.read_text()
    assert "<script>" not in page
    assert "[b]x|y[/b] &lt;script&gt; a_b 5% $x_{$ \\x1b[31m \\u202e*" in page
    assert r"| \[b\]x\|y\[/b\] \<script\> a\_b 5% \$x\_{\$ \\x1b\[31m \\u202e\* |" in markdown
    assert "\x1b" not in page + markdown
    rows = [line for line in markdown.splitlines() if r"\<script\>" in line and line.startswith("|")]
    for line in rows:
        assert line.replace(r"\|", "").count("|") == markdown_width(markdown, line)
    tex = next(path for path in files.tables if path.name.startswith("comparison-") and path.suffix == ".tex")
    assert r"{[}b]x\textbar{}y[/b] \textless{}script\textgreater{} a\_b 5\% \$x\_\{\$" in tex.read_text()


def markdown_width(text: str, line: str) -> int:
    """Bars of the table's header that `line` belongs to."""
    above = text[: text.index(line)].splitlines()
    header = next(each for each in reversed(above) if each.startswith("| ---"))
    return header.count("|")
