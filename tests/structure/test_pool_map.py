import numpy as np
import pytest
from scipy.spatial.distance import cdist

from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.structure.pool_map import pool_map

PAIRS = tuple(pair(f"{code}-en") for code in ("be", "bg", "bn", "de", "fa"))
POINTS = np.array([[0, 0], [3, 0], [0, 4], [3, 4], [1, 1]], dtype=float)


def matrix(distances, measure):
    fraction, scope = (0.4, "group") if measure.has_masks else (None, None)
    return PairwiseMatrix(PAIRS, 1 - distances if measure.is_similarity else distances, measure, fraction, scope)


@pytest.mark.parametrize("measure", [Measure.KL_NORMALISED, Measure.OVERLAP, Measure.HELLINGER])
def test_points_of_a_plane_keep_their_distances(measure):
    distances = cdist(POINTS, POINTS) / 10
    drawn = pool_map(matrix(distances, measure))
    scale = 0.5 / cdist(drawn.positions, drawn.positions).max()
    np.testing.assert_allclose(cdist(drawn.positions, drawn.positions) * scale, distances, atol=1e-3)
    assert drawn.stress < 1e-2


def test_mse_is_a_squared_distance():
    drawn = pool_map(matrix(cdist(POINTS, POINTS, "sqeuclidean") * 1e-12, Measure.MSE))
    assert drawn.stress < 1e-2


def test_stress_tells_what_a_plane_cannot_show():
    drawn = pool_map(matrix(np.ones((5, 5)) - np.eye(5), Measure.KL))
    assert drawn.stress > 0.1


def test_two_pairs_are_refused():
    two = PairwiseMatrix(PAIRS[:2], np.zeros((2, 2)), Measure.MSE)
    with pytest.raises(ValueError, match="at least 3"):
        pool_map(two)
