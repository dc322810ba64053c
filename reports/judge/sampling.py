"""The draw of the test rows: how much a difference between two contestants owes to it.

- AUC: DeLong's variance of the difference of two correlated AUCs (DeLong, DeLong and Clarke-Pearson 1988,
  Biometrics 44), from structural components found by midranks (Sun and Xu 2014, IEEE Signal Processing
  Letters 21) and averaged over the seeds of each contestant. Where users are known, the components are first
  summed within each user, because rows of one user are not independent (Obuchowski 1997, Biometrics 53).
- Per-user AUC: the variance of a mean of per-user differences, which is what a paired bootstrap over users
  estimates (tests compare the two), without its random numbers.
- Log loss: the variance of a mean of per-row differences, summed within each user where users are known.

What a seed does to single rows is in these parts and in the spread between seeds, so it counts twice: where
seeds differ row by row but not on the whole, intervals are somewhat too wide.

Letters: `N` rows of the test split, `U` users.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from reports.judge.statistics import Floats, VariancePart, mean_part

FEWEST = 30
"""Of users and of rows of either class, below which the draw of the test rows allows no claim."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedRows:
    """The test rows that a comparison's predictions share, for one task.

    Args:
        positive: (N,) whether the label is 1; both classes are present.
        user: (N,) users numbered from 0 without gaps, or None where unknown.
    """

    positive: NDArray[np.bool_]
    user: NDArray[np.intp] | None

    def too_few(self) -> str:
        """Why the draw of these rows allows no claim about AUC; empty where it does."""
        num_positive = int(np.count_nonzero(self.positive))
        counts = {"positives": num_positive, "negatives": self.positive.size - num_positive}
        if self.user is not None:
            counts["users"] = int(self.user.max()) + 1
        short_of = [f"{count} {what}" for what, count in counts.items() if count < FEWEST]
        return f"{', '.join(short_of)} of the {FEWEST} that a claim needs" if short_of else ""

    def too_few_users(self) -> str:
        """The same about per-user AUC, which only users with both classes have."""
        if self.user is None:
            return ""
        positive = np.bincount(self.user, weights=self.positive)
        both = int(np.count_nonzero((positive > 0) & (positive < np.bincount(self.user))))
        return f"{both} users with both classes of the {FEWEST} that a claim needs" if both < FEWEST else ""


def placements(rows: SharedRows, score: NDArray[np.floating]) -> Floats:
    """(N,) structural components of a run with (N,) scores; over either class they average to the AUC.

    A positive's is the share of the negatives it is ranked above, a negative's the share of the positives it
    is ranked below; ties count one half.
    """
    positive = rows.positive
    rank = rankdata(score)
    result = np.empty(positive.size)
    result[positive] = (rank[positive] - rankdata(score[positive])) / np.count_nonzero(~positive)
    result[~positive] = 1 - (rank[~positive] - rankdata(score[~positive])) / np.count_nonzero(positive)
    return result


def delong_parts(rows: SharedRows, first: Floats, second: Floats) -> list[VariancePart]:
    """Variance of the difference of two AUCs by the draw of the test rows.

    Args:
        first, second: (N,) placements of either contestant, averaged over seeds.

    Returns:
        The parts of positives and negatives; one part, of users, where users are known.
    """
    difference = first - second
    classes = (rows.positive, ~rows.positive)
    if rows.user is None:
        return [mean_part(difference[members]) for members in classes]
    influence = np.empty(difference.size)
    for members in classes:
        influence[members] = (difference[members] - difference[members].mean()) / np.count_nonzero(members)
    return [_user_part(rows.user, influence)]


def row_parts(rows: SharedRows, first: Floats, second: Floats) -> list[VariancePart]:
    """Variance of the difference of two means over the test rows by the draw of the rows, or of the users.

    Args:
        first, second: (N,) values of either contestant, such as log losses, averaged over seeds.
    """
    difference = first - second
    if rows.user is None:
        return [mean_part(difference)]
    return [_user_part(rows.user, (difference - difference.mean()) / difference.size)]


def user_aucs(rows: SharedRows, score: NDArray[np.floating]) -> Floats:
    """(U,) AUC within each user, NaN for users of one class; their mean over the others is the UAUC.

    Rows are ranked within their user: by user first and score second, less the rows of the users before.
    """
    assert rows.user is not None, "there are no users"
    order = np.lexsort((score, rows.user))
    user, ordered = rows.user[order], score[order]
    new = (user[1:] != user[:-1]) | (ordered[1:] != ordered[:-1])
    rank = rankdata(np.concatenate(([0], np.cumsum(new))))
    count = np.bincount(user)
    rank -= (np.cumsum(count) - count)[user]
    weight = rows.positive[order].astype(np.float64)
    positive = np.bincount(user, weights=weight)
    pairs = positive * (count - positive)
    above = np.bincount(user, weights=weight * rank) - positive * (positive + 1) / 2
    return np.divide(above, pairs, out=np.full(count.size, math.nan), where=pairs > 0)


def user_parts(first: Floats, second: Floats) -> list[VariancePart]:
    """Variance of the difference of two UAUCs by the draw of the users.

    Args:
        first, second: (U,) per-user AUCs of either contestant, averaged over seeds.
    """
    difference = first - second
    return [mean_part(difference[~np.isnan(difference)])]


def _user_part(user: NDArray[np.intp], influence: Floats) -> VariancePart:
    """Of a sum of (N,) influences, the rows of one user kept together."""
    by_user = np.bincount(user, weights=influence)
    if by_user.size < 2:
        return math.inf, 1
    return float(by_user @ by_user) * by_user.size / (by_user.size - 1), by_user.size - 1
