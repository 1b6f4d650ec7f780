"""One at a time: two jobs, or a job and a command, that ask for the same run must not write into its checkpoints together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from pseudofam_core.errors import JobCancelled
from pseudofam_core.finetuning.processes import by_first
from pseudofam_core.progress import Progress, Report, ShouldStop

_PATIENCE_S = 0.5


@contextlib.contextmanager
def exclusive(file: Path, *, report: Report, should_stop: ShouldStop) -> Iterator[None]:
    """Wait until nobody else holds the file, then hold it; all processes of a run hold it as one.

    What holds it and dies lets go of it.

    Args:
        file: What is held; made if need be.
        report: Told while another holds it.
        should_stop: Asked meanwhile.

    Raises:
        JobCancelled: `should_stop` said so.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    if not by_first(lambda: _acquired(lock, report, should_stop)):
        raise JobCancelled("Stopped on request while another job does the same run.")
    try:
        yield
    finally:
        if lock.is_locked:  # only the first process of a run holds it
            file.unlink(missing_ok=True)  # whoever still waits for this file sees that it is gone, and takes a new one
        lock.release()


def _acquired(lock: FileLock, report: Report, should_stop: ShouldStop) -> bool:
    while True:
        try:
            lock.acquire(timeout=_PATIENCE_S)
        except Timeout:
            report(Progress("waiting for another job that does the same run", 0, 1, "runs"))
            if should_stop():
                return False
        else:
            return True
