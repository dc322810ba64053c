"""The report: one page as HTML and as Markdown, with its figures and tables, from the records of stores.

Environment, times, unreadable lines and the command are at the end of the page, in the tables of that
section, and in `machine.csv`; training times are also in the sections and `ablation.csv` of ablations, and
in figures of quality against cost. Everything else has the same bytes for the same results.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd

from reports.ablation.judged import Ablation
from reports.ablation.table import ablation_frame
from reports.across import across_sections
from reports.appendix import again_section, environment_section, failures_section, failures_table
from reports.datafiles import comparison_frame, fairness_frames, pairs_frame, tuning_frames, write_csv
from reports.judge.moderation import Intervals
from reports.judge.standings import Standings
from reports.ladder.tables import ladder_frames
from reports.methods import methods
from reports.paper_order import inconsistencies
from reports.prose import warnings
from reports.records.comparison import Study
from reports.records.frame import MACHINE_PREFIXES, run_frame, without_machine
from reports.records.observed import observed_frame
from reports.records.packing import pack
from reports.records.paper import RANKMIXER_TABLE
from reports.records.sources import Sources
from reports.records.studies import studies
from reports.study_section import findings, study_section
from reports.tables import glance_table
from reports.tuning.fairness import Check
from reports.writing import escaping
from reports.writing.drawing import Mark, marks
from reports.writing.sections import Facts, Paragraph, Placed, Section, Table, placed

OUTSIDE = "Runs outside any study"


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """Everything that was written, and what it says: the verdict on every comparison and task, those of
    ablations arm by arm, those of checks of fairness, and the runs that did not end well."""

    page: Path
    markdown: Path
    figures: tuple[Path, ...]
    tables: tuple[Path, ...]
    verdicts: tuple[Standings | Ablation, ...]
    checks: tuple[Check, ...]
    failures: Table


def build_report(
    stores: Sequence[Path],
    output: Path,
    *,
    command: str,
    titles: Mapping[str, str],
    decided: Mapping[str, Collection[str]],
    years: Mapping[str, int] | None = None,
    study: str | None = None,
    intervals: Intervals = "moderated",
    pack_into: Path | None = None,
) -> ReportFiles:
    """Writes `index.html`, `report.md`, `figures/` and `tables/` under `output`.

    Args:
        stores: folders of records, joined: a key that two have is one run.
        command: what to type to make this report again.
        titles: contestant name → how to print it; `decided`: → the hyper-parameters that a budget decides,
            which no label names. A study knows its labels: titles are for runs outside any.
        years: contestant name → the year of its paper, for those whose year is known.
        study: name or command of the only study to report; by default all, and the runs outside any.
        intervals: how the spread between seeds is estimated, see `reports.judge.moderation`.
        pack_into: a folder for what this report is made from, without predictions (`records.packing`).

    Raises:
        BadInput: the stores have no runs, or no study of that name.
    """
    sources = Sources(stores)
    frame = run_frame(sources.runs.values())
    every_study = studies(
        frame[~frame["spec_key"].isin(sources.superseded)],
        sources.studies,
        titles,
        decided=decided,
        chosen=study,
    )
    every_study = [dataclasses.replace(each, years=years or {}, decided=decided) for each in every_study]
    if study is not None:
        frame = _only(frame, every_study)
    found = [findings(each, sources, intervals) for each in every_study]
    every_standings = [standings for each in found for _, standings in each.found]
    verdicts = [one for each in found for one in each.verdicts]
    mark = _marks(every_study)
    made = [(each, study_section(each, sources, mark)) for each in found]
    sections = [
        *_glance([one for one in verdicts if isinstance(one, Standings)]),
        *(section for each, section in made if not each.study.implied),
        *_outside(
            [(section, [one for _, one in each.found]) for each, section in made if each.study.implied]
        ),
        failures_section(every_study, sources),
        _how_to_read(every_standings, titles, intervals),
        environment_section(every_study, frame, sources.torn),
        again_section(frame, command),
    ]
    places = placed(sections)
    lead = [Paragraph(text=_counts(frame, every_study), style="lead")]
    lead += [Paragraph(text=text, style="warning") for text in warnings(frame, every_standings)]
    machine = [name for name in frame.columns if name.startswith(MACHINE_PREFIXES)]
    flat = {
        "runs": without_machine(frame),
        "comparison": comparison_frame(every_standings),
        "pairs": pairs_frame(every_standings),
        "machine": frame[["key", "contestant", "seed", *machine]],
        **tuning_frames(every_study, [twice for each in found for twice in each.twice]),
        **fairness_frames(every_study),
        **ablation_frame([arms for each in found for arms in each.arms]),
        **ladder_frames(every_study, [each.grown for each in found]),
        **observed_frame(every_study, sources),
    }
    content = {"lead": lead, "places": places}
    if pack_into is not None:
        commands = {each.command for each in every_study}
        packed = [record for record in sources.studies if record.command in commands]
        pack(sources, packed, frame[~frame["spec_key"].isin(sources.superseded)]["key"], pack_into)
    for folder, suffixes in (("figures", (".png", ".pdf")), ("tables", (".tex", ".csv"))):
        _remove_earlier(output / folder, suffixes)
    return ReportFiles(
        page=_write(output / "index.html", _render("page.html.j2", content)),
        markdown=_write(output / "report.md", _render("report.md.j2", content)),
        figures=tuple(_write_figures(output / "figures", places)),
        tables=tuple(_write_tables(output / "tables", places, flat)),
        verdicts=tuple(verdicts),
        checks=tuple(check for each in every_study for check in each.checks),
        failures=failures_table(every_study),
    )


def _remove_earlier(folder: Path, suffixes: tuple[str, ...]) -> None:
    """Removes what an earlier report wrote there: a table of a study that has gone must not look current."""
    for path in folder.glob("*"):
        if path.suffix in suffixes:
            path.unlink()


def _only(frame: pd.DataFrame, every_study: Sequence[Study]) -> pd.DataFrame:
    """The runs that the studies name."""
    keys = set().union(*(study.keys for study in every_study))
    return frame[frame["spec_key"].isin(keys)]


def _marks(every_study: Sequence[Study]) -> dict[str, Mark]:
    comparisons = [comparison for study in every_study for comparison in study.comparisons]
    labels = {search.label for study in every_study for tuning in study.tunings for search in tuning.searches}
    labels |= {one.label for study in every_study for check in study.checks for one in check.contestants}
    labels |= {entry.label for comparison in comparisons for entry in comparison.entries}
    return marks(labels, {comparison.baseline for comparison in comparisons if comparison.baseline})


def _glance(comparisons: Sequence[Standings]) -> list[Section]:
    """Who is best; an ablation asks for no best."""
    table = glance_table(comparisons)
    return [Section(title="At a glance", tables=(table,))] if table.rows else []


def _how_to_read(
    every_standings: Sequence[Standings], titles: Mapping[str, str], intervals: Intervals
) -> Section:
    """With what is to know of the paper, once, where it stands beside any comparison."""
    beside = any(standings.paper == RANKMIXER_TABLE for standings in every_standings)
    of_paper = [("The paper's figures", inconsistencies(titles))] if beside else []
    pairs = (*methods(intervals), *of_paper)
    return Section(title="How to read this page", text=(Facts(pairs=pairs, terms=True),))


def _outside(implied: Sequence[tuple[Section, Sequence[Standings]]]) -> list[Section]:
    """One section for all runs that belong to no study."""
    if not implied:
        return []
    said = Paragraph(
        text="The store names no study for these runs, so they are grouped by data set, features, protocol "
        "and budget. Each group is judged on its own."
    )
    across = across_sections([standings for _, found in implied for standings in found])
    return [Section(title=OUTSIDE, text=(said,), sections=(*across, *(section for section, _ in implied)))]


def _counts(frame: pd.DataFrame, every_study: Sequence[Study]) -> str:
    contestants = frame["contestant"].nunique()
    datasets = len(frame[["dataset", "dataset_rev", "fingerprint"]].drop_duplicates())
    parts = [
        _counted(sum(not study.implied for study in every_study), "study", "studies"),
        _counted(sum(len(study.comparisons) for study in every_study), "comparison", "comparisons"),
        _counted(contestants, "contestant", "contestants"),
        _counted(datasets, "data set", "data sets"),
    ]
    num_ok = int((frame["status"] == "ok").sum())
    return f"{num_ok} of {_counted(len(frame), 'run', 'runs')} succeeded: {', '.join(parts)}."


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _render(template: str, content: Mapping[str, object]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    environment.filters["visible"] = lambda text: escaping.visible(str(text))
    environment.filters["markdown"] = lambda text: escaping.markdown(str(text))
    return environment.get_template(template).render(content)


def _write_figures(folder: Path, places: Sequence[Placed]) -> list[Path]:
    paths = []
    for place in places:
        for name, image in place.figures:
            for suffix, data in (("png", image.png), ("pdf", image.pdf)):
                paths.append(folder / f"{name}.{suffix}")
                paths[-1].parent.mkdir(parents=True, exist_ok=True)
                paths[-1].write_bytes(data)
    return paths


def _write_tables(folder: Path, places: Sequence[Placed], flat: Mapping[str, pd.DataFrame]) -> list[Path]:
    paths = [
        _write(folder / f"{name}.tex", table.latex()) for place in places for name, table in place.tables
    ]
    return paths + [write_csv(table, folder / f"{name}.csv") for name, table in flat.items()]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
