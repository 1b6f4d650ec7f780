"""How far nearness follows kinship, target by target: where do its relatives stand among its neighbours?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.results import FloatMatrix

Kin = npt.NDArray[np.bool_]


def relatives(pairs: Sequence[LanguagePair]) -> Kin:
    """(n, n): whether two pairs are of one traditional family; no pair is its own relative."""
    families = np.array([pair.language.traditional_family for pair in pairs])
    kin: Kin = families[:, None] == families
    np.fill_diagonal(kin, False)
    return kin


def relatives_before_others(distances: FloatMatrix, kin: Kin) -> FloatMatrix:
    """How often a relative of the target stands nearer to it than another pair does; ties count half.

    The area under the ROC curve (Mann-Whitney U over n₁ n₀) of each row: 1 where all relatives come first, 0.5 where the
    order says nothing.

    Args:
        distances: (n, n), rows targets; the diagonal is left out.
        kin: (n, n), as `relatives` gives.

    Returns:
        (n,): NaN for a target without relatives, or with nothing else, in the pool.
    """
    n = len(distances)
    shares = np.full(n, np.nan)
    for target in range(n):
        others = np.arange(n) != target
        mine = kin[target, others]
        n_kin, n_other = int(mine.sum()), int((~mine).sum())
        if n_kin and n_other:
            ranks = rankdata(distances[target, others])
            shares[target] = 1 - (ranks[mine].sum() - n_kin * (n_kin + 1) / 2) / (n_kin * n_other)
    return shares


def nearest_is_relative(distances: FloatMatrix, kin: Kin) -> FloatMatrix:
    """(n,): 1 where the nearest neighbour is a relative, 0 where not; NaN for a target without relatives."""
    away = np.where(np.eye(len(distances), dtype=bool), np.inf, distances)
    nearest = kin[np.arange(len(kin)), away.argmin(axis=1)].astype(np.float64)
    return np.where(kin.any(axis=1), nearest, np.nan)
