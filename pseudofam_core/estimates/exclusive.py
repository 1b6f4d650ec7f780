"""One at a time: two jobs, or a job and a command, that ask for the same must not write into its checkpoint together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from pseudofam_core.errors import CacheError, JobCancelled
from pseudofam_core.progress import Progress, Report, ShouldStop

_PATIENCE_S = 0.5


@contextlib.contextmanager
def exclusive(
    file: Path,
    *,
    what: str,
    report: Report,
    should_stop: ShouldStop,
    agreed: Callable[[Callable[[], bool]], bool] = lambda make: make(),
) -> Iterator[None]:
    """Wait until nobody else holds the file, then hold it. What holds it and dies lets go of it.

    Args:
        file: What is held; made if need be.
        what: What is being done, in a word: ``estimate``, ``run``.
        report: Told while another holds it.
        should_stop: Asked meanwhile.
        agreed: Has one of several processes do it, and the others do as it does.

    Raises:
        JobCancelled: `should_stop` said so.
        CacheError: The file can't be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        held = agreed(lambda: _acquired(lock, what, report, should_stop))
    except OSError as error:
        raise CacheError(f"The cache can't be written: {error}. Choose a folder that you can write to.") from error
    if not held:
        raise JobCancelled(f"Stopped on request while another job does the same {what}.")
    try:
        yield
    finally:
        if lock.is_locked:  # only the first process of a run holds it
            file.unlink(missing_ok=True)  # whoever still waits for this file sees that it is gone, and takes a new one
        lock.release()


def _acquired(lock: FileLock, what: str, report: Report, should_stop: ShouldStop) -> bool:
    while True:
        try:
            lock.acquire(timeout=_PATIENCE_S)
        except Timeout:
            report(Progress(f"waiting for another job that does the same {what}", 0, 1, f"{what}s"))
            if should_stop():
                return False
        else:
            return True
