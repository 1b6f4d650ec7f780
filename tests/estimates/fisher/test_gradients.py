"""Kept gradients against a plain loop in float64: on the way of the squares, and by themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pseudofam_core.errors import JobCancelled
from pseudofam_core.estimates import Estimator, coordinates, fisher_specs, gradients
from pseudofam_core.estimates.computing import compute, compute_gradient
from pseudofam_core.estimates.coordinates import kept_columns, kept_parameters, subset_positions
from pseudofam_core.estimates.fisher import estimate_fisher
from pseudofam_core.estimates.fisher import gradients as engine
from pseudofam_core.estimates.fisher.gradients import gradient_sketch
from pseudofam_core.estimates.texts import drawn_text
from pseudofam_core.models.loading import load_model
from pseudofam_core.models.parameters import compared_parameters
from pseudofam_core.models.tokenization import ModelFamily, encode
from tests import reference_fisher as reference
from tests.cases import FAMILIES, bitext, labelled, prompted, save_model

SHARDS = 3
TEXTS = {"classifier": labelled, "gpt2": prompted, "llama": prompted}


@pytest.fixture(scope="module", params=[*FAMILIES, *TEXTS])
def case(request, tmp_path_factory):
    model = load_model(save_model(tmp_path_factory.mktemp("model"), request.param), dtype=torch.float64)
    return model, TEXTS.get(request.param, bitext)()


def by_hand(model, text) -> torch.Tensor:
    """(S, m) from one sentence at a time."""
    encoded = model.encode(text, max_length=64)
    rows = []
    for shard in range(SHARDS):
        whole = reference.summed_gradients(model, encoded[shard::SHARDS])
        names = [name for name in compared_parameters(list(whole)) if whole[name].dim() == 2]
        kept = [whole[name][..., kept_columns(name, whole[name].shape)] for name in names]
        rows.append(torch.cat([one.reshape(-1) for one in kept]))
    return torch.stack(rows)


def test_the_pass_of_the_squares_and_a_pass_of_its_own_give_it(case):
    model, text = case
    expected = by_hand(model, text)
    options = {"parameters": "all", "shards": SHARDS, "max_length": 64, "batch_tokens": 60}
    on_the_way = estimate_fisher(model, text, **options).gradient
    alone = gradient_sketch(model, text, **options)
    # Hugging Face computes the loss of causal models in float32.
    scale = expected.abs().max() * (1e4 if model.family is ModelFamily.CAUSAL else 1)
    for found in (on_the_way, alone):
        assert (found.values - expected).abs().max() <= 1e-11 * scale
    assert torch.equal(on_the_way.n_tokens, alone.n_tokens)
    assert (expected != 0).any(1).all()


def test_tokens_are_those_that_count_in_the_loss(tmp_path):
    model = load_model(save_model(tmp_path, "m2m100"))
    encoded = encode(model.tokenizer, model.family, bitext(), max_length=64)
    found = gradient_sketch(model, bitext(), parameters="ffn", shards=2, max_length=64)
    assert found.n_tokens.tolist() == [sum(len(one.target) for one in encoded[shard::2]) for shard in range(2)]


@pytest.mark.parametrize("estimator", [Estimator.SAMPLED, Estimator.PER_BATCH])
def test_other_estimators_square_other_gradients(tmp_path, estimator):
    """Drawn labels have no gradient on average; a training update has dropout."""
    model = load_model(save_model(tmp_path, "m2m100"))
    assert estimate_fisher(model, bitext(), estimator=estimator).gradient is None


def test_an_interrupted_estimate_goes_on_with_its_gradient(tmp_path):
    model = load_model(save_model(tmp_path / "model", "m2m100"))
    options = {"parameters": "all", "shards": SHARDS, "batch_tokens": 30}
    whole = estimate_fisher(model, bitext(), **options).gradient
    asked = iter([False, False, True])
    with pytest.raises(JobCancelled):
        estimate_fisher(
            model, bitext(), checkpoint=tmp_path / "here" / "checkpoint", should_stop=lambda: next(asked), **options
        )
    resumed = estimate_fisher(model, bitext(), checkpoint=tmp_path / "here" / "checkpoint", **options).gradient
    assert torch.equal(resumed.values, whole.values)
    assert torch.equal(resumed.n_tokens, whole.n_tokens)


def test_a_stretch_is_an_eighth_and_begins_anywhere():
    for width in (1, 7, 8, 9, 128):
        stretches = [kept_columns(f"layers.{i}.weight", (5, width)) for i in range(60)]
        assert {one.stop - one.start for one in stretches} == {-(-width // 8)}
        assert all(one.start >= 0 and one.stop <= width for one in stretches)
        assert len({one.start for one in stretches}) > min(width, 20) // 2
    assert kept_columns("a", (5, 128)) == kept_columns("a", (5, 128))


def test_vectors_are_kept_where_there_is_nothing_else():
    shapes = {"a.weight": (4, 8), "k_proj.bias": (8,), "b.bias": (8,), "c.bias": (3,)}
    assert kept_parameters(shapes) == ("a.weight",)
    del shapes["a.weight"]
    assert kept_parameters(shapes) == ("b.bias", "c.bias")


def test_of_many_a_random_subset_is_kept_and_the_diagonal_is_read_there(workspace, cache, monkeypatch):
    whole = replace(workspace, parameters="all")
    spec = next(iter(fisher_specs(whole).values()))
    artifact = compute(spec, cache)
    file, all_of_it = artifact.file("fisher.safetensors"), gradients.find_gradient(spec, cache).values
    everywhere = gradients.kept_diagonal(file)
    for module in (engine, gradients):
        monkeypatch.setattr(module, "MOST_KEPT", 100)
    shapes = {name: tuple(one.shape) for name, one in load_file(file).items()}
    columns = {name: kept_columns(name, shapes[name]) for name in kept_parameters(shapes)}
    sizes = {name: (shapes[name][0], one.stop - one.start) for name, one in columns.items()}
    places = subset_positions(sizes, 100)
    assert len(places) == 100
    np.testing.assert_array_equal(gradients.kept_diagonal(file), everywhere[places])
    model = load_model(Path(workspace.model))
    text = drawn_text(whole, spec.pair)[0]
    found = gradient_sketch(model, text, parameters="all", shards=8, max_length=256)
    np.testing.assert_allclose(found.values.numpy(), all_of_it[:, places], rtol=1e-4, atol=1e-5)
    assert coordinates.MOST_KEPT == 2**20


def test_an_estimate_of_before_lacks_it_and_it_is_made_alone(workspace, cache, monkeypatch):
    spec = next(iter(fisher_specs(workspace).values()))
    before = type(cache)(cache.root / "before")

    def without(*arguments, **options):
        return replace(estimate_fisher(*arguments, **options), gradient=None)

    monkeypatch.setattr("pseudofam_core.estimates.computing.estimate_fisher", without)
    compute(spec, before)
    assert gradients.find_gradient(spec, before) is None
    monkeypatch.undo()
    made = compute_gradient(spec, drawn_text(workspace, spec.pair)[0], before)
    artifact = compute(spec, cache)
    assert gradients.GRADIENT_FILE in artifact.files
    with_it = gradients.find_gradient(spec, cache)
    for one in (made, gradients.find_gradient(spec, before)):
        np.testing.assert_allclose(one.values, with_it.values, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(one.n_tokens, with_it.n_tokens)


def test_the_mean_is_over_tokens_and_shards_may_be_drawn_again():
    gradient = gradients.Gradient(np.array([[2.0, 4.0], [10.0, 0.0]], np.float32), np.array([2, 6]))
    np.testing.assert_allclose(gradient.mean(), [12 / 8, 4 / 8])
    np.testing.assert_allclose(gradient.mean([1]), [10 / 6, 0])
    np.testing.assert_allclose(gradient.mean([0, 0, 1]), [14 / 10, 8 / 10])
