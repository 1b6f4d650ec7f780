"""Every measure matches its twin, keeps its laws and refuses what it can't compare."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import save_file

from pseudofam_core.errors import DamagedArtifact, JobCancelled
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.models.parameters import compared_parameters
from pseudofam_core.similarity import diagonals as blocks
from pseudofam_core.similarity import ranks, shared, sums
from pseudofam_core.similarity.matrices import similarity_matrices, similarity_matrix, similarity_of_files
from pseudofam_core.similarity.measures import SUMMED, Measure
from pseudofam_core.similarity.results import OverlapCurve, PairwiseMatrix
from pseudofam_core.similarity.spec import Scope
from tests import reference

PAIRS = [pair(f"{code}-en") for code in ("be", "de", "fa", "ja", "uk")]
SHAPES = {"decoder.fc1.weight": (7, 30), "encoder.fc1.weight": (11, 13), "encoder.norm": (9,), "scale": ()}
# Enough for a pool of 200, in the order of their names.
_CODES = ("be", "bg", "bn", "de", "en", "fa", "hi", "hr", "id", "ja", "kk", "ko", "sk", "sv", "tr")
MANY_PAIRS = sorted(pair(f"{one}-{other}") for one, other in permutations(_CODES, 2))
FFN = ["encoder.fc1.weight", "decoder.fc1.weight"]
MEASURES = [*SUMMED, Measure.OVERLAP, Measure.JACCARD]
Pool = dict[LanguagePair, dict[str, np.ndarray]]
Write = Callable[[Pool], Mapping[LanguagePair, Path]]
# tmp_path is shared between hypothesis' examples; each writes its files anew.
many = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


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
    """Many blocks, pieces, tiles and chunks, at sizes that divide nothing; and diagonals too large to be sorted."""
    monkeypatch.setattr(blocks, "_PIECE", 37)
    monkeypatch.setattr(blocks, "_BLOCK_NUMBERS", 5 * 50)
    monkeypatch.setattr(sums, "_TILE_NUMBERS", 50)
    monkeypatch.setattr(shared, "_TILE", 10)
    monkeypatch.setattr(ranks, "_SORTED", 8)
    monkeypatch.setattr(ranks, "_CHUNK", 211)


def overlap(files: Mapping[LanguagePair, Path], fraction: float, names: list[str], **options) -> PairwiseMatrix:
    scope = Scope.MODEL if options else Scope.GROUP
    return similarity_matrix(files, measure=Measure.OVERLAP, names=names, top_fraction=fraction, scope=scope, **options)


def vectors(rows: list[list[float]]) -> Pool:
    return {PAIRS[n]: {"w": np.array(row, np.float32)} for n, row in enumerate(rows)}


# --- twins -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("names", [FFN, list(SHAPES), ["scale"]], ids=["ffn", "all", "scalar"])
@pytest.mark.parametrize("measure", [Measure.MSE, Measure.KL, Measure.KL_NORMALISED, Measure.HELLINGER])
def test_sums_match_their_twins(pool, write, names, measure):
    got = similarity_matrix(write(pool), measure=measure, names=names)
    diagonals = {one: reference.flat(tensors, names) for one, tensors in pool.items()}
    if measure is Measure.KL_NORMALISED:
        diagonals = {one: reference.normalised(values) for one, values in diagonals.items()}
    twins = {Measure.MSE: reference.mean_squared_difference, Measure.HELLINGER: reference.hellinger}
    twin = twins.get(measure, reference.divergence)
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
    masks = [reference.top_positions(reference.flat(tensors, ["a", "b"]), fraction) for tensors in pool.values()]
    if not all(masks):
        with pytest.raises(ValueError, match="all zero there"):
            overlap(write(pool), fraction, ["a", "b"])
        return
    got = overlap(write(pool), fraction, ["a", "b"])
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
    # KL, target be, auxiliary de: 2·log(2/1) + 1·log(1/3); target de, auxiliary be: 1·log(1/2) + 3·log(3/1).
    kl = similarity_matrix(files, measure=Measure.KL, names=["w"]).values
    assert kl[0, 1] == pytest.approx(2 * math.log(2) - math.log(3))
    assert kl[1, 0] == pytest.approx(3 * math.log(3) - math.log(2))
    # Normalised: be = (1/4, 3/4), de = (2/3, 1/3).
    normalised = similarity_matrix(files, measure=Measure.KL_NORMALISED, names=["w"]).values
    assert normalised[1, 0] == pytest.approx(0.25 * math.log(3 / 8) + 0.75 * math.log(9 / 4))
    assert normalised[0, 1] == pytest.approx(2 / 3 * math.log(8 / 3) + 1 / 3 * math.log(4 / 9))


@pytest.mark.parametrize(
    ("measure", "other"),
    [(Measure.KL, Measure.KL_REVERSE), (Measure.KL_NORMALISED, Measure.KL_NORMALISED_REVERSE)],
)
def test_the_other_direction_is_the_transposed_one(pool, write, measure, other):
    files = write(pool)
    one = similarity_matrix(files, measure=measure, names=FFN).values
    assert_array_equal(similarity_matrix(files, measure=other, names=FFN).values, one.T)
    assert not np.array_equal(one, one.T)
    assert one.flags.c_contiguous  # files keep the bytes as they lie


def test_ties_at_the_edge_of_a_mask_go_to_the_earlier_parameter(write):
    # K = 0.5 of 4 marks 2. be: the 9, and of three 5s the first: {0, 1}. de: no ties: {2, 3}. fa, all alike: {0, 1}.
    files = write(vectors([[5, 9, 5, 5], [1, 2, 3, 4], [7, 7, 7, 7]]))
    assert overlap(files, 0.5, ["w"]).values.tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def test_ties_are_broken_in_the_order_of_sorted_names_whatever_order_is_asked_for(write):
    # All equal: the mask of be and de is the first 2 of a (3), then b (3). fa has its own top 2 in b.
    zeros, top = np.zeros(3, np.float32), np.array([1, 0, 1], np.float32)
    files = write(
        {
            PAIRS[0]: {"b": zeros + 2, "a": zeros + 2},
            PAIRS[1]: {"b": zeros + 1, "a": zeros + 1},
            PAIRS[2]: {"b": top, "a": zeros},
        }
    )
    for names in (["a", "b"], ["b", "a"], ["b", "a", "b"]):
        assert overlap(files, 1 / 3, names).values.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
        of_a = {"names": ["a"], "scope_names": names}
        # In the model scope fa's mask lies outside of a.
        assert overlap({one: files[one] for one in PAIRS[:2]}, 1 / 3, **of_a).values.tolist() == [[1, 1], [1, 1]]


def test_zeros_are_in_no_mask(write):
    # K = 0.5 of 4 asks for 2, and be and de have one parameter each that is not zero: filled up with zeros in the order
    # of the file, their masks would be the same.
    files = write(vectors([[1, 0, 0, 0], [0, 1, 0, 0], [4, 3, 2, 1], [-0.0, 0, 0, 1e-45]]))
    masks = [{0}, {1}, {0, 1}, {3}]
    got = overlap(files, 0.5, ["w"])
    assert got.values.tolist() == [[len(t & a) / len(t) for a in masks] for t in masks]
    # Of masks of different sizes Overlap has a direction: all of be's is in fa's, half of fa's in be's.
    assert (got.values[0, 1], got.values[0, 2], got.values[2, 0]) == (0, 1, 0.5)
    jaccard = similarity_matrix(files, measure=Measure.JACCARD, names=["w"], top_fraction=0.5, scope=Scope.GROUP)
    assert jaccard.values.tolist() == [[len(t & a) / len(t | a) for a in masks] for t in masks]
    _, curve = similarity_of_files(files, names=["w"], measures=(), n_steps=4)
    assert curve.nonzero == (0.25, 0.25, 1, 0.25)
    assert curve.marked.tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 2, 3, 4], [1, 1, 1, 1]]
    assert curve.matrix(0.5).values.tolist() == got.values.tolist()
    assert (curve.last_full_step, curve.fewest_nonzero) == (0.25, PAIRS[0])


def test_the_last_full_step_is_that_of_the_diagonal_with_the_most_zeros(write):
    rng = np.random.default_rng(0)
    rows = rng.random((3, 200), np.float32) + 1
    rows[1, rng.permutation(200)[:67]] = 0
    rows[2, rng.permutation(200)[:11]] = 0
    _, curve = similarity_of_files(written(write, rows), names=["a", "b"], measures=())
    # 133 of 200 are left: 0.665. Up to there all masks are of one size.
    assert curve.nonzero == (1, 0.665, 0.945)
    assert (curve.last_full_step, curve.fewest_nonzero) == (0.665, curve.pairs[1])
    sizes = [len(set(curve.marked[:, n].tolist())) for n in range(1000)]
    assert set(sizes[:665]) == {1}
    assert set(sizes[668:]) != {1}
    assert_array_equal(curve.matrix(0.665).values, curve.matrix(0.665).values.T)
    assert not np.array_equal(curve.matrix(0.8).values, curve.matrix(0.8).values.T)


def test_a_mask_marks_round_k_p_halves_to_even_and_at_least_one(write):
    # 10 parameters in opposite orders: masks of k overlap by 2k − 10 where that is positive.
    files = write(vectors([list(range(1, 11)), list(range(10, 0, -1))]))
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
    assert similarity_matrix(files, measure=Measure.KL, names=["w"]).values[:, 0].tolist() == [0, 0, 0]
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


@pytest.mark.parametrize("measure", MEASURES)
def test_renaming_the_pairs_reorders_the_matrix(pool, write, measure):
    options = {"top_fraction": 0.4, "scope": Scope.GROUP} if measure.has_masks else {}
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


@pytest.mark.parametrize("measure", MEASURES)
def test_block_and_tile_sizes_do_not_matter(pool, write, request, measure):
    options = {"top_fraction": 0.4, "scope": Scope.GROUP} if measure.has_masks else {}
    files = write(pool)
    whole = similarity_matrix(files, measure=measure, names=list(SHAPES), **options).values
    request.getfixturevalue("small_blocks")
    assert_allclose(similarity_matrix(files, measure=measure, names=list(SHAPES), **options).values, whole, rtol=1e-12)


@pytest.mark.usefixtures("small_blocks")
def test_the_number_of_threads_does_not_change_a_bit(pool, write):
    files = write(pool)
    one, many_threads = (similarity_of_files(files, names=FFN, n_threads=n_threads) for n_threads in (1, 5))
    for measure in SUMMED:
        assert one[0][measure].values.tobytes() == many_threads[0][measure].values.tobytes()
    assert_array_equal(one[1].shared, many_threads[1].shared)


# --- adversarial pools -----------------------------------------------------------------------------------------------

# Zeros of both signs, numbers too small to be normal, ordinary and huge ones; many of them equal.
VALUES = st.sampled_from([0.0, -0.0, 1e-45, 3e-39, 1e-30, 1e-9, 1e-7, 0.5, 1.0, 1.0000001, 3.0, 2e4])
INTEGERS = st.integers(0, 7).map(float)


@st.composite
def pools(draw, values, *, fewest=2, most=6) -> np.ndarray:
    """Diagonals with duplicates, and now and then one that is far from all others."""
    n, size = draw(st.integers(fewest, most)), draw(st.integers(1, 40))
    rows = draw(hnp.arrays(np.float32, (n, size), elements=values))
    rows = rows[draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))] if draw(st.booleans()) else rows
    if draw(st.booleans()):
        rows[draw(st.integers(0, n - 1))] *= np.float32(2**20)
    return rows


def written(write: Write, rows: np.ndarray) -> Mapping[LanguagePair, Path]:
    half = rows.shape[1] // 2
    return write({MANY_PAIRS[n]: {"b": row[:half], "a": row[half:]} for n, row in enumerate(rows)})


def in_order(rows: np.ndarray) -> list[list[float]]:
    """Diagonals in the order of sorted names: a before b."""
    half = rows.shape[1] // 2
    return [[*map(float, row[half:]), *map(float, row[:half])] for row in rows]


def assert_curve_is_its_twin(curve: OverlapCurve, rows: list[list[float]]) -> None:
    ranks_of = [reference.ranks(row) for row in rows]
    for number, step in enumerate(curve.steps):
        k = max(1, round(step * len(rows[0])))
        masks = [
            {p for p, rank in enumerate(one) if rank < k and row[p] > 0}
            for one, row in zip(ranks_of, rows, strict=True)
        ]
        assert curve.shared[:, :, number].tolist() == [[len(t & a) for a in masks] for t in masks]
    assert curve.nonzero == tuple(sum(value > 0 for value in row) / len(row) for row in rows)


@many
@given(rows=pools(VALUES), small=st.booleans())
def test_every_step_of_the_curve_is_its_twin(write, rows, small):
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(blocks, "_PIECE", 3)
            patch.setattr(ranks, "_SORTED", 1)
            patch.setattr(ranks, "_CHUNK", 25)
        _, curve = similarity_of_files(written(write, rows), names=["a", "b"], measures=(), n_steps=25)
    assert_curve_is_its_twin(curve, in_order(rows))
    for step in (curve.steps[0], curve.steps[9], 1.0):
        masks = [reference.top_positions(row, step) for row in in_order(rows)]
        if not all(masks):
            with pytest.raises(ValueError, match=r"at least one compared parameter.*all zero there"):
                curve.matrix(step)
            continue
        overlaps = [[reference.overlap(t, a) for a in masks] for t in masks]
        assert curve.matrix(step).values.tolist() == overlaps
        jaccards = [[reference.jaccard(t, a) for a in masks] for t in masks]
        assert curve.matrix(step, measure=Measure.JACCARD).values.tolist() == jaccards


@many
@given(rows=pools(INTEGERS))
def test_mse_is_its_twin_to_the_last_bit_where_sums_are_exact(write, rows):
    # Integers below 2^23: all squares and sums are below 2^53, exact in any order.
    got = similarity_matrix(written(write, rows), measure=Measure.MSE, names=["a", "b"]).values
    rows = in_order(rows)
    assert got.tolist() == [[reference.mean_squared_difference(t, a) for a in rows] for t in rows]


@many
@given(rows=pools(VALUES | st.floats(0, 1e4, width=32)))
def test_sums_are_their_twins_on_any_pool(write, rows):
    got = similarity_matrices(written(write, rows), names=["a", "b"])
    rows = in_order(rows)
    mse = [[reference.mean_squared_difference(t, a) for a in rows] for t in rows]
    assert_allclose(got[Measure.MSE].values, mse, rtol=1e-12, atol=0)
    assert_within(got[Measure.KL], rows)
    if all(map(any, rows)):
        # Shares are rounded, each by half a unit in its last place, and a share near 1 has a logarithm near 0.
        assert_within(got[Measure.KL_NORMALISED], [reference.normalised(row) for row in rows], rounding=1e-15)
        cosines = [[reference.cosine(t, a) for a in rows] for t in rows]
        assert_allclose(got[Measure.COSINE].values, cosines, rtol=0, atol=1e-12)
        assert_allclose(got[Measure.HELLINGER].values, hellingers(rows), rtol=1e-12, atol=1e-15)
    else:
        assert Measure.KL_NORMALISED not in got
        assert Measure.COSINE not in got
        assert Measure.HELLINGER not in got


def assert_within(got: PairwiseMatrix, rows: list[list[float]], *, rounding: float = 0) -> None:
    """KL agrees to 1e-12 of what its terms sum to without their signs, and to the rounding of its input."""
    for t, target in enumerate(rows):
        for a, auxiliary in enumerate(rows):
            expected, scale = reference.exact_divergence(target, auxiliary)
            assert abs(got.values[t, a] - expected) <= 1e-12 * scale + rounding


@many
@given(rows=pools(VALUES, fewest=3, most=9), data=st.data())
def test_permuting_the_pool_permutes_every_bit(write, rows, data):
    order = data.draw(st.permutations(range(len(rows))))
    one = similarity_of_files(written(write, rows), names=["a", "b"], n_steps=10)
    other = similarity_of_files(written(write, rows[order]), names=["a", "b"], n_steps=10)
    for measure, matrix in one[0].items():
        assert other[0][measure].values.tobytes() == matrix.values[np.ix_(order, order)].tobytes()
        for i, j in combinations(range(len(rows)), 2):
            if np.array_equal(rows[i], rows[j]):
                assert matrix.distances[i, j] == matrix.distances[j, i] == 0
                assert_array_equal(matrix.values[i], matrix.values[j])
                assert_array_equal(matrix.values[:, i], matrix.values[:, j])
    assert_array_equal(other[1].shared, one[1].shared[np.ix_(order, order)])


@pytest.mark.parametrize("n_parameters", [1, 7, 60])
def test_two_hundred_pairs(write, n_parameters):
    rng = np.random.default_rng(n_parameters)
    rows = rng.random((200, n_parameters), np.float32) ** 4
    rows[150:] = rows[:50]
    matrices, curve = similarity_of_files(written(write, rows), names=["a", "b"], n_steps=5)
    rows = in_order(rows)
    picked = [0, 3, 99, 150, 199]
    mse = [[reference.mean_squared_difference(rows[t], rows[a]) for a in picked] for t in picked]
    assert_allclose(matrices[Measure.MSE].values[np.ix_(picked, picked)], mse, rtol=1e-12, atol=0)
    assert_curve_is_its_twin(curve, rows)


@pytest.mark.parametrize("fraction", [1e-3, 1e-6, 1e-9])
def test_near_neighbours_keep_their_digits(write, fraction):
    """Two diagonals that differ by far less than from the rest, where differences of products have none left."""
    rng = np.random.default_rng(5)
    rows = rng.lognormal(0, 2, (5, 300)).astype(np.float32)
    rows[1] = (rows[0].astype(float) * (1 + fraction * rng.normal(size=300))).astype(np.float32)
    rows[4] *= np.float32(1e6)
    got = similarity_matrices(written(write, rows), names=["a", "b"])
    rows = in_order(rows)
    assert_allclose(
        got[Measure.MSE].values[0, 1], reference.mean_squared_difference(rows[0], rows[1]), rtol=1e-12, atol=0
    )
    assert_within(got[Measure.KL], rows)
    assert_within(got[Measure.KL_NORMALISED], [reference.normalised(row) for row in rows])
    # Roots of rounded shares: each off by about a unit in its last place, which a distance can't fall below.
    assert_allclose(got[Measure.HELLINGER].values, hellingers(rows), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("scale", [4.0, 2.0**-20])
def test_hellinger_sees_where_diagonals_lie_and_not_how_large_they_are(write, scale):
    rng = np.random.default_rng(8)
    rows = rng.lognormal(-9, 3, (4, 257)).astype(np.float32)
    rows[2] = np.float32(scale) * rows[0]
    rows[1, :] = 0
    rows[1, 256] = 1
    rows[3, 256] = 0
    values = similarity_matrix(written(write, rows), measure=Measure.HELLINGER, names=["a", "b"]).values
    assert values[0, 2] == values[2, 0] == 0
    assert_array_equal(values[0], values[2])
    assert_allclose(values[1, 3], 1, rtol=1e-15)
    assert values.max() <= 1
    # A metric: no way round is shorter.
    assert (values[:, None, :] <= values[:, :, None] + values[None, :, :] + 1e-15).all()


def hellingers(rows: list[list[float]]) -> list[list[float]]:
    return [[reference.hellinger(t, a) for a in rows] for t in rows]


def test_the_curve_of_the_model_scope_is_its_twin_and_is_directed(pool, write):
    for n, one in enumerate(PAIRS):
        pool[one]["encoder.norm"] *= 10.0 ** (n - 2)
    names = ["encoder.fc1.weight"]
    files = write(pool)
    _, curve = similarity_of_files(files, names=names, measures=(), scope=Scope.MODEL, scope_names=list(SHAPES))
    for step in (0.2, 0.501, 1.0):
        masks = [reference.top_positions_within(pool[one], names, list(SHAPES), step) for one in PAIRS]
        assert_array_equal(curve.matrix(step).values, [[reference.overlap(t, a) for a in masks] for t in masks])
        assert curve.marked[:, round(step * 1000) - 1].tolist() == [len(mask) for mask in masks]
    assert not np.array_equal(curve.matrix(0.2).values, curve.matrix(0.2).values.T)
    assert_array_equal(
        curve.between(PAIRS[1], PAIRS[2])[[199, 500]], [curve.matrix(k).values[1, 2] for k in (0.2, 0.501)]
    )
    # At the first step no mask reaches into the norm's shadow of every pair.
    with pytest.raises(ValueError, match=r"Raise top_fraction, or take scope=group"):
        curve.matrix(0.001)
    assert np.isnan(curve.between(PAIRS[4], PAIRS[0])[0])


def test_a_look_up_is_the_matrix_computed_at_that_k(pool, write):
    files = write(pool)
    _, curve = similarity_of_files(files, names=FFN, measures=())
    for step in (0.001, 0.4, 0.777, 1.0):
        exact = overlap(files, step, FFN)
        assert_array_equal(curve.matrix(step).values, exact.values)
        assert curve.matrix(step + 1e-12).top_fraction == step
    with pytest.raises(ValueError, match=r"Got 0\.3333\. Take 0\.333, the nearest"):
        curve.matrix(0.3333)
    with pytest.raises(ValueError, match="a curve holds no other"):
        curve.matrix(0.4, measure=Measure.MSE)
    with pytest.raises(ValueError, match=r"must be in the curve\. Got tr-en"):
        curve.between(PAIRS[0], pair("tr-en"))


# --- what is read, reported and refused ------------------------------------------------------------------------------


def test_key_biases_are_left_out_and_names_sorted():
    names = ["b.k_proj.weight", "b.k_proj.bias", "a.q_proj.bias", "a.q_proj.bias"]
    assert compared_parameters(names) == ("a.q_proj.bias", "b.k_proj.weight")


@pytest.mark.parametrize(("measure", "reads"), [(Measure.MSE, 1), (Measure.KL_NORMALISED, 2), (Measure.OVERLAP, 3)])
@pytest.mark.usefixtures("small_blocks")
def test_progress_rises_to_its_total(write, measure, reads):
    rng = np.random.default_rng(3)
    pool = {one: {name: rng.random(SHAPES[name], np.float32) for name in FFN} for one in PAIRS}
    options = {"top_fraction": 0.4, "scope": Scope.GROUP} if measure.has_masks else {}
    seen: list[tuple[int, int]] = []
    similarity_matrix(write(pool), measure=measure, names=FFN, report=lambda *counts: seen.append(counts), **options)
    done = [one for one, _ in seen]
    assert done == sorted(set(done))
    assert {total for _, total in seen} == {done[-1]} == {reads * len(PAIRS) * (7 * 30 + 11 * 13)}


def test_progress_counts_the_read_of_near_neighbours_besides(write):
    near = np.linspace(1, 2, 50, dtype=np.float32)
    seen: list[tuple[int, int]] = []
    far = [near[::-1] * np.float32(factor) for factor in (2, 3, 4)]
    files = write({one: {"w": F} for one, F in zip(PAIRS, [near, near * np.float32(1.001), *far], strict=True)})
    similarity_matrix(files, measure=Measure.MSE, names=["w"], report=lambda *counts: seen.append(counts))
    # The two near ones once more.
    assert seen == [(250, 250), (350, 350)]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("n_asked", range(1, 30, 4))
def test_it_stops_between_blocks_when_asked_to(pool, write, n_asked):
    asked = iter(range(1, n_asked + 1))
    with pytest.raises(JobCancelled, match="Stopped on request while comparing"):
        similarity_of_files(write(pool), names=FFN, should_stop=lambda: next(asked) == n_asked)
    # Nothing is left behind that a second comparison would wait for.
    assert similarity_matrix(write(pool), measure=Measure.MSE, names=FFN).pairs == tuple(PAIRS)


def test_memory_does_not_grow_with_the_files(tmp_path):
    """100 MB of files may be read in half of that."""
    n, size = 6, 2**22
    rng = np.random.default_rng(1)
    files = {}
    for one in [pair(f"{code}-en") for code in ("be", "de", "fa", "ja", "uk", "tr")]:
        files[one] = tmp_path / f"{one}.safetensors"
        save_file({"w": rng.random(size, np.float32)}, files[one])
    code = (
        "import resource, sys; from pathlib import Path; from pseudofam_core.languages import pair;"
        "from pseudofam_core.similarity import ranks; from pseudofam_core.similarity.matrices import similarity_of_files;"
        "ranks._SORTED, ranks._CHUNK = 2**18, 2**18;"
        f"files = {{pair(p.stem): p for p in Path({str(tmp_path)!r}).glob('*.safetensors')}};"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024; before = peak();"
        "from pseudofam_core.similarity import diagonals; diagonals._BLOCK_NUMBERS = 2**20;"
        "similarity_of_files(files, names=['w'], n_threads=2); print(peak() - before)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    if sys.platform == "linux":  # macOS counts in bytes
        assert float(ran.stdout) < n * size * 4 / 2**20 / 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("measure", MEASURES)
def test_a_value_that_no_fisher_can_have_is_refused(pool, write, measure, bad):
    options = {"top_fraction": 0.4, "scope": Scope.GROUP} if measure.has_masks else {}
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
        ({"measure": Measure.MSE, "top_fraction": 0.4}, "for overlap and jaccard only"),
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
