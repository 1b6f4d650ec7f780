"""Rank correlation between matrices of distances, and the agreement of several rankings.

Only entries off the diagonal count. NaN marks an entry that nobody knows; it is left out, on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from pseudofam_core.similarity.results import FloatMatrix

# Correlations are sums of ranks, which float64 adds in another order for each permutation: equal ones may differ by so
# much, and must count as equal.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class MantelTest:
    """Rank correlation of two symmetric matrices, held against chance.

    Attributes:
        correlation: Spearman's ρ over the entries above the diagonal; None where one side is constant.
        p_value: One-sided: the share of permutations of the pool that correlate at least as highly, the observed order
            counted among them, (1 + n_as_high) / (1 + n_permutations). None where there is no correlation.
        n_entries: Entries that both sides know.
    """

    correlation: float | None
    p_value: float | None
    n_entries: int


def spearman(first: FloatMatrix, second: FloatMatrix) -> float | None:
    """Spearman's ρ of two arrays of one shape, entries that are NaN in either left out; ties share their mean rank.

    None where fewer than 2 entries are left or one side is constant.
    """
    known = np.isfinite(first) & np.isfinite(second)
    return _cosine(_centred_ranks(first[known]), _centred_ranks(second[known]))


def off_diagonal(values: FloatMatrix) -> FloatMatrix:
    """The n² − n entries off the diagonal of an (n, n) matrix, row by row."""
    return values[~np.eye(len(values), dtype=bool)]


def mantel(first: FloatMatrix, second: FloatMatrix, *, n_permutations: int = 999, seed: int) -> MantelTest:
    """Correlate two matrices over one pool by ranks, and permute the pool of `first` (Mantel, 1967).

    The entries of a matrix are not independent, so that a table's p-value would be too small: rows and columns are
    permuted together instead. One-sided, for a positive correlation.

    Args:
        first: (n, n), symmetric, no NaN off the diagonal.
        second: (n, n), symmetric; NaN where unknown.
        n_permutations: Permutations drawn.
        seed: Of the permutations.

    Raises:
        ValueError: Shapes that differ, a matrix that is not symmetric, NaN in `first`, or no permutation.
    """
    _check(first, second, n_permutations)
    rows, columns = np.triu_indices(len(first), k=1)
    known = np.isfinite(second[rows, columns])
    rows, columns = rows[known], columns[known]
    others = second[rows, columns]
    ranks = _centred_ranks(others)
    observed = _cosine(_centred_ranks(first[rows, columns]), ranks)
    if observed is None:
        return MantelTest(None, None, len(others))
    generator = np.random.default_rng(seed)
    permuted = (generator.permutation(len(first)) for _ in range(n_permutations))
    drawn = (_cosine(_centred_ranks(first[order[rows], order[columns]]), ranks) for order in permuted)
    # A permutation may leave `first` constant where `second` is known: it does not correlate.
    n_as_high = sum(one is not None and one >= observed - _ROUNDING for one in drawn)
    return MantelTest(observed, (1 + n_as_high) / (1 + n_permutations), len(others))


def kendall_w(rankings: FloatMatrix) -> float:
    """Kendall's W, corrected for ties: how far several judges rank the same objects alike.

    W = 12 S / (m² (n³ − n) − m Σ_j T_j), with S the squared deviations of the objects' rank sums from their mean and
    T_j = Σ (t³ − t) over judge j's groups of t tied objects (Kendall and Babington Smith, 1939).

    Args:
        rankings: (m judges, n objects): values that each judge's ranks are taken of; ties share their mean rank.

    Returns:
        0 (no agreement) to 1 (all alike); 1 where every judge ties all objects.

    Raises:
        ValueError: Fewer than 2 judges or objects.
    """
    m, n = rankings.shape
    if m < 2 or n < 2:
        raise ValueError(f"rankings must hold at least 2 judges and 2 objects. Got {m} and {n}.")
    ranks = rankdata(rankings, axis=1)
    S = ((ranks.sum(axis=0) - m * (n + 1) / 2) ** 2).sum()
    ties = sum(float((counts**3 - counts).sum()) for counts in (np.unique(row, return_counts=True)[1] for row in ranks))
    possible = m**2 * (n**3 - n) - m * ties
    return float(12 * S / possible) if possible else 1.0


def _centred_ranks(values: FloatMatrix) -> FloatMatrix:
    ranks: FloatMatrix = rankdata(values)
    return ranks - (len(ranks) + 1) / 2


def _cosine(first: FloatMatrix, second: FloatMatrix) -> float | None:
    """Of centred ranks: Spearman's ρ."""
    norm = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / norm) if norm else None


def _check(first: FloatMatrix, second: FloatMatrix, n_permutations: int) -> None:
    if first.shape != second.shape:
        raise ValueError(f"Both matrices must be over one pool. Got shapes {first.shape} and {second.shape}.")
    for name, matrix in (("first", first), ("second", second)):
        if not np.array_equal(off_diagonal(matrix), off_diagonal(matrix.T), equal_nan=True):
            raise ValueError(f"{name} must be symmetric for a Mantel test. Take the mean of both directions.")
    if not np.isfinite(off_diagonal(first)).all():
        raise ValueError("first must be known everywhere. Got NaN. Put the matrix with gaps second.")
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be at least 1. Got {n_permutations}.")
