"""`rankbench speed`: how fast the loader and the contestants are on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.errors import BadInput
from rankbench import options
from rankbench.choices import Choices, takes_choices
from rankbench.console import answer, answer_json, complain, count, table
from rankbench.request import open_datasets, study


@takes_choices
def run(
    choices: Choices,
    target: Annotated[str, typer.Argument(help="A study or a contestant; see 'list'.")] = "compare",
    seconds: Annotated[float, typer.Option(help="Seconds per measurement.")] = 5.0,
    device: options.Device = "auto",
    json: options.Json = False,
) -> int:
    """Measure the loader and the training steps, and compare them with this machine's GEMM peak."""
    options.check_device(device)
    if not 0 < seconds < 3600:
        raise BadInput(f"--seconds is {seconds:g}; it must be above 0 and below 3600")
    asked = study(target, choices)
    if choices.seeds is not None:
        raise BadInput("--seeds does not apply to speed, which trains from seed 0")
    if len(asked.datasets) > 1:
        raise BadInput(
            f"speed needs one data set, but the study has {len(asked.datasets)}: "
            f"{', '.join(asked.datasets)}; choose one with --data"
        )
    (dataset,) = open_datasets(asked, choices)
    batch_size = asked.protocol.batch_size
    if batch_size > dataset.rows["train"]:
        raise BadInput(
            f"a batch has {batch_size} rows, but {dataset.name} has only {dataset.rows['train']} in train; "
            "give a smaller --batch-size or more --rows"
        )

    from bench.data.loader import rows_per_second
    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.runs.plan import size
    from bench.speed import gemm_peak, loader_rows_per_second, training_speed

    keep_buffers()
    where = choose_device(device)
    sized = size(asked, dataset.schema)
    for s in sized:
        if s.reason is not None:
            complain(f"{s.entrant.label}: {s.reason}")
    train = dataset.splits["train"].inputs_and_labels()
    loader = loader_rows_per_second(seconds=seconds)
    batches = rows_per_second(train, batch_size=batch_size, seconds=seconds)
    peak = gemm_peak(where, seconds=seconds)
    speeds = {
        s.entrant.label: training_speed(
            s.entrant.contestant,
            s.hyperparameters,
            dataset,
            asked.features,
            asked.protocol,
            peak=peak,
            device=where,
            seconds=seconds,
        )
        for s in sized
        if s.hyperparameters is not None
    }
    if json:
        answer_json(
            {
                "loader_rows_per_second": loader,
                "batches_rows_per_second": batches,
                "gemm_peak_flops_per_second": peak,
                "device": str(where),
                "contestants": {label: vars(speed) for label, speed in speeds.items()},
            }
        )
        return 0
    fields = len(dataset.schema.fields)
    answer(f"loader: {count(loader)} rows/s of 39 ids at batch 4096")
    answer(f"batches of {dataset.name}: {count(batches)} rows/s of {fields} fields at batch {batch_size}")
    answer(f"GEMM peak on {where}, float32: {count(peak)}FLOP/s")
    table(
        f"Training on {dataset.name}, median step",
        ["model", "samples/s", "FLOP/s", "MFU"],
        [
            [
                label,
                count(s.samples_per_second),
                count(s.flops_per_second),
                "" if s.mfu is None else f"{s.mfu:.1%}",
            ]
            for label, s in speeds.items()
        ],
    )
    return 0
