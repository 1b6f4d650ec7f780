"""Forecasts: known lines, slow twins, and what the interval promises."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from pseudofam_core.transfer.forecast import Forecast, coverage, fitted


def made(n_targets: int, *, slope: float = 0.02, noise: float = 0.01, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n_targets, 12))
    standard = (signal - signal.mean(axis=1, keepdims=True)) / signal.std(axis=1, keepdims=True)
    level = rng.normal(scale=noise, size=(n_targets, 1))
    return 0.05 + slope * standard + level + rng.normal(scale=noise, size=signal.shape), signal


def test_a_line_without_noise_is_found():
    gains, signal = made(10, noise=0)
    forecast = fitted(gains, signal)
    assert forecast.intercept == pytest.approx(0.05)
    assert forecast.slope == pytest.approx(0.02)
    assert forecast.half_width == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(forecast.expected(signal[3]), gains[3])


def test_the_half_width_is_the_smallest_that_pools_enough():
    gains, signal = made(12)
    forecast = fitted(gains, signal, level=0.2)
    errors = []
    for target in range(12):
        others = [one for one in range(12) if one != target]
        part = fitted(gains[others], signal[others])
        errors.append(np.abs(gains[target] - part.expected(signal[target])))

    def pooled(width: float) -> float:
        return sum(np.mean(one <= width) for one in errors) / 13

    candidates = sorted(np.concatenate(errors))
    expected = next(one for one in candidates if pooled(one) >= 0.8 - 1e-12)
    assert forecast.half_width == pytest.approx(expected)


def test_targets_weigh_the_same_however_many_gains_they_have():
    gains = np.full((4, 6), np.nan)
    gains[0], gains[1:, :2] = 1.0, 0.0
    signal = np.tile(np.arange(6.0), (4, 1))
    signal[1:, 2:] = np.nan
    forecast = fitted(gains, signal)
    assert forecast.intercept == pytest.approx(0.25)


def test_too_few_targets_for_a_level_have_no_finite_interval():
    gains, signal = made(8)
    assert fitted(gains, signal, level=0.1).half_width == inf
    assert fitted(gains, signal, level=0.2).half_width < inf


def test_intervals_hold_for_targets_like_those_they_came_from():
    held = [coverage(*made(15, seed=seed)) for seed in range(40)]
    assert 0.88 <= np.mean(held) <= 0.99


def test_words_follow_the_interval():
    forecast = Forecast(0.0, 1.0, 0.5, 0.1, 12)
    assert forecast.words(0.6).startswith("train")
    assert forecast.words(-0.6).startswith("leave")
    assert forecast.words(0.1).endswith("more likely a gain")
    assert forecast.words(-0.1) == "can't tell: the interval holds gain and loss"


def test_where_there_is_no_interval_none_is_told():
    few, many = Forecast(0.0, 1.0, inf, 0.1, 4), Forecast(0.0, 1.0, 0.5, 0.1, 12)
    assert few.reach == "without an interval, for 4 targets are too few"
    assert many.reach == "to ±0.500 nats a token (90% of gains)"
    assert few.words(0.1) == "can't tell: there is no interval from so few targets, more likely a gain"


def test_fewer_than_three_targets_are_refused():
    gains, signal = made(2)
    with pytest.raises(ValueError, match=r"at least 3 targets.*Got 2"):
        fitted(gains, signal)
