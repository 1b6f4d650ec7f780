"""A pool's comparison is computed once, found again without its estimates, and every K is a look-up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import save_file

from pseudofam_core.errors import DamagedArtifact, JobCancelled
from pseudofam_core.estimates import FISHER_FILE
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.progress import Progress
from pseudofam_core.similarity import pools
from pseudofam_core.similarity.matrices import similarity_matrix
from pseudofam_core.similarity.measures import FISHER_MEASURES, SUMMED, Measure
from pseudofam_core.similarity.pools import (
    find_pool_similarity,
    pool_similarity,
    pool_similarity_cost,
    similarity,
    similarity_spec,
)
from pseudofam_core.similarity.spec import Scope
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.store.stages import Stage
from tests import reference

PAIRS = [pair(f"{code}-en") for code in ("be", "de", "tr")]
LAYER = "model.encoder.layers.0"
FFN = [f"{LAYER}.fc1.weight", f"{LAYER}.fc2.weight"]
SHAPES = {
    FFN[0]: (6, 20),
    FFN[1]: (20, 6),
    f"{LAYER}.self_attn.q_proj.weight": (8, 8),
    f"{LAYER}.self_attn.k_proj.bias": (8,),
}
Estimates = dict[LanguagePair, Artifact]


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def tensors() -> dict[LanguagePair, dict[str, np.ndarray]]:
    rng = np.random.default_rng(2)
    return {
        one: {name: rng.lognormal(n * ("attn" in name), 2, shape).astype(np.float32) for name, shape in SHAPES.items()}
        for n, one in enumerate(PAIRS)
    }


@pytest.fixture
def estimate(cache) -> Callable[..., Artifact]:
    """Keep tensors as a finished estimate of a pair."""

    def estimate(one: LanguagePair, tensors, *, parameters: str = "layers") -> Artifact:
        spec = {
            "model_revision": "m",
            "parameters": parameters,
            "estimator": "per-sentence",
            "max_length": 256,
            "pair": str(one),
            "text_digest": f"text of {one}",
        }
        summary = {
            "workspace": {"model": "sample", "corpus": "sample", "split": "train", "seed": 1},
            "n_sentences": 7,
            "n_source_tokens": 30,
            "n_target_tokens": 20,
            "n_parameters": sum(tensor.size for tensor in tensors.values()),
            "loss": 50.0,
            "total": float(sum(tensor.sum() for tensor in tensors.values())),
            "layer_mass": {},
            "seconds": 1.0,
            "version": "0",
        }
        return cache.store(
            Stage.FISHER,
            f"{one}{parameters}",
            spec=spec,
            summary=summary,
            write=lambda folder: save_file(tensors, folder / FISHER_FILE),
        )

    return estimate


@pytest.fixture
def estimates(estimate, tensors) -> Estimates:
    return {one: estimate(one, tensors[one]) for one in PAIRS}


@pytest.fixture
def no_reading(monkeypatch) -> Callable[[], None]:
    """From now on, opening an estimate's file is a failure."""

    def forbid() -> None:
        for name in ("similarity_of_files", "similarity_matrix", "safe_open"):
            monkeypatch.setattr(pools, name, lambda *_, **__: pytest.fail("read again"))

    return forbid


@pytest.mark.parametrize("scope", list(Scope))
def test_a_pool_is_compared_once_and_every_k_is_a_look_up(estimates, cache, tensors, scope, no_reading):
    assert find_pool_similarity(estimates, cache=cache, scope=scope) is None
    first = pool_similarity(estimates, cache=cache, scope=scope)
    no_reading()
    for one in estimates.values():
        one.file(FISHER_FILE).unlink()
    found = find_pool_similarity(estimates, cache=cache, scope=scope)
    assert found is not None
    again = pool_similarity(estimates, cache=cache, scope=scope)
    scoped = sorted(set(SHAPES) - {f"{LAYER}.self_attn.k_proj.bias"})
    compared = FFN if scope is Scope.MODEL else scoped
    for k in (0.1, 0.4, 0.637, 1.0):
        masks = [reference.top_positions_within(tensors[one], compared, scoped, k) for one in PAIRS]
        expected = [[reference.overlap(t, a) for a in masks] for t in masks]
        for pool in (first, found, again):
            matrix = pool.matrix(Measure.OVERLAP, k)
            assert matrix.values.tolist() == expected
            assert (matrix.scope, matrix.top_fraction) == (scope, k)
            spec = similarity_spec(estimates, Measure.OVERLAP, top_fraction=k, scope=scope)
            assert_array_equal(similarity(estimates, spec, cache).values, matrix.values)


def test_every_measure_is_the_one_computed_alone(estimates, cache, no_reading):
    files = {one: artifact.file(FISHER_FILE) for one, artifact in estimates.items()}
    names = pools.compared_parameters(list(SHAPES))
    alone = {one: similarity_matrix(files, measure=one, names=names).values for one in SUMMED}
    alone[Measure.JACCARD] = similarity_matrix(
        files, measure=Measure.JACCARD, names=names, top_fraction=0.4, scope=Scope.GROUP
    ).values
    pool_similarity(estimates, cache=cache)
    no_reading()
    for measure, values in alone.items():
        matrix = similarity(estimates, similarity_spec(estimates, measure), cache)
        assert_array_equal(matrix.values, values)
        assert matrix.measure is measure
        assert matrix.provenance["compared"] == "layers"
        assert matrix.provenance["sentences"] == "7"


def test_a_k_between_the_steps_is_exact_and_kept(estimates, cache, tensors, no_reading):
    names = sorted(set(SHAPES) - {f"{LAYER}.self_attn.k_proj.bias"})
    spec = similarity_spec(estimates, Measure.OVERLAP, top_fraction=1 / 3)
    matrix = similarity(estimates, spec, cache)
    masks = [reference.top_positions(reference.flat(tensors[one], names), 1 / 3) for one in PAIRS]
    assert matrix.values.tolist() == [[reference.overlap(t, a) for a in masks] for t in masks]
    pool = pool_similarity(estimates, cache=cache)
    no_reading()
    again = similarity(estimates, spec, cache)
    assert_array_equal(again.values, matrix.values)
    assert again.top_fraction == 1 / 3
    with pytest.raises(ValueError, match=r"Take 0\.333, the nearest"):
        pool.matrix(Measure.OVERLAP, 1 / 3)


def test_scope_group_and_estimates_lead_to_artifacts_of_their_own(estimates, estimate, tensors, cache):
    pool_similarity(estimates, cache=cache)
    assert find_pool_similarity(estimates, cache=cache, scope=Scope.MODEL) is None
    assert find_pool_similarity(estimates, cache=cache, group="ffn") is None
    assert find_pool_similarity({one: estimates[one] for one in PAIRS[:2]}, cache=cache) is None
    other = estimates | {PAIRS[0]: estimate(PAIRS[0], tensors[PAIRS[1]], parameters="attention")}
    with pytest.raises(ValueError, match="share their parameters"):
        find_pool_similarity(other, cache=cache)
    with pytest.raises(ValueError, match="at least 2"):
        pool_similarity({PAIRS[0]: estimates[PAIRS[0]]}, cache=cache)
    with pytest.raises(ValueError, match="selects none"):
        pool_similarity(estimates, cache=cache, group="decoder-ffn")


def test_a_diagonal_of_zeros_leaves_the_measures_that_can_bear_it(estimate, tensors, cache):
    tensors[PAIRS[1]] = {name: np.zeros_like(tensor) for name, tensor in tensors[PAIRS[1]].items()}
    pool = pool_similarity({one: estimate(one, tensors[one]) for one in PAIRS}, cache=cache)
    assert pool.matrix(Measure.MSE).values[0, 1] > 0
    with pytest.raises(
        ValueError, match=r"Got none for de-en: its parameters are all zero there\. Estimate it with more"
    ):
        pool.matrix(Measure.OVERLAP, 0.5)
    for measure in (Measure.KL_NORMALISED, Measure.COSINE):
        with pytest.raises(ValueError, match=f"positive sum for {measure.label[:2]}"):
            pool.matrix(measure)


def test_a_comparison_kept_before_a_measure_was_added_is_computed_again(estimates, cache, monkeypatch):
    """Found, it would lack the measure, and a page would say that a diagonal holds nothing but zeros."""
    today = pools.COMPARISON_VERSION
    assert today == sum(one.row.version for one in FISHER_MEASURES)
    monkeypatch.setattr(pools, "COMPARISON_VERSION", today - FISHER_MEASURES[-1].row.version)
    pool_similarity(estimates, cache=cache)
    monkeypatch.setattr(pools, "COMPARISON_VERSION", today)
    assert find_pool_similarity(estimates, cache=cache) is None
    assert set(pool_similarity(estimates, cache=cache).matrices) == set(SUMMED)


def test_progress_and_stopping(estimates, cache):
    seen: list[Progress] = []
    with pytest.raises(JobCancelled):
        pool_similarity(estimates, cache=cache, report=seen.append, should_stop=lambda: len(seen) == 2)
    assert find_pool_similarity(estimates, cache=cache) is None
    pool_similarity(estimates, cache=cache, report=seen.append)
    assert (seen[-1].done, seen[-1].phase, seen[-1].unit) == (seen[-1].total, "comparing", "numbers")
    assert pool_similarity_cost(estimates) > 4 * seen[-1].total


def test_a_damaged_comparison_is_computed_again_and_a_damaged_estimate_named(estimates, cache):
    pool = pool_similarity(estimates, cache=cache)
    key = pool.provenance["key"]
    file = cache.root / Stage.COMPARISON / key / "comparison.safetensors"
    file.write_bytes(file.read_bytes()[:-8] + b"damaged!")
    assert find_pool_similarity(estimates, cache=cache) is None
    assert_array_equal(pool_similarity(estimates, cache=cache).curve.shared, pool.curve.shared)
    file.write_bytes(b"")
    estimates[PAIRS[0]].file(FISHER_FILE).write_bytes(b"")
    with pytest.raises(DamagedArtifact, match="Fisher file of be-en can't be read"):
        pool_similarity(estimates, cache=cache)
