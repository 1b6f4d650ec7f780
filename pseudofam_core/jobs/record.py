"""What a job is on disk.

::

    <cache root>/jobs/<id>/
        spec.json                       what was asked for; the submitter writes it once
        log.txt                         what the workers have to say; tracebacks in full
        metrics/<task>.jsonl            loss and the like of one task, a line per report, over all attempts
        attempts/<n>/attempt.json       the tasks to do, since when, on which engine; the submitter writes it once
        attempts/.<n>.handing           exists, locked by the submitter, until the engine has all of the attempt
        attempts/<n>/cancel             exists once the attempt shall stop
        attempts/<n>/tasks/<task>.json  how far one task is; the worker that runs it writes it, and nobody else

No file but the log has two writers, and all but log and metrics appear by a rename. Nobody writes down the state of a job: readers
derive it (`pseudofam_core.jobs.state`). A resumed job is a new attempt; the last one keeps its cancel mark, so that
what is still queued of it does nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pseudofam_core.errors import JobError
from pseudofam_core.jobs.checked import DAMAGE, LAST_TIME, checked, read_json
from pseudofam_core.jobs.engine_file import try_lock, until
from pseudofam_core.progress import Progress
from pseudofam_core.store.cache import write_atomically
from pseudofam_core.store.keys import canonical, key_of
from pseudofam_core.store.restoring import known_of

_VERSION = 2  # of the files' form; part of every id
_HANDING_S = 30.0


class State(StrEnum):
    """Where a job or a task of it stands. Workers write RUNNING, CANCELLED, FAILED, DONE; readers derive the rest."""

    QUEUED = "queued"
    RUNNING = "running"
    STALLED = "stalled"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    CRASHED = "crashed"
    DAMAGED = "damaged"
    DONE = "done"

    @property
    def is_active(self) -> bool:
        """Whether something is still going to happen by itself."""
        return self in (State.QUEUED, State.RUNNING, State.STALLED, State.CANCELLING)


_WRITTEN = (State.RUNNING, State.CANCELLED, State.FAILED, State.DONE)  # by workers


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        kind: Which door of `pseudofam_core.jobs.work` does it: ``estimate``.
        payload: What that door needs to know, as plain JSON values.
        tasks: Names of the parts that run by themselves, in this order: ``be-en``, ``overlap/seed-1``.
        title: What pages call the job.
        created: When it was first asked for, in seconds since 1970.
    """

    kind: str
    payload: Mapping[str, Any]
    tasks: tuple[str, ...]
    title: str
    created: float

    @property
    def id(self) -> str:
        """Equal requests are one job, whenever they are made and in whatever order they name the tasks."""
        return key_of("job", _VERSION, [self.kind, self.payload, sorted(self.tasks)])


@dataclass(frozen=True)
class Task:
    """What a worker says about one task.

    Attributes:
        state: RUNNING, CANCELLED, FAILED or DONE.
        runs: How many workers in a row have begun it in this attempt: one more for each that died without getting
            further than `reached`.
        host: Machine of the worker.
        pid: Process of the worker.
        started: When this worker began, in seconds since 1970.
        heartbeat: When it last wrote, in seconds since 1970.
        beats: How often it has written.
        seconds: How long this worker has been at it.
        boot: Whose monotonic clock `clock` is: see `pseudofam_core.jobs.clock.boot`.
        clock: When it last wrote, by that clock.
        reached: Units that an earlier worker of this attempt had done.
        progress: The latest report, or None before the first.
        device: What computes, or None before it is known.
        error: First line of what went wrong, or None.
    """

    state: State
    runs: int
    host: str
    pid: int
    started: float
    heartbeat: float
    beats: int = 0
    seconds: float = 0.0
    boot: str = ""
    clock: float = 0.0
    reached: int = 0
    progress: Progress | None = None
    device: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Attempt:
    """One submission of a job.

    Attributes:
        number: Counted from 1.
        todo: Names of the tasks it has to do.
        submitted: When, in seconds since 1970.
        engine: Identity of the scheduler that has it.
        host: `engine_file.place` of an engine of our own, or None on a configured scheduler.
        cancelled: Whether it was asked to stop.
        handed: Whether the engine has all of it, or the submitter is still at it. Where he died over it, what no worker
            has begun will never begin.
        tasks: What workers have written so far, by name. What is missing is queued.
    """

    number: int
    todo: tuple[str, ...]
    submitted: float
    engine: str
    host: str | None
    cancelled: bool
    tasks: Mapping[str, Task]
    handed: bool = True


@dataclass(frozen=True)
class Job:
    """All that is on disk of a job, as read at one moment; attempts from first to last."""

    request: Request
    attempts: tuple[Attempt, ...]


def job_folder(cache_root: Path, job_id: str) -> Path:
    """Where a job is, whether or not there is one.

    Raises:
        JobError: `job_id` is no job's: ids reach this from addresses of pages.
    """
    if not re.fullmatch(r"[0-9a-f]{32}", job_id):
        raise JobError(f"A job's id has 32 hexadecimal digits. Got {job_id!r}. The list of jobs shows those there are.")
    return cache_root / "jobs" / job_id


def attempt_folder(folder: Path, number: int) -> Path:
    """Where an attempt of the job in `folder` is."""
    return folder / "attempts" / str(number)


def log_file(folder: Path) -> Path:
    """The log of the job in `folder`."""
    return folder / "log.txt"


def metrics_file(folder: Path, name: str) -> Path:
    """The metrics of a task of the job in `folder`, over all attempts."""
    return folder / "metrics" / f"{safe_name(name)}.jsonl"


def ballast_file(attempt: Path, name: str) -> Path:
    """A file without meaning that a task holds while it runs, so that a full disk has room for its last word."""
    return attempt / "tasks" / f"{safe_name(name)}.ballast"


def safe_name(task: str) -> str:
    """The name of a task as the name of a file: ``overlap/seed-1`` has a slash."""
    return quote(task, safe="")


def cancel_mark(attempt: Path) -> Path:
    """The file that exists once `attempt` shall stop."""
    return attempt / "cancel"


def write_request(folder: Path, request: Request) -> None:
    """Write what was asked for, unless an equal request was before it. One that can't be read any more is replaced."""
    path = folder / "spec.json"
    try:
        _read_request(folder)
    except DAMAGE:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        _write_json(path, canonical(request))


def read_job(folder: Path) -> Job:
    """Read a job. An attempt or a task whose file is damaged is there, its tasks `State.DAMAGED`.

    Raises:
        JobError: There is none, or what was asked for can't be read.
    """
    try:
        request = _read_request(folder)
        numbers = attempt_numbers(folder)
        return Job(request, tuple(_read_attempt(attempt_folder(folder, number), number, request) for number in numbers))
    except DAMAGE as error:
        if not (folder / "spec.json").exists() and not attempt_numbers(folder):
            raise JobError(f"There is no job {folder.name}. Submit it again.") from error
        raise JobError(
            f"The job {folder} can't be read ({error}). Submit the same again, or remove it: "
            f"`pseudofam jobs remove {folder.name[:8]}`."
        ) from error


def attempt_numbers(folder: Path) -> list[int]:
    """Numbers of a job's attempts, in order; none where there is no job."""
    try:
        names = os.listdir(folder / "attempts")
    except OSError:
        return []
    return sorted(int(name) for name in names if re.fullmatch("[1-9][0-9]{0,8}", name))


def claim_attempt(folder: Path, attempt: Attempt) -> bool:
    """Write a new attempt; False if somebody else has just begun that number."""
    final = attempt_folder(folder, attempt.number)
    final.parent.mkdir(parents=True, exist_ok=True)
    beside = final.with_name(f".{attempt.number}.{uuid.uuid4().hex}")
    plain = {name: getattr(attempt, name) for name in ("todo", "submitted", "engine", "host")}
    try:
        _write_json(beside / "attempt.json", plain)
        beside.rename(final)  # a folder never replaces one with files in it: of two submitters, one wins
    except OSError:
        if not final.is_dir():
            raise
        return False
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


@contextmanager
def handing_over(folder: Path, number: int) -> Iterator[bool]:
    """Within it an attempt is claimed and given to the engine; False where somebody else does so for very long.

    If this process dies over it, the mark stays and the kernel lets go of its lock: readers know that nobody will do the
    rest.
    """
    mark = _handing_mark(attempt_folder(folder, number))
    mark.parent.mkdir(parents=True, exist_ok=True)
    with mark.open("a", encoding="ascii") as file:
        if not until(lambda: try_lock(file, fcntl.LOCK_EX), _HANDING_S):  # a reader has it for a moment
            yield False
            return
        try:
            yield True
        finally:
            mark.unlink(missing_ok=True)


def read_task(attempt: Path, name: str) -> Task | None:
    """What the worker of a task wrote last, or None where none has begun; `State.DAMAGED` where nobody can tell."""
    try:
        values = read_json(_task_file(attempt, name))
        if isinstance(values["progress"], Mapping):
            values["progress"] = known_of(Progress, values["progress"])
        task = checked(Task, values)
        progress = task.progress
        if task.state not in _WRITTEN or (
            progress and (min(progress.done, progress.total) < 0 or _is_odd(progress.rate))
        ):
            raise ValueError("no worker writes such values")
    except FileNotFoundError:
        return None
    except DAMAGE as error:
        return _damaged(f"What its worker wrote can't be read ({error}).")
    return task


def write_task(attempt: Path, name: str, task: Task) -> None:
    """Write how far a task is. For the worker that runs it, and nobody else.

    Raises:
        OSError: It can't be written, or the attempt is gone: the job was removed.
    """
    (attempt / "tasks").mkdir(exist_ok=True)
    _write_json(_task_file(attempt, name), canonical(task))


def _read_request(folder: Path) -> Request:
    request = checked(Request, read_json(folder / "spec.json"))
    if request.id != folder.name:
        raise ValueError("it is not what its name says: it was changed, or is of another version")
    if not request.tasks or len(set(request.tasks)) != len(request.tasks):
        raise ValueError("tasks must name at least one, and none twice")
    if not 0 <= request.created <= LAST_TIME:
        raise ValueError(f"created must be in [0, {LAST_TIME:g}] s")
    return request


def _read_attempt(attempt: Path, number: int, request: Request) -> Attempt:
    """An attempt; where its own file is damaged, it is taken to have had every task."""
    state: dict[str, Any] = {
        "number": number,
        "cancelled": cancel_mark(attempt).exists(),
        "handed": _is_handed(attempt),
    }
    try:
        read = checked(Attempt, read_json(attempt / "attempt.json"), tasks={}, **state)
        if not read.todo or not set(read.todo) <= set(request.tasks):
            raise ValueError("todo must be among the job's tasks")
        if not 0 <= read.submitted <= LAST_TIME:
            raise ValueError(f"submitted must be in [0, {LAST_TIME:g}] s")
    except DAMAGE as error:
        damaged = _damaged(f"The record of attempt {number} can't be read ({error}).")
        tasks = {name: read_task(attempt, name) or damaged for name in request.tasks}
        return Attempt(todo=request.tasks, submitted=request.created, engine="", host=None, tasks=tasks, **state)
    return replace(read, tasks={name: task for name in read.todo if (task := read_task(attempt, name))})


def _is_handed(attempt: Path) -> bool:
    """Whether the submitter has done his part, or is alive to do it."""
    try:
        with _handing_mark(attempt).open("rb") as mark:
            if not try_lock(mark, fcntl.LOCK_SH):
                return True
    except OSError:  # no mark, or none that this user may ask
        return True
    return not _handing_mark(attempt).exists()  # it may just have gone


def _is_odd(rate: float | None) -> bool:
    return rate is not None and not (rate == 0 or rate > 1e-9)


def _damaged(error: str) -> Task:
    return Task(State.DAMAGED, 0, "", 0, 0.0, 0.0, error=error)


def _handing_mark(attempt: Path) -> Path:
    return attempt.with_name(f".{attempt.name}.handing")


def _task_file(attempt: Path, name: str) -> Path:
    return attempt / "tasks" / f"{safe_name(name)}.json"


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False))
