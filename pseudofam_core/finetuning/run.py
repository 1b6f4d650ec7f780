"""Compute a run: train, translate, score, keep. Only workers and the command line come here, for it needs torch."""

from __future__ import annotations

import functools
import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from pseudofam_core import __version__
from pseudofam_core.estimates import computing
from pseudofam_core.finetuning.exclusive import exclusive
from pseudofam_core.finetuning.fit import Trained, trained_run
from pseudofam_core.finetuning.processes import by_first, generate_shared, is_first, n_processes
from pseudofam_core.finetuning.runs import (
    OUTPUTS_FILE,
    FinetuneRun,
    RunRecord,
    finetune_key,
    finished_run,
    run_of,
)
from pseudofam_core.finetuning.spec import FinetuneSpec
from pseudofam_core.finetuning.texts import FinetuneTexts
from pseudofam_core.models.decoding import own_settings
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.models.loading import TranslationModel, without_bars
from pseudofam_core.models.precision import halved
from pseudofam_core.progress import Progress, Report, ShouldStop, never, silent
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.keys import canonical
from pseudofam_core.store.stages import Stage

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
    partial = cache.partial(Stage.FINETUNE, finetune_key(spec))
    if (run := by_first(done)) is None:
        with exclusive(partial.with_suffix(".lock"), report=report, should_stop=should_stop):
            run = by_first(done)  # another job may have finished it meanwhile
            if run is None:
                logger.info("%s", spec.words)
                trained = trained_run(spec, partial, texts=texts, report=report, should_stop=should_stop)
                scored = _scored(spec, trained, report, should_stop)
                return by_first(lambda: _kept(spec, trained, scored, cache, partial, keep_weights=keep_weights))
    report(Progress("training", run.updates, run.updates, "updates"))
    return run


@dataclass(frozen=True)
class _Scored:
    """Translations of dev and test with their scores."""

    outputs: Mapping[str, Mapping[str, Sequence[str]]]
    scores: Mapping[str, Mapping[str, Any]]
    seconds: float


def _scored(spec: FinetuneSpec, trained: Trained, report: Report, should_stop: ShouldStop) -> _Scored:
    began, outputs, scores, texts = time.monotonic(), {}, {}, trained.texts
    for bitext in (replace(texts.dev, split="dev"), texts.test):
        options: dict[str, Any] = {"beams": spec.beams, "max_length": spec.max_length}
        hypotheses = generate_shared(
            spec.task, trained.model, bitext, report=report, should_stop=should_stop, **options
        )
        outputs[bitext.split] = {"sources": bitext.sources, "references": bitext.targets, "hypotheses": hypotheses}
        scores[bitext.split] = spec.task.score(bitext, hypotheses).stored
    return _Scored(outputs, scores, time.monotonic() - began)


def _kept(
    spec: FinetuneSpec, trained: Trained, scored: _Scored, cache: Cache, partial: Path, *, keep_weights: bool
) -> FinetuneRun:
    """Keep the run, and its weights where they are asked for; its checkpoints go."""
    tested = " · ".join(
        f"{name} {value:.2f}" for name, value in scored.scores["test"].items() if isinstance(value, float)
    )
    logger.info(
        "trained in %.0f s, %s updates; scored those of update %s in %.0f s; on test %s",
        *(trained.seconds, trained.updates, trained.scored_update, scored.seconds, tested),
    )
    if keep_weights and not spec.is_zero_shot:
        _keep_weights(spec, trained.model, cache)
    run = _stored(spec, trained, scored, cache)
    shutil.rmtree(partial, ignore_errors=True)
    return run


def _stored(spec: FinetuneSpec, trained: Trained, scored: _Scored, cache: Cache) -> FinetuneRun:
    n_sentences = sum(values["n_sentences"] for values in scored.scores.values())
    record = RunRecord(
        scores=scored.scores,
        contributions=trained.contributions,
        loss_curve=trained.loss_curve,
        dev_curve=trained.dev_curve,
        updates=trained.updates,
        scored_update=trained.scored_update,
        stopped=trained.stopped,
        seconds={"training": trained.seconds, "translating": scored.seconds},
        seconds_per_update=trained.seconds_per_update,
        pace=trained.pace(scored.seconds, n_sentences),
        device=computing.device_name() if n_processes() == 1 else f"{n_processes()} × {computing.device_name()}",
        workspace=spec.workspace,
        cut=spec.cut,
        generation=own_settings(resolve_model(spec.workspace.model)).told,
        version=__version__,
        libraries={name: metadata.version(name) for name in ("torch", "transformers", "accelerate", "sacrebleu")},
    )

    def write(folder: Path) -> None:
        text = json.dumps(scored.outputs, ensure_ascii=False, indent=0)
        (folder / OUTPUTS_FILE).write_text(text, encoding="utf-8")

    return run_of(cache.store(Stage.FINETUNE, finetune_key(spec), spec=spec, summary=canonical(record), write=write))


def _keep_weights(spec: FinetuneSpec, model: TranslationModel, cache: Cache) -> None:
    """Keep a Hugging Face folder that any command takes as its ``--model``."""

    def write(folder: Path) -> None:
        with without_bars():
            halved(model.module).save_pretrained(folder)
        model.tokenizer.save_pretrained(folder)

    cache.store(Stage.FINETUNE_WEIGHTS, finetune_key(spec), spec=spec, summary={"version": __version__}, write=write)
