"""Odds of a family's size where there is nothing to find: worked answers, and the rule itself on dealt values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudofam_core.families.chance import chance_sizes, paper_sizes
from pseudofam_core.families.selection import select_families, select_family
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import LanguagePair, languages, pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix

PAPER = SelectionSpec()
POOL = tuple(LanguagePair(code, "en") for code in sorted(languages()) if code != "en")


def pool_of(values: np.ndarray, measure: Measure) -> PairwiseMatrix:
    """A matrix over as many pairs as `values`, (n, n), has rows."""
    return PairwiseMatrix(POOL[: len(values)], values.copy(), measure)


def independent(n: int, draw, *, symmetric: bool = True) -> np.ndarray:
    values = draw((n, n))
    return np.triu(values, 1) + np.triu(values, 1).T if symmetric else values


def odds(matrix: PairwiseMatrix, **options: int) -> list[float]:
    found = chance_sizes(matrix, selection=PAPER, **options)
    return [found.at_least(size) for size in (3, 4, 5)]


def test_similarities_far_from_one_get_the_odds_of_their_steps():
    """1 − w₁, 0.08 and more, is no step like the others: of values in (.85, .92) a half, a sixth and a 24th, not 1/m!."""
    rng = np.random.default_rng(1)
    values = independent(120, lambda shape: rng.uniform(0.85, 0.92, shape))
    assert odds(pool_of(values, Measure.OVERLAP)) == pytest.approx([1 / 2, 1 / 6, 1 / 24], abs=0.02)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("uniform", [0.5, 1 / 6, 1 / 24]), ("normal", [0.63, 0.28, 0.10]), ("exponential", [0.49, 0.15, 0.04])],
)
def test_distances_get_the_odds_of_their_distribution(name, expected):
    """Of 16 independent distances each: large pools deal nearly such."""
    rng = np.random.default_rng(2)
    draws = {"uniform": rng.uniform, "normal": lambda size: rng.normal(20, 1, size), "exponential": rng.exponential}
    draw = draws[name]
    sizes = paper_sizes(draw(size=(40_000, 16)), measure=Measure.MSE, selection=PAPER)
    assert [(sizes >= size).mean() for size in (3, 4, 5)] == pytest.approx(expected, abs=0.02)
    values = independent(17, lambda shape: draw(size=shape))
    # One pool's 136 values stand for the distribution, as well as so few can.
    assert odds(pool_of(np.abs(values), Measure.MSE)) == pytest.approx(expected, abs=0.12)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("measure", [Measure.MSE, Measure.KL, Measure.OVERLAP, Measure.COSINE])
def test_the_odds_are_those_of_families_picked_from_a_shuffled_pool(measure, symmetric):
    """The twin: shuffle the matrix, keep it symmetric where it was, and let `select_families` pick."""
    rng = np.random.default_rng(3)
    values = independent(9, lambda shape: rng.beta(2, 5, shape), symmetric=symmetric)
    rows, columns = np.triu_indices(9, k=1)
    if not symmetric:
        rows, columns = np.nonzero(~np.eye(9, dtype=bool))
    sizes = []
    for _ in range(400):
        dealt = np.zeros((9, 9))
        dealt[rows, columns] = rng.permutation(values[rows, columns])
        if symmetric:
            dealt[columns, rows] = dealt[rows, columns]
        sizes += [len(one.members) for one in select_families(pool_of(dealt, measure), selection=PAPER)]
    found = chance_sizes(pool_of(values, measure), selection=PAPER, n_drawn=20_000)
    for size in range(1, 9):
        # Families of one shuffle are not independent: five standard errors of as many independent ones.
        p = found.at_least(size)
        assert np.mean(np.array(sizes) >= size) == pytest.approx(p, abs=5 * (p * (1 - p) / 3600) ** 0.5 + 0.001)


specs = st.builds(
    SelectionSpec,
    initial_radius=st.none() | st.sampled_from([0.0, 0.1, 0.25, 0.5]),
    shrink=st.sampled_from([0.25, 0.5, 1.0]),
    smallest=st.integers(1, 4),
    largest=st.integers(4, 12),
    decimals=st.sampled_from([None, 1, 3]),
)
on_a_grid = st.lists(st.integers(0, 64).map(lambda n: n / 64), min_size=1, max_size=14)


def test_halves_are_rounded_as_the_rule_rounds_them():
    for values in (
        [0, 0, 0.05],
        [0, 0, 0.15],
        [0, 0.25, 0.35],
    ):  # 0.05 is more than a half of 0.1, 0.15 and 0.35 are less
        for decimals in (1, 17):
            selection = SelectionSpec(shrink=0.25, smallest=1, largest=4, decimals=decimals)
            rows = np.full((4, 4), 0.5)
            rows[0, 1:] = values
            expected = select_family(pool_of(rows, Measure.MSE), POOL[0], selection=selection).members
            assert paper_sizes(np.array([values]), measure=Measure.MSE, selection=selection) == [len(expected)]


@given(values=on_a_grid | st.lists(st.floats(0, 1), min_size=1, max_size=14), selection=specs, data=st.data())
def test_many_rows_at_once_get_the_families_of_each(values, selection, data):
    measure = data.draw(st.sampled_from([Measure.MSE, Measure.KL, Measure.OVERLAP, Measure.COSINE, Measure.CONSENSUS]))
    n = len(values) + 1
    rows = np.full((n, n), 0.5)
    rows[0, 1:] = values
    expected = select_family(pool_of(rows, measure), POOL[0], selection=selection).members
    (size,) = paper_sizes(np.array([values]), measure=measure, selection=selection)
    assert size == len(expected)


def test_draws_are_seeded_and_counted():
    rng = np.random.default_rng(4)
    matrix = pool_of(independent(7, lambda shape: rng.uniform(size=shape)), Measure.MSE)
    first = chance_sizes(matrix, selection=PAPER, n_drawn=501)
    assert (first.n_drawn, first.at_least(0), first.at_least(2), first.at_least(7)) == (501, 1, 1, 0)
    assert first == chance_sizes(matrix, selection=PAPER, n_drawn=501)
    assert first != chance_sizes(matrix, selection=PAPER, n_drawn=501, seed=2)


def test_rules_without_a_found_size_are_refused():
    matrix = PairwiseMatrix((pair("be-en"), pair("uk-en")), np.array([[0, 1.0], [1, 0]]), Measure.MSE)
    assert chance_sizes(matrix, selection=PAPER).counts == (0, 10_000)
    for selection, options, message in (
        (SelectionSpec(Rule.NEAREST), {}, "rule must be paper"),
        (PAPER, {"n_drawn": 0}, "Got 2 pairs and n_drawn=0"),
    ):
        with pytest.raises(ValueError, match=message):
            chance_sizes(matrix, selection=selection, **options)
