"""Compute a run: train, translate, score, keep. Only workers and the command line come here, for it needs torch."""

from __future__ import annotations

import functools
import json
import logging
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pseudofam_core import __version__, pipeline
from pseudofam_core.cache import Cache
from pseudofam_core.corpora import Bitext
from pseudofam_core.errors import CorpusError, JobCancelled, ModelError
from pseudofam_core.evaluation import score, translate
from pseudofam_core.finetuning.costs import TIMING_BUDGET, TIMING_STAGE, Pace, timing_key
from pseudofam_core.finetuning.dev import DevSet
from pseudofam_core.finetuning.exclusive import exclusive
from pseudofam_core.finetuning.ledger import Ledger
from pseudofam_core.finetuning.lora import merged, with_adapters
from pseudofam_core.finetuning.plan import Plan, plan_batches
from pseudofam_core.finetuning.processes import asked_in_any, by_first, is_first, n_processes, translate_shared
from pseudofam_core.finetuning.request import FinetuneRequest
from pseudofam_core.finetuning.runs import (
    FINETUNE_STAGE,
    OUTPUTS_FILE,
    WEIGHTS_STAGE,
    Contribution,
    FinetuneRun,
    finetune_key,
    finished_run,
    run_of,
)
from pseudofam_core.finetuning.spec import Budget, BudgetMode, FinetuneSpec, Recipe
from pseudofam_core.finetuning.texts import FinetuneTexts, open_texts
from pseudofam_core.finetuning.training import (
    PlannedTrainer,
    Supervision,
    arguments_of,
    last_checkpoint,
    require_device,
)
from pseudofam_core.hashing import canonical
from pseudofam_core.hub import fetch_model, resolve_model
from pseudofam_core.models import TranslationModel, load_config, without_bars
from pseudofam_core.progress import Progress, Report, ShouldStop, never, silent
from pseudofam_core.tokenization import EncodedPair, check_coverage

logger = logging.getLogger(__name__)


def finetune(
    spec: FinetuneSpec,
    cache: Cache,
    *,
    keep_weights: bool = False,
    texts: FinetuneTexts | None = None,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> FinetuneRun:
    """Find the run of `spec`, or compute it, going on from the last checkpoint of an interrupted one.

    On one thread a resumed run ends with the weights of an uninterrupted one. Started on several processes (``accelerate
    launch``, ``torchrun``), all of them call this alike: see `processes`. Their number is not part of the key: without dropout
    it changes only the rounding, with dropout also what is dropped. The run's device tells it.

    Args:
        spec: What to train.
        cache: Where result and checkpoints are kept; the checkpoints go when the run is finished.
        keep_weights: Keep the scored weights as well, in half precision: see `find_weights`. A run that was finished
            without them is trained again for them.
        texts: The target's text where it is open already.
        report: Receives progress: loss, dev values, tokens per second among its metrics.
        should_stop: Asked after each update, and after each batch of translations, in every process.

    Raises:
        CorpusError: The text has changed since `spec` was made, or can't be read.
        ModelError: The model can't be loaded, has changed, lacks a language, or does not translate; the recipe needs a
            GPU, and there is none; or training diverged.
        JobCancelled: `should_stop` said so; the checkpoint stays.
        CacheError: The result can't be written.
    """
    report = report if is_first() else silent
    done = functools.partial(finished_run, spec, cache, keep_weights=keep_weights)
    partial = cache.partial(FINETUNE_STAGE, finetune_key(spec))
    if (found := by_first(done)) is None:
        with exclusive(partial.with_suffix(".lock"), report=report, should_stop=should_stop):
            found = by_first(done)  # another job may have finished it meanwhile
            if found is None:
                return _computed(spec, cache, partial, keep_weights, texts, report, should_stop)
    report(Progress("training", found.updates, found.updates, "updates"))
    return found


def _computed(
    spec: FinetuneSpec,
    cache: Cache,
    partial: Path,
    keep_weights: bool,
    texts: FinetuneTexts | None,
    report: Report,
    should_stop: ShouldStop,
) -> FinetuneRun:
    if spec.recipe is not None:
        require_device(spec.recipe)
    texts = texts or open_texts(spec.workspace, spec.target, spec.cut)
    report(Progress("loading the model", 0, 1, "models"))
    trained = _trained(spec, _base_model(spec), texts, partial, report, should_stop)
    scored = _scored(spec, trained.model, texts, report, should_stop)

    def keep() -> FinetuneRun:
        if keep_weights and not spec.is_zero_shot:
            _keep_weights(spec, trained.model, cache)
        run = _stored(spec, trained, scored, cache)
        shutil.rmtree(partial, ignore_errors=True)
        return run

    return by_first(keep)


def time_updates(request: FinetuneRequest, cache: Cache, *, report: Report = silent) -> None:
    """Time a few updates of the target alone, one evaluation and the translation of dev, for the cost preview.

    Raises:
        CorpusError, ModelError: As `finetune`.
    """
    require_device(request.recipe)
    texts = open_texts(request.workspace, request.target, request.cut)
    revision, budget = resolve_model(request.workspace.model).revision, TIMING_BUDGET
    spec = FinetuneSpec(
        model_revision=revision,
        target=request.target,
        members=(),
        train_digests=(texts.train(request.target).digest,),
        dev_digest=texts.dev.digest,
        test_digest=texts.test.digest,
        budget=budget,
        recipe=replace(request.recipe, eval_every=budget.updates),
        beams=request.beams,
        max_length=request.workspace.max_length,
        seed=1,
        workspace=request.workspace,
        cut=request.cut,
    )
    key = timing_key(revision, request.recipe, request.beams)
    partial = cache.partial(TIMING_STAGE, key)
    shutil.rmtree(partial, ignore_errors=True)
    trained = _trained(spec, _base_model(spec), texts, partial, report, never)
    began = time.monotonic()
    translate(trained.model, texts.dev, beams=spec.beams, max_length=spec.max_length, report=report)
    pace = trained.pace(time.monotonic() - began, len(texts.dev))
    cache.store(
        TIMING_STAGE,
        key,
        spec={"model_revision": revision, "recipe": canonical(request.recipe), "beams": request.beams},
        summary={"pace": asdict(pace) if pace else None, "device": pipeline.device_name()},
        write=lambda folder: None,
    )
    shutil.rmtree(partial, ignore_errors=True)


@dataclass(frozen=True)
class _Trained:
    """Weights, and how they came about."""

    model: TranslationModel
    updates: int = 0
    scored_update: int = 0
    stopped: str = "zero-shot"
    contributions: tuple[Contribution, ...] = ()
    loss_curve: tuple[tuple[int, float], ...] = ()
    dev_curve: tuple[tuple[int, Mapping[str, float]], ...] = ()
    seconds: float = 0.0
    seconds_per_update: float = 0.0
    seconds_per_evaluation: float = 0.0
    checkpoint_bytes: int = 0

    def pace(self, translating_s: float, n_sentences: int) -> Pace | None:
        """How fast one process went, or None where nothing was trained here, or by several."""
        if not self.seconds_per_update or n_processes() > 1:
            return None
        return Pace(
            seconds_per_update=self.seconds_per_update,
            seconds_per_evaluation=self.seconds_per_evaluation,
            seconds_per_sentence=translating_s / n_sentences,
            checkpoint_bytes=self.checkpoint_bytes,
            weights_bytes=2 * sum(one.numel() for one in self.model.module.parameters()),
        )


@dataclass(frozen=True)
class _Scored:
    """Translations of dev and test with their scores."""

    outputs: Mapping[str, Mapping[str, Sequence[str]]]
    scores: Mapping[str, Mapping[str, Any]]
    seconds: float


def _base_model(spec: FinetuneSpec) -> TranslationModel:
    """The model that is adapted; shared, so it must not be changed."""
    if resolve_model(spec.workspace.model).revision != spec.model_revision:
        raise ModelError(f"The model {spec.workspace.model} has changed since this run was asked for. Ask again.")
    base = pipeline.open_model(spec.workspace)
    if not base.family.translates:
        raise ModelError(f"Fine-tuning needs a translation model. Got a {base.family.value} model.")
    for pair in spec.pairs:
        check_coverage(base.tokenizer, base.family, pair, spec.pairs)
    return base


def _trained(
    spec: FinetuneSpec,
    base: TranslationModel,
    texts: FinetuneTexts,
    partial: Path,
    report: Report,
    should_stop: ShouldStop,
) -> _Trained:
    """Train as the spec says, or take the base as it is."""
    _unchanged(spec, texts)
    if spec.budget is None or spec.recipe is None or spec.seed is None:
        return _Trained(base)
    report(Progress("reading", 0, len(spec.pairs), "pairs"))
    encoded = [_encoded(base, texts.train(pair), spec.max_length) for pair in spec.pairs]
    lengths = [np.array([base.n_tokens(one) for one in sentences]) for sentences in encoded]
    plan = plan_batches(lengths, spec.pairs, spec.budget, spec.recipe, seed=spec.seed, n_processes=n_processes())
    torch.manual_seed(spec.seed)  # of the adapters' first weights
    model = _copied(base, spec)
    dev = DevSet(texts.dev, _encoded(base, texts.dev, spec.max_length), spec.recipe, max_length=spec.max_length)
    dev_curve: list[tuple[int, Mapping[str, float]]] = [(0, _before_training(dev, model, spec.recipe))]
    sides = [
        [np.array([len(getattr(one, side)) for one in sentences]) for sentences in encoded]
        for side in ("source", "target")
    ]
    supervision = Supervision(spec.budget, report, asked_in_any(should_stop), Ledger(plan, spec.pairs, *sides).n_tokens)
    trainer = _trainer(spec.budget, spec.recipe, spec.seed, model, encoded, plan, partial, dev)
    trainer.add_callback(supervision)
    resumed = by_first(lambda: last_checkpoint(partial))
    began = time.monotonic()
    with without_bars():
        trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
    seconds = time.monotonic() - began
    if supervision.cancelled:
        raise JobCancelled(f"Stopped on request while training, at update {trainer.state.global_step}.")
    state = trainer.state
    early = spec.budget.mode is BudgetMode.EARLY_STOPPING
    scored = int(state.best_global_step) if early else int(state.global_step)
    history = state.log_history
    dev_curve += [(one["step"], _dev_values(one)) for one in history if "eval_loss" in one]
    here = state.global_step - (int(resumed.name.rpartition("-")[2]) if resumed else 0)
    n_evaluations = max(1, here // spec.recipe.eval_every)
    return _Trained(
        model=_finished(trainer, model, spec),
        updates=state.global_step,
        scored_update=scored,
        stopped=("patience" if state.global_step < state.max_steps else "cap") if early else "budget",
        contributions=Ledger(plan, spec.pairs, *sides).contributions(scored),
        loss_curve=tuple((one["step"], one["loss"]) for one in history if "loss" in one),
        dev_curve=tuple(dev_curve),
        seconds=seconds,
        seconds_per_update=supervision.seconds / here if here else 0.0,
        seconds_per_evaluation=max(0.0, seconds - supervision.seconds) / n_evaluations,
        checkpoint_bytes=_size(last_checkpoint(partial)),
    )


def _before_training(dev: DevSet, model: TranslationModel, recipe: Recipe) -> Mapping[str, float]:
    """The dev values of the model that is adapted.

    Raises:
        ModelError: Its loss is no number: it does not compute in the recipe's precision.
    """
    values = dev(model)
    if not math.isfinite(values["loss"]):
        raise ModelError(
            f"The model can't be trained: its dev loss is {values['loss']} before the first update, in {recipe.precision}. "
            "Take another precision, such as float32, or another model."
        )
    return values


def _trainer(
    budget: Budget,
    recipe: Recipe,
    seed: int,
    model: TranslationModel,
    encoded: Sequence[list[EncodedPair]],
    plan: Plan,
    out: Path,
    dev: DevSet,
) -> PlannedTrainer:
    arguments = arguments_of(budget, recipe, out, n_updates=plan.n_updates, seed=seed)
    sentences = [sentence for one in encoded for sentence in one]
    return PlannedTrainer(model, sentences, plan, arguments, recipe, functools.partial(dev, model))


def _copied(base: TranslationModel, spec: FinetuneSpec) -> TranslationModel:
    """A copy of the base with the recipe's dropout, and its adapters."""
    assert spec.recipe is not None  # zero-shot trains nothing
    folder = fetch_model(resolve_model(spec.workspace.model))
    config = load_config(folder, dropout=spec.recipe.dropout, attention_dropout=spec.recipe.attention_dropout)
    module = type(base.module)(config)
    module.load_state_dict(base.module.state_dict())
    module.generation_config = base.module.generation_config
    model = replace(base, module=module.to(base.device).eval())
    return model if spec.recipe.lora is None else with_adapters(model, spec.recipe.lora)


def _finished(trainer: PlannedTrainer, model: TranslationModel, spec: FinetuneSpec) -> TranslationModel:
    """The trained model as `evaluation` takes it: full precision, adapters merged, dropout off."""
    assert spec.recipe is not None  # zero-shot trains nothing
    module = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    finished = replace(model, module=module.eval())
    return finished if spec.recipe.lora is None else merged(finished)


@functools.lru_cache(maxsize=64)
def _encoded(model: TranslationModel, bitext: Bitext, max_length: int) -> list[EncodedPair]:
    """Tokens of a bitext, for all runs of a process that read it."""
    return model.encode(bitext, max_length=max_length)


def _unchanged(spec: FinetuneSpec, texts: FinetuneTexts) -> None:
    """Refuse text that is not what the spec was made from."""
    read = {"dev": (texts.dev, spec.dev_digest), "test": (texts.test, spec.test_digest)}
    if not spec.is_zero_shot:
        digests = zip(spec.pairs, spec.train_digests, strict=True)
        read |= {f"train of {pair}": (texts.train(pair), digest) for pair, digest in digests}
    if changed := [name for name, (bitext, digest) in read.items() if bitext.digest != digest]:
        raise CorpusError(f"The text of {spec.target} has changed since this run was asked for: {', '.join(changed)}.")


def _scored(
    spec: FinetuneSpec, model: TranslationModel, texts: FinetuneTexts, report: Report, should_stop: ShouldStop
) -> _Scored:
    began, outputs, scores = time.monotonic(), {}, {}
    for bitext in (replace(texts.dev, split="dev"), texts.test):
        hypotheses = translate_shared(
            model, bitext, beams=spec.beams, max_length=spec.max_length, report=report, should_stop=should_stop
        )
        outputs[bitext.split] = {"sources": bitext.sources, "references": bitext.targets, "hypotheses": hypotheses}
        found = score(bitext, hypotheses)
        names = ("n_sentences", "bleu", "chrf", "bleu_signature", "chrf_signature")
        scores[bitext.split] = {name: getattr(found, name) for name in names}
    return _Scored(outputs, scores, time.monotonic() - began)


def _stored(spec: FinetuneSpec, trained: _Trained, scored: _Scored, cache: Cache) -> FinetuneRun:
    n_sentences = sum(values["n_sentences"] for values in scored.scores.values())
    pace = trained.pace(scored.seconds, n_sentences)
    summary: dict[str, Any] = {
        "scores": scored.scores,
        "contributions": trained.contributions,
        "loss_curve": trained.loss_curve,
        "dev_curve": trained.dev_curve,
        "updates": trained.updates,
        "scored_update": trained.scored_update,
        "stopped": trained.stopped,
        "seconds": {"training": trained.seconds, "translating": scored.seconds},
        "seconds_per_update": trained.seconds_per_update,
        "pace": None if pace is None else asdict(pace),
        "device": pipeline.device_name() if n_processes() == 1 else f"{n_processes()} × {pipeline.device_name()}",
        "workspace": canonical(spec.workspace),
        "cut": canonical(spec.cut),
        "version": __version__,
        "libraries": {name: metadata.version(name) for name in ("torch", "transformers", "accelerate", "sacrebleu")},
    }

    def write(folder: Path) -> None:
        text = json.dumps(scored.outputs, ensure_ascii=False, indent=0)
        (folder / OUTPUTS_FILE).write_text(text, encoding="utf-8")

    return run_of(cache.store(FINETUNE_STAGE, finetune_key(spec), spec=spec, summary=summary, write=write))


def _keep_weights(spec: FinetuneSpec, model: TranslationModel, cache: Cache) -> None:
    """Keep a Hugging Face folder that any command takes as its ``--model``."""

    def write(folder: Path) -> None:
        with without_bars():
            model.module.half().save_pretrained(folder)
        model.tokenizer.save_pretrained(folder)

    cache.store(WEIGHTS_STAGE, finetune_key(spec), spec=spec, summary={"version": __version__}, write=write)


def _dev_values(entry: Mapping[str, float]) -> Mapping[str, float]:
    return {name: entry[f"eval_{name}"] for name in ("loss", "bleu") if f"eval_{name}" in entry}


def _size(folder: Path | None) -> int:
    return 0 if folder is None else sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
