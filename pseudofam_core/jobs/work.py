"""What a worker does for a job: one pair, with a heartbeat. Runs in the engine's processes, never in the server."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pseudofam_core.cache import Cache
from pseudofam_core.errors import JobCancelled, PseudoFamError
from pseudofam_core.jobs import record
from pseudofam_core.jobs.record import Request, State, Task
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.progress import Progress, Report, ShouldStop

HEARTBEAT_S = 2.0
MOST_RUNS = 3

logger = logging.getLogger(__name__)


def run_task(folder: str, number: int, name: str) -> None:
    """Compute one pair of a job and write down what becomes of it; nothing is raised for it.

    Args:
        folder: The job's folder.
        number: Which attempt this is for. One that is no longer on disk is left alone.
        name: The pair, written ``be-en``.
    """
    attempt, one = record.attempt_folder(Path(folder), number), pair(name)
    if not (attempt / "attempt.json").is_file():
        return
    before = record.read_task(attempt, one)
    if before and before.state is not State.RUNNING:
        return
    with _Pulse(attempt, one, runs=before.runs + 1 if before else 1) as pulse, _logging_to(Path(folder), one):
        if before and before.runs >= MOST_RUNS:
            pulse.finish(State.FAILED, f"The worker died {before.runs} times at this pair, perhaps for lack of memory.")
            return
        _run(Path(folder), one, pulse, should_stop=record.cancel_mark(attempt).exists)


def _run(folder: Path, one: LanguagePair, pulse: _Pulse, *, should_stop: ShouldStop) -> None:
    """Compute, and turn every way this can end into a state."""
    try:
        if should_stop():
            raise JobCancelled("Cancelled before it began.")
        logger.info("begun")
        cache = Cache(folder.parents[1])
        _estimate(record.read_job(folder).request, one, cache, pulse.report, should_stop)
    except JobCancelled as stop:
        logger.info("%s", stop)
        pulse.finish(State.CANCELLED)
    except Exception as error:  # whatever it is, the page must show it
        logger.exception("failed")
        pulse.finish(State.FAILED, _first_line(error))
    else:
        logger.info("done")
        pulse.finish(State.DONE)


def _estimate(request: Request, one: LanguagePair, cache: Cache, report: Report, should_stop: ShouldStop) -> None:
    """Compute the Fisher diagonal of a pair: the one door from the jobs to the pipeline."""
    from pseudofam_core import pipeline  # imports torch, which the server must never do

    spec = pipeline.fisher_spec(request.workspace, one)
    pipeline.compute(spec, cache, pool=request.pairs, report=report, should_stop=should_stop)


class _Pulse:
    """Writes a task's file: at once, then at every heartbeat, then with its end.

    Only the heart's thread writes while it beats; begin and end are written before it starts and after it stopped.
    """

    def __init__(self, attempt: Path, one: LanguagePair, *, runs: int) -> None:
        now = time.time()
        self._attempt, self._pair = attempt, one
        self._begun = Task(State.RUNNING, runs, socket.gethostname(), os.getpid(), started=now, heartbeat=now)
        self._beats = 0
        self._progress: Progress | None = None
        self._device: str | None = None
        self._end: tuple[State, str | None] | None = None
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"heartbeat {one}", daemon=True)

    def __enter__(self) -> _Pulse:
        self._write()
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._heart.join()
        self._write()

    def report(self, progress: Progress) -> None:
        """Remember a report for the next beat: they come faster than files should be written."""
        self._progress = progress
        self._device = self._device or _device()

    def finish(self, state: State, error: str | None = None) -> None:
        """Remember how it ended."""
        self._end = state, error

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            try:
                self._write()
            except OSError as error:  # the next beat may find space again; readers see the gap
                logger.warning("The heartbeat could not be written: %s", error)

    def _write(self) -> None:
        self._beats += 1
        state, error = self._end or (State.RUNNING, None)
        task = replace(self._begun, state=state, error=error, heartbeat=time.time(), beats=self._beats)
        task = replace(task, progress=self._progress, device=self._device)
        record.write_task(self._attempt, self._pair, task)


def _device() -> str | None:
    """What torch computes on, once a stage has imported it."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else "CPU"


def _first_line(error: Exception) -> str:
    """One line for a page: our own errors speak for themselves, others need their name."""
    first = (str(error).strip().splitlines() or [""])[0]
    if first and isinstance(error, PseudoFamError):
        return first
    return f"{type(error).__name__}: {first}".removesuffix(": ")


@contextmanager
def _logging_to(folder: Path, one: LanguagePair) -> Iterator[None]:
    """Append what this package logs to the job's log, each line with time (UTC) and pair."""
    handler = logging.FileHandler(record.log_file(folder), encoding="utf-8")
    formatter = logging.Formatter(f"%(asctime)sZ {one} %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    package = logging.getLogger("pseudofam_core")
    level = package.level
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.setLevel(level)
        package.removeHandler(handler)
        handler.close()
