"""What a worker does for a job: one task, with a heartbeat. Runs in the engine's processes, never in the server."""

from __future__ import annotations

import functools
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from pseudofam_core import __version__
from pseudofam_core.errors import JobCancelled, PseudoFamError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import record
from pseudofam_core.jobs.logs import logging_to
from pseudofam_core.jobs.pulse import Pulse
from pseudofam_core.jobs.record import Request, State
from pseudofam_core.languages import pair
from pseudofam_core.models.memory import out_of_memory
from pseudofam_core.progress import Report, ShouldStop
from pseudofam_core.similarity.spec import Scope
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.restoring import restored
from pseudofam_core.store.writing import out_of_disk

MOST_RUNS = 3

logger = logging.getLogger(__name__)


def run_task(folder: str, number: int, name: str, version: str) -> None:
    """Do one task of a job and write down what becomes of it; nothing is raised for it.

    Args:
        folder: The job's folder.
        number: Which attempt this is for. One that is no longer on disk is left alone.
        name: The task's name.
        version: That of the package that submitted it. Another one might write results under keys nobody looks for.
    """
    attempt = record.attempt_folder(Path(folder), number)
    if not (attempt / "attempt.json").is_file():
        return
    before = record.read_task(attempt, name)
    if before and before.state not in (State.RUNNING, State.DAMAGED):
        return
    pulse = Pulse(Path(folder), attempt, name, before=before, end_process=_end_process())
    with pulse, logging_to(record.log_file(Path(folder)), name):
        if pulse.runs > MOST_RUNS:
            pulse.finish(State.FAILED, f"The worker died {MOST_RUNS} times at this task, perhaps for lack of memory.")
        elif version != __version__:
            pulse.finish(
                State.FAILED,
                f"The worker on {socket.gethostname()} runs pseudofam {__version__}, and the job "
                f"was started by {version}. Install the same version on both, restart the worker, then resume the job.",
            )
        else:
            _run(Path(folder), name, pulse)


def _run(folder: Path, name: str, pulse: Pulse) -> None:
    """Work, and turn every way this can end into a state."""
    try:
        if pulse.should_stop():
            raise JobCancelled("Cancelled before it began.")
        logger.info("begun")
        request = record.read_job(folder).request
        DOORS[request.kind](request, name, Cache(folder.parents[1]), pulse.report, pulse.should_stop)
    except JobCancelled as stop:
        logger.info("%s", stop)
        pulse.finish(State.CANCELLED)
    except Exception as error:  # whatever it is, the page must show it
        logger.exception("failed")
        pulse.finish(State.FAILED, _first_line(error))
    else:
        logger.info("done")
        pulse.finish(State.DONE)


def _estimate(request: Request, name: str, cache: Cache, report: Report, should_stop: ShouldStop) -> None:
    """Compute the Fisher diagonal of a pair."""
    from pseudofam_core.estimates import computing

    workspace, pool = restored(Workspace, request.payload["workspace"]), tuple(pair(name) for name in request.tasks)
    spec = computing.fisher_spec(workspace, pair(name))
    computing.compute(spec, cache, pool=pool, report=report, should_stop=should_stop)


def _compare(request: Request, name: str, cache: Cache, report: Report, should_stop: ShouldStop) -> None:
    """Compare a workspace's finished estimates; the task is named for the scope."""
    from pseudofam_core import estimates
    from pseudofam_core.similarity import pools

    workspace = restored(Workspace, request.payload["workspace"])
    kept = {pair: estimates.find_fisher(spec, cache) for pair, spec in estimates.fisher_specs(workspace).items()}
    finished = {pair: artifact for pair, artifact in kept.items() if artifact is not None}
    pools.pool_similarity(finished, scope=Scope(name), cache=cache, report=report, should_stop=should_stop)


def _finetune(request: Request, name: str, cache: Cache, report: Report, should_stop: ShouldStop) -> None:
    """Fine-tune one model."""
    from pseudofam_core import finetuning

    finetuning.finetune_task(request.payload, name, cache, report, should_stop)


def _transfer(request: Request, name: str, cache: Cache, report: Report, should_stop: ShouldStop) -> None:
    """Train one target with each single auxiliary."""
    from pseudofam_core import transfer

    transfer.transfer_task(request.payload, name, cache, report, should_stop)


def _lab(request: Request, name: str, cache: Cache, report: Report, should_stop: ShouldStop) -> None:
    """Run an experiment; the task is named for it."""
    from pseudofam_core import lab

    workspace = restored(Workspace, request.payload["workspace"])
    plan = lab.planned(lab.experiment(name), workspace, cache, others=tuple(request.payload["others"]))
    lab.run(plan, cache, report=report, should_stop=should_stop)


# What is done for each kind of job. Each door imports its stage when called: most bring torch, which servers never do.
Door = Callable[[Request, str, Cache, Report, ShouldStop], None]
DOORS: dict[str, Door] = {
    "estimate": _estimate,
    "compare": _compare,
    "finetune": _finetune,
    "transfer": _transfer,
    "lab": _lab,
}


def _end_process() -> Callable[[], None] | None:
    """What ends this worker's process, or None where no nanny would begin it again."""
    distributed = sys.modules.get("distributed")
    try:
        nanny = distributed and distributed.get_worker().nanny
    except ValueError:  # not in a worker
        nanny = None
    return functools.partial(os._exit, 1) if nanny else None


def _first_line(error: Exception) -> str:
    """One line for a page: our own errors speak for themselves, others need their name."""
    first = (str(error).strip().splitlines() or [""])[0]
    if first and isinstance(error, PseudoFamError):
        return first
    return out_of_memory(error) or out_of_disk(error) or f"{type(error).__name__}: {first}".removesuffix(": ")
