"""Every measure matches its twin, keeps its laws and refuses what it can't compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import save_file

import pseudofam_core.similarity as similarity
from pseudofam_core.errors import DamagedArtifact
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.results import PairwiseMatrix
from pseudofam_core.similarity import compared_parameters, similarity_matrix
from pseudofam_core.specs import Measure, Scope
from tests import reference

PAIRS = [pair(f"{code}-en") for code in ("be", "de", "fa", "ja", "uk")]
SHAPES = {"decoder.fc1.weight": (7, 30), "encoder.fc1.weight": (11, 13), "encoder.norm": (9,), "scale": ()}
FFN = ["encoder.fc1.weight", "decoder.fc1.weight"]
Pool = dict[LanguagePair, dict[str, np.ndarray]]
Write = Callable[[Pool], Mapping[LanguagePair, Path]]
# tmp_path is shared between hypothesis' examples; each writes its files anew.
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def write(tmp_path) -> Write:
    def write(pool: Pool) -> Mapping[LanguagePair, Path]:
        files = {one: tmp_path / f"{one}.safetensors" for one in pool}
        for one, tensors in pool.items():
            save_file({name: np.array(tensor, order="C") for name, tensor in tensors.items()}, files[one])
        return files

    return write


@pytest.fixture
def pool() -> Pool:
    """Squared Gaussian gradients whose sizes differ by pair, as Fisher diagonals do."""
    rng = np.random.default_rng(7)
    return {
        one: {name: np.asarray(rng.normal(size=shape) ** 2 * 10.0**-n, np.float32) for name, shape in SHAPES.items()}
        for n, one in enumerate(PAIRS)
    }


@pytest.fixture
def small_blocks(monkeypatch):
    """Many blocks, tiles and bytes with padding, at sizes that divide nothing."""
    monkeypatch.setattr(similarity, "_BLOCK_PARAMETERS", 37)
    monkeypatch.setattr(similarity, "_TILE", 10)


def overlap(files: Mapping[LanguagePair, Path], fraction: float, names: list[str], **options) -> PairwiseMatrix:
    scope = Scope.MODEL if options else Scope.GROUP
    return similarity_matrix(files, measure=Measure.OVERLAP, names=names, top_fraction=fraction, scope=scope, **options)


def vectors(rows: list[list[float]]) -> Pool:
    return {PAIRS[n]: {"w": np.array(row, np.float32)} for n, row in enumerate(rows)}


# --- twins -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("names", [FFN, list(SHAPES), ["scale"]], ids=["ffn", "all", "scalar"])
@pytest.mark.parametrize("measure", [Measure.MSE, Measure.KL, Measure.KL_NORMALISED])
def test_sums_match_their_twins(pool, write, names, measure):
    got = similarity_matrix(write(pool), measure=measure, names=names)
    diagonals = {one: reference.flat(tensors, names) for one, tensors in pool.items()}
    if measure is Measure.KL_NORMALISED:
        diagonals = {one: reference.normalised(values) for one, values in diagonals.items()}
    twin = reference.mean_squared_difference if measure is Measure.MSE else reference.divergence
    expected = [[twin(diagonals[t], diagonals[a]) for a in PAIRS] for t in PAIRS]
    # Float64 sums against correctly rounded ones; 1e-15 is what rounding leaves of terms that cancel.
    assert_allclose(got.values, expected, rtol=1e-12, atol=1e-15)
    assert got.pairs == tuple(PAIRS)
    assert got.measure is measure
    assert got.provenance["n_parameters"] == len(diagonals[PAIRS[0]])


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.4, 0.999, 1])
def test_overlap_matches_its_twin_exactly(pool, write, fraction):
    got = overlap(write(pool), fraction, FFN)
    masks = [reference.top_positions(reference.flat(pool[one], FFN), fraction) for one in PAIRS]
    assert_array_equal(got.values, [[reference.overlap(t, a) for a in masks] for t in masks])
    assert (got.top_fraction, got.scope) == (fraction, Scope.GROUP)


@pytest.mark.usefixtures("small_blocks")
def test_overlap_in_the_model_scope_matches_its_twin_and_is_directed(pool, write):
    for n, one in enumerate(PAIRS):
        pool[one]["encoder.norm"] *= 10.0 ** (n - 2)
    names = ["encoder.fc1.weight"]
    got = overlap(write(pool), 0.2, names, scope_names=list(SHAPES))
    masks = [reference.top_positions_within(pool[one], names, list(SHAPES), 0.2) for one in PAIRS]
    assert_array_equal(got.values, [[reference.overlap(t, a) for a in masks] for t in masks])
    assert not np.array_equal(got.values, got.values.T)


@many
@given(
    diagonals=hnp.arrays(np.float32, (3, 90), elements=st.sampled_from([0, 1e-30, 1e-9, 0.5, 1, 3e4])),
    fraction=st.floats(0.001, 1),
)
def test_overlap_matches_its_twin_where_almost_all_values_tie(write, diagonals, fraction):
    pool = {PAIRS[n]: {"b": row[:40].reshape(5, 8), "a": row[40:]} for n, row in enumerate(diagonals)}
    got = overlap(write(pool), fraction, ["a", "b"])
    masks = [reference.top_positions(reference.flat(tensors, ["a", "b"]), fraction) for tensors in pool.values()]
    assert_array_equal(got.values, [[reference.overlap(t, a) for a in masks] for t in masks])


@many
@given(diagonals=hnp.arrays(np.float32, (4, 20), elements=st.floats(0, 1e4, width=32)))
def test_sums_match_their_twins_on_any_diagonals(write, diagonals):
    files = write(vectors(diagonals.tolist()))
    rows = diagonals.astype(float).tolist()
    for measure, twin in ((Measure.MSE, reference.mean_squared_difference), (Measure.KL, reference.divergence)):
        expected = [[twin(t, a) for a in rows] for t in rows]
        # A log may be off by 1e-15 of up to 46, and weighs as much as the values are large.
        tolerance = 1e-13 * (1 + float(diagonals.sum(dtype=float)))
        assert_allclose(
            similarity_matrix(files, measure=measure, names=["w"]).values, expected, rtol=1e-12, atol=tolerance
        )


# --- worked by hand --------------------------------------------------------------------------------------------------


def test_measures_by_hand(write):
    # be = (1, 3), de = (2, 1), fa = (1, 3).
    files = write(vectors([[1, 3], [2, 1], [1, 3]]))
    # MSE be-de: ((1 − 2)² + (3 − 1)²) / 2 = 2.5.
    assert similarity_matrix(files, measure=Measure.MSE, names=["w"]).values.tolist() == [
        [0, 2.5, 0],
        [2.5, 0, 2.5],
        [0, 2.5, 0],
    ]
    # KL, target be, auxiliary de: 1·log(1/2) + 3·log(3/1); the other way: 2·log(2/1) + 1·log(1/3).
    kl = similarity_matrix(files, measure=Measure.KL, names=["w"]).values
    assert kl[0, 1] == pytest.approx(3 * math.log(3) - math.log(2))
    assert kl[1, 0] == pytest.approx(2 * math.log(2) - math.log(3))
    # Normalised: be = (1/4, 3/4), de = (2/3, 1/3).
    normalised = similarity_matrix(files, measure=Measure.KL_NORMALISED, names=["w"]).values
    assert normalised[0, 1] == pytest.approx(0.25 * math.log(3 / 8) + 0.75 * math.log(9 / 4))


def test_ties_at_the_edge_of_a_mask_go_to_the_earlier_parameter(write):
    # K = 0.5 of 4 marks 2. be: the 9, and of three 5s the first: {0, 1}. de: no ties: {2, 3}. fa, all zeros: {0, 1}.
    files = write(vectors([[5, 9, 5, 5], [1, 2, 3, 4], [0, 0, 0, 0]]))
    assert overlap(files, 0.5, ["w"]).values.tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def test_ties_are_broken_in_the_order_of_sorted_names_whatever_order_is_asked_for(write):
    # All equal: the mask of be and de is the first 2 of a (3), then b (3). fa has its own top 2 in b.
    zeros, top = np.zeros(3, np.float32), np.array([1, 0, 1], np.float32)
    files = write(
        {
            PAIRS[0]: {"b": zeros, "a": zeros},
            PAIRS[1]: {"b": zeros + 1, "a": zeros + 1},
            PAIRS[2]: {"b": top, "a": zeros},
        }
    )
    for names in (["a", "b"], ["b", "a"], ["b", "a", "b"]):
        assert overlap(files, 1 / 3, names).values.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
        of_a = {"names": ["a"], "scope_names": names}
        # In the model scope fa's mask lies outside of a.
        assert overlap({one: files[one] for one in PAIRS[:2]}, 1 / 3, **of_a).values.tolist() == [[1, 1], [1, 1]]


def test_a_mask_marks_round_k_p_halves_to_even_and_at_least_one(write):
    # 10 parameters in opposite orders: masks of k overlap by 2k − 10 where that is positive.
    files = write(vectors([list(range(10)), list(range(10, 0, -1))]))
    # 0.001 → 0.01, at least 1; 0.65 → 6.5, to even 6; 0.75 → 7.5, to even 8.
    for fraction, k in ((0.001, 1), (0.65, 6), (0.75, 8)):
        assert overlap(files, fraction, ["w"]).values[0, 1] == max(0, 2 * k - 10) / k


def test_all_zeros(write):
    files = write(vectors([[0, 0], [0, 0], [1, 3]]))
    assert similarity_matrix(files, measure=Measure.MSE, names=["w"]).values.tolist() == [
        [0, 0, 5],
        [0, 0, 5],
        [5, 5, 0],
    ]
    assert similarity_matrix(files, measure=Measure.KL, names=["w"]).values[0].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="only zeros for be-en"):
        similarity_matrix(files, measure=Measure.KL_NORMALISED, names=["w"])


# --- laws ------------------------------------------------------------------------------------------------------------


def test_mse_is_symmetric_zero_on_the_diagonal_and_scales_with_the_square(pool, write):
    one = similarity_matrix(write(pool), measure=Measure.MSE, names=FFN).values
    assert_array_equal(one, one.T)
    assert_array_equal(np.diag(one), 0)
    # A power of two scales float32 exactly.
    scaled = {key: {name: tensor * np.float32(8) for name, tensor in tensors.items()} for key, tensors in pool.items()}
    assert_array_equal(similarity_matrix(write(scaled), measure=Measure.MSE, names=FFN).values, 64 * one)


def test_mse_tells_nearly_equal_diagonals_apart(write):
    # One float32 step of difference in one parameter of 1000: products of sums would lose it altogether.
    one = np.full(1000, 1e3, np.float32)
    step = float(np.nextafter(np.float32(1e3), np.float32(np.inf))) - 1e3
    other = one.copy()
    other[500] += np.float32(step)
    got = similarity_matrix(write(vectors([one.tolist(), other.tolist()])), measure=Measure.MSE, names=["w"])
    assert got.values[0, 1] == step**2 / 1000


@pytest.mark.parametrize("measure", [Measure.KL, Measure.KL_NORMALISED])
def test_kl_of_equal_diagonals_is_exactly_zero(pool, write, measure):
    pool[PAIRS[3]] = pool[PAIRS[0]]
    got = similarity_matrix(write(pool), measure=measure, names=FFN).values
    assert_array_equal(np.diag(got), 0)
    assert got[0, 3] == got[3, 0] == 0
    # Equal auxiliaries are exactly equally far from every target.
    assert_array_equal(got[:, 0], got[:, 3])


def test_normalised_kl_does_not_see_scale_and_is_not_negative(pool, write):
    one = similarity_matrix(write(pool), measure=Measure.KL_NORMALISED, names=FFN).values
    pool[PAIRS[0]] = {name: tensor * np.float32(1024) for name, tensor in pool[PAIRS[0]].items()}
    assert_allclose(similarity_matrix(write(pool), measure=Measure.KL_NORMALISED, names=FFN).values, one, rtol=1e-12)
    assert one.min() >= 0


def test_group_overlap_is_symmetric_and_one_where_everything_is_marked(pool, write):
    files = write(pool)
    some = overlap(files, 0.3, FFN).values
    assert_array_equal(some, some.T)
    assert_array_equal(np.diag(some), 1)
    assert_array_equal(overlap(files, 1, FFN).values, 1)


@pytest.mark.parametrize("measure", list(Measure))
def test_renaming_the_pairs_reorders_the_matrix(pool, write, measure):
    options = {"top_fraction": 0.4, "scope": Scope.GROUP} if measure is Measure.OVERLAP else {}
    one = similarity_matrix(write(pool), measure=measure, names=FFN, **options).values
    order = [3, 0, 4, 2, 1]
    renamed = {PAIRS[new]: pool[PAIRS[old]] for new, old in enumerate(order)}
    got = similarity_matrix(write(renamed), measure=measure, names=FFN, **options).values
    assert_array_equal(got, one[np.ix_(order, order)])
    # Nor does the order matter in which the files are given.
    backwards = dict(reversed(write(renamed).items()))
    again = similarity_matrix(backwards, measure=measure, names=FFN, **options)
    assert_array_equal(again.values, got)
    assert again.pairs == tuple(PAIRS)


@pytest.mark.parametrize("measure", list(Measure))
def test_block_and_tile_sizes_do_not_matter(pool, write, monkeypatch, measure):
    options = {"top_fraction": 0.4, "scope": Scope.GROUP} if measure is Measure.OVERLAP else {}
    files = write(pool)
    whole = similarity_matrix(files, measure=measure, names=list(SHAPES), **options).values
    monkeypatch.setattr(similarity, "_BLOCK_PARAMETERS", 1)
    monkeypatch.setattr(similarity, "_TILE", 3)
    assert_allclose(similarity_matrix(files, measure=measure, names=list(SHAPES), **options).values, whole, rtol=1e-12)


# --- what is read, reported and refused ------------------------------------------------------------------------------


def test_key_biases_are_left_out_and_names_sorted():
    names = ["b.k_proj.weight", "b.k_proj.bias", "a.q_proj.bias", "a.q_proj.bias"]
    assert compared_parameters(names) == ("a.q_proj.bias", "b.k_proj.weight")


@pytest.mark.parametrize(("measure", "passes"), [(Measure.MSE, 1), (Measure.KL_NORMALISED, 2), (Measure.OVERLAP, 2)])
@pytest.mark.usefixtures("small_blocks")
def test_progress_rises_to_its_total(pool, write, measure, passes):
    options = {"top_fraction": 0.4, "scope": Scope.GROUP} if measure is Measure.OVERLAP else {}
    seen: list[tuple[int, int]] = []
    similarity_matrix(write(pool), measure=measure, names=FFN, report=lambda *counts: seen.append(counts), **options)
    done = [one for one, _ in seen]
    assert done == sorted(set(done))
    assert {total for _, total in seen} == {done[-1]} == {passes * len(PAIRS) * (7 * 30 + 11 * 13)}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("measure", list(Measure))
def test_a_value_that_no_fisher_can_have_is_refused(pool, write, measure, bad):
    options = {"top_fraction": 0.4, "scope": Scope.GROUP} if measure is Measure.OVERLAP else {}
    pool[PAIRS[2]]["encoder.fc1.weight"][3, 4] = bad
    with pytest.raises(ValueError, match=rf"Got {bad} in encoder\.fc1\.weight of fa-en"):
        similarity_matrix(write(pool), measure=measure, names=FFN, **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": None}, "Got no scale for fa-en, compared with be-en"),
        ({"more": np.zeros(1, np.float32)}, "Got more besides for fa-en"),
        ({"scale": np.zeros(2, np.float32)}, r"Got scale as F32 \[2\] instead of F32 \[\] for fa-en"),
        ({"scale": np.zeros((), np.float64)}, r"Got scale as F64 \[\] instead of F32 \[\] for fa-en"),
    ],
    ids=["lacks", "adds", "shape", "type"],
)
def test_files_that_hold_different_parameters_are_refused(pool, write, change, message):
    changed = pool[PAIRS[2]] | change
    pool[PAIRS[2]] = {name: tensor for name, tensor in changed.items() if tensor is not None}
    with pytest.raises(ValueError, match=message):
        similarity_matrix(write(pool), measure=Measure.MSE, names=FFN)


def test_other_types_than_float32_are_refused(write):
    files = write({one: {"w": np.ones(3)} for one in PAIRS[:2]})
    with pytest.raises(ValueError, match=r"must hold float32\. Got F64 in w of be-en"):
        similarity_matrix(files, measure=Measure.MSE, names=["w"])


def test_a_mask_with_nothing_among_the_compared_parameters_is_refused(write):
    # The top 2 of 4 are in b for de alone.
    low, high = np.array([1, 2], np.float32), np.array([3, 4], np.float32)
    files = write({PAIRS[0]: {"a": high, "b": low}, PAIRS[1]: {"a": low, "b": high}})
    with pytest.raises(ValueError, match=r"Got none for de-en.*Raise top_fraction, or take scope=group"):
        overlap(files, 0.5, ["a"], scope_names=["a", "b"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measure": Measure.MSE, "top_fraction": 0.4}, "for overlap only"),
        ({"measure": Measure.OVERLAP, "scope": Scope.GROUP}, "top_fraction must be in"),
        ({"measure": Measure.OVERLAP, "scope": Scope.MODEL, "top_fraction": 0.4}, "scope_names must be given"),
        ({"measure": Measure.MSE, "scope_names": ["scale"]}, "for scope=model only"),
        (
            {"measure": Measure.OVERLAP, "scope": Scope.MODEL, "top_fraction": 0.4, "scope_names": ["scale"]},
            "must hold all of names. Got no 'decoder.fc1.weight'",
        ),
        ({"measure": Measure.MSE, "names": ["absent"]}, "Got 'absent'"),
        ({"measure": Measure.MSE, "names": []}, "at least one parameter"),
    ],
)
def test_arguments_that_do_not_fit_together_are_refused(pool, write, options, message):
    with pytest.raises(ValueError, match=message):
        similarity_matrix(write(pool), **({"names": FFN} | options))


def test_one_pair_alone_is_refused(pool, write):
    with pytest.raises(ValueError, match="at least 2 to compare"):
        similarity_matrix(write({PAIRS[0]: pool[PAIRS[0]]}), measure=Measure.MSE, names=FFN)


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(path.read_bytes()[:-1]), Path.unlink])
def test_a_file_that_cannot_be_read_names_its_pair(pool, write, damage):
    files = write(pool)
    damage(files[PAIRS[1]])
    with pytest.raises(DamagedArtifact, match="Fisher file of de-en can't be read"):
        similarity_matrix(files, measure=Measure.MSE, names=FFN)
