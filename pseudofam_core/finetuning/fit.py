"""Train one run: the base adapted as a spec says, watched on dev, resumed from its checkpoint."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from transformers import TrainingArguments

from pseudofam_core.corpora import Bitext
from pseudofam_core.errors import CorpusError, JobCancelled, ModelError
from pseudofam_core.estimates import computing
from pseudofam_core.finetuning.checkpoints import last_checkpoint
from pseudofam_core.finetuning.dev import DevSet
from pseudofam_core.finetuning.ledger import Ledger
from pseudofam_core.finetuning.lora import merged, with_adapters
from pseudofam_core.finetuning.pace import Pace
from pseudofam_core.finetuning.plan import Plan
from pseudofam_core.finetuning.processes import asked_in_any, by_first, n_processes
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.finetuning.runs import (
    Contribution,
)
from pseudofam_core.finetuning.spec import FinetuneSpec, TrainingSpec
from pseudofam_core.finetuning.texts import FinetuneTexts, open_texts
from pseudofam_core.finetuning.training import (
    Supervision,
    TuningTrainer,
    arguments_of,
    dev_values,
    require_device,
    unwatched,
)
from pseudofam_core.models.hub import fetch_model, resolve_model
from pseudofam_core.models.loading import TranslationModel, load_config, without_bars
from pseudofam_core.models.soundness import check_finite
from pseudofam_core.models.ties import take_weights
from pseudofam_core.models.tokenization import EncodedPair, check_coverage
from pseudofam_core.progress import Progress, Report, ShouldStop, silent


@dataclass(frozen=True)
class Trained:
    """Weights, the text they were trained for, and how they came about."""

    model: TranslationModel
    texts: FinetuneTexts
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
            weights_bytes=2 * sum(parameter.numel() for parameter in self.model.module.parameters()),
        )


def base_model(spec: TrainingSpec) -> TranslationModel:
    """The model that is adapted; shared, so it must not be changed.

    The one door to training: what this machine, the model or its tokenizer can't do is refused here.

    Raises:
        ModelError: This machine does not compute in the recipe's precision; the model can't be loaded, has changed since the
            run was asked for, or does not translate.
        LanguageNotCovered: It lacks a language.
    """
    if spec.recipe is not None:
        require_device(spec.recipe.precision)
    if resolve_model(spec.workspace.model).revision != spec.model_revision:
        raise ModelError(f"The model {spec.workspace.model} has changed since this run was asked for. Ask again.")
    base = computing.open_model(spec.workspace)
    if not base.family.translates:
        raise ModelError(f"Fine-tuning needs a translation model. Got a {base.family.value} model.")
    for pair in spec.pairs:
        check_coverage(base.tokenizer, base.family, pair, spec.pairs)
    return base


@dataclass(frozen=True)
class Prepared:
    """All that a training takes: weights that may change, tokens, and the batches to read them in.

    Attributes:
        spec: What to train.
        model: A copy of the base.
        encoded: The training text of the target, then of each auxiliary.
        plan: Which sentences each update reads.
        dev: The target's dev text.
    """

    spec: TrainingSpec
    model: TranslationModel
    encoded: Sequence[list[EncodedPair]]
    plan: Plan
    dev: DevSet

    @property
    def ledger(self) -> Ledger:
        """What each pair gives, counted from the first update."""
        sides = [
            [np.array([len(getattr(sentence, side)) for sentence in sentences]) for sentences in self.encoded]
            for side in ("source", "target")
        ]
        return Ledger(self.plan, self.spec.pairs, *sides)


def prepared(spec: TrainingSpec, base: TranslationModel, texts: FinetuneTexts, *, report: Report = silent) -> Prepared:
    """Encode the text, decide the batches, copy the base.

    Raises:
        CorpusError: The text is not what the spec was made from.
    """
    assert spec.budget is not None  # zero-shot trains nothing
    assert spec.recipe is not None
    assert spec.seed is not None
    _unchanged(spec, texts)
    report(Progress("reading", 0, len(spec.pairs), "pairs"))
    encoded = [encoded_text(base, texts.train(pair), spec.max_length) for pair in spec.pairs]
    lengths = [np.array([base.n_tokens(sentence) for sentence in sentences]) for sentences in encoded]
    plan = spec.budget.plan(
        lengths, spec.pairs, spec.recipe, weights=spec.weights, seed=spec.seed, n_processes=n_processes()
    )
    torch.manual_seed(spec.seed)  # of the adapters' first weights
    model = _copied(base, spec)
    encoded_dev = encoded_text(base, texts.dev, spec.max_length)
    dev = DevSet(texts.dev, encoded_dev, spec.recipe, spec.task, max_length=spec.max_length)
    return Prepared(spec, model, encoded, plan, dev)


@dataclass(frozen=True)
class LastWeights:
    """The weights after the last update, nothing of the way there kept.

    Attributes:
        model: The trained model.
        updates: Updates done.
        contributions: The target's, then each auxiliary's.
        seconds: Wall time of the updates.
    """

    model: TranslationModel
    updates: int
    contributions: tuple[Contribution, ...]
    seconds: float


def last_weights(training: Prepared, *, report: Report, should_stop: ShouldStop) -> LastWeights:
    """Train to the last update with neither checkpoints nor evaluations: the weights that `trained_run` ends with.

    Raises:
        ModelError: Training diverged.
        JobCancelled: `should_stop` said so; nothing is left of it.
    """
    spec, ledger = training.spec, training.ledger
    assert spec.budget is not None  # zero-shot trains nothing
    supervision = Supervision(spec.budget, spec.task, report, asked_in_any(should_stop), ledger.n_tokens)
    with TemporaryDirectory() as folder, without_bars():
        trainer = _trainer(training, unwatched(_arguments(training, Path(folder))))
        trainer.add_callback(supervision)
        trainer.train()
    if supervision.cancelled:
        raise JobCancelled(f"Stopped on request while training, at update {trainer.state.global_step}.")
    updates = trainer.state.global_step
    model = _finished(trainer, training.model, spec)
    return LastWeights(model, updates, training.ledger.contributions(updates), supervision.seconds)


def trained_run(
    spec: FinetuneSpec,
    partial: Path,
    *,
    texts: FinetuneTexts | None = None,
    report: Report,
    should_stop: ShouldStop,
) -> Trained:
    """Train as the spec says, or take the base as it is.

    Args:
        spec: What to train.
        partial: Folder of the checkpoints.
        texts: The target's text where it is open already.
        report: Receives progress.
        should_stop: Asked after each update.

    Raises:
        CorpusError, ModelError, JobCancelled: As `run.finetune`.
    """
    report(Progress("loading the model", 0, 1, "models"))
    base = base_model(spec)
    texts = texts or open_texts(spec.workspace, spec.target, spec.cut)
    if spec.budget is None or spec.recipe is None:
        _unchanged(spec, texts)
        return Trained(base, texts)
    training = prepared(spec, base, texts, report=report)
    before = _before_training(training.dev, training.model, spec.recipe)
    dev_curve: list[tuple[int, Mapping[str, float]]] = [(0, before)]
    supervision = Supervision(spec.budget, spec.task, report, asked_in_any(should_stop), training.ledger.n_tokens)
    trainer = _trainer(training, _arguments(training, partial))
    trainer.add_callback(supervision)
    resumed = by_first(lambda: last_checkpoint(partial, run=trainer.run))
    began = time.monotonic()
    with without_bars():
        trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
    seconds = time.monotonic() - began
    if supervision.cancelled:
        raise JobCancelled(f"Stopped on request while training, at update {trainer.state.global_step}.")
    state = trainer.state
    scored = int(state.best_global_step if spec.budget.stops_early else state.global_step)
    history = state.log_history
    dev_curve += [(entry["step"], dev_values(entry, spec.task)) for entry in history if "eval_loss" in entry]
    here = state.global_step - (int(resumed.name.rpartition("-")[2]) if resumed else 0)
    n_evaluations = max(1, here // spec.recipe.eval_every)
    return Trained(
        model=_finished(trainer, training.model, spec),
        texts=texts,
        updates=state.global_step,
        scored_update=scored,
        stopped=spec.budget.ended(state.global_step, planned=state.max_steps),
        contributions=training.ledger.contributions(scored),
        loss_curve=tuple((entry["step"], entry["loss"]) for entry in history if "loss" in entry),
        dev_curve=tuple(dev_curve),
        seconds=seconds,
        seconds_per_update=supervision.seconds / here if here else 0.0,
        seconds_per_evaluation=max(0.0, seconds - supervision.seconds) / n_evaluations,
        checkpoint_bytes=_size(last_checkpoint(partial, run=trainer.run)),
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


def _arguments(training: Prepared, out: Path) -> TrainingArguments:
    return arguments_of(training.spec, out, n_updates=training.plan.n_updates)


def _trainer(training: Prepared, arguments: TrainingArguments) -> TuningTrainer:
    assert training.spec.recipe is not None  # zero-shot trains nothing
    sentences = [sentence for text in training.encoded for sentence in text]
    dev = functools.partial(training.dev, training.model)
    return TuningTrainer(training.model, sentences, training.plan, arguments, training.spec.recipe, dev)


def _copied(base: TranslationModel, spec: TrainingSpec) -> TranslationModel:
    """A copy of the base with the recipe's dropout, and its adapters."""
    assert spec.recipe is not None  # zero-shot trains nothing
    folder = fetch_model(resolve_model(spec.workspace.model))
    config = load_config(folder, dropout=spec.recipe.dropout, attention_dropout=spec.recipe.attention_dropout)
    module = type(base.module)(config)
    take_weights(module, base.module)
    module.generation_config = base.module.generation_config
    model = replace(base, module=module.to(base.device).eval())
    return model if spec.recipe.lora is None else with_adapters(model, spec.recipe.lora)


def _finished(trainer: TuningTrainer, model: TranslationModel, spec: TrainingSpec) -> TranslationModel:
    """The trained model as `evaluation` takes it: full precision, adapters merged, dropout off.

    Raises:
        ModelError: It holds weights that are no numbers.
    """
    assert spec.recipe is not None  # zero-shot trains nothing
    module = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    check_finite(module, "the trained ones", "Take a lower learning_rate or more warmup_updates.")
    finished = replace(model, module=module.eval())
    return finished if spec.recipe.lora is None else merged(finished)


@functools.lru_cache(maxsize=64)
def encoded_text(model: TranslationModel, bitext: Bitext, max_length: int) -> list[EncodedPair]:
    """Tokens of a bitext, for all runs of a process that read it."""
    return model.encode(bitext, max_length=max_length)


def _unchanged(spec: TrainingSpec, texts: FinetuneTexts) -> None:
    """Refuse text that is not what the spec was made from."""
    read = {split: (getattr(texts, split), digest) for split, digest in spec.held_out_digests.items()}
    if not spec.is_zero_shot:
        digests = zip(spec.pairs, spec.train_digests, strict=True)
        read |= {f"train of {pair}": (texts.train(pair), digest) for pair, digest in digests}
    if changed := [name for name, (bitext, digest) in read.items() if bitext.digest != digest]:
        raise CorpusError(f"The text of {spec.target} has changed since this run was asked for: {', '.join(changed)}.")


def _size(folder: Path | None) -> int:
    return 0 if folder is None else sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
