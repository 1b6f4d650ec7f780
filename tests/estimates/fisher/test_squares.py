"""Squared per-sentence gradients against a plain loop in float64, for every family and parameter kind."""

from __future__ import annotations

import pytest
import torch

from pseudofam_core.estimates.fisher import SquaredGradients
from pseudofam_core.models.loading import load_model
from pseudofam_core.models.tokenization import encode
from tests import reference_fisher as reference
from tests.cases import FAMILIES, bitext, save_model

# k_proj.bias has a mathematically zero gradient (softmax shift invariance): what is left is rounding, about 1e-36.
ROUNDING = 1e-30


@pytest.fixture(scope="module", params=FAMILIES)
def batch(request, tmp_path_factory):
    model = load_model(save_model(tmp_path_factory.mktemp("model"), request.param), dtype=torch.float64)
    encoded = encode(model.tokenizer, model.family, bitext(), max_length=64)
    return model, encoded


def test_every_parameter_agrees_with_one_sentence_at_a_time(batch):
    model, encoded = batch
    expected = reference.squared_gradients(model, encoded)
    squares = SquaredGradients(model.module, list(expected))
    loss = squares.add(model.collate(encoded))
    assert loss == pytest.approx(reference.summed_loss(model, encoded), rel=1e-12)
    for name, value in expected.items():
        scale = value.abs().max()
        assert (squares.totals[name] - value).abs().max() <= 1e-12 * scale + ROUNDING, name
    assert sum(bool(value.abs().max() > 0) for value in expected.values()) > len(expected) // 2


def test_batches_add_up(batch):
    model, encoded = batch
    names = list(model.parameters())
    whole, parts = SquaredGradients(model.module, names), SquaredGradients(model.module, names)
    whole.add(model.collate(encoded))
    for start in range(0, len(encoded), 2):
        parts.add(model.collate(encoded[start : start + 2]))
    for name in names:
        torch.testing.assert_close(whole.totals[name], parts.totals[name], rtol=1e-10, atol=1e-18)


def test_a_group_gives_what_the_whole_gives(batch):
    model, encoded = batch
    some = list(model.parameters())[::3]
    whole, part = SquaredGradients(model.module, list(model.parameters())), SquaredGradients(model.module, some)
    whole.add(model.collate(encoded))
    part.add(model.collate(encoded))
    for name in some:
        torch.testing.assert_close(whole.totals[name], part.totals[name], rtol=1e-12, atol=0)


def test_one_pass_suffices(batch):
    model, encoded = batch
    squares = SquaredGradients(model.module, list(model.parameters()))
    squares.add(model.collate(encoded))
    passes = []
    handle = model.module.register_forward_hook(lambda *_: passes.append(1))
    squares.add(model.collate(encoded))
    handle.remove()
    assert len(passes) == 1


def test_weights_do_not_change(batch):
    model, encoded = batch
    before = {name: one.detach().clone() for name, one in model.parameters().items()}
    SquaredGradients(model.module, list(before)).add(model.collate(encoded))
    for name, one in model.parameters().items():
        assert torch.equal(one, before[name]), name
        assert one.grad is None


def test_training_mode_is_refused(batch):
    model, _ = batch
    model.module.train()
    try:
        with pytest.raises(ValueError, match="evaluation mode"):
            SquaredGradients(model.module, list(model.parameters()))
    finally:
        model.module.eval()


def test_an_unknown_name_is_refused(batch):
    model, _ = batch
    with pytest.raises(ValueError, match=r"nowhere\.weight"):
        SquaredGradients(model.module, ["nowhere.weight"])
