"""The learned combination: it finds what helps, and never sees the target it speaks of."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.transfer.judge import judged
from pseudofam_core.transfer.learned import gain_elsewhere, learned_signal


def signals(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(8, 12)) for name in ("right", "wrong", "noise")}


def test_it_orders_as_the_signal_that_counts():
    made = signals()
    gains = made["right"] - made["wrong"]
    combined = learned_signal(gains, made)
    judgement = judged(gains[None], {**made, "learned": combined})
    assert judgement.best.signal == "learned"
    assert judgement.best.spearman.value > 0.8


def test_a_target_is_never_learned_from_itself():
    made = signals()
    gains = made["right"] - made["wrong"]
    others = gains.copy()
    others[2] = np.random.default_rng(9).normal(size=12)
    np.testing.assert_array_equal(learned_signal(gains, made)[2], learned_signal(others, made)[2])
    assert not np.array_equal(learned_signal(gains, made)[3], learned_signal(others, made)[3])


def test_the_scale_of_a_signal_does_not_matter():
    made = signals()
    gains = made["right"] - made["wrong"]
    scaled = {name: np.exp(3 * values) for name, values in made.items()}
    np.testing.assert_array_equal(learned_signal(gains, made), learned_signal(gains, scaled))


def test_signals_with_unknown_entries_are_taken():
    made = signals()
    made["right"][0, :4] = np.nan
    made["wrong"][3] = np.nan
    assert np.isfinite(learned_signal(made["noise"], made)).all()


def test_a_single_target_teaches_nothing():
    with pytest.raises(ValueError, match="at least 2 targets"):
        learned_signal(np.ones((1, 4)), {"x": np.ones((1, 4))})


def test_gain_elsewhere_is_the_mean_of_all_other_targets():
    gains = np.array([[1.0, 2, np.nan], [3, np.nan, np.nan], [5, 6, 7]])
    np.testing.assert_array_equal(gain_elsewhere(gains), [[4, 6, 7], [3, 4, 7], [2, 2, np.nan]])
