"""Cheap runs: what `finetune` computes, without checkpoints, evaluations on the way, or translations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pseudofam_core.errors import CorpusError, JobCancelled, ModelError
from pseudofam_core.estimates import computing
from pseudofam_core.finetuning import TextCut, find_pace, open_texts, specs_of, texts_of_targets
from pseudofam_core.finetuning.checkpoints import SealingTrainer
from pseudofam_core.finetuning.dev import DevSet
from pseudofam_core.finetuning.run import finetune
from pseudofam_core.languages import pair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.store.stages import Stage
from pseudofam_core.transfer import (
    TransferRequest,
    find_transfer,
    matrix_cost,
    score_matrices,
    specs_of_target,
    transfer_matrix,
    transfer_task,
)
from pseudofam_core.transfer.run import time_matrix, transfer, transfer_all
from tests.finetuning.conftest import TARGET

# transformers warns of a private torch call of its own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
AZ, DE = pair("az-en"), pair("de-en")


@pytest.mark.parametrize("member", [None, AZ])
def test_a_cheap_run_ends_with_the_dev_loss_of_the_finetuning_run(matrix_of_three, cache, member):
    request = matrix_of_three()
    cheap = transfer(specs_of_target(request, TARGET)[member, 1], cache)
    arms = specs_of(request.arms_of(TARGET))
    whole = finetune(arms["alone" if member is None else str(member), 1], cache)
    curve = dict(whole.dev_curve)
    assert cheap.before.sum() / cheap.n_tokens.sum() == pytest.approx(curve[0]["loss"], rel=1e-6)
    assert cheap.after.sum() / cheap.n_tokens.sum() == pytest.approx(curve[whole.updates]["loss"], rel=1e-6)
    assert curve[whole.updates]["loss"] < 0.99 * curve[0]["loss"]
    assert (cheap.updates, cheap.contributions) == (whole.updates, whole.contributions)
    assert cheap.seconds["all"] > cheap.seconds["training"] > 0


def test_losses_are_those_of_each_sentence_alone(matrix_of_three, cache):
    request = matrix_of_three()
    run = transfer(specs_of_target(request, TARGET)[None, 1], cache)
    model, texts = computing.open_model(request.workspace), open_texts(request.workspace, TARGET)
    encoded = model.encode(texts.dev, max_length=40)
    alone = [DevSet(texts.dev, [one], request.recipe, run.spec.task, max_length=40).losses(model) for one in encoded]
    np.testing.assert_allclose(run.before, [one.nats[0] for one in alone], rtol=1e-5)
    assert run.n_tokens.tolist() == [len(one.target) for one in encoded]


def test_nothing_is_evaluated_or_written_on_the_way(matrix_of_three, cache, monkeypatch):
    for name in ("_save_checkpoint", "evaluate"):
        monkeypatch.setattr(SealingTrainer, name, lambda *one, **named: pytest.fail("not in a cheap run"))
    spec = specs_of_target(matrix_of_three(), TARGET)[AZ, 1]
    transfer(spec, cache)
    assert {one.name for one in cache.root.iterdir()} <= {"transfer", "partial"}
    assert not [one for one in (cache.root / "partial").rglob("*") if one.is_file()]


def test_the_key_leaves_out_test_text_and_evaluations_on_the_way(matrix_of_three):
    request = matrix_of_three()
    spec = specs_of_target(request, TARGET)[AZ, 1]
    other = replace(request, recipe=replace(request.recipe, eval_every=7, dev_metric="bleu"))
    assert specs_of_target(other, TARGET)[AZ, 1] == spec
    assert specs_of(other.arms_of(TARGET)) == specs_of(request.arms_of(TARGET))
    changed = replace(request, recipe=replace(request.recipe, learning_rate=1e-3))
    keys = {Stage.TRANSFER.key(one) for one in specs_of_target(request, TARGET).values()}
    assert len(keys) == 3
    assert Stage.TRANSFER.key(specs_of_target(changed, TARGET)[AZ, 1]) not in keys
    cut = replace(request, cut=TextCut(auxiliary_sentences=9))
    assert specs_of_target(cut, TARGET)[AZ, 1] != spec
    assert specs_of_target(cut, TARGET)[None, 1] == specs_of_target(request, TARGET)[None, 1]
    assert "test" not in spec.held_out_digests


def test_a_matrix_that_is_stopped_goes_on_with_the_run_it_was_at(matrix_of_three, cache):
    request = matrix_of_three(seeds=(1, 2))
    texts = texts_of_targets(request.workspace, request.targets)
    asked = iter([False] * 6 + [True] * 99)
    with pytest.raises(JobCancelled, match="at update 4"):
        transfer_all(request, cache, texts=texts, should_stop=lambda: next(asked))
    partial = transfer_matrix(request, cache, texts=texts)
    assert np.isnan(partial.gains).all()
    assert partial.n_missing == 6  # two targets, one of which is an auxiliary, by two seeds
    assert len(list(cache.keys(Stage.TRANSFER))) == 1
    seen = []
    transfer_all(request, cache, texts=texts, report=seen.append)
    assert len(list(cache.keys(Stage.TRANSFER))) == 10
    alone, helped = 4, 8  # updates expected
    left = (2 * helped + alone + helped) + (alone + 2 * helped + alone + helped)
    assert (seen[-1].done, seen[-1].total, seen[-1].unit) == (left, left, "updates")
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert matrix_cost(request, texts, cache).n_kept == 10
    whole = transfer_matrix(request, cache, texts=texts)
    assert whole.n_missing == 0
    assert np.isnan(whole.gains[:, 1, 0]).all()  # az with itself


def test_a_gain_is_what_the_target_alone_loses_more(matrix_of_three, cache):
    request = matrix_of_three()
    texts = texts_of_targets(request.workspace, request.targets)
    specs = specs_of_target(request, TARGET, texts[TARGET])
    for cell in ((None, 1), (DE, 1)):
        transfer(specs[cell], cache, texts=texts[TARGET])
    matrix = transfer_matrix(request, cache)
    alone, helped = (find_transfer(specs[cell], cache) for cell in ((None, 1), (DE, 1)))
    gain = alone.after.sum() / alone.n_tokens.sum() - helped.after.sum() / helped.n_tokens.sum()
    assert matrix.gains[0, 0, 1] == matrix.mean[0, 1] == pytest.approx(gain, abs=1e-12)
    assert np.isfinite(matrix.gains).sum() == 1
    assert matrix.low[0, 1] < gain < matrix.high[0, 1]
    assert matrix.n_missing == 2


def test_scores_are_those_of_the_finetuning_runs(matrix_of_three, cache):
    request = matrix_of_three(targets=(TARGET,), auxiliaries=(DE,), scores=True)
    texts = texts_of_targets(request.workspace, request.targets)
    assert matrix_cost(request, texts, cache).n_runs == 4
    transfer_all(request, cache, texts=texts)
    assert matrix_cost(request, texts, cache).n_kept == 4
    specs = specs_of(request.arms_of(TARGET), texts[TARGET])
    alone, helped = (finetune(specs[arm, 1], cache).scores["test"] for arm in ("alone", "de-en"))
    found = score_matrices(request, cache)
    assert {name: one.gains[0, 0, 0] for name, one in found.items()} == {
        name: pytest.approx(helped[name] - alone[name], abs=1e-6) for name in ("bleu", "chrf")
    }


def test_the_cost_is_told_from_kept_runs_or_a_measurement(matrix_of_three, cache):
    request = matrix_of_three()
    texts = texts_of_targets(request.workspace, request.targets)
    before = matrix_cost(request, texts, cache)
    assert (before.n_runs, before.n_kept, before.updates, before.seconds) == (5, 0, 2 * 4 + 3 * 8, None)
    time_matrix(request, cache)
    pace = find_pace(
        cache, model_revision=resolve_model(request.workspace.model).revision, recipe=request.recipe, beams=1
    )
    assert pace.seconds_per_update > 0
    assert matrix_cost(request, texts, cache).seconds == pytest.approx(32 * pace.seconds_per_update)
    run = transfer(specs_of_target(request, TARGET)[None, 1], cache)
    after = matrix_cost(request, texts, cache)
    assert (after.n_kept, after.updates) == (1, 28)
    assert after.seconds == pytest.approx(28 * run.seconds["all"] / 4)


def test_text_is_read_once_for_all_targets_and_is_what_each_reads_alone(matrix_of_three):
    request = matrix_of_three(cut=TextCut(target_sentences=7))
    shared = texts_of_targets(request.workspace, request.targets, request.cut)
    for target in request.targets:
        alone = open_texts(request.workspace, target, request.cut)
        for one in (TARGET, AZ, DE):
            assert shared[target].train(one) == alone.train(one)
        assert shared[target].dev == alone.dev
    assert shared[TARGET].train(DE) is shared[AZ].train(DE)
    assert len(shared[TARGET].train(TARGET)) == 7


def test_a_pair_that_is_not_of_the_pool_is_refused(matrix_of_three):
    request = matrix_of_three()
    small = replace(request, workspace=replace(request.workspace, pairs=(TARGET, DE)), targets=(TARGET,))
    with pytest.raises(CorpusError, match=r"must be of the pool \(de-en, tr-en\)\. Got az-en\."):
        specs_of_target(small, TARGET)


def test_a_run_that_diverges_is_no_result(matrix_of_three, cache):
    request = matrix_of_three()
    recipe = replace(request.recipe, learning_rate=1e30, max_grad_norm=1e38)
    spec = specs_of_target(replace(request, recipe=recipe), TARGET)[None, 1]
    with pytest.raises(ModelError, match="Take a lower learning_rate"):
        transfer(spec, cache)
    assert find_transfer(spec, cache) is None


def test_text_that_changed_is_refused(matrix_of_three, cache):
    request = matrix_of_three()
    spec = specs_of_target(request, TARGET)[None, 1]
    with pytest.raises(CorpusError, match="has changed since this run was asked for: dev"):
        transfer(replace(spec, dev_digest="another"), cache)


def test_a_job_does_a_target_at_a_time(matrix_of_three, cache):
    request = matrix_of_three()
    assert request.tasks == ("tr-en", "az-en")
    assert TransferRequest.from_payload(request.payload()) == request
    seen = []
    transfer_task(request.payload(), "az-en", cache, seen.append, lambda: False)
    assert transfer_matrix(request, cache).n_missing == 2
    assert {one.phase for one in seen} >= {"az-en, seed 1: training", "az-en with de-en, seed 1: training"}
    with pytest.raises(ValueError, match=r"task must be one of tr-en, az-en\. Got 'de-en'"):
        transfer_task(request.payload(), "de-en", cache, seen.append, lambda: False)
    transfer_task(request.payload(), "timing", cache, seen.append, lambda: False)
    assert len(list(cache.keys(Stage.FINETUNE_TIMING))) == 1
