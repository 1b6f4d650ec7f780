"""How long a worker has been silent, told without trusting clocks that people and machines may set."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from pathlib import Path

from pseudofam_core.jobs.record import Task


@dataclass(frozen=True)
class Age:
    """Time since a worker last wrote.

    Attributes:
        seconds: The best guess, to show.
        silence: The part of it that is certain, to act on.
    """

    seconds: float
    silence: float


class Ages:
    """Ages of heartbeats, as one process sees them.

    A worker of this machine is measured by the machine's monotonic clock, which runs on whatever the wall clock does.
    For one of another machine only its beats count: it is silent while they do not change, and before the first
    change that is seen, the two wall clocks give a guess.
    """

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        self._seen: dict[tuple[str, int, float], tuple[int, float, float]] = {}

    def of(self, task: Task) -> Age:
        """The age of a running task's last heartbeat, in seconds."""
        if task.boot and task.boot == boot():
            seconds = max(0.0, time.monotonic() - task.clock)
            return Age(seconds, seconds)
        worker = (task.host, task.pid, task.started)
        seen = self._seen.get(worker)
        if seen is None or seen[0] != task.beats:
            guess = 0.0 if seen else max(0.0, time.time() - task.heartbeat)
            self._seen[worker] = seen = (task.beats, time.monotonic(), guess)
        silence = time.monotonic() - seen[1]
        return Age(seen[2] + silence, silence)


@functools.cache
def boot() -> str:
    """Which run of which machine this is, for all whose monotonic clocks are one; empty where the system won't tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
