"""Runs of a tiny model: budgets, stopping, resuming, cancelling, finding again."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

from pseudofam_core.errors import CorpusError, JobCancelled, ModelError, ScoringError
from pseudofam_core.finetuning import (
    PAPER,
    SMALL,
    Arm,
    Budget,
    BudgetMode,
    FinetuneRequest,
    Lora,
    Pace,
    Recipe,
    TextCut,
    cost,
    find_pace,
    find_run,
    find_weights,
    finetune_task,
    open_texts,
    runs_of,
    specs_of,
)
from pseudofam_core.finetuning.dev import DevSet
from pseudofam_core.finetuning.pace import GuessedPace
from pseudofam_core.finetuning.run import finetune
from pseudofam_core.finetuning.runs import finetune_key
from pseudofam_core.languages import pair
from pseudofam_core.models.loading import load_model
from pseudofam_core.outcomes.run_settings import settings_of
from pseudofam_core.store.keys import canonical
from pseudofam_core.tasks.translation import TRANSLATION
from tests.finetuning.conftest import RECIPE, TARGET, write_pair

# transformers warns of a private torch call of its own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

EARLY = Budget(BudgetMode.EARLY_STOPPING, 40, 2)


def kept(spec, cache, **options):
    finetune(spec, cache, keep_weights=True, **options)
    return load_model(find_weights(spec, cache).folder)


def test_zero_shot_is_the_base_model_as_it_is(request_of, cache, saved_model):
    request = request_of("az-en")
    spec = specs_of(request)["zero-shot", None]
    run = finetune(spec, cache)
    texts = open_texts(request.workspace, TARGET)
    expected = TRANSLATION.score(
        texts.test, TRANSLATION.generate(load_model(saved_model), texts.test, beams=1, max_length=40)
    )
    blind = replace(texts.test, targets=("?",) * len(texts.test))
    assert TRANSLATION.generate(load_model(saved_model), blind, beams=1, max_length=40) == expected.hypotheses
    assert run.is_zero_shot
    assert run.scores["test"]["bleu"] == expected.scores["bleu"]
    assert run.scores["test"]["chrf_signature"] == expected.signatures["chrf"]
    assert run.outputs["test"] == {
        "sources": texts.test.sources,
        "references": texts.test.targets,
        "hypotheses": expected.hypotheses,
    }
    assert len(run.outputs["dev"]["hypotheses"]) == len(texts.dev)
    other = replace(request, budget=EARLY, seeds=(7,))
    assert specs_of(other)["zero-shot", None] == spec


def test_equal_updates_are_done_and_counted(spec_of, cache):
    seen = []
    run = finetune(spec_of("az-en", "de-en"), cache, report=seen.append)
    assert (run.updates, run.scored_update, run.stopped) == (6, 6, "budget")
    assert [one.pair for one in run.contributions] == [TARGET, pair("az-en"), pair("de-en")]
    assert all(one.available == 24 and one.sentences > 0 for one in run.contributions)
    assert all(1 <= one.updates <= 6 for one in run.contributions)
    assert [update for update, _ in run.dev_curve] == [0, 2, 4, 6]
    assert run.dev_curve[-1][1]["loss"] < run.dev_curve[0][1]["loss"]
    assert [update for update, _ in run.loss_curve] == [1, 2, 3, 4, 5, 6]
    training = [one for one in seen if one.phase == "training"]
    assert (training[0].done, training[-1].done, training[-1].total, training[-1].unit) == (0, 6, 6, "updates")
    assert {"loss", "dev_loss", "tokens_per_s"} <= training[-1].metrics.keys()


def test_equal_target_tokens_read_the_target_as_often(spec_of, cache):
    budget = Budget(BudgetMode.EQUAL_TARGET_TOKENS, 4, None)
    alone = finetune(spec_of(budget=budget), cache)
    family = finetune(spec_of("az-en", "de-en", budget=budget), cache)
    assert alone.updates == 4
    assert family.updates > 8
    assert replace(family.contributions[0], updates=0) == replace(alone.contributions[0], updates=0)
    texts = open_texts(spec_of().workspace, TARGET)
    specs = [spec_of("az-en", "de-en", seed=2, budget=budget)]
    pace = find_pace(cache, model_revision=specs[0].model_revision, recipe=RECIPE, beams=1)
    expected = cost(specs * 2, texts, cache, pace=pace)
    assert (expected.n_runs, expected.n_finished, expected.updates, expected.is_limit) == (1, 0, 12, False)
    assert expected.seconds > 0
    assert expected.disk_bytes > 0
    assert cost([spec_of(budget=budget)], texts, cache, pace=pace).n_finished == 1


def test_early_stopping_ends_for_lack_of_patience_and_scores_the_best(spec_of, cache):
    recipe = replace(RECIPE, learning_rate=0.2)  # far too high: dev gets worse soon
    spec = spec_of(budget=EARLY, recipe=recipe)
    model = kept(spec, cache)
    run = find_run(spec, cache)
    later = {update: values["loss"] for update, values in run.dev_curve if update > 0}
    assert run.stopped == "patience"
    assert run.scored_update == min(later, key=later.__getitem__)
    assert run.updates == run.scored_update + 2 * recipe.eval_every
    assert run.contributions[0].updates == run.scored_update
    texts = open_texts(spec.workspace, TARGET)
    dev = DevSet(texts.dev, model.encode(texts.dev, max_length=40), recipe, spec.task, max_length=40)
    assert dev(model)["loss"] == pytest.approx(later[run.scored_update], rel=1e-3)
    assert dev(model)["loss"] != pytest.approx(later[run.updates], rel=1e-3)


@pytest.mark.parametrize("budget", [EARLY, Budget(BudgetMode.EQUAL_UPDATES, 6, None)])
def test_a_run_that_diverges_says_so_and_is_no_result(spec_of, cache, budget):
    spec = spec_of(budget=budget, recipe=replace(RECIPE, learning_rate=1e38, max_grad_norm=1e38))
    with pytest.raises(ModelError, match=r"Training diverged: the \w+ loss at update 2 is (nan|inf). .* Got 1e\+38"):
        finetune(spec, cache)
    assert find_run(spec, cache) is None


def test_a_training_loss_that_is_no_number_ends_the_run_before_dev_is_looked_at(spec_of, cache):
    recipe = replace(RECIPE, learning_rate=1e30, max_grad_norm=1e38, eval_every=10)
    with pytest.raises(ModelError, match=r"Training diverged: the training loss at update [24] is (nan|inf)"):
        finetune(spec_of(budget=Budget(BudgetMode.EQUAL_UPDATES, 20, None), recipe=recipe), cache)


def test_a_dev_loss_that_is_no_number_ends_the_run(spec_of, cache, monkeypatch):
    values = iter([{"loss": 3.0}, {"loss": float("inf")}])
    monkeypatch.setattr(DevSet, "__call__", lambda self, model: next(values))
    with pytest.raises(ModelError, match="the dev loss at update 2 is inf"):
        finetune(spec_of(), cache)


def test_a_model_that_does_not_compute_in_the_precision_is_not_trained(spec_of, cache, monkeypatch):
    monkeypatch.setattr(DevSet, "__call__", lambda self, model: {"loss": float("nan")})
    with pytest.raises(ModelError, match="dev loss is nan before the first update, in float32"):
        finetune(spec_of(), cache)


@pytest.mark.skipif(torch.cuda.is_available(), reason="fp16 is at home on a GPU")
def test_fp16_without_a_gpu_is_refused_before_anything_is_read(spec_of, request_of, cache, monkeypatch):
    recipe = replace(RECIPE, precision="fp16")
    request, spec = request_of(recipe=recipe), spec_of(recipe=recipe)
    monkeypatch.setattr("pseudofam_core.finetuning.fit.open_texts", lambda *one: pytest.fail("text was read"))
    with pytest.raises(ModelError, match=r"precision fp16 needs a GPU.* Take auto, bf16 or float32"):
        finetune(spec, cache)
    with pytest.raises(ModelError, match="precision fp16 needs a GPU"):
        finetune_task(request.payload(), "timing", cache, lambda progress: None, lambda: False)


@pytest.mark.parametrize(("able", "used"), [(True, "bf16"), (False, "float32")])
def test_auto_is_settled_when_the_request_is_made_and_the_run_says_what_it_was(
    request_of, cache, machine_that, able, used
):
    machine_that(able)
    assert {PAPER.precision, SMALL.precision, Recipe().precision} == {"auto"}
    request = request_of(recipe=replace(RECIPE, precision="auto"))
    assert request == request_of(recipe=replace(RECIPE, precision=used))
    machine_that(not able)  # the worker's machine names the same run
    again = FinetuneRequest.from_payload(request.payload())
    assert specs_of(again) == specs_of(request)
    finetune_task(request.payload(), "arm/seed-1", cache, lambda progress: None, lambda: False)
    assert settings_of(find_run(specs_of(request)["arm", 1], cache))["precision"] == used


def test_a_run_is_never_named_by_a_format_that_is_not_settled(spec_of):
    with pytest.raises(ValueError, match=r"Got auto\. Take `recipe\.settled`"):
        replace(spec_of(), recipe=replace(RECIPE, precision="auto"))


@pytest.mark.parametrize("able", [True, False])
def test_bf16_where_it_is_emulated_is_possible_and_told_with_the_factor(
    spec_of, cache, machine_that, monkeypatch, caplog, able
):
    machine_that(able)
    monkeypatch.setattr("pseudofam_core.models.precision._bfloat16_slowdown", lambda: 7.43)
    finetune(spec_of(recipe=replace(RECIPE, precision="bf16"), budget=Budget(BudgetMode.EQUAL_UPDATES, 2, None)), cache)
    told = "bf16 is emulated here: a product takes 7.4 times as long as in float32"
    assert (told in caplog.text) is not able


def test_what_takes_a_package_that_is_missing_is_refused_before_anything_is_read(request_of, cache, monkeypatch):
    monkeypatch.setattr("pseudofam_core.finetuning.request.find_spec", lambda name: None)
    monkeypatch.setattr("pseudofam_core.finetuning.request.open_texts", lambda *one: pytest.fail("text was read"))
    request = request_of(recipe=replace(RECIPE, lora=Lora()))
    with pytest.raises(ModelError, match=r"lora needs the package peft.* Got rank 16. Install it"):
        specs_of(request)
    with pytest.raises(ModelError, match="lora needs the package peft"):
        finetune_task(request.payload(), "timing", cache, lambda progress: None, lambda: False)


def test_a_target_that_sacrebleu_cannot_split_is_refused_before_anything_is_read(request_of, monkeypatch):
    def missing(tokenizer):
        raise RuntimeError("no such package")

    monkeypatch.setattr("sacrebleu.metrics.bleu._get_tokenizer", missing)
    monkeypatch.setattr("pseudofam_core.finetuning.request.open_texts", lambda *one: pytest.fail("text was read"))
    with pytest.raises(ScoringError, match=r"pip install 'sacrebleu\[ja\]'"):
        specs_of(replace(request_of(), target=pair("en-ja")))


def test_bleu_does_not_choose_weights_for_a_target_that_it_cannot_split(request_of, monkeypatch, cache):
    monkeypatch.setattr("pseudofam_core.finetuning.request.open_texts", lambda *one: pytest.fail("text was read"))
    request = replace(request_of(), target=pair("en-th"), recipe=replace(RECIPE, dev_metric="bleu"))
    with pytest.raises(ScoringError, match="Take loss or chrf"):
        specs_of(request)
    with pytest.raises(ScoringError, match="Take loss or chrf"):
        finetune_task(request.payload(), "arm/seed-1", cache, lambda progress: None, lambda: False)


def test_who_waited_for_the_same_run_finds_it_done(spec_of, cache):
    spec, phases = spec_of(), []
    lock = cache.partial("finetune", finetune_key(spec)).with_suffix(".lock")

    def report(progress):
        phases.append(progress.phase)
        if len(phases) == 1:  # what the other job does while this one waits
            holder.release()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("pseudofam_core.finetuning.run.exclusive", lambda *one, **named: nullcontext())
                finetune(spec, cache)

    lock.parent.mkdir(parents=True)
    holder = FileLock(lock)
    holder.acquire()
    run = finetune(spec, cache, report=report)
    assert run.updates == 6
    assert phases == ["waiting for another job that does the same run", "training"]


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_a_metric_of_the_outputs_can_choose(spec_of, cache, metric):
    recipe = replace(RECIPE, dev_metric=metric, precision="bf16")
    run = finetune(spec_of(budget=replace(EARLY, updates=3), recipe=recipe), cache)
    assert [update for update, _ in run.dev_curve] == [0, 2, 3]
    assert all({"loss", metric} == values.keys() for _, values in run.dev_curve)
    assert run.stopped == "cap"


@pytest.mark.parametrize(("budget", "stop_at"), [(Budget(BudgetMode.EQUAL_UPDATES, 6, None), 3), (EARLY, 4)])
def test_a_run_that_was_stopped_ends_as_an_uninterrupted_one(spec_of, cache, tmp_path, budget, stop_at):
    spec = spec_of("az-en", budget=replace(budget, updates=6))
    whole = kept(spec, cache).parameters()
    other = type(cache)(tmp_path / "other")
    at = []
    with pytest.raises(JobCancelled, match=f"update {stop_at}"):
        finetune(spec, other, keep_weights=True, report=at.append, should_stop=lambda: at[-1].done == stop_at)
    assert find_run(spec, other) is None
    resumed_at = []
    resumed = kept(spec, other, report=lambda one: resumed_at.append(one.done) if one.phase == "training" else None)
    assert resumed_at[0] == stop_at
    assert all(torch.equal(one, resumed.parameters()[name]) for name, one in whole.items())
    first, second = find_run(spec, cache), find_run(spec, other)
    assert (first.outputs, first.dev_curve, first.contributions) == (
        second.outputs,
        second.dev_curve,
        second.contributions,
    )
    assert not other.partial("finetune", first.key).exists()


def test_a_checkpoint_that_a_kill_left_half_written_is_left_out(spec_of, cache, tmp_path):
    spec = spec_of()
    whole = finetune(spec, cache)
    other = type(cache)(tmp_path / "other")
    at = []
    with pytest.raises(JobCancelled):
        finetune(spec, other, report=at.append, should_stop=lambda: at[-1].done == 4)
    half = other.partial("finetune", finetune_key(spec)) / "checkpoint-5"
    half.mkdir()
    (half / "trainer_state.json").write_text('{"global_step": 5, ')
    assert finetune(spec, other).outputs == whole.outputs


def test_a_finished_run_is_found_and_lists_tell_its_mode(spec_of, request_of, cache):
    spec = spec_of("az-en")
    run = finetune(spec, cache)
    stamp = os.stat(run.artifact.file("outputs.json")).st_mtime_ns
    assert finetune(spec, cache).key == run.key
    assert os.stat(run.artifact.file("outputs.json")).st_mtime_ns == stamp
    zero = finetune(specs_of(request_of())["zero-shot", None], cache)
    early = finetune(spec_of("az-en", budget=replace(EARLY, updates=2)), cache)
    assert {one.key for one in runs_of(cache, target=TARGET)} == {run.key, zero.key, early.key}
    assert {one.key for one in runs_of(cache, mode=BudgetMode.EQUAL_UPDATES)} == {run.key, zero.key}
    assert runs_of(cache, target=pair("az-en")) == runs_of(cache, test_digest="other") == ()
    assert find_run(spec, cache).members == (pair("az-en"),)
    assert find_run(spec, cache).recipe == spec.recipe
    assert find_run(spec, cache).budget == spec.budget


def test_the_key_covers_what_changes_the_value(spec_of):
    specs = [
        spec_of("az-en"),
        spec_of("de-en"),
        spec_of("az-en", seed=2),
        spec_of("az-en", beams=2),
        spec_of("az-en", budget=Budget(BudgetMode.EQUAL_UPDATES, 7, None)),
        spec_of("az-en", budget=EARLY),
        spec_of("az-en", recipe=replace(RECIPE, dropout=0.2)),
        spec_of("az-en", recipe=replace(RECIPE, lora=Lora())),
        spec_of("az-en", cut=TextCut(target_sentences=9)),
        spec_of("az-en", cut=TextCut(auxiliary_sentences=9)),
    ]
    assert len({finetune_key(spec) for spec in specs}) == len(specs)
    assert finetune_key(spec_of("az-en", keep_weights=True)) == finetune_key(specs[0])


def test_a_model_that_asks_for_another_search_has_keys_of_its_own_and_says_what_it_got(
    request_of, tuning, cache, tmp_path
):
    """What an earlier version found with such settings is another value; models without them keep their keys."""
    folder = shutil.copytree(tuning.model, tmp_path / "odd")
    plain = specs_of(request_of())["zero-shot", None]
    path = folder / "generation_config.json"
    settings = {"do_sample": True, "suppress_tokens": [7], "num_beams": 4, "max_length": 9}
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    request = request_of(workspace=replace(tuning, model=str(folder)))
    spec = specs_of(request)["zero-shot", None]
    assert (plain.set_aside, spec.set_aside) == ((), ("do_sample = true",))
    assert finetune_key(spec) != finetune_key(replace(spec, set_aside=()))
    assert "set_aside" not in canonical(plain)
    finetune_task(request.payload(), "zero-shot", cache, lambda progress: None, lambda: False)
    run = find_run(spec, cache)
    assert (run.spec.set_aside, run.generation) == (("do_sample = true",), ("suppress_tokens = [7]",))
    assert settings_of(run)["set aside of the model's generation settings"] == "do_sample = true"
    assert find_run(replace(spec, set_aside=()), cache) is None


def test_lora_changes_the_adapters_only(spec_of, cache, saved_model):
    pytest.importorskip("peft")
    recipe = replace(RECIPE, lora=Lora(rank=2, alpha=4))
    base = load_model(saved_model).parameters()
    tuned = kept(spec_of("az-en", recipe=recipe, budget=replace(EARLY, updates=4)), cache).parameters()
    changed = {name for name, one in tuned.items() if not torch.equal(one, base[name].half().float())}
    assert changed
    assert all(name.endswith(("q_proj.weight", "v_proj.weight")) for name in changed)


def test_text_or_model_that_changed_is_refused(tuning, spec_of, cache, tmp_path):
    write_pair(tmp_path, "tr", "train", [f"satır {n}" for n in range(9)], [f"line {n}" for n in range(9)])
    write_pair(tmp_path, "tr", "test", ["son"], ["the last one"])
    with pytest.raises(CorpusError, match="has changed"):
        finetune(replace(spec_of(), workspace=replace(tuning, corpus=str(tmp_path))), cache)
    with pytest.raises(ModelError, match="has changed"):
        finetune(replace(spec_of(), model_revision="0"), cache)


def test_a_request_travels_as_json_and_its_tasks_compute_each_run_once(request_of, cache, caplog):
    arms = (Arm("zero-shot", None), Arm("single", ()), Arm("mse", (pair("az-en"),)), Arm("kl", (pair("az-en"),)))
    request = request_of(arms=arms, seeds=(1, 2), budget=Budget(BudgetMode.EQUAL_UPDATES, 2, None))
    request = replace(request, workspace=replace(request.workspace, pairs=(TARGET, pair("az-en"))))
    payload = json.loads(json.dumps(request.payload()))
    assert FinetuneRequest.from_payload(payload) == request
    assert payload["workspace"]["pairs"] == ["tr-en", "az-en"]
    assert request.tasks == ("zero-shot", "single/seed-1", "mse/seed-1", "single/seed-2", "mse/seed-2")
    with caplog.at_level("INFO", "pseudofam_core"):
        for task in ("zero-shot", "mse/seed-2"):
            finetune_task(payload, task, cache, lambda progress: None, lambda: False)
    said = [one.getMessage() for one in caplog.records]
    assert said[0].startswith("tr-en, the model as it is; beams ")
    assert any(one.startswith("tr-en with az-en; seed 2; mode ") for one in said)
    assert not [one for one in said if "=" in one.split("on test")[0]]  # no names of Python
    assert any(one.startswith("update 2 of 2, ") and "dev loss " in one for one in said)
    assert sum("on test bleu" in one.lower() for one in said) == 2
    specs = specs_of(request)
    assert specs["mse", 2] == specs["kl", 2]
    assert {key for key, spec in specs.items() if find_run(spec, cache)} == {("zero-shot", None), ("mse", 2), ("kl", 2)}
    with pytest.raises(ValueError, match="task must be one of"):
        finetune_task(payload, "kl/seed-1", cache, lambda progress: None, lambda: False)


def test_a_short_timing_gives_the_pace(request_of, cache):
    request = request_of()
    specs = [spec for spec in specs_of(request).values() if not spec.is_zero_shot]
    texts = open_texts(request.workspace, TARGET)
    known = {"model_revision": specs[0].model_revision, "recipe": RECIPE, "beams": 1}
    assert find_pace(cache, **known) is None
    assert cost(specs, texts, cache, pace=None).seconds is None
    finetune_task(request.payload(), "timing", cache, lambda progress: None, lambda: False)
    pace = find_pace(cache, **known)
    assert min(pace.seconds_per_update, pace.seconds_per_sentence, pace.checkpoint_bytes) > 0
    assert cost(specs, texts, cache, pace=pace).seconds > 6 * pace.seconds_per_update
    assert runs_of(cache) == ()


def test_a_run_without_a_pace_does_not_stand_in_the_way(spec_of, cache):
    """One that several processes trained has none."""
    spec = spec_of()
    run = finetune(spec, cache)
    known = {"model_revision": spec.model_revision, "recipe": RECIPE, "beams": 1}
    assert find_pace(cache, **known) is not None
    manifest = run.artifact.file("manifest.json")
    told = json.loads(manifest.read_text()) | {"pace": None}
    del told["digest"]  # of the manifest as it was
    manifest.write_text(json.dumps(told))
    assert find_run(spec, cache) is not None
    assert find_pace(cache, **known) is None


def is_guess(pace):
    assert isinstance(pace, Pace)
    return isinstance(pace, GuessedPace)


def test_a_pace_of_runs_that_searched_alike_goes_before_others(spec_of, cache):
    by_bleu = replace(RECIPE, dev_metric="bleu")
    spec = spec_of()
    known = {"cache": cache, "model_revision": spec.model_revision}
    finetune(spec, cache)
    assert not is_guess(find_pace(**known, recipe=replace(RECIPE, dev_beams=4), beams=1))  # loss takes no beams
    assert is_guess(find_pace(**known, recipe=by_bleu, beams=1))
    assert is_guess(find_pace(**known, recipe=RECIPE, beams=5))
    finetune(spec_of(recipe=by_bleu), cache)
    assert not is_guess(find_pace(**known, recipe=by_bleu, beams=1))
    assert is_guess(find_pace(**known, recipe=replace(by_bleu, dev_beams=4), beams=1))
    loss = find_run(spec, cache).pace
    assert find_pace(**known, recipe=RECIPE, beams=1).seconds_per_update == loss.seconds_per_update


def test_a_timing_that_searched_alike_goes_before_a_run_that_did_not(request_of, spec_of, cache):
    finetune(spec_of(), cache)
    request = request_of(beams=2)
    finetune_task(request.payload(), "timing", cache, lambda progress: None, lambda: False)
    known = {"cache": cache, "model_revision": spec_of().model_revision, "recipe": RECIPE}
    assert not is_guess(find_pace(**known, beams=2))
    assert not is_guess(find_pace(**known, beams=1))
    assert is_guess(find_pace(**known, beams=3))


def test_a_cost_by_another_search_is_a_guess(spec_of, cache):
    finetune(spec_of(), cache)
    texts = open_texts(spec_of().workspace, TARGET)

    def guess(spec):
        pace = find_pace(cache, model_revision=spec.model_revision, recipe=spec.recipe, beams=spec.beams)
        return cost([spec], texts, cache, pace=pace).is_guess

    assert not guess(spec_of(seed=2))
    assert guess(spec_of(seed=2, beams=3))
    assert not cost([spec_of()], texts, cache, pace=GuessedPace(1.0, 1.0, 1.0, 1)).is_guess  # nothing is left


def test_the_room_of_kept_weights_is_counted(spec_of, cache):
    spec, others = spec_of(), [spec_of(seed=2), spec_of(seed=3)]
    kept(spec, cache)
    weights = load_file(find_weights(spec, cache).file("model.safetensors"))
    pace = find_pace(cache, model_revision=spec.model_revision, recipe=RECIPE, beams=1)
    assert pace.weights_bytes == sum(one.nbytes for one in weights.values())
    texts = open_texts(spec.workspace, TARGET)
    without, beside = (cost(others, texts, cache, pace=pace, keep_weights=keep) for keep in (False, True))
    assert (without.kept_bytes, beside.kept_bytes) == (0, 2 * pace.weights_bytes)
    assert beside.disk_bytes == without.disk_bytes + 2 * pace.weights_bytes
    unknown = cost(others, texts, cache, pace=replace(pace, weights_bytes=None), keep_weights=True)
    assert (unknown.kept_bytes, unknown.disk_bytes) == (None, without.disk_bytes)


def test_weights_that_were_not_kept_are_asked_for_again(spec_of, cache):
    spec = spec_of()
    finetune(spec, cache)
    texts = open_texts(spec.workspace, TARGET)
    assert cost([spec], texts, cache, pace=None).n_finished == 1
    again = cost([spec], texts, cache, pace=None, keep_weights=True)
    assert (again.n_finished, again.n_again) == (0, 1)
    assert cost([spec_of(seed=2)], texts, cache, pace=None, keep_weights=True).n_again == 0
    kept(spec, cache)
    assert cost([spec], texts, cache, pace=None, keep_weights=True).n_finished == 1
