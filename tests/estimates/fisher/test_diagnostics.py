"""Concentration and convergence against what sorting and averaging say."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.estimates.coordinates import subset_positions
from pseudofam_core.estimates.fisher.diagnostics import convergence, lorenz_curve


def test_the_lorenz_curve_is_that_of_sorted_values():
    values = np.random.default_rng(0).lognormal(0, 3, 50_000).astype(np.float32)
    cumulated = np.concatenate([[0], np.sort(values)[::-1].cumsum(dtype=np.float64)]) / values.sum(dtype=np.float64)
    expected = np.interp(np.linspace(0, 1, 101), np.linspace(0, 1, len(cumulated)), cumulated)
    found = lorenz_curve([values[:20_000].reshape(100, 200), values[20_000:]])
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert found[0] == 0
    assert found[100] == pytest.approx(1)
    assert expected[1] > 0.5


def test_equal_values_are_shared_out_evenly_and_zeros_hold_nothing():
    np.testing.assert_allclose(lorenz_curve([np.ones(1000, np.float32)]), np.linspace(0, 1, 101))
    assert lorenz_curve([np.zeros(10, np.float32)]) == [0.0] * 101


def test_convergence_is_the_distance_of_running_means():
    sums, counts = np.random.default_rng(1).gamma(1, size=(4, 300)).astype(np.float32), [3, 3, 2, 2]
    found = convergence(sums, counts)
    whole = sums.sum(0) / 10
    expected = [np.linalg.norm(sums[:s].sum(0) / sum(counts[:s]) - whole) / np.linalg.norm(whole) for s in (1, 2, 3, 4)]
    np.testing.assert_allclose(found["distance"], expected, atol=1e-6)
    assert found["counts"] == [3, 6, 8, 10]
    halves = (sums[0] + sums[2]) / 5, (sums[1] + sums[3]) / 5
    assert found["split_half_correlation"] == pytest.approx(np.corrcoef(*halves)[0, 1])


def test_one_shard_or_zeros_have_no_halves():
    assert convergence(np.ones((1, 5)), [4]) == {"counts": [4], "distance": [0.0], "split_half_correlation": None}
    assert convergence(np.zeros((2, 5)), [4, 4])["distance"] == [None, None]


def test_the_subset_depends_on_names_and_shapes_alone():
    shapes = {"a": (300, 10), "b": (500,)}
    drawn = subset_positions(shapes, 700)
    assert len(set(drawn)) == 700
    assert drawn.tolist() == sorted(drawn)
    assert drawn[0] >= 0
    assert drawn[-1] < 3500
    assert np.array_equal(drawn, subset_positions(dict(reversed(shapes.items())), 700))
    assert not np.array_equal(drawn, subset_positions({"a": (300, 10), "c": (500,)}, 700))
    assert np.array_equal(subset_positions(shapes, 3500), np.arange(3500))
    assert abs(np.searchsorted(drawn, 3000) - 600) < 60
