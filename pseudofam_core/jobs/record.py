"""What a job is on disk.

::

    <cache root>/jobs/<id>/
        spec.json                       what was asked for; the submitter writes it once
        log.txt                         what the workers have to say; tracebacks in full
        metrics/<task>.jsonl            loss and the like of one task, a line per report, over all attempts
        attempts/<n>/attempt.json       the tasks to do, since when, on which engine; the submitter writes it once
        attempts/<n>/cancel             exists once the attempt shall stop
        attempts/<n>/tasks/<task>.json  how far one task is; the worker that runs it writes it, and nobody else

No file but the log has two writers, and all but log and metrics appear by a rename. Nobody writes down the state of a job: readers
derive it (`pseudofam_core.jobs.state`). A resumed job is a new attempt; the last one keeps its cancel mark, so that
what is still queued of it does nothing.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pseudofam_core.errors import JobError
from pseudofam_core.progress import Progress
from pseudofam_core.store.cache import write_atomically
from pseudofam_core.store.keys import canonical, key_of
from pseudofam_core.store.restoring import restored

_VERSION = 2  # of the files' form; part of every id


class State(StrEnum):
    """Where a job or a task of it stands. Workers write RUNNING, CANCELLED, FAILED, DONE; readers derive the rest."""

    QUEUED = "queued"
    RUNNING = "running"
    STALLED = "stalled"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    CRASHED = "crashed"
    DONE = "done"

    @property
    def is_active(self) -> bool:
        """Whether something is still going to happen by itself."""
        return self in (State.QUEUED, State.RUNNING, State.STALLED, State.CANCELLING)


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
        tasks: What workers have written so far, by name. What is missing is queued.
    """

    number: int
    todo: tuple[str, ...]
    submitted: float
    engine: str
    host: str | None
    cancelled: bool
    tasks: Mapping[str, Task]


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
    """Write what was asked for, unless an equal request was before it."""
    if not (folder / "spec.json").is_file():
        _write_json(folder / "spec.json", canonical(request))


def read_job(folder: Path) -> Job:
    """Read a job.

    Raises:
        JobError: There is none, or its files are damaged.
    """
    try:
        request = restored(Request, _read_json(folder / "spec.json"), place="spec.json")
        numbers = sorted(int(one.name) for one in (folder / "attempts").glob("[0-9]*"))
        return Job(request, tuple(_read_attempt(attempt_folder(folder, number), number) for number in numbers))
    except FileNotFoundError as error:
        raise JobError(f"There is no job {folder.name}. Submit it again.") from error
    except (OSError, ValueError) as error:  # MalformedValue is one
        raise JobError(f"The job {folder} can't be read ({error}). Remove the folder and submit it again.") from error


def claim_attempt(folder: Path, attempt: Attempt) -> bool:
    """Write a new attempt; False if somebody else has just begun that number."""
    final = attempt_folder(folder, attempt.number)
    final.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".", dir=final.parent))
    plain = {name: getattr(attempt, name) for name in ("todo", "submitted", "engine", "host")}
    try:
        _write_json(beside / "attempt.json", plain)
        beside.chmod(0o755)
        beside.rename(final)  # a folder never replaces one with files in it: of two submitters, one wins
    except OSError:
        if not final.is_dir():
            raise
        return False
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


def read_task(attempt: Path, name: str) -> Task | None:
    """What the worker of a task wrote last, or None where none has begun."""
    try:
        return restored(Task, _read_json(_task_file(attempt, name)), place=f"task {name}")
    except FileNotFoundError:
        return None


def write_task(attempt: Path, name: str, task: Task) -> None:
    """Write how far a task is. For the worker that runs it, and nobody else."""
    _write_json(_task_file(attempt, name), canonical(task))


def _read_attempt(attempt: Path, number: int) -> Attempt:
    known = {"number": number, "cancelled": cancel_mark(attempt).exists(), "tasks": {}}
    read = restored(Attempt, {**_read_json(attempt / "attempt.json"), **known}, place="attempt.json")
    return replace(read, tasks={name: task for name in read.todo if (task := read_task(attempt, name))})


def _task_file(attempt: Path, name: str) -> Path:
    return attempt / "tasks" / f"{safe_name(name)}.json"


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False))


def _read_json(path: Path) -> dict[str, Any]:
    return restored(dict[str, Any], json.loads(path.read_text(encoding="utf-8")), place=path.name)
