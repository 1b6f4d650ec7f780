"""Partial rank correlation, against the inverse of the correlation matrix."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.structure.correlation import spearman
from pseudofam_core.structure.partial import partial_spearman
from tests.reference_lab import partial_spearman_by_inverse


@pytest.mark.parametrize("n_given", [1, 2, 3])
def test_it_is_that_of_the_inverse_of_the_correlation_matrix(n_given):
    rng = np.random.default_rng(n_given)
    for _ in range(20):
        x, y, *given = rng.integers(0, 9, size=(2 + n_given, 17)).astype(float)  # with ties
        expected = partial_spearman_by_inverse(x, y, given)
        assert partial_spearman(x, y, given) == pytest.approx(expected, abs=1e-12)


def test_without_others_it_is_spearman_s_and_a_constant_takes_nothing_out():
    x, y = np.random.default_rng(0).normal(size=(2, 12))
    assert partial_spearman(x, y, []) == pytest.approx(spearman(x, y), abs=1e-12)
    assert partial_spearman(x, y, [np.ones(12)]) == pytest.approx(spearman(x, y), abs=1e-12)


def test_what_only_goes_through_another_is_taken_out():
    rng = np.random.default_rng(4)
    through = rng.normal(size=2000)
    x, y = through + rng.normal(size=2000), through + rng.normal(size=2000)
    assert spearman(x, y) > 0.4
    assert abs(partial_spearman(x, y, [through])) < 0.1


def test_nothing_is_told_where_nothing_is_left():
    x = np.arange(6.0)
    assert partial_spearman(x, x[::-1], [x * 2]) is None
    assert partial_spearman(x[:3], x[:3] % 2, [x[:3] ** 2]) is None
    with pytest.raises(ValueError, match="of one length and finite"):
        partial_spearman(x, np.full(6, np.nan), [])
