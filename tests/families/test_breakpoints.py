"""Breakpoints are where brute force finds the family to change, and nowhere else."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudofam_core.families.breakpoints import Sweep, count_sweep, radius_sweep, top_fraction_sweep
from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import LanguagePair, languages, pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix

TARGET = pair("be-en")
OTHERS = sorted(
    LanguagePair(code, "en") for code in list(languages())[:40] if "_" not in code and code not in ("be", "en")
)


def around(values, measure=Measure.MSE) -> PairwiseMatrix:
    """A matrix in which TARGET sees OTHERS at `values`."""
    pairs = (TARGET, *OTHERS[: len(values)])
    matrix = np.full((len(pairs), len(pairs)), 0.5)
    matrix[0, 1:] = values
    return PairwiseMatrix(pairs, matrix, measure)


def members_of(matrix, **options) -> set[LanguagePair]:
    return set(select_family(matrix, TARGET, selection=SelectionSpec(**options)).members)


def codes(pairs) -> str:
    return " ".join(one.source for one in pairs)


on_a_grid = st.lists(st.integers(0, 64).map(lambda n: n / 64), min_size=1, max_size=14)
anywhere = st.lists(st.floats(0, 1), min_size=1, max_size=14)
options = st.fixed_dictionaries(
    {
        "shrink": st.sampled_from([0.25, 0.5, 1.0]),
        "smallest": st.integers(1, 4),
        "largest": st.integers(4, 12),
        "decimals": st.sampled_from([None, 2]),
    }
)
measures = st.sampled_from([Measure.MSE, Measure.KL, Measure.OVERLAP])


def assert_tells_the_truth(sweep: Sweep, family, values) -> None:
    """`family` is asked on a grid, and on all sides of each breakpoint."""
    assert sweep.spans[0].start == 0
    assert sweep.spans[-1].end == math.inf
    assert all(one.end == two.start and set(one.members) != set(two.members) for one, two in pairwise(sweep.spans))
    for value in values:
        assert set(sweep.members(value)) == family(value), value
    for one in sweep.breakpoints:
        below, above = (max(0, math.nextafter(one.value, way)) for way in (-math.inf, math.inf))
        assert set(one.before) == family(below) == set(sweep.members(below))
        assert set(one.members) == family(one.value) == set(sweep.members(one.value))
        assert set(one.after) == family(above) == set(sweep.members(above))
        assert len({frozenset(one.before), frozenset(one.members), frozenset(one.after)}) > 1
    # No change between two breakpoints, and one at each.
    for low, high in pairwise(values):
        changes = any(low <= one.value <= high for one in sweep.breakpoints)
        assert changes or family(low) == family(high)


@settings(max_examples=50, deadline=None)
@given(values=on_a_grid | anywhere, measure=measures, rule=st.sampled_from([Rule.PAPER, Rule.RADIUS]), options=options)
def test_radius_breakpoints_are_where_brute_force_finds_them(values, measure, rule, options):
    matrix = around(values, measure)
    selection = SelectionSpec(rule=rule, initial_radius=0.25, **options)
    sweep = radius_sweep(matrix, TARGET, selection=selection)
    # Steps and distances of the grid are multiples of 1/64, and so fall on it.
    grid = sorted([*np.linspace(0, 1.25, 81).tolist(), *(one.value for one in sweep.breakpoints)])
    assert_tells_the_truth(sweep, lambda r: members_of(matrix, rule=rule, initial_radius=r, **options), grid)


@settings(deadline=None)
@given(values=on_a_grid, measure=measures, smallest=st.integers(1, 3))
def test_count_breakpoints_are_where_brute_force_finds_them(values, measure, smallest):
    matrix = around(values, measure)
    selection = SelectionSpec(rule=Rule.NEAREST, smallest=smallest, largest=5)
    sweep = count_sweep(matrix, TARGET, selection=selection)
    families = {
        k: members_of(matrix, rule=Rule.NEAREST, smallest=smallest, largest=k)
        for k in range(smallest, len(matrix.pairs) + 3)
    }
    for k, expected in families.items():
        assert set(sweep.members(k)) == expected
    assert [one.value for one in sweep.breakpoints] == [
        k for k in families if k > smallest and families[k] != families[k - 1]
    ]


class StepwiseCurve:
    """Another random matrix every 20 steps of K."""

    pairs = (TARGET, *OTHERS[:6])
    steps = tuple(step / 1000 for step in range(1, 1001))
    last_full_step = 1.0

    def __init__(self, seed: int) -> None:
        self.values = np.random.default_rng(seed).integers(5, 10, (50, 7, 7)) / 10

    def matrix(self, top_fraction: float, *, measure: Measure = Measure.OVERLAP) -> PairwiseMatrix:
        return PairwiseMatrix(self.pairs, self.values[(round(top_fraction * 1000) - 1) // 20].copy(), measure)


@pytest.mark.parametrize("seed", range(3))
def test_breakpoints_over_k_are_the_steps_at_which_the_family_changes(seed):
    curve = StepwiseCurve(seed)
    sweep = top_fraction_sweep(curve, TARGET, selection=SelectionSpec())
    steps = [step / 1000 for step in range(1, 1001)]
    families = [set(select_family(curve.matrix(K), TARGET, selection=SelectionSpec()).members) for K in steps]
    changed = [s for s in range(1, 1000) if families[s] != families[s - 1]]
    assert len(changed) > 5
    assert [one.value for one in sweep.breakpoints] == [steps[s] for s in changed]
    for one, s in zip(sweep.breakpoints, changed, strict=True):
        assert (set(one.before), set(one.members), set(one.after)) == (families[s - 1], families[s], families[s])
        assert set(one.adds) == families[s] - families[s - 1]
        assert set(one.drops) == families[s - 1] - families[s]
    assert all(set(sweep.members(K)) == family for K, family in zip(steps, families, strict=True))
    assert sweep.spans[0].start == 0.001
    jaccard = top_fraction_sweep(curve, TARGET, selection=SelectionSpec(), measure=Measure.JACCARD)
    rounded = [
        set(select_family(curve.matrix(K, measure=Measure.JACCARD), TARGET, selection=SelectionSpec()).members)
        for K in steps
    ]
    assert all(set(jaccard.members(K)) == family for K, family in zip(steps, rounded, strict=True))
    coarse = top_fraction_sweep(curve, TARGET, selection=SelectionSpec(), top_fractions=[0.1, 0.5])
    assert [span.start for span in coarse.spans] == ([0.1, 0.5] if families[99] != families[499] else [0.1])


def test_the_papers_rule_by_hand():
    # Distances 1, 2, 5, 6.5, 9 of ace, acm, acq, aeb, af. The third's step is 3.
    # Radius < 3: stops with two. Radius = 3: acq, radius 1.5; step 1.5 = 1.5: aeb, radius 0.75; 2.5 > 0.75, stop.
    # Radius > 3: acq, radius 3; 1.5 < 3: aeb, radius 1.5; 2.5 > 1.5, stop.
    sweep = radius_sweep(around([1, 2, 5, 6.5, 9]), TARGET, selection=SelectionSpec())
    (one,) = sweep.breakpoints
    assert (one.value, codes(one.before), codes(one.members), codes(one.after)) == (
        3,
        "ace acm",
        "ace acm acq aeb",
        "ace acm acq aeb",
    )
    assert one.change == "adds acq aeb"
    assert [(span.start, span.end) for span in sweep.spans] == [(0, 3), (3, math.inf)]


def test_three_families_meet_where_a_step_equals_the_radius():
    # Distances 0, 1, 3, 4.5. At radius 2 the third halves it to 1, and the fourth's step of 1.5 is too large; above 2
    # the radius becomes 2, and the fourth is in.
    sweep = radius_sweep(around([0, 1, 3, 4.5]), TARGET, selection=SelectionSpec())
    (one,) = sweep.breakpoints
    assert (one.value, codes(one.before), codes(one.members), codes(one.after)) == (
        2,
        "ace acm",
        "ace acm acq",
        "ace acm acq aeb",
    )
    assert one.change == "adds acq aeb, exactly there ace acm acq"
    assert [span.start for span in sweep.spans] == [0, 2, math.nextafter(2, math.inf)]
    assert codes(sweep.members(2)) == "ace acm acq"


def test_the_fixed_radius_by_hand_and_stepping():
    selection = SelectionSpec(rule=Rule.RADIUS, initial_radius=0.1, smallest=2, largest=4)
    sweep = radius_sweep(around([0.1, 0.2, 0.3, 0.3, 0.7, 0.9]), TARGET, selection=selection)
    # Two are in at any radius, four at most; both at 0.3 come at once.
    assert [(one.value, one.change) for one in sweep.breakpoints] == [(0.3, "adds acq aeb")]
    wider = radius_sweep(around([0.1, 0.2, 0.3, 0.7]), TARGET, selection=replace(selection, smallest=1))
    assert [one.value for one in wider.breakpoints] == [0.2, 0.3, 0.7]
    assert wider.next_above(0.2).value == 0.3
    assert wider.next_below(0.2) is None
    assert wider.next_below(0.25).value == 0.2
    assert wider.next_above(0.7) is None


def test_the_sweep_over_k_ends_with_the_last_full_masks():
    curve = StepwiseCurve(0)
    curve.last_full_step = 0.43
    steps = [step / 1000 for step in range(1, 431)]
    sweep = top_fraction_sweep(curve, TARGET, selection=SelectionSpec())
    assert (
        sweep.breakpoints
        == top_fraction_sweep(curve, TARGET, selection=SelectionSpec(), top_fractions=steps).breakpoints
    )
    assert sweep.breakpoints[-1].value <= 0.43


def test_a_change_names_what_it_drops():
    class TwoSteps(StepwiseCurve):
        pairs = (TARGET, *OTHERS[:3])

        def matrix(self, top_fraction: float, *, measure: Measure = Measure.OVERLAP) -> PairwiseMatrix:
            return around([0.9, 0.85, 0.1] if top_fraction < 0.5 else [0.9, 0.1, 0.85], Measure.OVERLAP)

    sweep = top_fraction_sweep(TwoSteps(0), TARGET, selection=SelectionSpec())
    assert [(one.value, one.change) for one in sweep.breakpoints] == [(0.5, "adds acq, drops acm")]


def test_a_pool_of_two_has_no_breakpoint():
    for rule in (Rule.PAPER, Rule.RADIUS):
        selection = SelectionSpec(rule=rule, initial_radius=0.1)
        assert radius_sweep(around([0.4]), TARGET, selection=selection).breakpoints == ()


def test_sweeps_refuse_what_they_do_not_fit():
    nearest = SelectionSpec(rule=Rule.NEAREST)
    with pytest.raises(ValueError, match=r"Got nearest\. Take count_sweep"):
        radius_sweep(around([0.4, 0.5]), TARGET, selection=nearest)
    with pytest.raises(ValueError, match=r"Got paper\. Take radius_sweep"):
        count_sweep(around([0.4, 0.5]), TARGET, selection=SelectionSpec())
    with pytest.raises(ValueError, match=r"target must be a pair of the matrix\. Got uk-en"):
        radius_sweep(around([0.4, 0.5]), pair("uk-en"), selection=SelectionSpec())
    with pytest.raises(ValueError, match=r"value must be at least 0\. Got -1"):
        radius_sweep(around([0.4, 0.5]), TARGET, selection=SelectionSpec()).members(-1)
