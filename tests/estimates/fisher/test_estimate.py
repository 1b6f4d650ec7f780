"""Estimators and their shards against plain loops in float64, and the laws that they obey."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
import torch

from pseudofam_core.corpora.batches import shuffled_indices, token_batches
from pseudofam_core.errors import JobCancelled
from pseudofam_core.estimates.fisher import estimate_fisher
from pseudofam_core.estimates.fisher.likelihood import drawn_labels
from pseudofam_core.estimates.fisher.plan import sentence_steps
from pseudofam_core.estimates.spec import Estimator, MiniBatches
from pseudofam_core.models.loading import load_model
from pseudofam_core.models.parameters import compared_parameters
from tests import reference_fisher as reference
from tests.cases import bitext, save_model

NO_DROPOUT = MiniBatches(dropout=0.0, attention_dropout=0.0)
SMALL = MiniBatches(tokens=80, dropout=0.3, attention_dropout=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"), "m2m100")


@pytest.fixture(scope="module")
def model(folder):
    return load_model(folder, dtype=torch.float64)


@pytest.fixture(scope="module")
def dropping(folder):
    return load_model(folder, dtype=torch.float64, dropout=SMALL.dropout, attention_dropout=SMALL.attention_dropout)


def close(values, expected, rtol=1e-12):
    assert values.keys() <= expected.keys()
    for name, one in values.items():
        assert (one - expected[name]).abs().max() <= rtol * expected[name].abs().max(), name


def test_shards_leave_the_mean_over_all_sentences(model):
    expected = reference.squared_gradients(model, model.encode(bitext(), max_length=64))
    for shards in (1, 3, 8):
        found = estimate_fisher(model, bitext(), max_length=64, shards=shards)
        close(found.values, {name: one / 7 for name, one in expected.items()})
        assert len(found.sketch.counts) == min(shards, 7)
        assert int(found.sketch.counts.sum()) == found.n_sentences == 7


@pytest.mark.parametrize("size", [100, 2**19])
def test_each_shard_holds_its_own_sentences_on_a_subset(model, size):
    encoded = model.encode(bitext(), max_length=64)
    found = estimate_fisher(model, bitext(), parameters="all", max_length=64, shards=3, subset_size=size)
    names = compared_parameters(list(found.values))
    assert not any("k_proj.bias" in name for name in names)
    n = sum(found.values[name].numel() for name in names)
    assert found.sketch.values.shape == (3, min(n, size))
    for shard in range(3):
        mine = encoded[shard::3]
        expected = reference.squared_gradients(model, mine)
        flat = torch.cat([expected[name].reshape(-1) for name in names])[found.sketch.positions]
        torch.testing.assert_close(found.sketch.values[shard], flat, rtol=1e-11, atol=1e-24)
        assert int(found.sketch.counts[shard]) == len(mine)


def test_a_sentence_is_in_the_same_shard_whatever_its_length():
    short, long = (sentence_steps(lengths, batch_tokens=20, shards=4) for lengths in ([3] * 10, range(1, 11)))
    shard_of = [{i: step.shard for step in steps for batch in step.batches for i in batch} for steps in (short, long)]
    assert shard_of[0] == shard_of[1] == {i: i % 4 for i in range(10)}


@pytest.mark.parametrize("settings", [SMALL, replace(SMALL, accumulation=1, label_smoothing=0.0)])
def test_training_updates_agree_with_the_papers_way_written_out(dropping, settings):
    encoded = dropping.encode(bitext(), max_length=64)
    lengths = [dropping.n_tokens(one) for one in encoded]
    batches = token_batches(lengths, max_tokens=settings.tokens)
    order, n = shuffled_indices(len(batches), seed=5), settings.accumulation
    updates = [[[encoded[i] for i in batches[b]] for b in order[at : at + n]] for at in range(0, len(order), n)]
    assert len(updates) > 1
    found = estimate_fisher(
        dropping,
        bitext(),
        max_length=64,
        estimator=Estimator.PER_BATCH,
        mini_batches=settings,
        seed=5,
        shards=1,
        parameters="all",
    )
    expected = reference.squared_updates(dropping, updates, label_smoothing=settings.label_smoothing, seed=5)
    kept = [name for name in compared_parameters(list(found.values)) if expected[name].abs().max() > 0]
    close({name: found.values[name] for name in kept}, expected)
    assert found.sketch.counts.tolist() == [len(updates)]


def test_dropout_takes_part_and_follows_the_seed(dropping, folder):
    options = {"max_length": 64, "estimator": Estimator.PER_BATCH, "mini_batches": MiniBatches(), "shards": 1}
    one, same, other = (estimate_fisher(dropping, bitext(), seed=seed, **options) for seed in (1, 1, 2))
    still = load_model(folder, dtype=torch.float64, dropout=0.0, attention_dropout=0.0)
    still.module.model.encoder.layerdrop = still.module.model.decoder.layerdrop = 0.0
    without, again = (estimate_fisher(still, bitext(), seed=seed, **options) for seed in (1, 2))
    name = "model.decoder.layers.0.fc1.weight"
    assert torch.equal(one.values[name], same.values[name])
    assert not torch.allclose(one.values[name], other.values[name], rtol=1e-3, atol=0)
    assert not torch.allclose(one.values[name], without.values[name], rtol=1e-3, atol=0)
    torch.testing.assert_close(without.values[name], again.values[name])
    assert not dropping.module.training


def test_an_only_layer_that_is_always_dropped_has_no_gradient(folder):
    """Its Fisher values are 0: where all that is followed was dropped there is nothing to differentiate."""
    always = load_model(folder, dtype=torch.float64)
    always.module.model.encoder.layerdrop = 1.0
    name = "model.encoder.layers.0.fc1.weight"
    options = {"max_length": 64, "estimator": Estimator.PER_BATCH, "mini_batches": MiniBatches(), "shards": 1}
    found = estimate_fisher(always, bitext(), parameters=re.escape(name), **options)
    assert found.values[name].abs().max() == 0
    still = estimate_fisher(load_model(folder, dtype=torch.float64), bitext(), parameters=re.escape(name), **options)
    assert still.values[name].abs().max() > 0


def test_dropout_is_the_settings_whatever_the_configuration_calls_it(folder, tmp_path):
    found = load_model(folder, dropout=0.3, attention_dropout=0.05).module
    assert {layer.dropout for layer in found.modules() if type(layer).__name__.endswith("Layer")} == {0.3}
    assert {one.dropout for one in found.modules() if type(one).__name__.endswith("Attention")} == {0.05}
    t5 = load_model(save_model(tmp_path, "t5"), dropout=0.3).module
    assert {one.p for one in t5.modules() if isinstance(one, torch.nn.Dropout)} == {0.3}


def test_one_batch_of_many_sentences_is_not_many_sentences(model):
    """What METHOD says of the two: the square of a mean is not the mean of squares."""
    whole = {"tokens": 10**6, "accumulation": 1, "label_smoothing": 0.0}
    batch = estimate_fisher(
        model, bitext(), max_length=64, estimator=Estimator.PER_BATCH, mini_batches=replace(NO_DROPOUT, **whole)
    )
    each = estimate_fisher(model, bitext(), max_length=64)
    name = "model.encoder.layers.0.fc1.weight"
    assert batch.values[name].sum() < each.values[name].sum() / each.n_target_tokens


def test_drawn_labels_give_the_squares_of_what_was_drawn(model):
    encoded = model.encode(bitext(), max_length=64)
    found = estimate_fisher(model, bitext(), max_length=64, estimator=Estimator.SAMPLED, seed=3, batch_tokens=60)
    drawn = []
    for place, one in enumerate(encoded):
        labels = drawn_labels(model, model.collate([one]), [place], seed=3)
        drawn.append((one, labels[0].tolist()))
    assert any(labels != one.target for one, labels in drawn)
    name = "model.decoder.layers.0.fc2.weight"
    parameter, expected = model.parameters()[name], 0.0
    for one, labels in drawn:
        parameter.requires_grad_(True)
        logs = torch.log_softmax(reference.token_logits(model, one), -1)
        (gradient,) = torch.autograd.grad(logs[torch.arange(len(labels)), labels].sum(), parameter)
        expected = expected + gradient**2 / len(drawn)
        parameter.requires_grad_(False)
    close({name: found.values[name]}, {name: expected})


def test_draws_do_not_depend_on_the_batch_and_differ_by_seed(model):
    options = {"max_length": 64, "estimator": Estimator.SAMPLED, "shards": 1}
    one, many = (estimate_fisher(model, bitext(), batch_tokens=n, **options) for n in (1, 999))
    close(one.values, many.values, rtol=1e-10)
    assert one.loss == pytest.approx(many.loss)
    assert estimate_fisher(model, bitext(), seed=2, **options).loss != pytest.approx(one.loss, rel=1e-6)


def test_the_mean_over_draws_approaches_the_true_fisher(model):
    """By enumeration of the vocabulary: the mean over 4,000 draws is within five standard errors of it."""
    one = min(model.encode(bitext(), max_length=64), key=lambda one: len(one.target))
    probabilities, gradients = reference.token_gradients(model, one, "model.decoder.layers.0.fc2.bias")
    exact = torch.einsum("tv,tvp->p", probabilities, gradients**2)
    labels = drawn_labels(model, model.collate([one] * 4000), range(4000), seed=0)
    draws = sum(gradients[t, labels[:, t]] for t in range(labels.shape[1])) ** 2
    standard_errors = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - exact).abs() < 5 * standard_errors).all()
    assert (standard_errors < 0.1 * exact).all()


@pytest.mark.parametrize("estimator", list(Estimator))
def test_a_stopped_run_is_gone_on_with_to_the_same_bytes(dropping, tmp_path, estimator):
    settings = MiniBatches(tokens=30) if estimator is Estimator.PER_BATCH else None
    options = {"max_length": 64, "estimator": estimator, "mini_batches": settings, "shards": 3, "batch_tokens": 30}
    whole = estimate_fisher(dropping, bitext(), **options)
    checkpoint, stops, asked = tmp_path / "checkpoint.safetensors", 0, itertools.count()
    while True:
        try:
            found = estimate_fisher(
                dropping, bitext(), checkpoint=checkpoint, should_stop=lambda: next(asked) % 2 == 1, **options
            )
            break
        except JobCancelled:
            stops += 1
    assert stops >= 2
    for name, one in whole.values.items():
        assert torch.equal(found.values[name], one)
    assert torch.equal(found.sketch.values, whole.sketch.values)
    assert found.loss == whole.loss


def test_bfloat16_is_near_float32(folder):
    """Weights and activations with 8 bits of mantissa, sums in float32: 0.7% of the diagonal's length here."""
    exact, rough = (
        estimate_fisher(load_model(folder, dtype=dtype), bitext(), max_length=64, parameters="layers").values
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert {one.dtype for one in rough.values()} == {torch.float32}
    names = compared_parameters(list(exact))
    one, other = (torch.cat([values[name].reshape(-1) for name in names]) for values in (exact, rough))
    assert 0 < (one - other).norm() / one.norm() < 0.03
    assert other.sum() == pytest.approx(float(one.sum()), rel=0.03)
