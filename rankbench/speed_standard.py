"""`rankbench speed standard`: the lines of `bench.speed.standard`, each with its target."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadInput
from rankbench import options
from rankbench.choices import Choices
from rankbench.console import answer_json, complain, count, table
from rankbench.request import SYNTHETIC_SEED
from rankbench.speed_tables import as_json, print_profiles, print_speeds

if TYPE_CHECKING:
    from bench.runs.sizing import SizedEntrant
    from bench.speed.standard import Line
    from bench.speed.training import Speed

STANDARD = "standard"


def run_standard(
    choices: Choices,
    given: Mapping[str, object],
    *,
    profile: bool,
    seconds: float,
    device: str,
    json: bool,
) -> int:
    """Measures every line and prints it beside its target.

    Args:
        given: the options of `speed` that say what to measure, which the lines say themselves.
    """
    _refuse(choices, given)

    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.speed.standard import RATES, target_of

    if choose_device(device).type != "cpu":
        raise BadInput("--device: the targets of 'standard' are those of a CPU; give --device cpu")
    keep_buffers()
    measured = _measured(choices.data_dir, profile=profile, seconds=seconds)
    speeds = {line.label: speed for line, _, speed in measured}
    figures: list[dict[str, Any]] = []
    for line, _, speed in measured:
        figure = None if isinstance(speed, str) else getattr(speed, line.figure)
        figures.append(_figure(line.label, figure, line.figure, target_of(line, speeds), line.earlier))
    for rate in RATES:
        rows_per_second = statistics.median(rate.measure(seconds / 3) for _ in range(3))
        complain(f"{rate.label}: {count(rows_per_second)} rows/s")
        figures.append(_figure(rate.label, rows_per_second, "rows_per_second", rate.target, rate.earlier))
    if json:
        lines = [as_json(line.label, sized, speed) for line, sized, speed in measured]
        answer_json({"figures": figures, "lines": lines})
    else:
        shown = [(line.label, speed) for line, _, speed in measured if not isinstance(speed, str)]
        print_speeds("Standard lines, CPU, float32, Adam", shown)
        print_profiles(shown)
        _print(figures)
    return int(any(isinstance(speed, str) for speed in speeds.values()))


def _refuse(choices: Choices, given: Mapping[str, object]) -> None:
    """Raises BadInput for an option that would change a line."""
    changed = [option for option, value in given.items() if value is not None]
    for one in dataclasses.fields(Choices):
        if one.name != "data_dir" and getattr(choices, one.name) != one.default:
            changed.append(f"--{one.name.replace('_', '-').replace('settings', 'set')}")
    if changed:
        raise BadInput(
            f"{changed[0]} does not apply to 'speed {STANDARD}', whose lines are fixed; leave it out"
        )


def _measured(
    data_dir: Path, *, profile: bool, seconds: float
) -> list[tuple[Line, SizedEntrant, Speed | str]]:
    """Every line with its speed, or why it has none."""
    import torch

    from bench.machine.parallel import cores
    from bench.speed.random_data import TABLE_ROWS, random_dataset, random_schema
    from bench.speed.standard import LINES, RANDOM_FIELDS, sized, study_of
    from bench.speed.training import job_of, measured

    with tempfile.TemporaryDirectory() as folder:
        world = study_of(LINES[0]).synthetic_rows
        datasets = {
            "random": random_dataset(
                Path(folder) / "random", schema=random_schema(RANDOM_FIELDS, TABLE_ROWS)
            ),
            "trees": options.synthetic("trees", world, SYNTHETIC_SEED, data_dir),
        }
        found = []
        for number, line in enumerate(LINES, start=1):
            dataset = datasets[line.data]
            of_line = sized(line, dataset.schema)
            speed: Speed | str | None = of_line.reason
            if speed is None:
                job = job_of(
                    study_of(line),
                    of_line,
                    dataset,
                    device=torch.device("cpu"),
                    threads=line.threads or cores(),
                    seconds=seconds,
                    profiled=profile,
                )
                (speed,) = measured([job])
            found.append((line, of_line, speed))
            said = speed if isinstance(speed, str) else f"{count(speed.samples_per_second)} samples/s"
            complain(f"{number}/{len(LINES)} {line.label}: {said}")
        return found


def _figure(
    label: str, value: float | None, unit: str, target: float | None, earlier: float | None
) -> dict[str, Any]:
    met = None if value is None or target is None else value >= target
    return {
        "line": label,
        "measured": value,
        "unit": unit,
        "target": target,
        "met": met,
        "earlier": earlier,
    }


_UNITS = {"mfu": "of GEMM peak", "samples_per_second": "samples/s", "rows_per_second": "rows/s"}


def _print(figures: list[dict[str, Any]]) -> None:
    def shown(value: float | None, unit: str) -> str:
        if value is None:
            return ""
        return f"{value:.1%}" if unit == "mfu" else count(value)

    table(
        "Targets; 'earlier' is the figure before the work on speed",
        ["line", "measured", "unit", "target", "", "earlier"],
        [
            [
                one["line"],
                shown(one["measured"], one["unit"]),
                _UNITS[one["unit"]],
                shown(one["target"], one["unit"]),
                {True: "met", False: "not met", None: "not measured"}[one["met"]],
                shown(one["earlier"], one["unit"]),
            ]
            for one in figures
        ],
    )
