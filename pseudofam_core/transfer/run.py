"""Compute the runs of a transfer matrix. Only workers and the command line come here, for it needs torch."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from safetensors.numpy import save_file

from pseudofam_core import __version__
from pseudofam_core.corpora import Bitext
from pseudofam_core.errors import ModelError
from pseudofam_core.estimates import computing
from pseudofam_core.finetuning import FinetuneSpec, FinetuneTexts, Recipe, TrainingSpec, open_texts
from pseudofam_core.finetuning.dev import DevSet, SentenceLosses
from pseudofam_core.finetuning.exclusive import exclusive
from pseudofam_core.finetuning.fit import LastWeights, base_model, encoded_text, last_weights, prepared
from pseudofam_core.finetuning.processes import by_first, is_first
from pseudofam_core.finetuning.run import finetune
from pseudofam_core.finetuning.timing import time_updates
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.loading import TranslationModel
from pseudofam_core.progress import Progress, Report, ShouldStop, never, silent
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.keys import canonical
from pseudofam_core.store.stages import Stage
from pseudofam_core.tasks.task import Task
from pseudofam_core.transfer.costs import expected_work, unfinished
from pseudofam_core.transfer.request import TransferRequest
from pseudofam_core.transfer.runs import (
    AFTER,
    BEFORE,
    LOSSES_FILE,
    TOKENS,
    TransferRecord,
    TransferRun,
    find_transfer,
    transfer_key,
    transfer_run_of,
)


def transfer_all(
    request: TransferRequest,
    cache: Cache,
    *,
    texts: Mapping[LanguagePair, FinetuneTexts],
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> None:
    """Compute the runs of a matrix that are not kept yet, seed by seed, then target by target.

    Args:
        request: What is asked for.
        cache: Where runs are kept.
        texts: Of every target.
        report: Receives progress over all runs, in updates.
        should_stop: Asked after each update.

    Raises:
        CorpusError, ModelError, JobCancelled, CacheError: As `transfer`, and as `finetune` where scores are asked for.
    """
    left = unfinished(request, texts, cache)
    work = [expected_work(spec, texts) for spec in left]
    began, done = time.monotonic(), 0
    for spec, updates in zip(left, work, strict=True):
        part = _Part(report, _named(spec), began, done, updates, sum(work))
        if isinstance(spec, FinetuneSpec):
            finetune(spec, cache, texts=texts[spec.target], report=part, should_stop=should_stop)
        else:
            transfer(spec, cache, texts=texts[spec.target], report=part, should_stop=should_stop)
        done += updates


def time_matrix(request: TransferRequest, cache: Cache, *, report: Report = silent) -> None:
    """Time a few updates of the first target alone, and keep their pace for `matrix_cost`.

    Raises:
        CorpusError, ModelError: As `transfer`.
    """
    arms = request.arms_of(request.targets[0])
    # Where nothing is going to be translated, the timing's translation had better be short.
    time_updates(arms if request.scores else replace(arms, beams=1), cache, report=report)


class _Part:
    """Reports the progress of a run as part of all runs.

    Args:
        report: Receives the progress of all.
        name: Of this run.
        began: When the first of them began.
        done: Updates expected of those before.
        updates: Updates expected of this one.
        total: Updates expected of all.
    """

    def __init__(self, report: Report, name: str, began: float, done: int, updates: int, total: int) -> None:
        """Nothing is done yet."""
        self._report, self._name, self._began = report, name, began
        self._before, self._updates, self._total = done, updates, total
        self._done = done

    def __call__(self, progress: Progress) -> None:
        """Tell how far all runs are, by the share of this one's updates."""
        if progress.unit == "updates" and progress.total:
            self._done = self._before + self._updates * progress.done // progress.total
        rate = self._done / max(1e-9, time.monotonic() - self._began)
        self._report(Progress(f"{self._name}: {progress.phase}", self._done, self._total, "updates", rate or None))


def _named(spec: TrainingSpec) -> str:
    return f"{' with '.join(map(str, spec.pairs))}, seed {spec.seed}"


def transfer(
    spec: TrainingSpec,
    cache: Cache,
    *,
    texts: FinetuneTexts | None = None,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> TransferRun:
    """Find the run of `spec`, or compute it: the target's dev loss before training and after the last update.

    No checkpoint is written: runs are short, and one that was interrupted begins anew.

    Args:
        spec: What to train: with one auxiliary, or none.
        cache: Where the result is kept.
        texts: The target's text where it is open already.
        report: Receives progress.
        should_stop: Asked after each update.

    Raises:
        CorpusError: The text has changed since `spec` was made, or can't be read.
        ModelError: The model can't be loaded, has changed, lacks a language, or does not translate; or training diverged.
        JobCancelled: `should_stop` said so; nothing is kept.
        CacheError: The result can't be written.
    """
    report = report if is_first() else silent
    find = functools.partial(find_transfer, spec, cache)
    if kept := by_first(find):
        return kept
    lock = cache.partial(Stage.TRANSFER, transfer_key(spec)).with_suffix(".lock")
    with exclusive(lock, report=report, should_stop=should_stop):
        return by_first(find) or _computed(spec, cache, texts, report, should_stop)


def _computed(
    spec: TrainingSpec, cache: Cache, texts: FinetuneTexts | None, report: Report, should_stop: ShouldStop
) -> TransferRun:
    assert spec.recipe is not None  # a run of a matrix is trained
    began = time.monotonic()
    base = base_model(spec)
    training = prepared(spec, base, texts or open_texts(spec.workspace, spec.target, spec.cut), report=report)
    before = _before(base, training.dev.bitext, spec.recipe, spec.task, spec.max_length)
    trained = last_weights(training, report=report, should_stop=should_stop)
    after = by_first(lambda: training.dev.losses(trained.model))
    for when, losses in (("before the first update", before), ("after the last update", after)):
        if not math.isfinite(losses.mean):
            raise ModelError(
                f"The dev loss of {spec.target} is {losses.mean} {when}, in {spec.recipe.precision}. Take a lower "
                f"learning_rate or another precision. Got {spec.recipe.learning_rate:g}."
            )
    seconds = {"training": trained.seconds, "all": time.monotonic() - began}
    return by_first(lambda: _stored(spec, cache, before, after, trained, seconds))


@functools.lru_cache(maxsize=64)
def _before(model: TranslationModel, bitext: Bitext, recipe: Recipe, task: Task, max_length: int) -> SentenceLosses:
    """The base's losses on a target's dev text, once for all runs of a process."""
    dev = DevSet(bitext, encoded_text(model, bitext, max_length), recipe, task, max_length=max_length)
    return by_first(lambda: dev.losses(model))


def _stored(
    spec: TrainingSpec,
    cache: Cache,
    before: SentenceLosses,
    after: SentenceLosses,
    trained: LastWeights,
    seconds: Mapping[str, float],
) -> TransferRun:
    record = TransferRecord(
        contributions=trained.contributions,
        updates=trained.updates,
        seconds=seconds,
        device=computing.device_name(),
        workspace=spec.workspace,
        cut=spec.cut,
        version=__version__,
        libraries={name: metadata.version(name) for name in ("torch", "transformers", "accelerate")},
    )

    def write(folder: Path) -> None:
        save_file({BEFORE: before.nats, AFTER: after.nats, TOKENS: after.n_tokens}, folder / LOSSES_FILE)

    stored = cache.store(Stage.TRANSFER, transfer_key(spec), spec=spec, summary=canonical(record), write=write)
    return transfer_run_of(stored)
