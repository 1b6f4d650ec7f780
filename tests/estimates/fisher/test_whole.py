"""Inner products of whole Fisher matrices, against matrices that are formed, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pseudofam_core.corpora import Bitext
from pseudofam_core.estimates.fisher.factors import sentence_factors
from pseudofam_core.estimates.fisher.products import layer_products
from pseudofam_core.lab import whole_fisher
from pseudofam_core.languages import pair
from pseudofam_core.models.loading import load_model
from tests import reference_lab as reference


def factors(n_pairs=3, n_sentences=4, out=3, inside=5, seed=0):
    rng = np.random.default_rng(seed)
    return [
        [(rng.normal(size=(t, out)), rng.normal(size=(t, inside))) for t in rng.integers(1, 4, size=n_sentences)]
        for _ in range(n_pairs)
    ]


def gradients(sentences):
    return np.stack([(outputs.T @ inputs).reshape(-1) for outputs, inputs in sentences])


def test_products_are_those_of_matrices_that_are_formed():
    pool = factors()
    products = layer_products(pool)
    angles = whole_fisher.frobenius_products(products.gram, 3)
    fidelity = whole_fisher.fidelities(products.gram, 3)
    for i in range(3):
        for j in range(3):
            one, other = gradients(pool[i]), gradients(pool[j])
            assert angles[i, j] == pytest.approx(reference.frobenius_product(one, other), rel=1e-9)
            assert fidelity[i, j] == pytest.approx(reference.bures_fidelity(one, other), rel=1e-5)
            diagonals = [np.diag(reference.whole_fisher(each)) for each in (one, other)]
            assert products.squares[i, j] == pytest.approx(diagonals[0] @ diagonals[1], rel=1e-9)
            assert products.roots[i, j] == pytest.approx(np.sqrt(diagonals[0]) @ np.sqrt(diagonals[1]), rel=1e-9)


def test_kronecker_products_are_those_of_products_that_are_formed():
    pool = factors()
    found = layer_products(pool).kronecker
    for i in range(3):
        for j in range(3):
            tokens = [[np.concatenate([one[side] for one in pool[k]]) for side in (1, 0)] for k in (i, j)]
            scale = np.prod([np.mean([len(one[0]) for one in pool[k]]) for k in (i, j)])
            assert found[i, j] == pytest.approx(scale * reference.kronecker_product(*tokens[0], *tokens[1]), rel=1e-9)


def test_bures_of_diagonal_matrices_is_hellinger_s_distance():
    """One gradient per axis: the whole matrix is diagonal."""
    one, other = np.diag([1.0, 2.0, 3.0]), np.diag([2.0, 0.5, 1.0])
    gram = np.concatenate([one, other]) @ np.concatenate([one, other]).T
    p, q = np.diag(one) ** 2, np.diag(other) ** 2
    expected = np.sqrt(((np.sqrt(p / p.sum()) - np.sqrt(q / q.sum())) ** 2).sum() / 2)
    distances = whole_fisher.bures_distances(whole_fisher.fidelities(gram, 2))
    assert distances[0, 1] == pytest.approx(expected)
    assert distances[0, 0] == pytest.approx(0, abs=1e-7)
    angles = whole_fisher.angle_distances(whole_fisher.frobenius_products(gram, 2))
    assert angles[0, 1] == pytest.approx(1 - p @ q / np.sqrt(p @ p * (q @ q)))


def test_projected_products_are_right_on_average():
    pool = [[(a.astype(np.float32), b.astype(np.float32)) for a, b in mine] for mine in factors(out=20, inside=30)]
    exact = layer_products(pool).gram
    seeds = np.mean([layer_products(pool, project=16, seed=seed).gram for seed in range(300)], axis=0)
    assert np.abs(seeds - exact).max() < 0.1 * np.abs(exact).max()
    assert layer_products(pool, project=16).projected == 256


def test_factors_give_each_sentence_s_own_gradient(saved_model):
    """Against one backward pass per sentence, whatever the batch and its padding."""
    model = load_model(saved_model)
    lines = ("bir iki", "bir iki üç dört beş", "altı")
    text = Bitext(pair("tr-en"), "train", lines, ("one two", "three", "four five six"))
    encoded = model.encode(text, max_length=32)
    names = [name for name in model.parameters() if name.endswith(("fc1.weight", "fc2.weight"))]
    found = sentence_factors(model.module, names, model.collate(encoded))
    for place, one in enumerate(encoded):
        inputs = model.collate([one])
        for name in names:
            weight = model.module.get_parameter(name).requires_grad_(True)
            loss = model.module(**inputs, use_cache=False).loss * (inputs["labels"] != -100).sum()
            (expected,) = torch.autograd.grad(loss, [weight])
            weight.requires_grad_(False)
            outputs, received = found[name][place]
            assert np.allclose(outputs.T @ received, expected.numpy(), atol=1e-5 * float(expected.abs().max() + 1e-9))


def test_a_parameter_that_is_no_linear_weight_is_refused(saved_model):
    model = load_model(saved_model)
    encoded = model.encode(Bitext(pair("tr-en"), "train", ("bir",), ("one",)), max_length=32)
    bias = next(name for name in model.parameters() if name.endswith("fc1.bias"))
    for name in ("model.shared.weight", bias):
        with pytest.raises(ValueError, match="must be weights of linear layers, each used once"):
            sentence_factors(model.module, [name], model.collate(encoded))
