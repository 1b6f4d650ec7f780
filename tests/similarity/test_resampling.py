"""The bootstrap matches a literal loop over resampled shards, and stability counts what the rule chooses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.families.stability import families_alike, family_stability
from pseudofam_core.languages import languages, pair
from pseudofam_core.similarity.measures import FISHER_MEASURES, MASKED, Measure
from pseudofam_core.similarity.replicates import ShardSketches
from pseudofam_core.similarity.resampling import (
    BootstrapReplicates,
    bootstrap_replicates,
    resampled_counts,
    sketch_matrix,
)
from pseudofam_core.similarity.results import PairwiseMatrix
from tests import reference

POOL = tuple(sorted(pair(f"{code}-en") for code in sorted(languages()) if code != "en"))
MEASURES = tuple((one, 0.4 if one.has_masks else None) for one in FISHER_MEASURES)


def sketches(n=5, n_shards=4, m=700, *, shared=True, seed=0, spread=1.0) -> ShardSketches:
    """Heavy-tailed diagonals that share most of their shape; more parameters than a block."""
    rng = np.random.default_rng(seed)
    own = rng.lognormal(-10, 2, m) * rng.lognormal(0, 0.3, (n, 1, m))
    counts = rng.integers(3, 9, (n, n_shards)) if not shared else np.tile(rng.integers(3, 9, n_shards), (n, 1))
    sums = own * counts[:, :, None] * rng.gamma(1 / spread, spread, (n, n_shards, m))
    return ShardSketches(POOL[:n], sums.astype(np.float32), counts, 10 * m, shared)


def literal(of: ShardSketches, times: np.ndarray, measure: Measure, top_fraction: float | None) -> np.ndarray:
    """One replicate in Python floats: times[i, s] is how often pair i's shard s was drawn."""
    n, n_shards, m = of.sums.shape
    diagonals = []
    for i in range(n):
        shards = [s for s in range(n_shards) for _ in range(times[i, s])]
        n_sentences = sum(int(of.counts[i, s]) for s in shards)
        diagonals.append([sum(float(of.sums[i, s, p]) for s in shards) / n_sentences for p in range(m)])
    if measure in (Measure.KL_REVERSE, Measure.KL_NORMALISED_REVERSE):
        return literal(of, times, Measure(measure.removesuffix("-reverse")), top_fraction).T
    match measure:
        case Measure.MSE:
            return np.array([[reference.mean_squared_difference(f, g) for g in diagonals] for f in diagonals])
        case Measure.KL:
            scale = of.n_parameters / m
            return np.array([[scale * reference.divergence(f, g) for g in diagonals] for f in diagonals])
        case Measure.KL_NORMALISED:
            diagonals = list(map(reference.normalised, diagonals))
            return np.array([[reference.divergence(f, g) for g in diagonals] for f in diagonals])
        case Measure.COSINE:
            unit = np.array(diagonals) / np.linalg.norm(diagonals, axis=1, keepdims=True)
            return unit @ unit.T
        case Measure.HELLINGER:
            return np.array([[reference.hellinger(f, g) for g in diagonals] for f in diagonals])
    # Sums of float32 shards round in float32: marks are taken of what float32 holds.
    tops = [reference.top_positions(np.float32(f).tolist(), top_fraction) for f in diagonals]
    if measure is Measure.OVERLAP:
        return np.array([[reference.overlap(f, g) for g in tops] for f in tops])
    assert measure is Measure.JACCARD
    return np.array([[len(f & g) / len(f | g) for g in tops] for f in tops])


@pytest.mark.parametrize(("measure", "top_fraction"), MEASURES)
@pytest.mark.parametrize("shared", [True, False])
def test_replicates_match_a_literal_loop(measure, top_fraction, shared):
    of = sketches(shared=shared)
    found = bootstrap_replicates(of, measure=measure, top_fraction=top_fraction, n_replicates=6, seed=7)
    drawn = resampled_counts(5, 4, n_replicates=6, shared=shared, seed=7)
    expected = np.array([literal(of, times, measure, top_fraction) for times in drawn])
    tolerance = 1e-5 * np.abs(expected).max()
    assert_allclose(found.values, expected, rtol=1e-4, atol=tolerance)
    assert (found.measure, found.top_fraction, found.seed, found.pairs) == (measure, top_fraction, 7, POOL[:5])
    # Draws differ, and so do their matrices.
    assert len({matrix.values.tobytes() for matrix in found.matrices()}) > 3


def test_kl_between_nearly_equal_diagonals_survives_float32():
    # A small difference of large terms: float32 logs of 1e-5 carry 1e-6 each.
    rng = np.random.default_rng(0)
    shape = rng.lognormal(-12, 3, 2**15) * rng.lognormal(0, 0.01, (4, 1, 2**15))
    sums = (25 * shape * rng.lognormal(0, 0.01, (4, 3, 2**15))).astype(np.float32)
    of = ShardSketches(POOL[:4], sums, np.full((4, 3), 25), 2**15, True)
    means = sums.sum(axis=1, dtype=np.float64) / 75
    logs = np.log(means + 1e-16)
    expected = np.array([((own - logs) * mean).sum(axis=1) for mean, own in zip(means, logs, strict=True)])
    found = sketch_matrix(of, measure=Measure.KL_REVERSE).values
    assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("measure", "top_fraction"), MEASURES)
def test_the_sketchs_matrix_is_of_all_sentences(measure, top_fraction):
    of = sketches(shared=False)
    found = sketch_matrix(of, measure=measure, top_fraction=top_fraction)
    expected = literal(of, np.ones((5, 4), dtype=int), measure, top_fraction)
    assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    assert found.provenance["n_sketched"] == 700


def test_marks_are_exactly_the_top_of_the_sketch_where_values_tie():
    # Mostly zeros and a few equal values: the earlier of equals are marked, so that masks of 280 overlap as the twin's.
    of = sketches()
    sums = np.where(of.sums > np.quantile(of.sums, 0.8), np.float32(2), np.float32(0))
    of = dataclasses.replace(of, sums=sums, counts=np.full((5, 4), 5))
    found = sketch_matrix(of, measure=Measure.OVERLAP, top_fraction=0.4)
    assert np.array_equal(found.values, literal(of, np.ones((5, 4), dtype=int), Measure.OVERLAP, 0.4))
    assert (np.diag(found.values) == 1).all()


def test_zeros_are_in_no_resampled_mask():
    # 40 % of the parameters are dead in one pair, 70 % in another: at K = 0.5 the second's mask is smaller.
    of = sketches()
    sums = of.sums.copy()
    sums[1, :, :280] = 0
    sums[2, :, :490] = 0
    of = dataclasses.replace(of, sums=sums)
    for measure in MASKED:
        found = sketch_matrix(of, measure=measure, top_fraction=0.5)
        assert np.array_equal(found.values, literal(of, np.ones((5, 4), dtype=int), measure, 0.5))
    assert not np.array_equal(found.values, sketch_matrix(of, measure=Measure.OVERLAP, top_fraction=0.5).values)
    sums[2] = 0
    with pytest.raises(ValueError, match=f"Got only zeros for {POOL[2]}"):
        bootstrap_replicates(of, measure=Measure.OVERLAP, top_fraction=0.5, n_replicates=2, seed=1)


def test_equal_diagonals_are_at_no_distance():
    of = sketches(n=3)
    sums = of.sums.copy()
    sums[1] = sums[0]
    of = dataclasses.replace(of, sums=sums)
    for measure in (Measure.MSE, Measure.KL_NORMALISED, Measure.HELLINGER):
        values = bootstrap_replicates(of, measure=measure, n_replicates=5, seed=1).values
        assert (values[:, [0, 1], [1, 0]] <= 1e-7 * values.max()).all()
        assert (values[:, 0, 0] == 0).all() or measure is Measure.KL_NORMALISED


def test_draws_are_seeded_shared_or_each_its_own_and_fair():
    shared = resampled_counts(3, 8, n_replicates=2000, shared=True, seed=1)
    own = resampled_counts(3, 8, n_replicates=2000, shared=False, seed=1)
    assert shared.shape == own.shape == (2000, 3, 8)
    assert (shared.sum(axis=2) == 8).all()
    assert (own.sum(axis=2) == 8).all()
    assert (shared[:, 0] == shared[:, 2]).all()
    assert (own[:, 0] != own[:, 2]).any(axis=1).mean() > 0.9
    assert np.array_equal(own, resampled_counts(3, 8, n_replicates=2000, shared=False, seed=1))
    assert not np.array_equal(own, resampled_counts(3, 8, n_replicates=2000, shared=False, seed=2))
    # Each shard is drawn once on average, and left out of (7/8)^8 = 34% of draws.
    assert_allclose(own.mean(axis=0), 1, atol=0.1)
    assert_allclose((own == 0).mean(), (7 / 8) ** 8, atol=0.01)


def test_stability_counts_what_the_rule_chooses():
    of = sketches(n=7, spread=4.0)
    selection = SelectionSpec(largest=4)
    full = sketch_matrix(of, measure=Measure.MSE)
    replicates = bootstrap_replicates(of, measure=Measure.MSE, n_replicates=40, seed=3)
    found = family_stability(replicates, full, selection=selection)
    for t, target in enumerate(full.pairs):
        families = [set(select_family(one, target, selection=selection).members) for one in replicates.matrices()]
        for a, auxiliary in enumerate(full.pairs):
            assert found.shares[t, a] == sum(auxiliary in one for one in families) / 40
        for size in range(7):
            assert found.size_shares[t, size] == sum(len(one) == size for one in families) / 40
        same = set(select_family(full, target, selection=selection).members)
        assert found.unchanged[t] == sum(one == same for one in families) / 40
    assert found.n_replicates == 40
    assert 0 < found.unchanged.mean() < 1
    assert_allclose(found.size_shares.sum(axis=1), 1)


def test_families_of_two_matrices_are_held_against_each_other_by_hand():
    of = sketches(n=5)
    first = sketch_matrix(of, measure=Measure.MSE)
    one, other = (
        np.abs(np.subtract.outer(row, row)) for row in (np.array([0, 1, 3, 7, 15.0]), np.array([0, 1, 3, 30, 15]))
    )
    nearest = SelectionSpec(Rule.NEAREST, largest=2)
    matrices = [dataclasses.replace(first, values=values) for values in (one, other)]
    found = families_alike(*matrices, selection=nearest)
    # 0 → 1 2 and 1 → 0 2 and 2 → 1 0 by both; 3 (7) → 2 1 against (30) → 4 2; 4 → 3 2 against 2 1.
    assert found.same.tolist() == [True, True, True, False, False]
    assert found.shared == pytest.approx((3 + 1 / 3 + 1 / 3) / 5)
    assert found.family(POOL[3]) == (POOL[1], POOL[2])
    assert families_alike(first, first, selection=nearest).shared == 1
    with pytest.raises(ValueError, match="same pool"):
        families_alike(first, sketch_matrix(sketches(n=4), measure=Measure.MSE), selection=nearest)


def test_families_without_noise_never_change():
    of = sketches(n=6)
    calm = dataclasses.replace(of, sums=np.repeat(of.sums[:, :1], 4, axis=1), counts=np.full((6, 4), 5))
    full = sketch_matrix(calm, measure=Measure.OVERLAP, top_fraction=0.3)
    replicates = bootstrap_replicates(calm, measure=Measure.OVERLAP, top_fraction=0.3, n_replicates=9, seed=1)
    found = family_stability(replicates, full, selection=SelectionSpec())
    assert (found.unchanged == 1).all()
    assert set(np.unique(found.shares)) <= {0, 1}


def test_what_does_not_fit_is_refused():
    of = sketches()
    with pytest.raises(ValueError, match=r"top_fraction must be given for masks.*Got None"):
        bootstrap_replicates(of, measure=Measure.OVERLAP, seed=1)
    with pytest.raises(ValueError, match=r"top_fraction must be given for masks.*Got 0\.4"):
        sketch_matrix(of, measure=Measure.MSE, top_fraction=0.4)
    with pytest.raises(ValueError, match=r"computed from diagonals\. Got consensus"):
        sketch_matrix(of, measure=Measure.CONSENSUS)
    with pytest.raises(ValueError, match=r"n_replicates must be at least 1\. Got 0"):
        bootstrap_replicates(of, measure=Measure.MSE, n_replicates=0, seed=1)
    # One shard is drawn again as itself: every family would be called 100% stable.
    for n_shards in (1, 3):
        with pytest.raises(ValueError, match=rf"at least 4 shards to draw again\. Got {n_shards}\. .*per-batch"):
            bootstrap_replicates(sketches(n_shards=n_shards), measure=Measure.MSE, seed=1)
    nothing = dataclasses.replace(of, sums=np.where(np.arange(5)[:, None, None] == 2, np.float32(0), of.sums))
    with pytest.raises(ValueError, match=f"only zeros for {POOL[2]}"):
        sketch_matrix(nothing, measure=Measure.KL_NORMALISED)
    with pytest.raises(ValueError, match="all zeros to have a direction"):
        sketch_matrix(nothing, measure=Measure.COSINE)
    counts = of.counts.copy()
    counts[1, 2] = 0
    with pytest.raises(ValueError, match=rf"Got one without for {POOL[1]}\. Estimate it with at least 4"):
        dataclasses.replace(of, counts=counts)
    with pytest.raises(ValueError, match=r"Got \(5, 4, 700\) and \(5, 3\)"):
        dataclasses.replace(of, counts=counts[:, :3])


def test_stability_refuses_another_pool_or_measure():
    of = sketches()
    replicates = bootstrap_replicates(of, measure=Measure.MSE, n_replicates=2, seed=1)
    with pytest.raises(ValueError, match="Got mse over 5 pairs for kl over 5"):
        family_stability(replicates, sketch_matrix(of, measure=Measure.KL), selection=SelectionSpec())
    other = PairwiseMatrix(POOL[1:6], np.zeros((5, 5)), Measure.MSE)
    with pytest.raises(ValueError, match="Resample this pool"):
        family_stability(replicates, other, selection=SelectionSpec())
    assert isinstance(replicates, BootstrapReplicates)
