"""The judge against slow twins, laws, and known answers."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from scipy import stats

from pseudofam_core.transfer.judge import by_target, judged, seed_mean


def truth(n_targets: int = 6, n_auxiliaries: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_targets, n_auxiliaries))


def order_values(gains: np.ndarray, signal: np.ndarray, value) -> float:
    """Mean of `value` over every order of the auxiliaries that the signal allows: ties broken in all ways."""
    orders = [o for o in permutations(range(len(gains))) if all(signal[a] >= signal[b] for a, b in pairwise(o))]
    return float(np.mean([value(gains[list(order)]) for order in orders]))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_regret_is_the_mean_over_all_ways_to_break_ties(size):
    gains = truth()
    signal = np.round(truth(seed=1))
    best = np.sort(gains, axis=1)[:, -size:].mean(axis=1)
    expected = [best[t] - order_values(gains[t], signal[t], lambda row: row[:size].mean()) for t in range(len(gains))]
    np.testing.assert_allclose(by_target(gains, signal).regret[size - 1], expected)


def test_ndcg_is_the_mean_over_all_ways_to_break_ties():
    gains, signal = truth(), np.round(truth(seed=1))
    discounts = 1 / np.log2([2, 3, 4])

    def dcg(row, floor):
        return (row[:3] - floor) @ discounts

    expected = [
        order_values(g, s, lambda row, g=g: dcg(row, g.min())) / dcg(np.sort(g)[::-1], g.min())
        for g, s in zip(gains, signal, strict=True)
    ]
    np.testing.assert_allclose(by_target(gains, signal).ndcg, expected)


def test_spearman_is_scipys():
    gains, signal = truth(), truth(seed=2)
    expected = [stats.spearmanr(g, s).statistic for g, s in zip(gains, signal, strict=True)]
    np.testing.assert_allclose(by_target(gains, signal).spearman, expected)


def test_the_truth_itself_has_no_regret_and_comes_first():
    gains = truth(8, 9)[None]
    judgement = judged(gains, {"noise": truth(8, 9, 3), "truth": gains[0], "harm": -gains[0]})
    assert judgement.best.signal == "truth"
    assert judgement.best.spearman.value == pytest.approx(1)
    assert judgement.best.ndcg.value == pytest.approx(1)
    assert all(one.value == pytest.approx(0) for one in judgement.best.regret.values())
    assert judgement.best.spearman.p < 0.05
    assert judgement.standings[-1].signal == "harm"
    assert judgement.standings[-1].p_against_best < 0.05
    assert judgement.ceiling is None


def test_a_signal_that_knows_nothing_scores_what_blind_choice_scores():
    gains = truth(8, 9)[None]
    judgement = judged(gains, {"silent": np.full((8, 9), np.nan), "constant": np.ones((8, 9))})
    expected = np.sort(gains[0], axis=1)[:, -2:].mean() - gains[0].mean()
    for standing in (*judgement.standings, judgement.blind):
        assert standing.spearman.value == 0
        assert standing.regret[2].value == pytest.approx(expected)
        assert standing.spearman.p == 1


def test_what_a_signal_does_not_know_stands_in_the_middle_of_what_it_knows():
    gains = np.array([[1.0, 2, 3, 4], [4, 3, 2, 1]])
    partial = np.array([[10.0, np.nan, 20, 30], [np.nan, 5, 4, 3]])
    filled = np.array([[10.0, 20, 20, 30], [4, 5, 4, 3]])
    np.testing.assert_array_equal(by_target(gains, partial).spearman, by_target(gains, filled).spearman)


def test_entries_without_a_gain_are_left_out_and_short_rows_are_not_judged():
    gains = np.array([[np.nan, 1, 2, 3], [1, np.nan, 3, 2], [np.nan, np.nan, 1, 2]])
    signal = np.array([[9.0, 1, 2, 3], [1, 9, 3, 2], [9, 9, 2, 1]])
    judgement = judged(gains[None], {"right": signal})
    assert judgement.n_targets == 2
    assert judgement.best.spearman.value == pytest.approx(1)


def test_the_ceiling_is_how_far_seeds_agree():
    first = truth(5, 7)
    assert judged(np.stack([first, first]), {"x": first}).ceiling == pytest.approx(1)
    assert judged(np.stack([first, -first]), {"x": first}).ceiling == pytest.approx(-1)


def test_gains_are_averaged_over_the_seeds_that_are_there():
    gains = np.array([[[1.0, np.nan, np.nan]], [[3.0, 5.0, np.nan]]])
    np.testing.assert_array_equal(seed_mean(gains), [[2, 5, np.nan]])


def test_p_of_a_signal_against_blind_choice_is_that_of_all_flipped_signs():
    gains = truth(6, 8)
    signal = gains + 2 * truth(6, 8, 5)
    rho = by_target(gains, signal).spearman
    flips = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1)
    means = np.abs((rho @ flips) / 6)
    expected = np.mean(means >= abs(rho.mean()) * (1 - 1e-9))
    assert judged(gains[None], {"some": signal}).best.spearman.p == pytest.approx(expected)


def test_blind_signals_are_rarely_called_better_than_blind_choice():
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(60):
        gains = rng.normal(size=(1, 10, 12))
        signals = {str(i): rng.normal(size=(10, 12)) for i in range(6)}
        found += any(one.spearman.p < 0.05 for one in judged(gains, signals).standings)
    assert found <= stats.binom.ppf(0.999, 60, 0.05)


@pytest.mark.parametrize(
    ("gains", "signals", "words"),
    [
        (np.zeros((1, 2, 3)), {}, "at least one"),
        (np.zeros((1, 2, 3)), {"x": np.zeros((3, 3))}, r"\(2, 3\)"),
        (np.zeros((1, 1, 3)), {"x": np.zeros((1, 3))}, "at least 2 targets"),
    ],
)
def test_what_can_not_be_judged_is_refused(gains, signals, words):
    with pytest.raises(ValueError, match=words):
        judged(gains, signals)
