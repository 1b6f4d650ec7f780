"""The one function that a worker calls for each task of a comparison: the door to the part with torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pseudofam_core.finetuning.request import FinetuneRequest, refuse_undoable, run_spec
from pseudofam_core.finetuning.texts import open_texts
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.progress import Report, ShouldStop
from pseudofam_core.store.cache import Cache

TIMING_TASK = "timing"


def finetune_task(payload: Mapping[str, Any], task: str, cache: Cache, report: Report, should_stop: ShouldStop) -> None:
    """Do one task of a job: a run, or the timing that a cost preview rests on. The one door to the part with torch.

    Args:
        payload: `FinetuneRequest.payload`.
        task: One of `FinetuneRequest.tasks`, or ``timing``.
        cache: Where results and checkpoints are kept.
        report: Receives progress.
        should_stop: Asked between updates.

    Raises:
        ValueError: The request has no such task.
        PseudoFamError: As `specs_of` and `run.finetune`.
        JobCancelled: `should_stop` said so; the checkpoint stays.
    """
    from pseudofam_core.finetuning import run, timing  # import torch, which the server must never do

    request = FinetuneRequest.from_payload(payload)
    refuse_undoable(request)
    if task == TIMING_TASK:
        timing.time_updates(request, cache, report=report)
        return
    name, _, seed = task.partition("/seed-")
    arms = [arm for arm in request.arms if arm.name == name]
    if task not in request.tasks:
        raise ValueError(f"task must be one of {', '.join(request.tasks)}. Got {task!r}.")
    texts = open_texts(request.workspace, request.target, request.cut)
    model = resolve_model(request.workspace.model)
    spec = run_spec(request, texts, model, arms[0], int(seed) if seed else None)
    run.finetune(spec, cache, keep_weights=request.keep_weights, texts=texts, report=report, should_stop=should_stop)
