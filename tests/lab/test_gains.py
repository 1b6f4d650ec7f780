"""Measured gains beside families: on numbers worked by hand, and on kept runs."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.lab import gains as lab_gains
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.structure.correlation import row_correlations
from tests.lab.conftest import POOL

NAN = np.nan
GAINS = np.array(
    [
        [NAN, 0.4, 0.2, 0.0, 0.2],
        [0.1, NAN, NAN, 0.3, 0.2],
        [NAN] * 5,
        [NAN] * 5,
        [0.0, 0.1, 0.2, 0.3, NAN],
    ]
)


def test_a_family_s_gain_is_that_of_its_measured_members_less_that_of_all():
    members = np.zeros((5, 5), dtype=bool)
    members[0, [1, 2]] = True  # 0.3 against 0.2
    members[1, [2, 3]] = True  # 0.3 (the other is not measured) against 0.2
    members[2, 0] = True  # nothing is measured
    assert lab_gains.family_gains(members, GAINS) == pytest.approx([0.1, 0.1, NAN, NAN, NAN], nan_ok=True)


def test_gains_are_foreseen_where_near_ones_gain_more():
    """Each row's order by nearness is that of its gains, or the reverse of it."""
    near = np.zeros((5, 5))
    near[0, 1:] = near[1:, 0] = [0.1, 0.2, 0.3, 0.2]
    near[4, 1:4] = near[1:4, 4] = [0.25, 0.3, 0.35]
    near[1, 3] = near[3, 1] = 0.15
    rows = lab_gains.foreseen(PairwiseMatrix(POOL, near, Measure.HELLINGER), GAINS)
    assert rows[0] == pytest.approx(1)  # 0.4, 0.2, 0.0, 0.2 at 0.1, 0.2, 0.3, 0.2
    assert rows[1] == pytest.approx(-1 / 2)  # 0.1, 0.3, 0.2 at 0.1, 0.15, 0.25: the ranks 1, 3, 2 against -1, -2, -3
    assert rows[4] == pytest.approx(-1)  # 0.0, 0.1, 0.2, 0.3 at 0.2, 0.25, 0.3, 0.35
    assert np.isnan(rows[2:4]).all()


def test_a_correlation_of_zero_is_no_missing_one():
    """ρ = 0 exactly: 1, 2, 3, 4 against 2, 4, 1, 3."""
    rows = row_correlations(np.array([[1.0, 2, 3, 4], [1, 1, 1, 1]]), np.array([[2.0, 4, 1, 3], [1, 2, 3, 4]]))
    assert rows[0] == 0
    assert np.isnan(rows[1])
