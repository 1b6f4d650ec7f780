"""Checkpoints of training that are not as they were written are dropped, said so, and never change the weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from pseudofam_core.errors import CacheError, JobCancelled
from pseudofam_core.finetuning import Budget, BudgetMode, checkpoints
from pseudofam_core.finetuning.run import finetune
from pseudofam_core.finetuning.runs import finetune_key


def stopped(spec, cache, at):
    """The folder of checkpoints of a run that was stopped at an update."""
    told = []
    with pytest.raises(JobCancelled):
        finetune(spec, cache, report=told.append, should_stop=lambda: told[-1].done == at)
    return cache.partial("finetune", finetune_key(spec))


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def names_of(folder):
    return sorted(one.name for one in folder.iterdir())


def test_every_file_of_a_checkpoint_is_verified(spec_of, cache, tmp_path, caplog):
    spec = spec_of(budget=Budget(BudgetMode.EQUAL_UPDATES, 6, None))
    folder = stopped(spec, cache, 3)
    (checkpoint,) = folder.glob("checkpoint-*")
    files = names_of(checkpoint)
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"} <= set(files)
    run, kept = folder.name, tmp_path / "kept"
    assert checkpoints.last_checkpoint(folder, run=run) == checkpoint
    shutil.copytree(checkpoint, kept)
    for name in files:
        for damage in (flip, lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])):
            damage(checkpoint / name)
            caplog.clear()
            assert checkpoints.last_checkpoint(folder, run=run) is None
            assert "is removed" in caplog.text
            shutil.copytree(kept, checkpoint)
    assert checkpoints.last_checkpoint(folder, run="another") is None


def test_a_seal_that_leaves_a_file_out_is_damage(tmp_path):
    folder = tmp_path / "checkpoint-1"
    folder.mkdir()
    for name in ("model.safetensors", "optimizer.pt"):
        (folder / name).write_text(name)
    for _ in range(2):  # the same step may be written again
        checkpoints.seal(folder, run="run")
        assert checkpoints.fault_of(folder, run="run") == ""
    seal = folder / "seal.json"
    sealed = json.loads(seal.read_text())
    del sealed["files"]["optimizer.pt"]
    seal.write_text(json.dumps(sealed))
    assert checkpoints.fault_of(folder, run="run") == "damaged in optimizer.pt"


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "rng_state.pth"])
def test_a_run_with_a_damaged_checkpoint_begins_anew_and_ends_as_an_uninterrupted_one(
    spec_of, cache, tmp_path, caplog, name
):
    spec = spec_of(budget=Budget(BudgetMode.EQUAL_UPDATES, 6, None))
    uninterrupted = finetune(spec, type(cache)(tmp_path / "other"))
    (checkpoint,) = stopped(spec, cache, 3).glob("checkpoint-*")
    flip(checkpoint / name)
    told = []
    run = finetune(spec, cache, report=lambda one: told.append(one.done) if one.phase == "training" else None)
    assert told[0] == 0
    assert "begins anew" in caplog.text
    assert (run.outputs, run.loss_curve) == (uninterrupted.outputs, uninterrupted.loss_curve)


def test_the_checkpoint_before_a_damaged_one_is_gone_on_from(tmp_path):
    for number in (2, 4):
        (tmp_path / f"checkpoint-{number}").mkdir()
        (tmp_path / f"checkpoint-{number}" / "trainer_state.json").write_text('{"best_model_checkpoint": null}')
        checkpoints.seal(tmp_path / f"checkpoint-{number}")
    (tmp_path / "checkpoint-4" / "trainer_state.json").write_text("{}")
    assert checkpoints.last_checkpoint(tmp_path) == tmp_path / "checkpoint-2"
    assert names_of(tmp_path) == ["checkpoint-2"]


def test_a_checkpoint_whose_best_one_is_damaged_is_not_gone_on_from(tmp_path):
    for number in (2, 4):
        one = tmp_path / f"checkpoint-{number}"
        one.mkdir()
        (one / "model.safetensors").write_text("weights")
        state = {"best_model_checkpoint": str(tmp_path / "checkpoint-2")}
        (one / "trainer_state.json").write_text(json.dumps(state))
        checkpoints.seal(one)
    assert checkpoints.last_checkpoint(tmp_path) == tmp_path / "checkpoint-4"
    (tmp_path / "checkpoint-2" / "model.safetensors").write_text("Weights")
    assert checkpoints.last_checkpoint(tmp_path) is None


def test_the_best_weights_are_verified_before_they_are_scored(spec_of, cache, monkeypatch):
    spec = spec_of(budget=Budget(BudgetMode.EARLY_STOPPING, 6, 3))
    load = checkpoints.SealingTrainer._load_best_model

    def damaged(trainer):
        flip(Path(trainer.state.best_model_checkpoint) / "model.safetensors")
        load(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.SealingTrainer, "_load_best_model", damaged)
        with pytest.raises(CacheError, match=r"best checkpoint .* was damaged in model\.safetensors and is removed"):
            finetune(spec, cache)
    assert finetune(spec, cache).updates == 6


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:778] . PytorchStreamWriter failed writing file data/1"),
    ],
)
def test_a_full_disk_is_told_in_one_line(spec_of, cache, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(CacheError, match=r"The checkpoint in .* can't be written: .*Free some space"):
        finetune(spec_of(), cache)
