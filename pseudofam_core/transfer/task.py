"""The one function that a worker calls for each target of a matrix: the door to the part with torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pseudofam_core.finetuning import TIMING_TASK, texts_of_targets
from pseudofam_core.languages import pair
from pseudofam_core.progress import Report, ShouldStop
from pseudofam_core.store.cache import Cache
from pseudofam_core.transfer.request import TransferRequest


def transfer_task(payload: Mapping[str, Any], task: str, cache: Cache, report: Report, should_stop: ShouldStop) -> None:
    """Do one task of a job: all runs of a target, or the timing that a cost preview rests on.

    Args:
        payload: `TransferRequest.payload`.
        task: One of `TransferRequest.tasks`, or ``timing``.
        cache: Where runs are kept.
        report: Receives progress.
        should_stop: Asked after each update.

    Raises:
        ValueError: The request has no such task.
        PseudoFamError: As `run.transfer_all`.
        JobCancelled: `should_stop` said so; runs that are finished stay.
    """
    from pseudofam_core.transfer import run  # imports torch, which the server must never do

    request = TransferRequest.from_payload(payload)
    if task == TIMING_TASK:
        run.time_matrix(request, cache, report=report)
        return
    if task not in request.tasks:
        raise ValueError(f"task must be one of {', '.join(request.tasks)}. Got {task!r}.")
    of_target = replace(request, targets=(pair(task),))
    texts = texts_of_targets(of_target.workspace, of_target.targets, of_target.cut)
    run.transfer_all(of_target, cache, texts=texts, report=report, should_stop=should_stop)
