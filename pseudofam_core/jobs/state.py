"""What readers see of a job: its state, derived from what is on disk and from the age of heartbeats."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pseudofam_core.jobs.record import Attempt, Job, State, Task
from pseudofam_core.languages import LanguagePair
from pseudofam_core.progress import Progress
from pseudofam_core.specs import Workspace

STALLED_AFTER_S = 15.0
CRASHED_AFTER_S = 60.0


@dataclass(frozen=True)
class TaskView:
    """One pair of a job, as a page shows it.

    Attributes:
        pair: The direction.
        state: Where it stands.
        progress: Phase, units done and in all, rate; None before the first report.
        device: What computes it, or None before it is known.
        host: The machine, or None while it is queued.
        heartbeat_age_s: Seconds since the worker last wrote, or None while it is queued.
        seconds: From the worker's begin to its last word, or None while it is queued.
        error: First line of what went wrong, or None.
    """

    pair: LanguagePair
    state: State
    progress: Progress | None = None
    device: str | None = None
    host: str | None = None
    heartbeat_age_s: float | None = None
    seconds: float | None = None
    error: str | None = None

    @property
    def fraction(self) -> float:
        """Share of the present phase that is done, in [0, 1]; 1 for a finished pair."""
        if self.state is State.DONE:
            return 1.0
        return self.progress.done / self.progress.total if self.progress and self.progress.total else 0.0


@dataclass(frozen=True)
class JobView:
    """A job, as a page shows it.

    Attributes:
        id: What `cancel`, `resume` and `view` take.
        kind: What is computed: ``estimate``.
        title: What pages call it.
        workspace: Model, corpus and estimator.
        state: Where it stands.
        created: When it was first asked for, in seconds since 1970.
        submitted: When its last attempt began, in seconds since 1970.
        attempt: Number of that attempt, counted from 1.
        tasks: Its pairs, in the order they were asked for.
        queue_position: 1 for the next of the queued jobs; None where the job is not queued.
    """

    id: str
    kind: str
    title: str
    workspace: Workspace
    state: State
    created: float
    submitted: float
    attempt: int
    tasks: tuple[TaskView, ...]
    queue_position: int | None = None

    @property
    def done(self) -> int:
        """Pairs that are finished."""
        return len(self._in(State.DONE))

    @property
    def total(self) -> int:
        """Pairs in all."""
        return len(self.tasks)

    @property
    def fraction(self) -> float:
        """Share of the work that is done, in [0, 1], each pair weighing the same."""
        return sum(one.fraction for one in self.tasks) / self.total

    @property
    def running(self) -> tuple[TaskView, ...]:
        """Pairs that a worker has in hand, stalled ones included."""
        return self._in(State.RUNNING, State.STALLED)

    @property
    def phase(self) -> str | None:
        """What is being done, in words, or None where nothing is."""
        return next((one.progress.phase for one in self.running if one.progress), None)

    @property
    def rate(self) -> float | None:
        """Units (`Progress.unit`) per second of all running pairs, or None where it is not known."""
        rates = [one.progress.rate for one in self.running if one.progress and one.progress.rate]
        return sum(rates) if rates else None

    @property
    def remaining_s(self) -> float | None:
        """Seconds to go: running pairs at their rate, queued ones like those before; None where it is not known."""
        running = [one.progress.remaining_s for one in self.running if one.progress]
        known = [one for one in running if one is not None]
        if not known or len(known) < len(self.running):
            return None
        spans = [one.seconds for one in self._in(State.DONE) if one.seconds]
        spans = spans or [to_go + (one.seconds or 0) for one, to_go in zip(self.running, known, strict=True)]
        queued = len(self._in(State.QUEUED)) * sum(spans) / len(spans)
        return (sum(known) + queued) / len(known)

    @property
    def heartbeat_age_s(self) -> float | None:
        """Seconds since any worker of it last wrote, or None where none has."""
        return min((one.heartbeat_age_s for one in self.tasks if one.heartbeat_age_s is not None), default=None)

    @property
    def error(self) -> str | None:
        """The first error among its pairs, or None."""
        return next((one.error for one in self.tasks if one.error), None)

    def _in(self, *states: State) -> tuple[TaskView, ...]:
        return tuple(one for one in self.tasks if one.state in states)


def derive(job: Job, *, now: float, engine: str | None) -> JobView:
    """See a job as it stands.

    Args:
        job: What is on disk.
        now: The time, in seconds since 1970.
        engine: Identity of this machine's own engine, or None where none is alive.
    """
    last = {one: attempt for attempt in job.attempts for one in attempt.pairs}
    tasks = tuple(_task(one, last[one], now=now, engine=engine) for one in job.request.pairs)
    request, latest = job.request, job.attempts[-1]
    return JobView(
        id=request.id,
        kind=request.kind,
        title=request.title,
        workspace=request.workspace,
        state=_state([one.state for one in tasks], cancelled=latest.cancelled),
        created=request.created,
        submitted=latest.submitted,
        attempt=latest.number,
        tasks=tasks,
    )


def with_positions(views: Iterable[JobView]) -> list[JobView]:
    """The same jobs, the queued ones numbered in the order they will start."""
    views = list(views)
    queued = sorted((one for one in views if one.state is State.QUEUED), key=lambda one: one.submitted)
    position = {one.id: number for number, one in enumerate(queued, start=1)}
    return [replace(one, queue_position=position.get(one.id)) for one in views]


def _task(one: LanguagePair, attempt: Attempt, *, now: float, engine: str | None) -> TaskView:
    """See one pair, as the last attempt that had it left it."""
    engine_lost = attempt.host == socket.gethostname() and attempt.engine != engine
    task = attempt.tasks.get(one)
    if task is None:
        stopped = State.CRASHED if engine_lost else State.QUEUED
        return TaskView(one, State.CANCELLED if attempt.cancelled else stopped)
    age = max(0.0, now - task.heartbeat)
    return TaskView(
        pair=one,
        state=_liveness(task, age, cancelled=attempt.cancelled, engine_lost=engine_lost),
        progress=task.progress,
        device=task.device,
        host=task.host,
        heartbeat_age_s=age,
        seconds=max(0.0, task.heartbeat - task.started),
        error=task.error,
    )


def _liveness(task: Task, age: float, *, cancelled: bool, engine_lost: bool) -> State:
    """The state of a pair that a worker has begun."""
    if task.state is not State.RUNNING:
        return task.state
    if engine_lost or age > CRASHED_AFTER_S:
        return State.CANCELLED if cancelled else State.CRASHED
    return State.STALLED if age > STALLED_AFTER_S else State.RUNNING


def _state(tasks: Sequence[State], *, cancelled: bool) -> State:
    """The state of a job whose pairs are in the states `tasks`."""
    present = set(tasks)
    if present & {State.RUNNING, State.STALLED}:
        if cancelled:
            return State.CANCELLING
        return State.RUNNING if State.RUNNING in present else State.STALLED
    # Between two pairs nothing runs, yet the job has begun. Beside a crashed pair, queued ones wait for a resume.
    order = (State.CANCELLED, State.CRASHED, State.QUEUED, State.FAILED, State.DONE)
    worst = next(state for state in order if state in present)
    return State.RUNNING if worst is State.QUEUED and len(present) > 1 else worst
