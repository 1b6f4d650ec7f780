"""Members of the target's traditional family, held against blind draws; and a radius to begin with."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.families.selection import select_family, usual_radius
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.families.tradition import kin_by_chance
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.structure.agreement import orders_alike

POOL = tuple(pair(f"{code}-en") for code in ("be", "uk", "tr", "kk", "de"))


def matrix(values, measure=Measure.MSE):
    return PairwiseMatrix(POOL, np.array(values, dtype=float), measure)


@pytest.fixture
def apart():
    return matrix([[abs(i - j) for j in range(5)] for i in range(5)])


def test_blind_draws_hit_kin_as_often_as_there_is_kin(apart):
    # Of Belarusian's four neighbours one is Slavic, of German's none is Germanic; two members and four.
    slavic = select_family(apart, POOL[0], selection=SelectionSpec(rule=Rule.NEAREST, largest=2))
    germanic = select_family(apart, POOL[4], selection=SelectionSpec(rule=Rule.NEAREST, largest=4))
    assert kin_by_chance([slavic]) == 1 / 4
    assert kin_by_chance([slavic, germanic]) == pytest.approx((2 / 4 + 0) / 6)
    with pytest.raises(ValueError, match="must have members"):
        kin_by_chance([])


def test_a_fifth_of_all_distances_lies_within_the_usual_radius(apart):
    # 20 distances: 8 of 1, 6 of 2, 4 of 3, 2 of 4.
    assert usual_radius(apart) == 1
    assert usual_radius(matrix(np.zeros((5, 5)))) == 1e-6


def test_orders_are_alike_row_by_row():
    distances = np.array([[abs(i - j) + 0.1 * j for j in range(5)] for i in range(5)])
    backwards = distances.max() - distances
    for values in (distances, backwards):
        np.fill_diagonal(values, 0)
    by = {Measure.MSE: matrix(distances), Measure.KL_NORMALISED: matrix(backwards, Measure.KL_NORMALISED)}
    assert orders_alike(by) == {(Measure.MSE, Measure.KL_NORMALISED): pytest.approx(-1)}
    assert orders_alike({**by, Measure.KL_NORMALISED: matrix(np.zeros((5, 5)), Measure.KL_NORMALISED)}) == {}
