"""Rank statistics against SciPy, permutation by hand, and worked examples."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pseudofam_core.structure.correlation import kendall_w, mantel, off_diagonal, p_words, spearman


def symmetric(n: int, seed: int, *, ties: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, (n, n)).astype(float) if ties else rng.uniform(size=(n, n))
    values = values + values.T
    np.fill_diagonal(values, 0)
    return values


def entries(matrix: np.ndarray) -> np.ndarray:
    return matrix[np.triu_indices(len(matrix), k=1)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=20))
def test_spearman_is_scipys_ties_included(rows):
    first, second = np.array(rows, dtype=float).T
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert spearman(first, second) is None
    else:
        assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)


def test_spearman_leaves_out_what_is_unknown():
    first, second = np.array([1, 2, np.nan, 4, 3.0]), np.array([1, 3, 2, np.nan, 2.0])
    assert spearman(first, second) == pytest.approx(0.5)
    assert spearman(np.array([1, np.nan]), np.array([1, 2.0])) is None


def test_off_diagonal_by_hand():
    assert off_diagonal(np.arange(9.0).reshape(3, 3)).tolist() == [1, 2, 3, 5, 6, 7]


@pytest.mark.parametrize("ties", [False, True])
def test_mantel_p_converges_to_the_share_of_all_permutations(ties):
    first, second = symmetric(5, 1, ties=ties), symmetric(5, 2, ties=ties)
    second += first
    test = mantel(first, second, n_permutations=4000, seed=3)
    assert test.correlation == pytest.approx(stats.spearmanr(entries(first), entries(second)).statistic)
    everywhere = [
        stats.spearmanr(entries(first[np.ix_(order, order)]), entries(second)).statistic
        for order in map(list, permutations(range(5)))
    ]
    exact = np.mean([one >= test.correlation - 1e-12 for one in everywhere])
    assert 0 < exact < 0.3
    assert test.p_value == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 4000) ** 0.5 + 1 / 4000)


def test_a_small_p_is_told_from_larger_ones():
    """Exactly 0.0005: 999 permutations give 0.001 at best, and by bad luck 0.004. The default is within a thousandth."""
    first = symmetric(8, 1)
    second = 1.1 * first + symmetric(8, 2)
    rows, columns = np.triu_indices(8, k=1)
    ranks = np.zeros((8, 8))
    ranks[rows, columns] = ranks[columns, rows] = stats.rankdata(entries(first)) - 14.5
    others = stats.rankdata(entries(second)) - 14.5
    orders = np.array(list(permutations(range(8))))
    drawn = ranks[orders[:, rows], orders[:, columns]] @ others
    exact = (drawn >= ranks[rows, columns] @ others - 1e-6).mean()
    assert 0.0003 < exact < 0.001
    for seed in range(1, 6):
        assert mantel(first, second, seed=seed).p_value == pytest.approx(exact, abs=4 * (exact / 9999) ** 0.5 + 0.0001)


def test_a_p_that_no_permutation_reached_is_a_bound():
    first = symmetric(12, 1)
    test = mantel(first, first, seed=1)
    assert (test.n_permutations, p_words(test.p_value, test.n_permutations)) == (9999, "≤ 0.0001")
    assert p_words(0.0007, 9999) == "0.0007"
    assert p_words(0.2461, 9999) == "0.2461"
    assert p_words(1 / 1000, 999) == "≤ 0.001"
    assert p_words(0.5, 3) == "0.50"


def test_mantel_is_one_sided_seeded_and_counts_the_observed_order():
    first = symmetric(8, 1)
    alike = mantel(first, first, n_permutations=199, seed=1)
    assert (alike.correlation, alike.p_value, alike.n_entries) == (pytest.approx(1), 1 / 200, 28)
    assert mantel(first, -first, n_permutations=199, seed=1).p_value == 1
    other = symmetric(8, 2)
    assert mantel(first, other, seed=1) == mantel(first, other, seed=1)
    assert mantel(first, other, seed=1).p_value != mantel(first, other, seed=2).p_value


def test_mantel_leaves_out_unknown_entries_before_it_ranks():
    first, second = symmetric(6, 1), symmetric(6, 2)
    second[0, 1:3] = second[1:3, 0] = np.nan
    np.fill_diagonal(second, np.nan)
    test = mantel(first, second, n_permutations=50, seed=0)
    known = np.isfinite(entries(second))
    expected = stats.spearmanr(entries(first)[known], entries(second)[known]).statistic
    assert (test.correlation, test.n_entries) == (pytest.approx(expected), 13)
    # A literal loop over the same permutations.
    rng = np.random.default_rng(0)
    n_as_high = 0
    for _ in range(50):
        order = rng.permutation(6)
        drawn = entries(first[np.ix_(order, order)])[known]
        n_as_high += stats.spearmanr(drawn, entries(second)[known]).statistic >= expected - 1e-12
    assert test.p_value == (1 + n_as_high) / 51


def test_mantel_of_a_constant_has_no_answer():
    test = mantel(symmetric(5, 1), np.ones((5, 5)), seed=1)
    assert (test.correlation, test.p_value, test.n_entries) == (None, None, 10)


def test_mantel_refuses_what_it_can_not_permute():
    good = symmetric(4, 1)
    directed = good.copy()
    directed[0, 1] = 9
    gaps = good.copy()
    gaps[0, 1] = gaps[1, 0] = np.nan
    for first, second, n, message in (
        (directed, good, 9, "first must be symmetric"),
        (good, directed, 9, "second must be symmetric"),
        (gaps, good, 9, "first must be known everywhere"),
        (good, symmetric(5, 1), 9, "over one pool"),
        (good, good, 0, "n_permutations must be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            mantel(first, second, n_permutations=n, seed=1)


def test_kendall_w_by_hand():
    # Rank sums of three judges over four objects: 4, 6, 9, 11; mean 7.5; S = 12.25 + 2.25 + 2.25 + 12.25 = 29.
    # W = 12 · 29 / (9 · 60) = 0.6444.
    assert kendall_w(np.array([[1, 2, 3, 4], [1, 3, 2, 4], [2, 1, 4, 3.0]])) == pytest.approx(348 / 540)
    assert kendall_w(np.array([[1, 2, 3.0]] * 4)) == 1
    assert kendall_w(np.array([[1, 2, 3], [3, 2, 1.0]])) == 0
    assert kendall_w(np.ones((2, 3))) == 1


@settings(deadline=None)
@given(st.integers(2, 5), st.integers(2, 8), st.integers(0, 10**6))
def test_kendall_w_with_ties_is_what_friedmans_statistic_makes_of_it(m, n, seed):
    rankings = np.random.default_rng(seed).integers(0, 4, (m, n)).astype(float)
    if n < 3 or any(len(set(row)) == 1 for row in rankings.tolist()) or m < 3:
        return
    # Friedman's χ² = m (n − 1) W, ties corrected alike.
    chi2 = stats.friedmanchisquare(*rankings.T).statistic
    assert kendall_w(rankings) == pytest.approx(chi2 / (m * (n - 1)))


def test_kendall_w_refuses_a_single_judge():
    with pytest.raises(ValueError, match="Got 1 and 3"):
        kendall_w(np.ones((1, 3)))
