"""How far several measures agree over one pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix, common_pool, measure_name
from pseudofam_core.structure.correlation import (
    N_PERMUTATIONS,
    MantelTest,
    kendall_w,
    mantel,
    ordering_rows,
    row_correlations,
    spearman,
)


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


def measure_agreement(
    matrices: Sequence[PairwiseMatrix], *, n_permutations: int = N_PERMUTATIONS, seed: int
) -> MeasureAgreement:
    """How far the measures agree, overall and for each target.

    Raises:
        ValueError: Fewer than two matrices, matrices over different pools, two of the same name, or a pool of two.
    """
    pairs = common_pool(matrices)
    if len(pairs) < 3:
        raise ValueError(f"Rankings need at least 3 pairs in the pool. Got {len(pairs)}. Estimate another pair.")
    names = tuple(map(measure_name, matrices))
    if len(set(names)) < len(names):
        raise ValueError(f"matrices must differ in measure or K. Got {', '.join(names)}.")
    # (k, n, n − 1): each target's auxiliaries.
    rows = np.array([ordering_rows(matrix) for matrix in matrices])
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


def orders_alike(matrices: Mapping[Measure, PairwiseMatrix]) -> dict[tuple[Measure, Measure], float]:
    """How far every two measures that stand side by side put the neighbours in one order.

    Args:
        matrices: One pool by several measures.

    Returns:
        Spearman's ρ of a target's row, mean over the targets that have one; two measures without any are missing.
    """
    rows = {measure: ordering_rows(matrix) for measure, matrix in matrices.items() if measure.row.is_side_by_side}
    rhos = {(first, second): row_correlations(rows[first], rows[second]) for first, second in combinations(rows, 2)}
    return {both: float(np.nanmean(each)) for both, each in rhos.items() if np.isfinite(each).any()}


def _table(rankings: FloatMatrix) -> FloatMatrix:
    """(k, k) Spearman's ρ between rows."""
    table = [[spearman(row, column) for column in rankings] for row in rankings]
    return np.array(table, dtype=np.float64)
