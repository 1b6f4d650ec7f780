"""How far long work has come: what stages report and pages show."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pseudofam_core.errors import JobCancelled


@dataclass(frozen=True)
class Progress:
    """One report of a stage.

    Attributes:
        phase: What is being done, in words: ``reading``, ``estimating``.
        done: Units finished, those of an earlier, resumed run included.
        total: Units in all.
        unit: What is counted: ``sentences``.
        rate: Units per second of this run, or None before the first is done.
        metrics: The latest measurements by name: ``loss``, ``dev loss``, ``tokens per second``. Empty where none is new.
            None stands for NaN and infinity where a job has written it down.
    """

    phase: str
    done: int
    total: int
    unit: str = "sentences"
    rate: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def remaining_s(self) -> float | None:
        """Seconds to go at the present rate, or None where it is not known yet."""
        return (self.total - self.done) / self.rate if self.rate else None


Report = Callable[[Progress], None]
ShouldStop = Callable[[], bool]


def silent(progress: Progress) -> None:
    """Report to nobody."""


def never() -> bool:
    """Never stop."""
    return False


class Meter:
    """Counts units of one phase and reports them with their rate.

    Args:
        report: Receives each `Progress`.
        should_stop: Asked after each step; a True ends the work with `JobCancelled`.
        phase: See `Progress`.
        total: See `Progress`.
        done: Units finished by an earlier run.
        unit: See `Progress`.
    """

    def __init__(
        self,
        report: Report,
        should_stop: ShouldStop,
        *,
        phase: str,
        total: int,
        done: int = 0,
        unit: str = "sentences",
    ) -> None:
        """Report the start, and start the clock."""
        self._report, self._should_stop = report, should_stop
        self._phase, self._total, self._unit = phase, total, unit
        self._resumed_at = self.done = done
        self._started = time.monotonic()
        report(Progress(phase, done, total, unit))

    def advance(self, units: int, metrics: Mapping[str, float] | None = None) -> None:
        """Count `units` more as done and report, with `metrics` where there are new ones.

        Raises:
            JobCancelled: The work was asked to stop.
        """
        self.done += units
        seconds = time.monotonic() - self._started
        rate = (self.done - self._resumed_at) / seconds if seconds > 0 else None
        self._report(Progress(self._phase, self.done, self._total, self._unit, rate, metrics or {}))
        if self._should_stop():
            raise JobCancelled(f"Stopped on request while {self._phase}, at {self.done} of {self._total} {self._unit}.")
