"""The section of a study with several budgets: its sentences, its golden page, and stores that lack runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.ladder.answer import (
    answers,
    asymptote_sentence,
    crossing_sentence,
    decision_sentence,
    missing_sentences,
    shapes_sentence,
    slopes_sentence,
)
from reports.ladder.growth import DENSE, Growth, Laws, growths
from reports.records.comparison import Study
from reports.records.sources import Sources
from reports.scaling import METRICS, compare, fit
from reports.study_section import judged
from tests.reports.laddered import ladder

GOLDEN = Path(__file__).parents[1] / "golden" / "ladder.md"
SIZES = (30_000, 60_000, 100_000, 300_000, 1_000_000, 3_000_000)


def laws_of(*, noise: float = 1e-4, seeds: int = 3, sizes=SIZES, **lines) -> Laws:
    """Label → function of ln(size / 30k); the fits of its values with noise, and their pairs."""
    generator = np.random.default_rng(3)
    fits = []
    for label, line in lines.items():
        size = np.repeat(sizes, seeds)
        value = line(np.log(size / 30_000)) + noise * generator.standard_normal(size.size)
        fits.append(fit(size, value, [*range(seeds)] * len(sizes), label=label))
    return Laws(column=DENSE, metric=METRICS["auc"], fits=tuple(fits), refused={}, pairs=tuple(compare(fits)))


def test_steepest_is_said_with_interval_and_by_holm():
    laws = laws_of(
        A=lambda t: 0.7 + 0.004 * t, B=lambda t: 0.701 + 0.001 * t, C=lambda t: 0.70 + 0.003998 * t
    )
    text = slopes_sentence(laws)
    assert re.fullmatch(
        r"[AC] gains most per doubling of dense parameters, 0\.28 points of AUC \[0\.2\d, 0\.2\d\]: more "
        r"than B, and not told apart from [AC] \(Holm's method, 3 pairs\)\.",
        text,
    ), text


def test_no_difference_is_no_claim():
    laws = laws_of(noise=3e-4, A=lambda t: 0.7 + 0.001 * t, B=lambda t: 0.7 + 0.001 * t)
    assert slopes_sentence(laws).startswith("No two gains per doubling of dense parameters are told apart")


def test_one_seed_decides_no_slopes():
    laws = laws_of(seeds=1, noise=0.0, A=lambda t: 0.7 + 0.004 * t, B=lambda t: 0.7 + 0.001 * t)
    assert "no slopes can be compared" in slopes_sentence(laws) or "Holm" in slopes_sentence(laws)


def test_crossing_needs_different_slopes_and_an_interval_in_range():
    """Lines meet at ln 10, so at 300k."""
    laws = laws_of(A=lambda t: 0.7 + 0.004 * t, B=lambda t: 0.7 + 0.003 * np.log(10) + 0.001 * t)
    text = crossing_sentence(laws)
    found = re.fullmatch(r"A overtakes B at (\d+)k \[(\d+)k, (\d+)k\] dense parameters\.", text)
    assert found, text
    at, low, high = map(int, found.groups())
    assert low <= at <= high
    assert low <= 300 <= high
    apart = laws_of(A=lambda t: 0.8 + 0.004 * t, B=lambda t: 0.7 + 0.001 * t)
    assert crossing_sentence(apart) == "No law is shown to overtake another inside the measured range."


def test_shapes_and_asymptotes_are_said():
    laws = laws_of(
        noise=2e-5,
        rising=lambda t: 0.74 - 0.03 * np.exp(-0.5 * t),
        flat=lambda t: 0.7 + 0 * t,
        falling=lambda t: 0.7 - 0.002 * t,
    )
    assert shapes_sentence(laws) == "No trend with size is found for flat. Larger is worse for falling."
    assert asymptote_sentence(laws) == "An asymptote is identified for rising, and not for flat and falling."


@pytest.fixture
def grown_of(builder):
    """Options of `ladder` → the only growth of the store and its study."""

    def make(**options) -> tuple[Study, Growth]:
        ladder(builder, **options)
        (study,) = builder.studies()
        (growth,) = growths(study, judged(study, Sources([builder.directory])))
        return study, growth

    return make


def test_decisions_by_hand(grown_of):
    """RankMixer beats both others at every budget, and these two tie."""
    _, growth = grown_of(budgets=(30_000, 100_000, 300_000), seeds=3)
    assert decision_sentence(growth) == (
        "At 30k, 2 of 2 decided pairs have the verdict of 300k; at 100k, 2 of 2 decided pairs have the "
        "verdict of 300k."
    )


def test_two_budgets_have_no_law_and_the_section_says_why(grown_of, builder, tmp_path):
    _, growth = grown_of(budgets=(30_000, 100_000))
    assert growth.main.fits == ()
    assert (
        "No law is fitted over dense parameters: 2 different sizes; a law needs at least 3."
        in (answers(growth)[0])
    )
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert "No law is fitted" in page
    assert "(figures/size-" in page


def test_missing_runs_are_said_and_not_used(grown_of):
    _, growth = grown_of(
        seeds=2,
        lacking=[("DCNv2", 30_000, 0), ("DCNv2", 30_000, 1)],
        failing={
            ("RankMixer", 1_000_000, 0): "diverged",
            ("RankMixer", 1_000_000, 1): "killed",
            ("DLRM-MLP", 100_000, 1): "failed",
        },
    )
    (text, absent) = missing_sentences(growth)
    assert "DCNv2 at 30k dense parameters: no result (seed 0 not run, seed 1 not run)" in text
    assert "RankMixer at 1M dense parameters: no result (seed 0 diverged, seed 1 killed)" in text
    assert "DLRM-MLP at 100k dense parameters: fewer seeds (seed 1 failed)" in text
    assert absent.startswith("RankMixer has no result at the largest budget")
    num_runs = {one.label: one.ladder.value.size for one in growth.main.fits}
    assert num_runs == {"DLRM-MLP": 7, "DCNv2": 6, "RankMixer": 6}
    assert "RankMixer is best" not in answers(growth)[0]


def test_one_seed_is_no_verdict(grown_of):
    _, growth = grown_of(seeds=1)
    text = " ".join(answers(growth))
    assert "no difference can be judged" in text
    assert "at 100k, no pair is decided" in text


def test_old_revs_are_left_out_and_named(builder):
    """A study that names runs of two revs of one contestant."""
    runs = {label: [] for label in ("DLRM-MLP", "RankMixer")}
    for budget in (30_000, 100_000, 300_000, 1_000_000):
        for seed in range(2):
            for label, name in (("DLRM-MLP", "dlrm-mlp"), ("RankMixer", "rankmixer")):
                rev = 0 if (name, budget) == ("rankmixer", 30_000) else 1
                spec = builder.spec(name, seed, budget=budget, rev=rev)
                builder.ok(spec)
                runs[label].append(spec)
    builder.study(runs, kind="ladder")
    (study,) = builder.studies()
    (growth,) = growths(study, judged(study, Sources([builder.directory])))
    assert {one.label: one.ladder.sizes.size for one in growth.main.fits} == {"DLRM-MLP": 4, "RankMixer": 3}
    assert missing_sentences(growth) == [
        "Not used: RankMixer at 30k dense parameters: runs of rev 0, others are of 1."
    ]


def test_data_of_two_fingerprints_are_two_ladders(builder):
    runs = {"DLRM-MLP": [], "RankMixer": []}
    for fingerprint in "ab":
        for budget in (30_000, 100_000, 300_000):
            for label, name in (("DLRM-MLP", "dlrm-mlp"), ("RankMixer", "rankmixer")):
                for seed in range(2):
                    spec = builder.spec(name, seed, budget=budget, fingerprint=fingerprint)
                    builder.ok(spec)
                    runs[label].append(spec)
    builder.study(runs, kind="ladder")
    (study,) = builder.studies()
    found = growths(study, judged(study, Sources([builder.directory])))
    assert [growth.data for growth in found] == ["toy · fingerprint aaaaaaaa", "toy · fingerprint bbbbbbbb"]
    assert {one.ladder.value.size for growth in found for one in growth.main.fits} == {6}


def test_a_law_in_size_and_training_rows(grown_of, builder, tmp_path):
    """Four sizes × four numbers of rows; all rows are 2,048,000, as the records say."""
    study, growth = grown_of(train_rows=(64_000, 256_000, 1_024_000, None))
    assert len(study.comparisons) == 16
    assert [comparison.train_rows for comparison, _ in growth.rungs] == [0, 0, 0, 0]
    assert {point.rows for point in growth.by_rows.points} == {64_000, 256_000, 1_024_000, 2_048_000}
    assert growth.by_rows.surfaces["RankMixer"].num_cells == 16
    written = builder.report(tmp_path / "out")
    text = written.markdown.read_text()
    assert "Exponents of dense parameters and of training rows: " in text
    assert (
        text.count("is best (test AUC") <= 16 + 1
    )  # one for the study, and one in each comparison's section
    assert len(pd.read_csv(written.markdown.parent / "tables" / "surfaces.csv")) == 3


@pytest.fixture(scope="module")
def page(tmp_path_factory, new_store_in) -> Path:
    directory = tmp_path_factory.mktemp("ladder")
    builder = new_store_in(directory / "store")
    ladder(builder, failing={("DCNv2", 100_000, 1): "diverged"})
    return builder.report(directory / "out").markdown


def test_golden(page):
    text = page.read_text()
    section = text[text.index("## scaling") : text.index("### trees-3000-1, 30k")]
    if os.environ.get("RANKBENCH_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(section, encoding="utf-8")
    assert section == GOLDEN.read_text(encoding="utf-8")


def test_tables_for_machines(page):
    tables = page.parent / "tables"
    fits, slopes = pd.read_csv(tables / "fits.csv"), pd.read_csv(tables / "slopes.csv")
    assert set(fits["metric"]) == {"auc", "uauc", "log_loss"}
    assert set(fits["size"]) == {"dense_parameters", "flops_forward"}
    of_auc = fits[(fits["metric"] == "auc") & (fits["size"] == "dense_parameters")]
    assert of_auc.set_index("label")["num_runs"].to_dict() == {"RankMixer": 8, "DCNv2": 7, "DLRM-MLP": 8}
    assert len(slopes) == 6
    assert (slopes["p_holm"] >= slopes["p"]).all()
    assert list(pd.read_csv(tables / "decisions.csv")["budget"]) == [30_000, 100_000, 300_000]


def test_the_same_bytes_in_another_time_zone_and_locale(new_store_in, tmp_path):
    """A ladder draws random numbers for its intervals; its generator is seeded from the points."""
    builder = new_store_in(tmp_path / "store")
    ladder(
        builder, contestants={"DCNv2": "dcnv2", "RankMixer": "rankmixer"}, budgets=(30_000, 90_000, 300_000)
    )
    code = (
        "import sys; from pathlib import Path; from reports.page import build_report\n"
        "store, output = map(Path, sys.argv[1:])\n"
        "build_report([store], output, command='rankbench report', titles={}, decided={})"
    )
    contents = []
    for name, zone, locale in (("here", "UTC", "C.UTF-8"), ("there", "Pacific/Auckland", "de_DE.UTF-8")):
        environment = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": str(len(contents))}
        output = tmp_path / name
        arguments = [sys.executable, "-c", code, str(builder.directory), str(output)]
        subprocess.run(arguments, env=environment, check=True)
        files = sorted(path for path in output.rglob("*") if path.is_file())
        contents.append({path.relative_to(output): path.read_bytes() for path in files})
    here, there = contents
    assert here.keys() == there.keys()
    assert [str(name) for name in here if here[name] != there[name]] == []
