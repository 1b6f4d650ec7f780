"""A few updates, timed for the cost preview."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace

from pseudofam_core.estimates import computing
from pseudofam_core.finetuning.costs import TIMING_BUDGET, timing_key
from pseudofam_core.finetuning.fit import trained_run
from pseudofam_core.finetuning.request import FinetuneRequest
from pseudofam_core.finetuning.spec import FinetuneSpec
from pseudofam_core.finetuning.texts import open_texts
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.progress import Report, never, silent
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage


def time_updates(request: FinetuneRequest, cache: Cache, *, report: Report = silent) -> None:
    """Time a few updates of the target alone, one evaluation and the translation of dev, for the cost preview.

    Raises:
        CorpusError, ModelError: As `finetune`.
    """
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
    partial = cache.partial(Stage.FINETUNE_TIMING, key)
    shutil.rmtree(partial, ignore_errors=True)
    trained = trained_run(spec, partial, texts=texts, report=report, should_stop=never)
    began = time.monotonic()
    spec.task.generate(trained.model, texts.dev, beams=spec.beams, max_length=spec.max_length, report=report)
    pace = trained.pace(time.monotonic() - began, len(texts.dev))
    cache.store(
        Stage.FINETUNE_TIMING,
        key,
        spec={"model_revision": revision, "recipe": request.recipe, "beams": request.beams},
        summary={"pace": pace, "device": computing.device_name()},
        write=lambda folder: None,
    )
    shutil.rmtree(partial, ignore_errors=True)
