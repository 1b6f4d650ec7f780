"""The paper's rule matches its twin exactly, hand-worked families come out, and the tables carry them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudofam_core.exchange.tables import families_csv, matrix_csv
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.families.selection import (
    FAMILY_COLUMNS,
    families_frame,
    first_step,
    mutual_choices,
    neighbour_distances,
    select_families,
    select_family,
)
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import LanguagePair, languages, pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.similarity.spec import Scope
from tests import reference

PAPER = SelectionSpec()
TARGET = pair("be-en")
OTHERS = sorted(LanguagePair(code, "en") for code in list(languages())[:40] if code not in ("be", "en"))


def around(values: Sequence[float], *, measure: Measure = Measure.MSE, others: Sequence[LanguagePair] = OTHERS):
    """A matrix in which TARGET sees `others` at `values`."""
    pairs = (TARGET, *others[: len(values)])
    matrix = np.full((len(pairs), len(pairs)), 0.5)
    np.fill_diagonal(matrix, 1 if measure.is_similarity else 0)
    matrix[0, 1:] = values
    return PairwiseMatrix(pairs, matrix, measure)


def chosen(values: Sequence[float], *, measure: Measure = Measure.MSE, **options: object) -> PseudoFamily:
    return select_family(around(values, measure=measure), TARGET, selection=SelectionSpec(**options))


def member_values(family: PseudoFamily) -> list[float]:
    return [one.value for one in family.neighbours if one.member]


# --- twins -----------------------------------------------------------------------------------------------------------

on_a_grid = st.lists(st.integers(0, 12).map(lambda n: n / 10), min_size=1, max_size=14)
anywhere = st.lists(st.floats(0, 1), min_size=1, max_size=14)
with_an_outlier = anywhere.map(lambda values: [*values[:13], 1e6])
specs = st.builds(
    SelectionSpec,
    initial_radius=st.none() | st.sampled_from([0.0, 0.1, 0.25, 0.5]),
    shrink=st.sampled_from([0.25, 0.5, 1.0]),
    smallest=st.integers(1, 4),
    largest=st.integers(4, 12),
    decimals=st.sampled_from([None, 1, 3]),
)


def assert_matches_twin(values: list[float], measure: Measure, selection: SelectionSpec, decimals: int | None) -> None:
    family = select_family(around(values, measure=measure), TARGET, selection=selection)
    expected = reference.paper_family(
        {str(one): value for one, value in zip(OTHERS, values, strict=False)},
        similarity=measure.is_similarity,
        initial_radius=selection.initial_radius,
        shrink=selection.shrink,
        smallest=selection.smallest,
        largest=selection.largest,
        decimals=decimals,
    )
    assert [str(one) for one in family.members] == expected


@given(values=on_a_grid | anywhere | with_an_outlier, selection=specs)
def test_kl_families_match_their_twin(values, selection):
    signed = [-value if n % 3 == 0 else value for n, value in enumerate(values)]
    decimals = 5 if selection.decimals is None else selection.decimals
    assert_matches_twin(signed, Measure.KL, selection, decimals)


@given(values=st.lists(st.integers(0, 10).map(lambda n: n / 10), min_size=1, max_size=14) | anywhere, selection=specs)
def test_overlap_families_match_their_twin(values, selection):
    decimals = 5 if selection.decimals is None else selection.decimals
    assert_matches_twin(values, Measure.OVERLAP, selection, decimals)


# Multiples of 1/64: floats subtract them exactly, so that unrounded steps tie where fractions do.
@given(values=st.lists(st.integers(0, 300).map(lambda n: n / 64), min_size=1, max_size=14))
def test_mse_families_match_their_twin_without_rounding(values):
    assert_matches_twin(values, Measure.MSE, PAPER, None)


@given(values=on_a_grid | anywhere | with_an_outlier, measure=st.sampled_from(list(Measure)), data=st.data())
def test_the_order_of_the_pool_does_not_matter(values, measure, data):
    values = [min(value, 1.0) for value in values]
    matrix = around(values, measure=measure)
    order = data.draw(st.permutations(range(len(matrix.pairs))))
    shuffled = PairwiseMatrix(tuple(matrix.pairs[i] for i in order), matrix.values[np.ix_(order, order)], measure)
    for one in matrix.pairs:
        expected = select_family(matrix, one, selection=PAPER)
        assert select_family(shuffled, one, selection=PAPER).neighbours == expected.neighbours


@given(values=anywhere | on_a_grid, measure=st.sampled_from(list(Measure)), rule=st.sampled_from(list(Rule)))
def test_a_family_is_the_nearest_few_within_its_sizes(values, measure, rule):
    values = [min(value, 1.0) for value in values]
    family = chosen(values, measure=measure, rule=rule, initial_radius=0.1 if rule is Rule.RADIUS else None)
    taken = [one.member for one in family.neighbours]
    assert taken == sorted(taken, reverse=True)
    assert min(2, len(values)) <= sum(taken) <= 10
    assert TARGET not in [one.pair for one in family.neighbours]
    assert [one.rank for one in family.neighbours] == list(range(1, len(values) + 1))
    assert all(one.gap >= 0 for one in family.neighbours[1:])
    sign = -1 if measure.is_similarity else 1
    assert all(sign * near.value <= sign * far.value for near, far in pairwise(family.neighbours))


EVERYONE = sorted(LanguagePair(code, "en") for code in languages() if code not in ("be", "en"))


@pytest.mark.parametrize("measure", [Measure.MSE, Measure.KL, Measure.OVERLAP])
@pytest.mark.parametrize("shape", ["random", "ties", "equal", "outlier", "shrinking"])
def test_families_in_a_pool_of_200_match_their_twin(measure, shape):
    rng = np.random.default_rng(3)
    values = {
        "random": rng.uniform(size=199),
        "ties": rng.integers(0, 20, 199) / 20,
        "equal": np.full(199, 0.25),
        "outlier": np.append(rng.uniform(0, 0.01, 198), 1.0),
        # Steps that halve: each equals the radius as it has shrunk, in binary and in decimals.
        "shrinking": 1 - 2.0 ** -np.arange(199).clip(max=40),
    }[shape].tolist()
    for options in ({}, {"largest": 150}, {"initial_radius": 0.05, "shrink": 1.0, "largest": 60}):
        # In decimals: floats that are not rounded subtract with an error that the twin's fractions do not have.
        selection = SelectionSpec(decimals=5, **options)
        family = select_family(around(values, measure=measure, others=EVERYONE), TARGET, selection=selection)
        expected = reference.paper_family(
            {str(one): value for one, value in zip(EVERYONE, values, strict=False)},
            similarity=measure.is_similarity,
            decimals=5,
            **options,
        )
        assert [str(one) for one in family.members] == expected


@given(
    values=on_a_grid | anywhere | with_an_outlier,
    measure=st.sampled_from([Measure.MSE, Measure.KL, Measure.OVERLAP]),
    radius=st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.7]),
    sizes=st.tuples(st.integers(1, 4), st.integers(4, 12)),
)
def test_fixed_radius_families_match_their_twin(values, measure, radius, sizes):
    smallest, largest = sizes
    values = [min(value, 1.0) for value in values]
    options = {"smallest": smallest, "largest": largest, "decimals": 4}
    family = chosen(values, measure=measure, rule=Rule.RADIUS, initial_radius=radius, **options)
    expected = reference.fixed_radius_family(
        {str(one): value for one, value in zip(OTHERS, values, strict=False)},
        similarity=measure.is_similarity,
        radius=radius,
        **options,
    )
    assert [str(one) for one in family.members] == expected


@given(values=on_a_grid | anywhere, measure=st.sampled_from(list(Measure)), k=st.integers(2, 12))
def test_the_nearest_k_match_their_twin(values, measure, k):
    values = [min(value, 1.0) for value in values]
    family = chosen(values, measure=measure, rule=Rule.NEAREST, largest=k, decimals=3)
    sign = -1 if measure.is_similarity else 1
    order = sorted(range(len(values)), key=lambda i: (sign * round(values[i], 3), str(OTHERS[i])))
    assert [OTHERS.index(one) for one in family.members] == order[:k]


# --- worked by hand --------------------------------------------------------------------------------------------------


def test_a_shrinking_radius_by_hand():
    # Distances 1, 5, 8, 10, 10.5, 12; radius 5 − 1 = 4.
    # 3rd: step 3 < 4, radius 3. 4th: step 2 < 3, radius 2. 5th: step 0.5 < 2, radius 0.5. 6th: step 1.5 > 0.5, stop.
    neighbours = chosen([12, 5, 1, 8, 10.5, 10]).neighbours
    assert [(one.value, one.gap, one.radius, one.member) for one in neighbours] == [
        (1, None, None, True),
        (5, 4, None, True),
        (8, 3, 4, True),
        (10, 2, 3, True),
        (10.5, 0.5, 2, True),
        (12, 1.5, 0.5, False),
    ]
    assert [one.reason for one in neighbours] == [
        "Nearest: always in the family.",
        "Second nearest: always in the family.",
        "Step 3 < radius 4: added, the radius shrinks to it.",
        "Step 2 < radius 3: added, the radius shrinks to it.",
        "Step 0.5 < radius 2: added, the radius shrinks to it.",
        "Step 1.5 > radius 0.5: the family ends before it.",
    ]


def test_an_equal_step_halves_the_radius():
    # Radius 2. 3rd: step 2 = 2, radius 1. 4th: step 1 = 1, radius 0.5. 5th: step 1 > 0.5, stop; the 6th is not tested.
    family = chosen([0, 2, 4, 5, 6, 6])
    assert member_values(family) == [0, 2, 4, 5]
    assert [one.radius for one in family.neighbours] == [None, None, 2, 1, 0.5, None]
    assert family.neighbours[2].reason == "Step 2 = radius: added, the radius shrinks to 1."
    assert family.neighbours[5].reason == "After the family's end."


def test_an_equal_step_keeps_its_radius_where_shrink_is_one():
    # Radius 2 stays 2 as long as steps are 2: all six.
    assert len(chosen([0, 2, 4, 6, 8, 10], shrink=1).members) == 6


@pytest.mark.parametrize("measure", [Measure.MSE, Measure.KL])
def test_equal_distances_go_on_to_ten(measure):
    # All steps are 0; the radius is 0, and half of it is 0: every step equals it until the family is full.
    family = chosen([3.0] * 14, measure=measure)
    assert family.members == tuple(OTHERS[:10])
    assert {one.reason for one in family.neighbours[2:10]} == {"Step 0 = radius: added, the radius shrinks to 0."}
    assert {one.reason for one in family.neighbours[10:]} == {"The family is full with 10."}


def test_equal_overlaps_shrink_from_the_first_gap_to_ten():
    # w = 0.9 for all: radius 0.1; the 2nd's step 0 < 0.1 makes it 0; then equal steps of 0 up to 10.
    family = chosen([0.9] * 12, measure=Measure.OVERLAP)
    assert len(family.members) == 10
    assert [one.radius for one in family.neighbours[:3]] == [None, 0.1, 0]


def test_overlap_starts_at_the_second_where_a_failure_leaves_two():
    # w = 0.95, 0.8, 0.79: radius 0.05; step 0.15 > 0.05 stops at once, with members 1 and 2.
    family = chosen([0.79, 0.8, 0.95], measure=Measure.OVERLAP)
    assert [(one.value, one.gap, one.radius, one.member) for one in family.neighbours] == [
        (0.95, None, None, True),
        (0.8, 0.15, 0.05, True),
        (0.79, 0.01, None, False),
    ]
    assert family.neighbours[1].reason == ("Step 0.15 > radius 0.05: the family ends at its smallest size, 2.")


def test_equal_steps_in_decimals_are_equal():
    # 1 − 0.9 = 0.9 − 0.8 = 0.1 in decimals, though not in binary floats: the radius halves to 0.05 and 0.75 is in;
    # then 0.025, and 0.7 is out.
    family = chosen([0.9, 0.8, 0.75, 0.7], measure=Measure.OVERLAP)
    assert member_values(family) == [0.9, 0.8, 0.75]
    assert [one.radius for one in family.neighbours] == [None, 0.1, 0.05, 0.025]


def test_kl_is_taken_by_size_and_rounded_to_five_decimals_and_mse_is_not():
    # |−0.000012|, 0.000021 and 0.000034 round to 1e-5, 2e-5, 3e-5: the step equals the radius. Unrounded, it's larger.
    values = [0.000034, -0.000012, 0.000021]
    family = chosen(values, measure=Measure.KL)
    assert member_values(family) == [0.00001, 0.00002, 0.00003]
    assert member_values(chosen(values, measure=Measure.KL, decimals=9)) == [0.000012, 0.000021]
    assert member_values(chosen(list(map(abs, values)))) == [0.000012, 0.000021]
    assert len(chosen(list(map(abs, values)), decimals=5).members) == 3


def test_ties_stand_in_the_order_of_names():
    others = [pair("uk-en"), pair("bg-en"), pair("ru-en"), pair("cs-en")]
    family = select_family(around([1, 1, 1, 0.5], others=others), TARGET, selection=PAPER)
    assert [str(one.pair) for one in family.neighbours] == ["cs-en", "bg-en", "ru-en", "uk-en"]


@pytest.mark.parametrize("measure", list(Measure))
@pytest.mark.parametrize("rule", list(Rule))
def test_a_pool_of_two_gives_its_one_neighbour(measure, rule):
    family = chosen([0.4], measure=measure, rule=rule, initial_radius=0.01 if rule is Rule.RADIUS else None)
    assert family.members == (OTHERS[0],)


def test_one_far_outlier_is_left_out_unless_it_sets_the_radius():
    # The outlier ends the order: its step is larger than any radius before it.
    assert member_values(chosen([1, 2, 2.5, 1e9])) == [1, 2, 2.5]
    # As the second of three it is in, by the rule, and so wide a radius takes the next one too.
    assert member_values(chosen([1, 1e9, 1.5e9])) == [1, 1e9, 1.5e9]


def test_an_initial_radius_replaces_the_first_and_the_test_starts_where_it_did():
    # d₂ − d₁ = 4 would take the third (step 3). Radius 1 does not, yet the second stays.
    assert member_values(chosen([1, 5, 8], initial_radius=1)) == [1, 5]
    assert chosen([1, 5, 8], initial_radius=1).neighbours[2].radius == 1
    # Overlap 0.95, 0.8: 1 − w₁ = 0.05 would stop at the second; 0.2 lets it pass, then 0.15 lets 0.7 pass.
    assert len(chosen([0.95, 0.8, 0.7], measure=Measure.OVERLAP, initial_radius=0.2).members) == 3


def test_a_smallest_size_above_two_is_filled_after_the_end():
    # The third fails (step 9 > 1), the fourth is not tested; both are needed for 4.
    family = chosen([0, 1, 10, 30, 31], smallest=4)
    assert member_values(family) == [0, 1, 10, 30]
    assert family.neighbours[3].reason == "Added untested, for a family has at least 4."
    assert len(chosen([0, 1, 1.5], smallest=1, largest=1).members) == 1


def test_the_fixed_radius_by_hand():
    family = chosen([0.1, 0.2, 0.3, 0.4], rule=Rule.RADIUS, initial_radius=0.3)
    assert member_values(family) == [0.1, 0.2, 0.3]
    assert family.neighbours[3].reason == "Distance 0.4 is beyond the radius 0.3: not in the family."
    # Similarities: w ≥ 1 − 0.3 in decimals, 0.7 included.
    family = chosen([0.95, 0.7, 0.69], measure=Measure.OVERLAP, rule=Rule.RADIUS, initial_radius=0.3)
    assert member_values(family) == [0.95, 0.7]
    # No fewer than 2, no more than 3.
    assert member_values(chosen([1, 2, 3], rule=Rule.RADIUS, initial_radius=0.5)) == [1, 2]
    assert len(chosen([0.1] * 5, rule=Rule.RADIUS, initial_radius=0.5, largest=3).members) == 3


def test_the_nearest_k_by_hand():
    family = chosen([4, 1, 3, 2], rule=Rule.NEAREST, largest=3)
    assert member_values(family) == [1, 2, 3]
    assert [one.radius for one in family.neighbours] == [None] * 4
    assert family.neighbours[3].reason == "Not one of the nearest 3."


def test_families_are_directed_and_one_per_target():
    families = select_families(around([1, 2, 3]), selection=PAPER)
    assert [family.target for family in families] == [TARGET, *OTHERS[:3]]
    assert all(family.target not in family.members for family in families)


def test_a_target_outside_the_pool_or_alone_is_refused():
    with pytest.raises(ValueError, match=r"target must be a pair of the matrix\. Got uk-en"):
        select_family(around([1.0]), pair("uk-en"), selection=PAPER)
    with pytest.raises(ValueError, match=r"at least 2 pairs\. Got be-en alone"):
        select_family(around([]), TARGET, selection=PAPER)


def test_mutual_choices_by_hand():
    # Nearest one: be → ace, ace → be, acm → ace.
    pairs = (TARGET, *OTHERS[:2])
    matrix = PairwiseMatrix(pairs, np.array([[0, 1, 2], [1, 0, 3], [2, 1, 0.0]]), Measure.MSE)
    families = select_families(matrix, selection=SelectionSpec(rule=Rule.NEAREST, smallest=1, largest=1))
    assert mutual_choices(families) == {TARGET: (OTHERS[0],), OTHERS[0]: (TARGET,), OTHERS[1]: ()}
    # A member whose own family is not given chooses nobody.
    assert mutual_choices(families[:1]) == {TARGET: ()}


@given(values=st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=5), min_size=5, max_size=5))
def test_mutual_choices_are_mutual(values):
    matrix = PairwiseMatrix(tuple(OTHERS[:5]), np.array(values, dtype=float), Measure.MSE)
    families = {one.target: one for one in select_families(matrix, selection=PAPER)}
    mutual = mutual_choices(families.values())
    for target, chosen_back in mutual.items():
        assert chosen_back == tuple(one for one in families[target].members if target in families[one].members)
        assert all(target in mutual[one] for one in chosen_back)


def test_the_steps_and_distances_that_rules_look_at():
    matrix = around([1, 5, 8, 10.5])
    assert first_step(matrix, TARGET, selection=PAPER) == 3
    assert neighbour_distances(matrix, TARGET, selection=PAPER) == (1, 5, 8, 10.5)
    # Overlap is tested from its first step on; its distances are 1 − w, in decimals.
    matrix = around([0.9, 0.8, 0.7], measure=Measure.OVERLAP)
    assert first_step(matrix, TARGET, selection=PAPER) == 0.1
    assert neighbour_distances(matrix, TARGET, selection=PAPER) == (0.1, 0.2, 0.3)
    assert first_step(around([1, 2]), TARGET, selection=PAPER) is None


# --- null model ------------------------------------------------------------------------------------------------------


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def overlap_matrix() -> PairwiseMatrix:
    pairs = tuple(map(pair, ("be-en", "de-en", "uk-en", "ru-en")))
    values = np.array([[1, 0.6, 0.9, 0.85], [0.5, 1, 0.6, 0.4], [0.9, 0.5, 1, 0.8], [0.7, 0.6, 0.8, 1]])
    provenance = {"model": "sample", "corpus": 'a,=1+1 and ;"-2"', "counts": {"be-en": 200}, "text": "two\nlines"}
    return PairwiseMatrix(pairs, values, Measure.OVERLAP, 0.4, provenance=provenance)


def test_the_frame_has_a_row_per_member(overlap_matrix):
    frame = families_frame(select_families(overlap_matrix, selection=PAPER))
    assert tuple(frame.columns) == FAMILY_COLUMNS
    # be-en: w = 0.9, 0.85, 0.6. Radius 0.1; 2nd: step 0.05 < 0.1, in; 3rd: step 0.25 > 0.05, out.
    first, second = (row for row in frame.to_dict("records") if row["target"] == "be-en")
    assert first | {"gap": None, "radius": None} == {
        "target": "be-en",
        "member": "uk-en",
        "rank": 1,
        "distance": 0.1,
        "gap": None,
        "radius": None,
        "measure": "overlap",
        "top_fraction": 0.4,
        "rule": "paper",
        "family_pseudo_size": 2,
        "member_traditional_family": "Slavic",
        "same_traditional_family": True,
    }
    assert np.isnan(first["gap"])
    assert np.isnan(first["radius"])
    assert (second["member"], second["gap"], second["radius"]) == ("ru-en", 0.05, 0.1)
    german = frame[frame.member == "de-en"]
    assert not german.same_traditional_family.any()
    assert tuple(families_frame([]).columns) == FAMILY_COLUMNS


def test_families_csv_reads_back_and_carries_its_provenance(overlap_matrix):
    families = select_families(overlap_matrix, selection=PAPER)
    text = families_csv(families)
    pd.testing.assert_frame_equal(
        pd.read_csv(io.StringIO(text), comment="#"), families_frame(families), check_dtype=False
    )
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert "# model: sample" in comments
    assert any("rule=paper" in line and "shrink=0.5" in line for line in comments)
    assert len(comments) == len(set(comments))


def test_families_csv_says_what_was_rounded_to_and_where_masks_were_taken(overlap_matrix):
    scoped = PairwiseMatrix(overlap_matrix.pairs, overlap_matrix.values, Measure.OVERLAP, 0.4, Scope.MODEL)
    (told,) = (line for line in families_csv([select_family(scoped, TARGET, selection=PAPER)]).splitlines()[:1])
    assert told.endswith("decimals=5")
    assert "# scope: model\n" in families_csv([select_family(scoped, TARGET, selection=PAPER)])
    unrounded = families_csv([chosen([1, 2, 3])])
    assert "decimals=None" in unrounded
    assert "scope" not in unrounded


def test_matrix_csv_reads_back_exactly(overlap_matrix):
    text = matrix_csv(overlap_matrix)
    frame = pd.read_csv(io.StringIO(text), comment="#", index_col=0)
    pd.testing.assert_frame_equal(frame, overlap_matrix.frame(), check_exact=True)
    assert "# measure: overlap\n# top_fraction: 0.4\n" in text
    assert "scope" not in text


def test_no_cell_runs_as_a_formula(overlap_matrix):
    risky = tuple(LanguagePair(source, "en") for source in ("=cmd", "+x", "-y", "@z"))
    matrix = PairwiseMatrix(risky, overlap_matrix.values - 2, Measure.KL, provenance=overlap_matrix.provenance)
    text = matrix_csv(matrix)
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(text), delimiter=separator):
            strings = [cell for cell in row if not _is_number(cell)]
            assert not [cell for cell in strings if cell.startswith(("=", "+", "-", "@", "\t", "\r"))], separator
    assert "'=cmd-en" in text
    # Negative numbers stay numbers.
    assert "-1.0" in text
    assert "# text: two lines\n" in text


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
