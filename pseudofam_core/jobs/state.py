"""What readers see of a job: its state, derived from what is on disk and from how long workers were silent."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import TIMING_TASK, ZERO_SHOT
from pseudofam_core.jobs.clock import Age
from pseudofam_core.jobs.engine_file import place
from pseudofam_core.jobs.record import Attempt, Job, State, Task
from pseudofam_core.languages import pair
from pseudofam_core.progress import Progress
from pseudofam_core.store.restoring import restored

STALLED_AFTER_S = 15.0
CRASHED_AFTER_S = 60.0
_PARTS = {"estimate": "pairs", "finetune": "runs", "transfer": "targets", "lab": "experiments"}


@dataclass(frozen=True)
class TaskView:
    """One task of a job, as a page shows it.

    Attributes:
        name: What the job calls it: ``be-en``, ``overlap/seed-1``.
        state: Where it stands.
        progress: Phase, units done and in all, rate; None before the first report.
        device: What computes it, or None before it is known.
        host: The machine, or None while it is queued.
        heartbeat_age_s: Seconds since the worker last wrote, or None where none is at it.
        seconds: From the last worker's begin to its last word, or None while it is queued.
        error: First line of what went wrong, or None.
    """

    name: str
    state: State
    progress: Progress | None = None
    device: str | None = None
    host: str | None = None
    heartbeat_age_s: float | None = None
    seconds: float | None = None
    error: str | None = None

    @property
    def label(self) -> str:
        """What people call it: ``Belarusian · be``, ``overlap · seed-1``."""
        return pair(self.name).label if self.is_pair else self.name.replace("/", " · ")

    @property
    def is_pair(self) -> bool:
        """Whether it is named for a language pair."""
        try:
            pair(self.name)
        except ValueError:
            return False
        return True

    @property
    def is_short(self) -> bool:
        """Whether it trains nothing, or next to nothing: no measure for the tasks that do."""
        return self.name in (ZERO_SHOT, TIMING_TASK)

    @property
    def fraction(self) -> float:
        """Share of the present phase that is done, in [0, 1]; 1 for a finished task."""
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
        workspace: Model, corpus and estimator, or None where the work has none.
        state: Where it stands.
        created: When it was first asked for, in seconds since 1970.
        submitted: When its last attempt began, in seconds since 1970.
        attempt: Number of that attempt, counted from 1.
        tasks: Its tasks, in the order they were asked for.
        queue_position: 1 for the next of the queued jobs; None where the job is not queued.
        payload: What was asked for, as plain JSON values.
        damage: Why it can't be read, or None. Nothing but `id` and the times is known of it then.
    """

    id: str
    kind: str
    title: str
    workspace: Workspace | None
    state: State
    created: float
    submitted: float
    attempt: int
    tasks: tuple[TaskView, ...]
    queue_position: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    damage: str | None = None

    @property
    def parts(self) -> str:
        """What its tasks are called: ``pairs``, and of one alone ``pair``."""
        parts = _PARTS.get(self.kind, "parts")
        return parts.removesuffix("s") if self.total == 1 else parts

    @property
    def done(self) -> int:
        """Tasks that are finished."""
        return len(self._in(State.DONE))

    @property
    def total(self) -> int:
        """Tasks in all."""
        return len(self.tasks)

    @property
    def fraction(self) -> float:
        """Share of the work that is done, in [0, 1], each task weighing the same."""
        return sum(task.fraction for task in self.tasks) / self.total if self.tasks else 0.0

    @property
    def running(self) -> tuple[TaskView, ...]:
        """Tasks that a worker has in hand, stalled ones included."""
        return self._in(State.RUNNING, State.STALLED)

    @property
    def phase(self) -> str | None:
        """What is being done, in words, or None where nothing is."""
        return next((task.progress.phase for task in self.running if task.progress), None)

    @property
    def rate(self) -> float | None:
        """Units (`Progress.unit`) per second of all running tasks, or None where it is not known."""
        rates = [task.progress.rate for task in self.running if task.progress and task.progress.rate]
        return sum(rates) if rates else None

    @property
    def remaining_s(self) -> tuple[float, float] | None:
        """Seconds to go, from and to: running tasks at their rate, queued ones like the quickest and slowest before them.

        None where nothing tells it yet. What a run that trains will take, only such runs tell; once trained, it is scored,
        which takes as long as for the model as it is.
        """
        running = self._in(State.RUNNING, State.STALLED)
        to_go = [task.progress.remaining_s if task.progress else None for task in running]
        known = [seconds for seconds in to_go if seconds is not None]
        if not known or len(known) < len(running):
            return None
        done = self._in(State.DONE)
        scoring = max((task.seconds or 0 for task in done if task.is_short), default=0.0)
        ends = [
            seconds + (scoring if task.progress and task.progress.phase == "training" else 0)
            for task, seconds in zip(running, known, strict=True)
        ]
        spans = [task.seconds for task in done if task.seconds and not task.is_short]
        spans = spans or [
            (task.seconds or 0) + end for task, end in zip(running, ends, strict=True) if not task.is_short
        ]
        queued = sum(not task.is_short for task in self._in(State.QUEUED))
        if queued and not spans:
            return None
        least, most = (queued * end(spans, default=0.0) for end in (min, max))
        return (sum(ends) + least) / len(running), (sum(ends) + most) / len(running)

    @property
    def heartbeat_age_s(self) -> float | None:
        """Seconds since any worker of it last wrote, or None where none has."""
        return min((task.heartbeat_age_s for task in self.tasks if task.heartbeat_age_s is not None), default=None)

    @property
    def error(self) -> str | None:
        """Why it can't be read, or the first error among its tasks, or None."""
        return self.damage or next((task.error for task in self.tasks if task.error), None)

    def _in(self, *states: State) -> tuple[TaskView, ...]:
        return tuple(task for task in self.tasks if task.state in states)


def derive(job: Job, *, age: Callable[[Task], Age], engine: str | None) -> JobView:
    """See a job as it stands.

    Args:
        job: What is on disk.
        age: Tells how long a running task has been silent.
        engine: Identity of this machine's own engine, or None where none is alive.
    """
    last = {name: attempt for attempt in job.attempts for name in attempt.todo}
    tasks = tuple(_task(name, last.get(name), age=age, engine=engine) for name in job.request.tasks)
    request, latest = job.request, job.attempts[-1]
    return JobView(
        id=request.id,
        kind=request.kind,
        title=request.title,
        workspace=_workspace(request.payload),
        state=_state([task.state for task in tasks], cancelled=latest.cancelled),
        created=request.created,
        submitted=latest.submitted,
        attempt=latest.number,
        tasks=tasks,
        payload=request.payload,
    )


def unreadable(job_id: str, damage: str, *, since: float) -> JobView:
    """A job of which nothing can be read; `since` when, in seconds since 1970."""
    title = "A job that can't be read"
    return JobView(job_id, "", title, None, State.DAMAGED, since, since, attempt=0, tasks=(), damage=damage)


def with_positions(views: Iterable[JobView]) -> list[JobView]:
    """The same jobs, the queued ones numbered in the order they will start."""
    views = list(views)
    queued = sorted((view for view in views if view.state is State.QUEUED), key=lambda view: view.submitted)
    position = {view.id: number for number, view in enumerate(queued, start=1)}
    return [replace(view, queue_position=position.get(view.id)) for view in views]


def _workspace(payload: Mapping[str, Any]) -> Workspace | None:
    """The payload's workspace; None where it has none, or one that only another version understands."""
    try:
        return None if payload.get("workspace") is None else restored(Workspace, payload["workspace"])
    except MalformedValue:
        return None


def _task(name: str, attempt: Attempt | None, *, age: Callable[[Task], Age], engine: str | None) -> TaskView:
    """See one task, as the last attempt that had it left it."""
    if attempt is None:
        return TaskView(name, State.DAMAGED, error="No attempt that can be read had it.")
    ours = attempt.host in (place(), socket.gethostname())  # the latter alone: from before each user had their own
    engine_lost = ours and attempt.engine != engine
    task = attempt.tasks.get(name)
    if task is None:
        stopped = State.CRASHED if engine_lost or not attempt.handed else State.QUEUED
        return TaskView(name, State.CANCELLED if attempt.cancelled else stopped)
    beat = age(task) if task.state is State.RUNNING else None
    return TaskView(
        name=name,
        state=_liveness(beat, cancelled=attempt.cancelled, engine_lost=engine_lost) if beat else task.state,
        progress=task.progress,
        device=task.device,
        host=task.host,
        heartbeat_age_s=beat.seconds if beat else None,
        seconds=task.seconds,
        error=task.error,
    )


def _liveness(beat: Age, *, cancelled: bool, engine_lost: bool) -> State:
    """The state of a task that a worker has begun and not ended."""
    if engine_lost or beat.silence > CRASHED_AFTER_S:
        return State.CANCELLED if cancelled else State.CRASHED
    return State.STALLED if beat.seconds > STALLED_AFTER_S else State.RUNNING


def _state(tasks: Sequence[State], *, cancelled: bool) -> State:
    """The state of a job whose tasks are in the states `tasks`."""
    present = set(tasks)
    if present & {State.RUNNING, State.STALLED}:
        if cancelled:
            return State.CANCELLING
        return State.RUNNING if State.RUNNING in present else State.STALLED
    # Between two tasks nothing runs, yet the job has begun. Beside a crashed task, queued ones wait for a resume.
    order = (State.DAMAGED, State.CANCELLED, State.CRASHED, State.QUEUED, State.FAILED, State.DONE)
    worst = next(state for state in order if state in present)
    return State.RUNNING if worst is State.QUEUED and len(present) > 1 else worst
