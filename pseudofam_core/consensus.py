"""Several measures over one pool: their mean rank as a matrix of its own, and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from pseudofam_core.correlation import MantelTest, kendall_w, mantel, off_diagonal, spearman
from pseudofam_core.languages import LanguagePair
from pseudofam_core.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.specs import Measure


@dataclass(frozen=True, eq=False)
class MeasureAgreement:
    """How far measures order a pool alike.

    Attributes:
        names: The measures compared, as `measure_name` writes them.
        spearman: (k, k): Spearman's ρ over all directed entries off the diagonal; NaN where a measure is constant.
        spearman_by_target: (n, k, k): the same within each target's row.
        kendall_w: Kendall's W over all directed entries.
        kendall_w_by_target: (n,): W over each target's auxiliaries: 1 where all measures order them alike.
        mantel: For each two measures (i < j) the test on distances averaged over both directions.
    """

    names: tuple[str, ...]
    spearman: FloatMatrix
    spearman_by_target: FloatMatrix
    kendall_w: float
    kendall_w_by_target: FloatMatrix
    mantel: dict[tuple[str, str], MantelTest]


def measure_name(matrix: PairwiseMatrix) -> str:
    """``MSE``, or with its K ``Overlap (K = 40%)``."""
    fraction = matrix.top_fraction
    return matrix.measure.label + ("" if fraction is None else f" (K = {100 * fraction:g}%)")


def consensus(matrices: Sequence[PairwiseMatrix]) -> PairwiseMatrix:
    """The mean of the measures' ranks: per target and measure, rank 1 is the nearest auxiliary.

    Ranks are taken in each target's row by what selection orders it by (MSE, |KL|, 1 − Overlap), not rounded; ties share
    their mean rank. Each measure has one vote, whatever its units.

    Returns:
        `Measure.CONSENSUS`: a directed distance in ranks, 1 to n − 1, 0 on the diagonal. Its provenance is the first
        matrix's, with the measures under ``consensus_of``.

    Raises:
        ValueError: Fewer than two matrices, or matrices over different pools.
    """
    pairs = _pool(matrices)
    ranks = np.mean([_row_ranks(matrix) for matrix in matrices], axis=0)
    provenance = {name: value for name, value in matrices[0].provenance.items() if name != "key"}
    keys = [str(matrix.provenance["key"]) for matrix in matrices if "key" in matrix.provenance]
    return PairwiseMatrix(
        pairs,
        ranks,
        Measure.CONSENSUS,
        provenance={
            **provenance,
            "consensus_of": ", ".join(map(measure_name, matrices)),
            **({"key": " ".join(keys)} if keys else {}),
        },
    )


def measure_agreement(matrices: Sequence[PairwiseMatrix], *, n_permutations: int = 999, seed: int) -> MeasureAgreement:
    """How far the measures agree, overall and for each target.

    Raises:
        ValueError: Fewer than two matrices, matrices over different pools, two of the same name, or a pool of two.
    """
    pairs = _pool(matrices)
    if len(pairs) < 3:
        raise ValueError(f"Rankings need at least 3 pairs in the pool. Got {len(pairs)}. Estimate another pair.")
    names = tuple(map(measure_name, matrices))
    if len(set(names)) < len(names):
        raise ValueError(f"matrices must differ in measure or K. Got {', '.join(names)}.")
    # (k, n, n − 1): each target's auxiliaries.
    rows = np.array([off_diagonal(_compared(matrix)).reshape(len(pairs), -1) for matrix in matrices])
    symmetric = [matrix.symmetric_distances() for matrix in matrices]
    return MeasureAgreement(
        names=names,
        spearman=_table(rows.reshape(len(names), -1)),
        spearman_by_target=np.array([_table(rows[:, target]) for target in range(len(pairs))]),
        kendall_w=kendall_w(rows.reshape(len(names), -1)),
        kendall_w_by_target=np.array([kendall_w(rows[:, target]) for target in range(len(pairs))]),
        mantel={
            (names[i], names[j]): mantel(symmetric[i], symmetric[j], n_permutations=n_permutations, seed=seed)
            for i in range(len(names))
            for j in range(i + 1, len(names))
        },
    )


def _pool(matrices: Sequence[PairwiseMatrix]) -> tuple[LanguagePair, ...]:
    if len(matrices) < 2:
        raise ValueError(f"matrices must be at least 2 to be held against each other. Got {len(matrices)}.")
    if len({matrix.pairs for matrix in matrices}) > 1:
        raise ValueError("matrices must be over the same pool, in the same order. Got different ones.")
    return matrices[0].pairs


def _compared(matrix: PairwiseMatrix) -> FloatMatrix:
    # KL may be negative; the paper takes its size.
    return np.abs(matrix.distances)


def _row_ranks(matrix: PairwiseMatrix) -> FloatMatrix:
    """Ranks from 1 in each row, 0 on the diagonal."""
    distances = _compared(matrix).copy()
    # The target itself comes first, whatever the measure says of it, and takes rank 0.
    np.fill_diagonal(distances, -np.inf)
    ranks: FloatMatrix = rankdata(distances, axis=1) - 1
    return ranks


def _table(rankings: FloatMatrix) -> FloatMatrix:
    """(k, k) Spearman's ρ between rows."""
    found = [[spearman(one, other) for other in rankings] for one in rankings]
    return np.array(found, dtype=np.float64)
