"""A base whose output layer is another than its embedding, though its configuration says that they are one, stays that."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from pseudofam_core.finetuning import Budget, BudgetMode, Lora, find_weights, specs_of
from pseudofam_core.finetuning.run import finetune
from pseudofam_core.models.loading import load_model
from tests.finetuning.conftest import RECIPE

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
OUTPUT, INPUT = "lm_head.weight", "model.shared.weight"


@pytest.fixture
def untied(saved_model, tmp_path):
    folder = shutil.copytree(saved_model, tmp_path / "untied")
    weights = load_file(folder / "model.safetensors")
    weights[OUTPUT] = 1.5 * weights[INPUT] + 0.1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("lora", [None, Lora(rank=2, alpha=4)])
@pytest.mark.parametrize("mode", [BudgetMode.EQUAL_UPDATES, BudgetMode.EARLY_STOPPING])
def test_training_goes_on_from_the_weights_that_are_there(untied, request_of, tuning, cache, lora, mode):
    if lora:
        pytest.importorskip("peft")
    patience = None if mode is BudgetMode.EQUAL_UPDATES else 3
    request = request_of(
        workspace=replace(tuning, model=str(untied)),
        recipe=replace(RECIPE, learning_rate=1e-6, lora=lora),
        budget=Budget(mode, 4, patience),
    )
    spec = specs_of(request)["arm", 1]
    run = finetune(spec, cache, keep_weights=True)
    base, tuned = load_model(untied), load_model(find_weights(spec, cache).folder)
    for name in (OUTPUT, INPUT):
        torch.testing.assert_close(tuned.parameters()[name], base.parameters()[name], rtol=1e-3, atol=1e-3)
    before, after = (run.dev_curve[place][1]["loss"] for place in (0, -1))
    assert after == pytest.approx(before, rel=1e-3)
