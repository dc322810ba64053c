"""How to read the page: its terms, and how its numbers are made."""

from __future__ import annotations

from reports.judge.moderation import MOST_PRIOR, Intervals
from reports.judge.sampling import FEWEST

SEED_PARTS: dict[Intervals, str] = {
    "moderated": "Intervals are moderated: the contestants of one table inform each other. The variance "
    "between seeds of each contestant is estimated without the effect that a seed has on all of them, and "
    "moved towards the common one (empirical Bayes, Smyth 2004), the more the fewer seeds there are "
    "and the more alike the contestants are. It never becomes smaller than the contestant's own, and "
    f"the common one weighs at most {MOST_PRIOR:g} times as much. With two contestants there is "
    "nothing to share, and the variance is that of the paired difference. One contestant that is several "
    "times as erratic as all others has intervals that are too narrow: with five times their spread, they "
    "hold the truth in 85, 88 and 91 % of simulated tables of 2, 3 and 5 seeds. `rankbench report "
    "--intervals plain` shows Student's t of each pair instead, which has not that fault and is wider.",
    "plain": "Intervals are plain (`--intervals plain`): the variance of the mean over seeds is that of the "
    "paired difference alone, by Student's t, whatever the other contestants do. With two or three "
    "seeds, such intervals are wide.",
}
"""How the variance between seeds is estimated."""


def methods(intervals: Intervals) -> tuple[tuple[str, str], ...]:
    """(term, explanation), in the order of the page."""
    return (
        (
            "Mean ± interval",
            "The mean over seeds, and half the width of its 95 % interval by Student's t. A single "
            "seed has no interval, and supports no claim. An interval is cut off at the ends of the "
            "possible range, 0 to 1 for an AUC, and then printed with its two ends.",
        ),
        (
            "Differences",
            "AUC minus the AUC of the baseline, in points of 0.01, on the same test rows. It is "
            "computed for each seed and then averaged. Its 95 % interval adds two parts: the variance"
            " of the mean over seeds, and that of sampling the test rows, by DeLong's method. If "
            "users are known, the rows of one user are kept together. For UAUC, the second part is "
            "that of sampling the users; for log loss, that of a mean over the test rows. Each part "
            "counts with its own degrees of freedom (Banerjee 1960). Nothing is resampled, so the report "
            "depends on no random seed.",
        ),
        ("Spread between seeds", SEED_PARTS[intervals]),
        (
            "Verdict",
            "Better, worse, or a tie. The more differences are judged, the more of them look real by "
            "chance. So verdicts are by p-values with Holm's correction: if all contestants of a "
            "table are equal, the chance of any verdict but tie is at most about 5 %. Judged together"
            " are, for one data set, budget and task: all pairs of a comparison; the arms of an "
            "ablation against the base (the arms among each other apart from these); the gains by "
            "tuning of a table; the differences of UAUC to the baseline. Intervals are not corrected."
            " So an interval that contains zero is always a tie, and one that excludes zero can be a "
            "tie too: then the corrected p is beside the verdict, a note names the contestant, and "
            "figures show it as a tie. A verdict is made where the corrected p is at most 0.05. The "
            "verdict is undecided if there is one seed only, if the predictions of a run are missing,"
            f" or if there are fewer than {FEWEST} positives, negatives or users; such a pair does not"
            " count.",
        ),
        (
            "Rank",
            "Contestants are sorted by mean AUC. The rank is a range that shows what is significant. "
            "It starts at 1 + the number of significantly better contestants, and ends at the number "
            "of all contestants minus that of significantly worse ones. Of ten contestants, rank 1–3 "
            "means that none is better and seven are worse. Each pair is judged as above; "
            "tables/pairs.csv has all pairs with their p-values, alone and corrected. If A ties with "
            "B and B ties with C, A and C may still differ.",
        ),
        (
            "Sizes",
            "Dense parameters exclude embedding tables, shared encoders and linear weights; the "
            "difference from the budget is beside them. Linear weights are those of a linear part over "
            "raw ids: one for each id and task, added to the logits, for the contestants whose paper has "
            "such a part. Active parameters are those that one example uses. If a router decides, they are "
            "measured on test rows, and the planned number is beside them. FLOPs count 2 per "
            "multiply-add of matrix products, per example; train counts forward and backward.",
        ),
        (
            "Metrics",
            "All metrics are on the test split, with the weights of the epoch that was best on valid."
            " Normalised entropy is log loss divided by the entropy of the base rate: 1 is no better "
            "than predicting the base rate, and less is better (He et al. 2014). Calibration is the "
            "mean prediction divided by the base rate. UAUC is the unweighted mean AUC of the users "
            "who have both classes. GAUC weights each user by the number of rows, GAUC by positives "
            "by the number of positive rows.",
        ),
        (
            "Attained",
            "The share of the attainable AUC, if the true probabilities are known: (AUC − AUC of logistic "
            "regression) / (AUC of the true probabilities − AUC of logistic regression). Its interval covers "
            "seeds only.",
        ),
    )
