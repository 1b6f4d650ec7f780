"""Rank correlation between matrices of distances, and the agreement of several rankings.

Only entries off the diagonal count. NaN marks an entry that nobody knows; it is left out, on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log10

import numpy as np
from scipy.stats import rankdata

from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix

N_PERMUTATIONS = 9_999
# Ranks correlated at once: 16 MB of indices and as much of ranks.
_AT_ONCE = 2**21
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
        n_permutations: Permutations drawn.
    """

    correlation: float | None
    p_value: float | None
    n_entries: int
    n_permutations: int = N_PERMUTATIONS


def p_words(p_value: float, n_permutations: int) -> str:
    """A permutation p with the digits that its permutations tell, ``0.0007``; where none did as well, ``≤ 0.0001``.

    (1 + 0) / (1 + n) is no estimate, but all that n permutations can exclude.
    """
    decimals = max(2, ceil(log10(1 + n_permutations)))
    least = 1 / (1 + n_permutations)
    return f"≤ {least:.{decimals}f}" if p_value <= least * (1 + _ROUNDING) else f"{p_value:.{decimals}f}"


def spearman(first: FloatMatrix, second: FloatMatrix) -> float | None:
    """Spearman's ρ of two arrays of one shape, entries that are NaN in either left out; ties share their mean rank.

    None where fewer than 2 entries are left or one side is constant.
    """
    known = np.isfinite(first) & np.isfinite(second)
    return _cosine(_centred_ranks(first[known]), _centred_ranks(second[known]))


def row_correlations(first: FloatMatrix, second: FloatMatrix) -> FloatMatrix:
    """(n,) Spearman's ρ of each row of two (n, m) arrays, entries that are NaN in either left out; NaN where it is not defined."""
    rhos = (spearman(*rows) for rows in zip(first, second, strict=True))
    return np.array([np.nan if rho is None else rho for rho in rhos])


def off_diagonal(values: FloatMatrix) -> FloatMatrix:
    """The n² − n entries off the diagonal of an (n, n) matrix, row by row."""
    return values[~np.eye(len(values), dtype=bool)]


def ordering_rows(matrix: PairwiseMatrix) -> FloatMatrix:
    """(n, n − 1): what each target's neighbours are ordered by, without itself."""
    return off_diagonal(matrix.ordering_distances()).reshape(len(matrix.pairs), -1)


def mantel(first: FloatMatrix, second: FloatMatrix, *, n_permutations: int = N_PERMUTATIONS, seed: int) -> MantelTest:
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
        return MantelTest(None, None, len(others), n_permutations)
    generator, n_as_high, missing = np.random.default_rng(seed), 0, n_permutations
    # Where all is known, a permutation only moves the ranks; where not, it also changes who is ranked.
    values = _ranked(first) if known.all() else first
    while missing:
        n = min(missing, max(1, _AT_ONCE // len(others)))
        orders = generator.permuted(np.tile(np.arange(len(first)), (n, 1)), axis=1)
        permuted = values[orders[:, rows], orders[:, columns]]
        n_as_high += _n_as_high(permuted if known.all() else rankdata(permuted, axis=1), ranks, observed)
        missing -= n
    return MantelTest(observed, (1 + n_as_high) / (1 + n_permutations), len(others), n_permutations)


def _ranked(matrix: FloatMatrix) -> FloatMatrix:
    """A symmetric matrix with the ranks of its entries off the diagonal; the diagonal 0."""
    rows, columns = np.triu_indices(len(matrix), k=1)
    ranked = np.zeros_like(matrix, dtype=np.float64)
    ranked[rows, columns] = ranked[columns, rows] = rankdata(matrix[rows, columns])
    return ranked


def _n_as_high(permuted: FloatMatrix, ranks: FloatMatrix, observed: float) -> int:
    """How many rows of ranks correlate with centred ranks at least as highly as was observed."""
    centred = permuted - (permuted.shape[1] + 1) / 2
    norms = np.sqrt(np.einsum("ij,ij->i", centred, centred) * (ranks @ ranks))
    # A permutation may leave the values constant where the other side is known: it does not correlate.
    correlations = np.divide(centred @ ranks, norms, out=np.full(len(centred), -np.inf), where=norms > 0)
    return int(np.count_nonzero(correlations >= observed - _ROUNDING))


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
