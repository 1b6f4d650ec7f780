"""Several measures over one pool: their mean rank as a matrix of its own, and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix, common_pool, measure_name


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
    pairs = common_pool(matrices)
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


def _row_ranks(matrix: PairwiseMatrix) -> FloatMatrix:
    """Ranks from 1 in each row, 0 on the diagonal."""
    distances = matrix.ordering_distances().copy()
    # The target itself comes first, whatever the measure says of it, and takes rank 0.
    np.fill_diagonal(distances, -np.inf)
    ranks: FloatMatrix = rankdata(distances, axis=1) - 1
    return ranks
