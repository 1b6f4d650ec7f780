"""Mean ranks and the agreement of measures, worked by hand or by SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import languages, pair
from pseudofam_core.similarity.consensus import consensus
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix, measure_name
from pseudofam_core.structure.agreement import measure_agreement
from pseudofam_core.structure.correlation import kendall_w, mantel

POOL = tuple(sorted(pair(f"{code}-en") for code in sorted(languages()) if code != "en"))


def matrix_of(values, measure=Measure.MSE, top_fraction=None, **provenance) -> PairwiseMatrix:
    values = np.array(values, dtype=float)
    return PairwiseMatrix(POOL[: len(values)], values, measure, top_fraction, provenance=provenance)


def random_matrices(n: int, seed: int = 0) -> list[PairwiseMatrix]:
    """Three measures that agree somewhat; KL with both signs, some entries tied."""
    rng = np.random.default_rng(seed)
    common = rng.uniform(size=(n, n))
    mse, kl, overlap = (np.round(common + rng.uniform(size=(n, n)), 1) for _ in range(3))
    np.fill_diagonal(mse, 0)
    return [
        matrix_of(mse),
        matrix_of(kl * rng.choice([-1, 1], (n, n)), Measure.KL),
        matrix_of(1 - overlap / 2, Measure.OVERLAP, 0.4),
    ]


def test_consensus_by_hand():
    # Target 0 sees 1, 2, 3. MSE 5 1 3: ranks 3 1 2. |KL| 2 2 9: ranks 1.5 1.5 3. Overlap 0.9 0.2 0.5: ranks 1 3 2.
    # Mean ranks 5.5/3, 5.5/3, 7/3.
    others = [[1, 0, 2, 3], [1, 2, 0, 3], [1, 2, 3, 0]]
    mse = matrix_of([[0, 5, 1, 3], *others], model="sample", key="a")
    kl = matrix_of([[0, -2, 2, 9], *others], Measure.KL, key="b")
    overlap = matrix_of([[1, 0.9, 0.2, 0.5], *(1 - np.array(others) / 10)], Measure.OVERLAP, 0.4, key="c")
    found = consensus([mse, kl, overlap])
    assert found.values[0] == pytest.approx([0, 5.5 / 3, 5.5 / 3, 7 / 3])
    # All three agree on the other targets' order.
    assert found.values[1:].tolist() == others
    assert (found.measure, found.top_fraction, found.measure.is_similarity) == (Measure.CONSENSUS, None, False)
    assert found.provenance == {"model": "sample", "consensus_of": "MSE, KL, Overlap (K = 40%)", "key": "a b c"}


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 9))
def test_consensus_matches_a_loop_over_scipys_ranks(seed, n):
    matrices = random_matrices(n, seed)
    found = consensus(matrices)
    for t in range(n):
        others = [a for a in range(n) if a != t]
        ranks = [stats.rankdata([abs(one.distances[t, a]) for a in others]) for one in matrices]
        assert found.values[t, others] == pytest.approx(np.mean(ranks, axis=0))
        assert found.values[t, t] == 0


def test_a_consensus_of_one_order_selects_as_its_measures_do():
    mse = random_matrices(8)[0]
    values = mse.values + np.random.default_rng(1).uniform(0, 1e-6, (8, 8)) * (1 - np.eye(8))
    one, same = matrix_of(values), matrix_of(values**2, Measure.KL)
    nearest = SelectionSpec(rule=Rule.NEAREST, largest=3)
    for target in one.pairs:
        expected = select_family(one, target, selection=nearest).members
        assert select_family(consensus([one, same]), target, selection=nearest).members == expected


def test_agreement_matches_scipy_overall_and_by_target():
    matrices = random_matrices(7)
    found = measure_agreement(matrices, n_permutations=99, seed=5)
    assert found.names == ("MSE", "KL", "Overlap (K = 40%)")
    away = ~np.eye(7, dtype=bool)
    rows = [np.abs(one.distances) for one in matrices]
    for i in range(3):
        for j in range(3):
            expected = stats.spearmanr(rows[i][away], rows[j][away]).statistic
            assert found.spearman[i, j] == pytest.approx(expected)
            for t in range(7):
                expected = stats.spearmanr(rows[i][t, away[t]], rows[j][t, away[t]]).statistic
                assert found.spearman_by_target[t, i, j] == pytest.approx(expected)
    assert found.kendall_w == pytest.approx(kendall_w(np.array([one[away] for one in rows])))
    assert found.kendall_w_by_target[3] == pytest.approx(kendall_w(np.array([one[3, away[3]] for one in rows])))
    assert set(found.mantel) == {("MSE", "KL"), ("MSE", "Overlap (K = 40%)"), ("KL", "Overlap (K = 40%)")}
    symmetric = [one.symmetric_distances() for one in matrices]
    assert found.mantel["MSE", "KL"] == mantel(symmetric[0], symmetric[1], n_permutations=99, seed=5)


def test_measures_that_say_the_same_agree_fully():
    # In eighths, so that what ties as a distance ties as a similarity too. It falls as the distance grows.
    one = matrix_of(np.round(8 * random_matrices(6)[0].values) / 8)
    found = measure_agreement([one, matrix_of(1 - one.values / 4, Measure.OVERLAP, 0.2)], n_permutations=199, seed=1)
    assert found.spearman == pytest.approx(np.ones((2, 2)))
    assert found.kendall_w == pytest.approx(1)
    assert found.kendall_w_by_target == pytest.approx(np.ones(6))
    (test,) = found.mantel.values()
    assert test.correlation == pytest.approx(1)
    assert test.p_value < 0.05


def test_a_name_carries_its_k():
    assert measure_name(matrix_of(np.eye(3), Measure.OVERLAP, 0.125)) == "Overlap (K = 12.5%)"
    assert measure_name(matrix_of(np.eye(3))) == "MSE"


def test_what_can_not_be_compared_is_refused():
    one, two, three = random_matrices(4)
    with pytest.raises(ValueError, match=r"at least 2 to be held against each other\. Got 1"):
        consensus([one])
    elsewhere = PairwiseMatrix(POOL[1:5], one.values, Measure.KL)
    for function in (consensus, lambda matrices: measure_agreement(matrices, seed=1)):
        with pytest.raises(ValueError, match="over the same pool"):
            function([one, two, elsewhere])
    with pytest.raises(ValueError, match=r"differ in measure or K\. Got MSE, MSE"):
        measure_agreement([one, one, three], seed=1)
    with pytest.raises(ValueError, match=r"at least 3 pairs in the pool\. Got 2"):
        measure_agreement([matrix_of(np.eye(2)), matrix_of(np.eye(2), Measure.KL)], seed=1)
