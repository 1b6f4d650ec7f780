"""What a job is on disk.

::

    <cache root>/jobs/<id>/
        spec.json                       what was asked for; the submitter writes it once
        log.txt                         what the workers have to say; tracebacks in full
        attempts/<n>/attempt.json       the pairs to do, since when, on which engine; the submitter writes it once
        attempts/<n>/cancel             exists once the attempt shall stop
        attempts/<n>/tasks/<pair>.json  how far one pair is; the worker that runs it writes it, and nobody else

No file has two writers, and all but the log appear by a rename. Nobody writes down the state of a job: readers
derive it (`pseudofam_core.jobs.state`). A resumed job is a new attempt; the last one keeps its cancel mark, so that
what is still queued of it does nothing.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pseudofam_core.cache import write_atomically
from pseudofam_core.corpora.cleaning import Cleaning
from pseudofam_core.errors import JobError
from pseudofam_core.hashing import canonical, key_of
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.progress import Progress
from pseudofam_core.specs import Estimator, Workspace

_VERSION = 1


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
        kind: What is computed: ``estimate``.
        workspace: Model, corpus and estimator.
        pairs: One task each, in this order.
        title: What pages call the job.
        created: When it was first asked for, in seconds since 1970.
    """

    kind: str
    workspace: Workspace
    pairs: tuple[LanguagePair, ...]
    title: str
    created: float

    @property
    def id(self) -> str:
        """Equal requests are one job, whenever they are made and in whatever order they name the pairs."""
        pairs = sorted(map(str, self.pairs))
        return key_of("job", _VERSION, [self.kind, workspace_to_json(self.workspace), pairs])


@dataclass(frozen=True)
class Task:
    """What a worker says about one pair.

    Attributes:
        state: RUNNING, CANCELLED, FAILED or DONE.
        runs: How many workers have begun it in this attempt: one more for each that died.
        host: Machine of the worker.
        pid: Process of the worker.
        started: When this worker began, in seconds since 1970.
        heartbeat: When it last wrote, in seconds since 1970.
        beats: How often it has written.
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
    progress: Progress | None = None
    device: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Attempt:
    """One submission of a job.

    Attributes:
        number: Counted from 1.
        pairs: What it has to do.
        submitted: When, in seconds since 1970.
        engine: Identity of the scheduler that has it.
        host: Machine of an engine of our own, or None on a configured scheduler.
        cancelled: Whether it was asked to stop.
        tasks: What workers have written so far. A pair without a task is queued.
    """

    number: int
    pairs: tuple[LanguagePair, ...]
    submitted: float
    engine: str
    host: str | None
    cancelled: bool
    tasks: Mapping[LanguagePair, Task]


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


def cancel_mark(attempt: Path) -> Path:
    """The file that exists once `attempt` shall stop."""
    return attempt / "cancel"


def write_request(folder: Path, request: Request) -> None:
    """Write what was asked for, unless an equal request was before it."""
    if not (folder / "spec.json").is_file():
        typed = {"workspace": workspace_to_json(request.workspace), "pairs": [str(one) for one in request.pairs]}
        _write_json(folder / "spec.json", {**canonical(request), **typed})


def read_job(folder: Path) -> Job:
    """Read a job.

    Raises:
        JobError: There is none, or its files are damaged.
    """
    try:
        values = _read_json(folder / "spec.json")
        request = Request(**{**values, "workspace": workspace_from_json(values["workspace"]), "pairs": _pairs(values)})
        numbers = sorted(int(one.name) for one in (folder / "attempts").glob("[0-9]*"))
        return Job(request, tuple(_read_attempt(attempt_folder(folder, number), number) for number in numbers))
    except FileNotFoundError as error:
        raise JobError(f"There is no job {folder.name}. Submit it again.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobError(f"The job {folder} can't be read ({error}). Remove the folder and submit it again.") from error


def claim_attempt(folder: Path, attempt: Attempt) -> bool:
    """Write a new attempt; False if somebody else has just begun that number."""
    final = attempt_folder(folder, attempt.number)
    final.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".", dir=final.parent))
    plain = {"pairs": [str(one) for one in attempt.pairs]} | {
        name: getattr(attempt, name) for name in ("submitted", "engine", "host")
    }
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


def read_task(attempt: Path, one: LanguagePair) -> Task | None:
    """What the worker of a pair wrote last, or None where none has begun."""
    try:
        values = _read_json(_task_file(attempt, one))
    except FileNotFoundError:
        return None
    progress = values["progress"] and Progress(**values["progress"])
    return Task(**{**values, "state": State(values["state"]), "progress": progress})


def write_task(attempt: Path, one: LanguagePair, task: Task) -> None:
    """Write how far a pair is. For the worker that runs it, and nobody else."""
    _write_json(_task_file(attempt, one), canonical(task))


def workspace_to_json(workspace: Workspace) -> dict[str, Any]:
    """A workspace as plain JSON values, pairs written ``be-en``."""
    pairs = workspace.pairs and [str(one) for one in workspace.pairs]
    return {**canonical(workspace), "pairs": pairs}


def workspace_from_json(values: Mapping[str, Any]) -> Workspace:
    """The inverse of `workspace_to_json`.

    Raises:
        ValueError: A value is out of its range.
        KeyError: A value is missing.
        TypeError: A value has no place in a workspace.
    """
    typed = {"estimator": Estimator(values["estimator"]), "cleaning": Cleaning(**values["cleaning"])}
    pairs = None if values["pairs"] is None else _pairs(values)
    return Workspace(**{**values, **typed, "pairs": pairs})


def _pairs(values: Mapping[str, Any]) -> tuple[LanguagePair, ...]:
    return tuple(pair(text) for text in values["pairs"])


def _read_attempt(attempt: Path, number: int) -> Attempt:
    values = _read_json(attempt / "attempt.json")
    pairs = _pairs(values)
    tasks = {one: task for one in pairs if (task := read_task(attempt, one))}
    return Attempt(**{**values, "pairs": pairs}, number=number, cancelled=cancel_mark(attempt).exists(), tasks=tasks)


def _task_file(attempt: Path, one: LanguagePair) -> Path:
    return attempt / "tasks" / f"{one}.json"


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False))


def _read_json(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
