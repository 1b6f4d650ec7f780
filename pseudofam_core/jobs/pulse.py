"""What a running task writes of itself: a heartbeat with its progress, its metrics, its end."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pseudofam_core.jobs import record
from pseudofam_core.jobs.clock import boot
from pseudofam_core.jobs.measurements import MetricsFile, plain
from pseudofam_core.jobs.record import State, Task
from pseudofam_core.progress import Progress

HEARTBEAT_S = 2.0
GRACE_S = 1.25
SAVING_S = 30.0
_LOOK_S = 0.25  # with the grace, a cancel takes at most 1.5 s and a write
_BALLAST_BYTES = 64 * 1024

logger = logging.getLogger(__name__)


class Pulse:
    """Writes a task's file: at once, then at every heartbeat, then with its end.

    Only the heart's thread writes while it beats; begin and end are written before it starts and after it stopped.

    A stage asked to stop does so at its next batch. Where that is more than `GRACE_S` away, and for one that has begun
    to stop `SAVING_S`, the heart writes the end and has `end_process` end the process.

    Args:
        folder: The job's folder.
        attempt: Folder of the attempt.
        name: The task's name.
        before: What a worker of this attempt that died has left, or None.
        end_process: Ends this process for another to take its place, or None where nobody would start one.
    """

    def __init__(
        self, folder: Path, attempt: Path, name: str, *, before: Task | None, end_process: Callable[[], None] | None
    ) -> None:
        """Remember where to write; nothing is written yet."""
        self._attempt, self._name, self._end_process = attempt, name, end_process
        self._cancel, self._ballast = record.cancel_mark(attempt), record.ballast_file(attempt, name)
        now, (runs, reached) = time.time(), _history(before)
        self._begun = Task(
            State.RUNNING, runs, socket.gethostname(), os.getpid(), now, now, boot=boot(), reached=reached
        )
        self._metrics = MetricsFile(record.metrics_file(folder, name), run=now)
        self._clock = time.monotonic()
        self._beats = 0
        self._progress: Progress | None = None
        self._device: str | None = None
        self._end: tuple[State, str | None] | None = None
        self._patience = GRACE_S
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"heartbeat {name}", daemon=True)

    def __enter__(self) -> Pulse:
        """Write the begin, as soon as the disk has room for it: what never says so would seem queued for good."""
        while True:
            try:
                self._write()
                self._ballast.write_bytes(bytes(_BALLAST_BYTES))
                break
            except OSError as error:
                logger.warning("%s can't begin: %s", self._name, error)
                self._drop_ballast()
                if self.should_stop() or self._stop.wait(HEARTBEAT_S):
                    break
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._heart.join()
        self._drop_ballast()  # on a full disk, the room for the last word
        if self._attempt.is_dir():
            self._write()

    @property
    def runs(self) -> int:
        """See `Task`."""
        return self._begun.runs

    def report(self, progress: Progress) -> None:
        """Remember a report for the next beat: they come faster than files should be written."""
        metrics = plain(progress.metrics)
        if metrics:
            self._metrics.add(replace(progress, metrics=metrics))
        elif self._progress:
            metrics = dict(self._progress.metrics)
        self._progress = replace(progress, metrics=metrics)
        self._device = self._device or _device()

    def should_stop(self) -> bool:
        """Whether the task was asked to stop. Who has heard so is given time to write its checkpoint."""
        asked = self._is_asked()
        if asked:
            self._patience = SAVING_S
        return asked

    def finish(self, state: State, error: str | None = None) -> None:
        """Remember how it ended."""
        self._end = state, error

    def _beat(self) -> None:
        beaten = asked = phase = None
        while not self._stop.wait(min(_LOOK_S, HEARTBEAT_S)):
            now = time.monotonic()
            news = self._progress is not None and self._progress.phase != phase
            if beaten is None or news or now - beaten >= HEARTBEAT_S:
                beaten, phase = now, self._progress and self._progress.phase
                self._write_or_warn()
            if asked is None and self._is_asked():
                asked = now
            if asked is not None and now - asked > self._patience and self._end_process and not self._end:
                self.finish(State.CANCELLED)
                self._drop_ballast()
                self._write_or_warn()
                self._end_process()

    def _is_asked(self) -> bool:
        """Whether the attempt is to stop; one that is gone was removed with its job."""
        return self._cancel.exists() or not self._attempt.is_dir()

    def _write_or_warn(self) -> None:
        try:
            self._write()
        except OSError as error:  # the next beat may find space again; readers see the gap
            logger.warning("The heartbeat could not be written: %s", error)

    def _write(self) -> None:
        self._beats += 1
        state, error = self._end or (State.RUNNING, None)
        now = time.monotonic()
        task = replace(self._begun, state=state, error=error, heartbeat=time.time(), beats=self._beats)
        task = replace(task, clock=now, seconds=now - self._clock, progress=self._progress, device=self._device)
        record.write_task(self._attempt, self._name, task)
        self._metrics.write()

    def _drop_ballast(self) -> None:
        with contextlib.suppress(OSError):
            self._ballast.unlink(missing_ok=True)


def _history(before: Task | None) -> tuple[int, int]:
    """`Task.runs` and `Task.reached` of the next worker. One that got further before it died counts for nothing."""
    if before is None or before.state is State.DAMAGED:
        return 1, 0
    done = before.progress.done if before.progress else 0
    return (1, done) if done > before.reached else (before.runs + 1, before.reached)


def _device() -> str | None:
    """What torch computes on, once a stage has imported it."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else "CPU"
