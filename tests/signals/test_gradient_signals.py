"""Signed gradients: against their slow twins, and whether they say what training then does."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pseudofam_core.estimates import drawn_text, find_fisher, fisher_specs
from pseudofam_core.estimates.computing import open_model
from pseudofam_core.estimates.gradients import find_gradient, kept_diagonal
from pseudofam_core.finetuning.texts import open_texts
from pseudofam_core.languages import pair
from pseudofam_core.signals import signal_matrices
from pseudofam_core.signals.gradients import TargetGradient, cosine, fisher_weighted, fisher_weighted_cosine
from tests import reference, reference_signals

NUMBERS = st.floats(-2, 2, allow_subnormal=False)
SIGNED = ["gradient-cosine", "gradient-fisher", "gradient-fisher-cosine"]


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.floats(0.001, 3)), min_size=2, max_size=20))
def test_as_their_twins(rows):
    t, a, fisher = (np.array(one) for one in zip(*rows, strict=True))
    target = TargetGradient(t, fisher)
    product = reference_signals.fisher_weighted(t, a, fisher)
    assert fisher_weighted(target, a) == pytest.approx(product, abs=1e-12)
    if (t @ t) * (a @ a) > 1e-12:
        assert cosine(t, a) == pytest.approx(reference.cosine(t, a), abs=1e-9)
        lengths = [math.sqrt(reference_signals.fisher_weighted(one, one, fisher)) for one in (t, a)]
        assert fisher_weighted_cosine(target, a) == pytest.approx(product / math.prod(lengths), abs=1e-9)


def test_nothing_is_said_of_nothing():
    some, zero = np.ones(3), np.zeros(3)
    assert math.isnan(cosine(some, zero))
    assert math.isnan(fisher_weighted(TargetGradient(some, zero), some))
    assert math.isnan(fisher_weighted_cosine(TargetGradient(some, zero), some))


def test_a_gradient_against_the_targets_is_told_from_one_along_it():
    """A squared gradient can't: it is the same for both."""
    target = TargetGradient(np.array([1.0, -2.0]), np.array([0.5, 0.1]))
    along, against = np.array([2.0, -1.0]), np.array([-2.0, 1.0])
    assert cosine(target.mean, along) > 0 > cosine(target.mean, against)
    for signal in (fisher_weighted, fisher_weighted_cosine):
        assert signal(target, along) > 0 > signal(target, against)


def test_signed_signals_of_a_workspace(tunable, cache):
    found = signal_matrices(tunable, cache, signals=SIGNED, targets=[pair("az-en"), pair("tr-en")])
    assert list(found) == SIGNED
    estimates = {one: find_fisher(spec, cache) for one, spec in fisher_specs(tunable).items()}
    means = {one: find_gradient(spec, cache).mean() for one, spec in fisher_specs(tunable).items()}
    matrix = found["gradient-cosine"]
    assert np.isnan(matrix.values[0, 0])
    assert (np.abs(matrix.values[~np.isnan(matrix.values)]) <= 1).all()
    assert kept_diagonal(estimates[pair("az-en")].file("fisher.safetensors")).shape == means[pair("az-en")].shape


def test_the_sign_is_that_of_what_a_step_of_training_does(tunable, cache):
    """To first order: −η g_tᵀ g_a. Steps down each auxiliary's whole gradient are taken, and the dev loss is measured."""
    # Large enough for the kept coordinates to speak for the others.
    tunable = replace(tunable, model="sample", parameters="ffn")
    found = signal_matrices(tunable, cache, signals=["gradient-cosine"], targets=[pair("tr-en")])["gradient-cosine"]
    model = open_model(tunable)
    dev = open_texts(tunable, pair("tr-en")).dev
    before = mean_loss(model, dev)
    changes, predicted = [], []
    for auxiliary in found.auxiliaries:
        if auxiliary == pair("tr-en"):
            continue
        gradients = whole_gradient(model, drawn_text(tunable, auxiliary)[0], "fc")
        length = math.sqrt(sum(float((one.double() ** 2).sum()) for one in gradients.values()))
        with stepped(model, gradients, 1e-2 / length):
            changes.append(before - mean_loss(model, dev))
        predicted.append(found.values[0, found.auxiliaries.index(auxiliary)])
    assert np.corrcoef(changes, predicted)[0, 1] > 0.8
    clear = np.abs(changes) > np.abs(changes).max() / 5  # one eighth of the coordinates can't tell a sign near 0
    assert clear.sum() > 1
    assert all(np.sign(changes)[clear] == np.sign(predicted)[clear])


def test_a_target_without_dev_text_is_told_and_left_out(workspace, cache, caplog):
    found = signal_matrices(workspace, cache, signals=["gradient-cosine"])["gradient-cosine"]
    assert np.isnan(found.values).all()
    assert "The gradients say nothing of az-en" in caplog.text


def test_other_parameters_are_other_gradients(tunable, cache):
    first = signal_matrices(tunable, cache, signals=["gradient-cosine"])["gradient-cosine"]
    other = signal_matrices(replace(tunable, parameters="ffn"), cache, signals=["gradient-cosine"])["gradient-cosine"]
    assert not np.allclose(first.values, other.values, equal_nan=True)


def mean_loss(model, bitext) -> float:
    with torch.inference_mode():
        total, n = batch_loss(model, bitext)
    return float(total) / n


def whole_gradient(model, bitext, named):
    parameters = {name: one for name, one in model.parameters().items() if named in name and name.endswith("weight")}
    for one in parameters.values():
        one.requires_grad_(True)
    total, n = batch_loss(model, bitext)
    found = torch.autograd.grad(total / n, list(parameters.values()), allow_unused=True)
    for one in parameters.values():
        one.requires_grad_(False)
    return {name: one for name, one in zip(parameters, found, strict=True) if one is not None}


def batch_loss(model, bitext):
    encoded = model.encode(bitext, max_length=256)
    inputs = model.collate(encoded)
    n = int((inputs["labels"] != -100).sum())
    return model.module(**inputs, use_cache=False).loss.double() * n, n


class stepped:  # noqa: N801
    """A step down a gradient, taken back at the end."""

    def __init__(self, model, gradients, size):
        self.model, self.gradients, self.size = model, gradients, size

    def __enter__(self):
        self._move(-self.size)

    def __exit__(self, *error):
        self._move(self.size)

    @torch.no_grad()
    def _move(self, size):
        for name, gradient in self.gradients.items():
            self.model.parameters()[name].add_(gradient, alpha=size)
