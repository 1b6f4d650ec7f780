"""A pool on a plane: positions whose distances come as near to a matrix's as two dimensions allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.manifold import MDS

from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.similarity.traits import Geometry


@dataclass(frozen=True, eq=False)
class PoolMap:
    """Where each pair lies.

    Attributes:
        pairs: The pool.
        positions: (n, 2). Axes mean nothing; only distances between points do.
        stress: Kruskal's stress-1: 0 where the plane shows all distances truly; above 0.2 it shows them poorly.
    """

    pairs: tuple[LanguagePair, ...]
    positions: FloatMatrix
    stress: float


def pool_map(matrix: PairwiseMatrix) -> PoolMap:
    """Lay a pool out on a plane by metric multidimensional scaling (SMACOF, from the classical solution).

    Distances are averaged over both directions. Squared
    distances (MSE) go in by their roots. The plane's orientation,
    which is free, is the classical solution's, so that equal matrices make equal maps.

    Raises:
        ValueError: Fewer than three pairs.
    """
    if len(matrix.pairs) < 3:
        raise ValueError(f"A map needs at least 3 pairs. Got {len(matrix.pairs)}. Estimate another pair.")
    distances = np.maximum(matrix.symmetric_distances(), 0)
    if matrix.measure.row.geometry is Geometry.SQUARED_EUCLIDEAN:
        distances = np.sqrt(distances)
    # Units are of no account on a map, and tiny ones would end the iteration at once.
    distances = distances / (distances.max() or 1.0)
    scaling = MDS(metric="precomputed", init="classical_mds", n_init=1, normalized_stress=True)
    positions = scaling.fit_transform(distances)
    return PoolMap(matrix.pairs, np.asarray(positions, dtype=np.float64), float(scaling.stress_))
