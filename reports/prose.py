"""The sentences of the page that do not depend on who wins."""

from __future__ import annotations

import pandas as pd

from reports.comparison import Setting
from reports.notation import fixed

METHODS = (
    (
        "Mean ± interval",
        "The mean over seeds and half the width of its 95 % interval by Student's t. One seed has no "
        "interval, and no claim rests on it.",
    ),
    (
        "Differences",
        "AUC minus the baseline's, in points of 0.01, on the same test rows and paired by seed: taken seed "
        "by seed, then averaged. Its 95 % interval adds two variances: that of the mean over seeds, and "
        "that of the draw of the test rows by DeLong's method, with the rows of one user kept together "
        "where users are known. Degrees of freedom are Welch and Satterthwaite's. Nothing is resampled, so "
        "nothing depends on a random seed of the report.",
    ),
    (
        "Verdict",
        "Better or worse where the interval of the difference excludes zero; otherwise a tie. Intervals are"
        " not widened for the number of contestants: of twenty true ties, one is expected to be called a "
        "difference.",
    ),
    (
        "Rank",
        "1 + the number of contestants that are significantly better, each pair judged as above (all pairs "
        "are in tables/pairs.csv). Shared ranks bear an equals sign. A tie need not carry over from one "
        "pair to the next.",
    ),
    (
        "Sizes",
        "Dense parameters are the contestant's own, without embedding tables and shared encoders; beside "
        "them stands the error against the budget. FLOPs are 2 per multiply-add of matrix products, per "
        "example; train counts forward and backward.",
    ),
    (
        "Metrics",
        "All on the test split, with the weights of the epoch that was best on valid. Calibration is the "
        "mean prediction over the base rate. UAUC is the unweighted mean of the AUCs of the users who have "
        "both classes, GAUC weights them by their rows, GAUC by positives by their positive rows.",
    ),
    (
        "Attained",
        "Where the true probabilities are known: the share of the attainable, (AUC − that of logistic "
        "regression) / (AUC of the true probabilities − that of logistic regression). Its interval covers "
        "seeds only.",
    ),
)
"""(term, explanation), in the order of the page."""


def setting_facts(setting: Setting) -> tuple[tuple[str, str], ...]:
    """(name, value) pairs that say what a setting is: data, features and protocol."""
    features, protocol = setting.features, setting.protocol
    widths = "".join(f", {name} {width}" for name, width in sorted(features["widths"].items()))
    epochs, patience = protocol["epochs"], protocol["patience"]
    passes = "one pass" if epochs == 1 else f"up to {epochs} passes, patience {patience}"
    clip = protocol["gradient_clip"]
    clipping = "no clipping" if clip is None else f"gradient norm at most {clip:g}"
    return (
        ("Data set", f"{setting.dataset}, rev {setting.dataset_rev}"),
        ("Fingerprint", setting.fingerprint[:16]),
        ("Positive share", _base_rates(setting)),
        (
            "Features",
            f"embedding width {features['width']}{widths}; sequences by {features['sequence_encoder']}",
        ),
        ("Protocol", f"{protocol['name']}: {passes}, batches of {protocol['batch_size']:,} rows"),
        (
            "Dense optimizer",
            f"{protocol['dense_optimizer']}, learning rate {protocol['dense_lr']:g}, "
            f"decay {protocol['dense_decay']:g}, {clipping}",
        ),
        (
            "Sparse optimizer",
            f"adagrad, learning rate {protocol['sparse_lr']:g}, "
            f"initial accumulator {protocol['sparse_initial_accumulator']:g}",
        ),
        (
            "Learning rates",
            f"fall to 0 over the last {100 * protocol['cooldown']:g} % of the steps"
            if protocol["cooldown"]
            else "constant",
        ),
    )


def warnings(frame: pd.DataFrame) -> tuple[str, ...]:
    """Sentences for the top of the page: data sets of one name that are not the same data."""
    kinds = frame[["dataset", "dataset_rev", "fingerprint"]].drop_duplicates().groupby("dataset").size()
    return tuple(
        f"{count} different data sets are called {name} (by rev or fingerprint). They are reported apart and "
        "must not be compared with each other."
        for name, count in kinds.items()
        if count > 1
    )


def _base_rates(setting: Setting) -> str:
    rates = []
    for task in setting.tasks:
        for entry in (entry for comparison in setting.comparisons for entry in comparison.entries):
            values = entry.values(f"test.{task}.base_rate")
            if not values.empty:
                rates.append(f"{task} {fixed(float(values.iloc[0]), 4)}")
                break
    return ", ".join(rates) or "unknown: no run ended well"
