"""The table of measures leaves nothing out, and what asks it has no list of its own."""

from __future__ import annotations

import dataclasses
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import save_file

from pseudofam_core.charts import outcomes as charts
from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.finetuning import ARM_MEASURES, ARM_NAMES
from pseudofam_core.languages import pair
from pseudofam_core.similarity import measures as table
from pseudofam_core.similarity.matrices import similarity_of_files
from pseudofam_core.similarity.measures import FISHER_MEASURES, MASKED, SUMMED, Measure
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.similarity.spec import Scope
from pseudofam_core.similarity.traits import FromMasks, FromRanks, FromSums, Geometry, Row, Style
from pseudofam_core.structure.clustering import linkage_methods

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("measure", Measure)
def test_every_measure_is_told_whole(measure):
    assert measure.row.words.endswith(".")
    assert measure.row.version >= 1
    assert measure.label == measure.row.label
    assert Measure(measure.value) is measure
    assert pickle.loads(pickle.dumps(measure)) is measure


def test_names_labels_and_styles_are_each_measures_own():
    for of in (lambda one: one.value, lambda one: one.label, lambda one: one.row.words, lambda one: one.row.style):
        assert len({of(one) for one in Measure}) == len(Measure)


@pytest.mark.parametrize("field", [one.name for one in dataclasses.fields(Row)])
def test_a_row_without_one_of_its_columns_cant_be_made(field):
    whole = {one.name: getattr(Measure.MSE.row, one.name) for one in dataclasses.fields(Row)}
    assert Row(**whole) == Measure.MSE.row
    del whole[field]
    with pytest.raises(TypeError, match=field):
        Row(**whole)


@pytest.mark.parametrize(
    "empty",
    [{"words": ""}, {"label": ""}, {"style": Style("", "star")}, {"style": Style("#123456", "")}, {"version": 0}],
)
def test_an_empty_column_is_refused(empty):
    with pytest.raises(ValueError, match="must"):
        dataclasses.replace(Measure.MSE.row, **empty)


def test_a_member_without_a_row_ends_the_import():
    source = Path(table.__file__).read_text(encoding="utf-8")
    more = source.replace("    CONSENSUS = (\n", '    MORE = "more"\n    CONSENSUS = (\n')
    assert more != source
    found = subprocess.run([sys.executable, "-c", more], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "A measure must have a row. Got none for more." in found.stderr


def test_charts_draw_every_measure_in_its_own_style():
    drawn = charts._arm_styles([*Measure, "random-3-1"])
    assert {one: drawn[one] for one in Measure} == {
        one: (one.row.style.colour, one.row.style.symbol) for one in Measure
    }
    assert drawn["random-3-1"] not in [drawn[one] for one in Measure]


def test_every_measure_is_an_arm_and_the_usual_ones_are_the_papers():
    assert set(ARM_NAMES) > {one.value for one in Measure}
    assert [one.value for one in ARM_MEASURES] == ["mse", "kl", "kl-normalised", "overlap", "consensus"]


def test_a_kind_of_computing_is_one_of_three():
    kinds = {one: type(one.computed) for one in Measure}
    assert set(kinds.values()) == {FromSums, FromMasks, FromRanks}
    assert set(SUMMED) == {one for one, kind in kinds.items() if kind is FromSums}
    assert set(MASKED) == {one for one, kind in kinds.items() if kind is FromMasks}
    assert set(FISHER_MEASURES) == {*SUMMED, *MASKED}
    for one in Measure:
        assert bool(one.combined) == (kinds[one] is FromRanks)
        assert one.depends_on_k == (one in MASKED or one is Measure.CONSENSUS)


def test_the_consensus_names_what_it_is_made_of():
    for one in Measure.CONSENSUS.combined:
        assert one.label in Measure.CONSENSUS.row.words


@pytest.mark.parametrize("measure", FISHER_MEASURES)
def test_what_is_called_undirected_is_symmetric_and_what_is_called_a_similarity_is_one(measure, random_matrices):
    values = random_matrices[measure].values
    assert np.array_equal(values, values.T) != measure.row.is_directed
    assert (values.diagonal() == (1 if measure.is_similarity else 0)).all()


@pytest.fixture(scope="module")
def random_matrices(tmp_path_factory):
    """Three diagonals of two parameters, compared by everything; masks taken in the whole, so that Overlap is directed."""
    rng = np.random.default_rng(3)
    folder = tmp_path_factory.mktemp("diagonals")
    files = {pair(f"{code}-en"): folder / f"{code}.safetensors" for code in ("be", "de", "tr")}
    for n, file in enumerate(files.values()):
        tensors = {"a": rng.lognormal(n, 2, 300), "b": rng.lognormal(0, 2, 300)}
        save_file({name: values.astype(np.float32) for name, values in tensors.items()}, file)
    matrices, curve = similarity_of_files(files, names=["a"], scope=Scope.MODEL, scope_names=["a", "b"], n_steps=10)
    return matrices | {one: curve.matrix(0.3, measure=one) for one in MASKED}


def test_trees_and_maps_take_for_granted_what_is_so(random_matrices):
    """Euclidean is what has a Gram matrix without negative eigenvalues."""
    for measure, matrix in random_matrices.items():
        squares = {
            Geometry.EUCLIDEAN: matrix.values**2,
            Geometry.SQUARED_EUCLIDEAN: matrix.values,
            Geometry.UNKNOWN: None,
        }[measure.row.geometry]
        assert ("ward" in linkage_methods(measure)) == (squares is not None)
        if squares is not None:
            centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
            eigenvalues = np.linalg.eigvalsh(-centred / 2)
            assert eigenvalues.min() > -1e-12 * eigenvalues.max()


@pytest.mark.parametrize("measure", [one for one in Measure if one.row.decimals is not None])
def test_the_papers_rule_rounds_as_the_table_says(measure):
    pairs = tuple(pair(f"{code}-en") for code in ("be", "bg", "de"))
    values = np.array([[0, 0.1234567, 0.2345678], [0.1, 0, 0.3], [0.1, 0.2, 0]])
    family = select_family(PairwiseMatrix(pairs, values, measure), pairs[0], selection=SelectionSpec())
    digits = measure.row.decimals
    assert sorted(one.value for one in family.neighbours) == [round(0.1234567, digits), round(0.2345678, digits)]


def test_no_code_beside_the_table_asks_which_measure_it_is():
    """A match or a comparison by measure elsewhere is a list that the next measure is forgotten in.

    Named are only the consensus, which one module makes, and the measure that pages open with.
    """
    asked = re.compile(r"(is|is not|==|!=|in \(|case|\{)\s*Measure\.[A-Z]")
    for folder in ("pseudofam_core", "pages"):
        for file in (ROOT / folder).rglob("*.py"):
            if file != Path(table.__file__):
                assert not asked.search(file.read_text(encoding="utf-8")), file


def test_masks_values_are_of_counts_in_any_number_of_axes():
    shared = np.array([[4.0, 1, 2], [1, 2, 0], [2, 0, 8]])
    for measure in MASKED:
        one = measure.computed.values(shared)
        assert_array_equal(measure.computed.values(np.stack([shared, shared]))[1], one)
    assert Measure.OVERLAP.computed.values(shared)[0].tolist() == [1, 1 / 4, 2 / 4]
    assert Measure.OVERLAP.computed.values(shared)[:, 0].tolist() == [1, 1 / 2, 2 / 8]
    assert Measure.JACCARD.computed.values(shared)[0].tolist() == [1, 1 / 5, 2 / 10]
