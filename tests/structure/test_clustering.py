"""Trees and cuts match their twins as partitions; agreement with traditional families is counted by hand."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose
from scipy.cluster import hierarchy

from pseudofam_core.languages import languages, pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.similarity.traits import Geometry
from pseudofam_core.structure.clustering import (
    agreement,
    clade_support,
    clades,
    cophenetic_correlation,
    cut_by_height,
    cut_by_number,
    leaf_order,
    linkage,
    linkage_methods,
    nearest_neighbour_agreement,
)
from tests import reference

POOL = tuple(pair(f"{code}-en") for code in sorted(languages()) if code != "en")


def matrix_of(values: np.ndarray, measure: Measure = Measure.MSE) -> PairwiseMatrix:
    return PairwiseMatrix(POOL[: len(values)], np.array(values, dtype=float), measure)


def random_values(n: int, seed: int = 0) -> np.ndarray:
    """Directed, without ties."""
    values = np.random.default_rng(seed).uniform(0.1, 1, (n, n))
    np.fill_diagonal(values, 0)
    return values


def distances_between(points) -> np.ndarray:
    return np.abs(np.subtract.outer(np.array(points, dtype=float), np.array(points, dtype=float)))


# Few different heights: many merges tie.
tying = st.integers(2, 9).flatmap(lambda n: hnp.arrays(float, (n, n), elements=st.sampled_from([0, 0.5, 1, 2])))


@pytest.mark.parametrize("seed", range(5))
def test_average_linkage_merges_what_its_twin_merges(seed):
    matrix = matrix_of(random_values(9, seed))
    tree = linkage(matrix)
    symmetric = (matrix.values + matrix.values.T) / 2
    merges = reference.average_linkage_merges(symmetric)
    assert_allclose(tree[:, 2], [height for *_, height in merges], rtol=1e-12)
    for n_merges in range(9):
        merged = {A | B for A, B, _ in merges[:n_merges]}
        largest = {A for A in merged if not any(A < B for B in merged)}
        alone = {frozenset([i]) for i in range(9) if not any(i in A for A in merged)}
        assert reference.partition_of_merges(tree, n_merges) == largest | alone


def test_overlap_is_clustered_by_its_distance():
    # w: 0 and 1 share 0.9 one way and 0.7 the other; 2 shares 0.2 with both. Heights 1 − 0.8 and 1 − 0.2.
    tree = linkage(matrix_of([[1, 0.9, 0.2], [0.7, 1, 0.2], [0.2, 0.2, 1]], Measure.OVERLAP))
    assert_allclose(tree[:, 2], [0.2, 0.8])


def test_rounding_below_zero_makes_no_negative_height():
    # Both directions of KL cancel to −1e-18 here.
    tree = linkage(matrix_of([[0, 1], [-1 - 2e-16, 0]], Measure.KL))
    assert tree[0, 2] == 0


@pytest.mark.parametrize("method", ["centroid", "median", "nonsense"])
def test_methods_that_are_not_offered_are_refused(method):
    with pytest.raises(ValueError, match=f"method must be one of average.*Got '{method}'"):
        linkage(matrix_of(random_values(4)), method=method)


def test_ward_is_for_euclidean_distances_alone():
    euclidean = {one for one in Measure if one.row.geometry is not Geometry.UNKNOWN}
    assert {one for one in Measure if "ward" in linkage_methods(one)} == euclidean >= {Measure.MSE}
    for measure in set(Measure) - euclidean:
        with pytest.raises(ValueError, match=r"Got 'ward'\. Take average; ward needs Euclidean distances"):
            linkage(matrix_of(random_values(4), measure), method="ward")


@pytest.mark.parametrize("measure", [Measure.MSE, Measure.HELLINGER])
def test_wards_merges_add_the_least_variance(measure):
    # Ward's definition, on the points themselves: join the two clusters whose union adds the least to the sum of
    # squares about the means; the height is √(2·added). MSE's points are the diagonals over √P, Hellinger's their
    # normalised roots over √2.
    diagonals = np.random.default_rng(4).gamma(1, size=(8, 5))
    if measure is Measure.MSE:
        points = diagonals / 5**0.5
        distances = ((points[:, None] - points) ** 2).sum(axis=2)
    else:
        points = np.sqrt(diagonals / diagonals.sum(axis=1, keepdims=True) / 2)
        distances = np.array([[reference.hellinger(f, g) for g in diagonals] for f in diagonals])
    tree = linkage(matrix_of(distances, measure), method="ward")

    def squares(cluster) -> float:
        return float(((points[list(cluster)] - points[list(cluster)].mean(axis=0)) ** 2).sum())

    clusters = [frozenset([i]) for i in range(8)]
    for row, merged in zip(tree, clades(tree), strict=True):
        added = {A | B: squares(A | B) - squares(A) - squares(B) for A, B in combinations(clusters, 2)}
        expected = min(added, key=added.get)
        assert merged == expected
        assert row[2] == pytest.approx((2 * added[expected]) ** 0.5)
        clusters = [one for one in clusters if not one <= expected] + [expected]


def test_leaves_stand_in_optimal_order():
    # Points on a line, shuffled: the best order of leaves follows the line, one way or the other.
    points = np.random.default_rng(2).permutation([0, 1, 3, 4.5, 9, 11, 11.5])
    tree = linkage(matrix_of(np.abs(points[:, None] - points)))
    along = points[list(leaf_order(tree))].tolist()
    assert along in (sorted(points), sorted(points, reverse=True))


@given(values=tying)
def test_cutting_by_number_gives_exactly_that_many_and_matches_its_twin(values):
    tree = linkage(matrix_of(values))
    n_pairs = len(values)
    for n in range(1, n_pairs + 1):
        labels = cut_by_number(tree, n)
        assert reference.partition(labels.tolist()) == reference.partition_of_merges(tree, n_pairs - n)
        assert len(set(labels.tolist())) == n


@given(values=tying, height=st.sampled_from([0, 0.25, 0.5, 0.75, 1, 3]))
def test_cutting_by_height_joins_what_merges_at_or_below_it(values, height):
    tree = linkage(matrix_of(values))
    expected = reference.partition_of_merges(tree, int((tree[:, 2] <= height).sum()))
    assert reference.partition(cut_by_height(tree, height).tolist()) == expected


@given(values=tying)
def test_labels_count_up_along_the_leaves(values):
    tree = linkage(matrix_of(values))
    for labels in (cut_by_number(tree, max(1, len(values) // 2)), cut_by_height(tree, 0.5)):
        along = labels[list(leaf_order(tree))].tolist()
        assert along[0] == 0
        assert all(right - left in (0, 1) for left, right in pairwise(along))


def test_reordering_the_pairs_keeps_the_partition():
    values = random_values(8)
    order = [5, 2, 7, 0, 1, 6, 3, 4]
    labels = cut_by_number(linkage(matrix_of(values)), 3)
    shuffled = cut_by_number(linkage(matrix_of(values[np.ix_(order, order)])), 3)
    back = {frozenset(order[i] for i in cluster) for cluster in reference.partition(shuffled.tolist())}
    assert back == reference.partition(labels.tolist())


def test_cuts_that_cannot_be_are_refused():
    tree = linkage(matrix_of(random_values(4)))
    for n in (0, 5):
        with pytest.raises(ValueError, match=rf"n must be in \[1, 4\].*Got {n}"):
            cut_by_number(tree, n)
    for height in (-0.1, np.nan):
        with pytest.raises(ValueError, match=f"h must not be negative. Got {height}"):
            cut_by_height(tree, height)


def test_every_method_that_is_offered_makes_a_valid_tree():
    for method in linkage_methods(Measure.MSE):
        assert hierarchy.is_valid_linkage(linkage(matrix_of(random_values(7)), method=method))


# --- support, and how well a tree keeps distances --------------------------------------------------------------------


def test_clades_and_their_support_by_hand():
    # Points 0, 1 | 5, 7 | 20: clades 01, 23, 0123, all. In the second tree 4 lies by 3.
    tree = linkage(matrix_of(line := distances_between([0, 1, 5, 7, 20])))
    other = linkage(matrix_of(distances_between([0, 1, 5, 18, 20])))
    assert set(clades(tree)) == {frozenset(one) for one in ({0, 1}, {2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3, 4})}
    support = dict(zip(clades(tree), clade_support(tree, [tree, other, other]).tolist(), strict=True))
    assert support == {
        frozenset({0, 1}): 1,
        frozenset({2, 3}): pytest.approx(1 / 3),
        frozenset({0, 1, 2, 3}): pytest.approx(1 / 3),
        frozenset(range(5)): 1,
    }
    assert clade_support(tree, (linkage(matrix_of(line)) for _ in range(2))).tolist() == [1] * 4


@given(values=tying)
def test_support_does_not_depend_on_the_order_of_merges(values):
    tree = linkage(matrix_of(values))
    assert [clade == set(range(len(values))) for clade in clades(tree)][-1]
    assert clade_support(tree, [tree]).tolist() == [1] * len(tree)


def test_support_refuses_no_tree_and_another_pool():
    tree = linkage(matrix_of(random_values(4)))
    with pytest.raises(ValueError, match=r"at least one\. Got none"):
        clade_support(tree, [])
    with pytest.raises(ValueError, match=r"same 4 pairs\. Got one over 5"):
        clade_support(tree, [linkage(matrix_of(random_values(5)))])


def test_cophenetic_correlation_matches_scipy_and_leaves_out_the_unknown():
    distances = random_values(7)
    distances = distances + distances.T
    tree = linkage(matrix_of(distances))
    condensed = distances[np.triu_indices(7, k=1)]
    expected, heights = hierarchy.cophenet(tree, condensed)
    assert cophenetic_correlation(tree, distances) == pytest.approx(expected)
    distances[0, 3] = distances[3, 0] = np.nan
    known = np.isfinite(distances[np.triu_indices(7, k=1)])
    expected = np.corrcoef(heights[known], condensed[known])[0, 1]
    assert cophenetic_correlation(tree, distances) == pytest.approx(expected)


def test_cophenetic_correlation_of_a_constant_has_no_answer():
    tree = linkage(matrix_of(random_values(5)))
    assert cophenetic_correlation(tree, np.full((5, 5), 0.1) - 0.1 * np.eye(5)) is None
    assert cophenetic_correlation(tree, np.full((5, 5), np.nan)) is None
    with pytest.raises(ValueError, match=r"5 x 5, the pairs of the tree\. Got \(4, 4\)"):
        cophenetic_correlation(tree, np.zeros((4, 4)))


# --- agreement with traditional families -----------------------------------------------------------------------------

SLAVIC_AND_MORE = [pair(f"{code}-en") for code in ("be", "uk", "bg", "de", "sv", "ja")]


def test_perfect_agreement():
    # Slavic be uk bg, Germanic de sv, Japonic ja alone: the clusters are the families.
    got = agreement([2, 2, 2, 0, 0, 1], SLAVIC_AND_MORE, seed=1)
    assert got.adjusted_rand == 1
    assert got.adjusted_mutual_information == pytest.approx(1)
    assert got.n_with_family == 5
    # 60 ways to deal 3 + 2 + 1 families on six pairs, and only the dealing itself agrees as well: p is about 1/60.
    assert 1 / 10_000 <= got.p_value < 0.04


def test_agreement_matches_its_twin_and_the_exact_permutation_p():
    labels = [0, 0, 1, 1, 1, 2]
    families = [one.language.traditional_family for one in SLAVIC_AND_MORE]
    got = agreement(labels, SLAVIC_AND_MORE, n_permutations=4000, seed=5)
    observed = reference.adjusted_rand(labels, families)
    assert got.adjusted_rand == pytest.approx(observed)
    # Slavic 3, Germanic 2, Japonic 1 on clusters of 2, 3, 1, dealt in all ways; the Monte-Carlo error is 0.008.
    dealt = {tuple(np.random.default_rng(i).permutation(families)) for i in range(2000)}
    assert len(dealt) == 60
    exact = np.mean([reference.adjusted_rand(labels, one) >= observed - 1e-12 for one in dealt])
    assert got.p_value == pytest.approx(exact, abs=0.03)


def test_a_language_alone_in_its_family_stays_in():
    apart = agreement([0, 0, 0, 1, 1, 2], SLAVIC_AND_MORE, n_permutations=9, seed=1)
    joined = agreement([0, 0, 0, 1, 1, 1], SLAVIC_AND_MORE, n_permutations=9, seed=1)
    assert joined.adjusted_rand < apart.adjusted_rand


def test_p_counts_the_observed_dealing_and_repeats_with_its_seed():
    # One cluster of all: every dealing agrees equally, so p is 1.
    assert agreement([0] * 6, SLAVIC_AND_MORE, n_permutations=9, seed=1).p_value == 1
    one, again = (agreement([0, 0, 1, 1, 1, 2], SLAVIC_AND_MORE, n_permutations=50, seed=9) for _ in range(2))
    assert one == again


def test_agreement_refuses_what_does_not_align():
    with pytest.raises(ValueError, match="Got 2 for 6 pairs"):
        agreement([0, 1], SLAVIC_AND_MORE, seed=1)
    with pytest.raises(ValueError, match=r"n_permutations must be at least 1\. Got 0"):
        agreement([0] * 6, SLAVIC_AND_MORE, n_permutations=0, seed=1)


def test_nearest_neighbours_by_hand():
    # be uk (Slavic), de sv (Germanic), ja alone. |KL|: be's nearest is uk (−1 is nearer than 2), uk's is de (1, where
    # −5 is far), de's is sv, sv's is ja; ja is not eligible. So be and de: 2 of 4. By chance each of the 4 targets
    # meets its one relative among 4 others: 1 in all.
    pairs = tuple(pair(f"{code}-en") for code in ("be", "uk", "de", "sv", "ja"))
    values = np.array(
        [[0, -1, 2, 3, 4], [-5, 0, 1, 2, 3], [4, 4, 0, 2, 3], [9, 9, 8, 0, 1], [1, 1, 1, 1, 0]], dtype=float
    )
    got = nearest_neighbour_agreement(PairwiseMatrix(pairs, values, Measure.KL))
    assert (got.n_same, got.n_eligible, got.expected) == (2, 4, 1)
    # The same matrix by distance 1 − w.
    similar = nearest_neighbour_agreement(PairwiseMatrix(pairs, 1 - np.abs(values) / 10, Measure.OVERLAP))
    assert similar == got


def test_no_eligible_target():
    pairs = (pair("ja-en"), pair("ko-en"))
    got = nearest_neighbour_agreement(PairwiseMatrix(pairs, np.array([[0, 1.0], [1, 0]]), Measure.MSE))
    assert (got.n_same, got.n_eligible, got.expected) == (0, 0, 0)
