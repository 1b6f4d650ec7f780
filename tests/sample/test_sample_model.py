"""The sample model that ships: what it is, and that its families speak of language."""

from __future__ import annotations

import json

import pytest
from safetensors import safe_open
from transformers import AutoTokenizer, M2M100Tokenizer

from pseudofam_core.corpora import open_corpus
from pseudofam_core.estimates import sample_corpus
from pseudofam_core.languages import pair
from pseudofam_core.models.hub import resolve_model, sample_model
from pseudofam_core.models.loading import load_model
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import similarity, similarity_spec
from pseudofam_core.structure.clustering import agreement, cut_by_number, linkage, nearest_neighbour_agreement
from pseudofam_core.tasks.translation import TRANSLATION


def test_it_is_a_small_m2m100_in_half_precision():
    assert resolve_model("sample").folder == sample_model()
    assert (sample_model() / "model.safetensors").stat().st_size < 20e6
    config = json.loads((sample_model() / "config.json").read_text())
    assert config["model_type"] == "m2m_100"
    with safe_open(sample_model() / "model.safetensors", "pt") as stored:
        assert {stored.get_slice(name).get_dtype() for name in stored.keys()} == {"F16"}  # noqa: SIM118  # not a dict
    assert 8e6 < sum(one.numel() for one in load_model(sample_model()).parameters().values()) < 10e6
    assert isinstance(AutoTokenizer.from_pretrained(sample_model()), M2M100Tokenizer)


@pytest.mark.parametrize("code", ["de", "uk", "ja"])
def test_it_translates(code):
    """Far above what it could score by chance on sentences that it has never seen."""
    bitext = open_corpus(sample_corpus()).read(pair(f"{code}-en"), "test")
    assert TRANSLATION.score(bitext, TRANSLATION.generate(load_model(sample_model()), bitext)).scores["chrf"] > 25


def test_its_families_make_linguistic_sense(sample_estimates):
    """The whole main job on the sample. Chance would give 2.6 of 15."""
    estimates, cache = sample_estimates
    assert len(estimates) == 17
    # Not MSE and the raw KL: they compare sizes, which follow how well the model knows a language (see the README).
    for measure in (Measure.KL_NORMALISED, Measure.OVERLAP):
        matrix = similarity(estimates, similarity_spec(estimates, measure), cache)
        found = nearest_neighbour_agreement(matrix)
        assert found.n_eligible == 15
        assert found.n_same >= 10, measure
        clusters = cut_by_number(linkage(matrix), 7)
        assert agreement(clusters, matrix.pairs, seed=1).p_value < 0.05, measure
