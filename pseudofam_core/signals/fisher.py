"""Fisher measures as signals: turned so that larger is nearer."""

from __future__ import annotations

from pseudofam_core.signals.results import FloatMatrix
from pseudofam_core.similarity.measures import SUMMED, Measure
from pseudofam_core.similarity.pools import PoolSimilarity


def turned(pool: PoolSimilarity, measure: Measure) -> FloatMatrix | None:
    """(n, n): similarities as they are, distances (of KL the size, as the paper takes it) negative.

    None for a measure that a diagonal of nothing but zeros does not have.
    """
    parts = set(measure.combined or (measure,))
    if parts & set(SUMMED) - set(pool.matrices):
        return None
    matrix = pool.matrix(measure)
    return matrix.values if measure.is_similarity else -matrix.ordering_distances()
