"""Start, watch, cancel and resume jobs: what pages and the command line call."""

from __future__ import annotations

import shutil
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pseudofam_core import __version__
from pseudofam_core.corpora.choices import absolute_source, source_name
from pseudofam_core.errors import JobError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import engine, record, work
from pseudofam_core.jobs.clock import Ages
from pseudofam_core.jobs.engine_file import place
from pseudofam_core.jobs.limits import check_allowed, check_room
from pseudofam_core.jobs.measurements import read_metrics
from pseudofam_core.jobs.record import Attempt, Job, Request, State
from pseudofam_core.jobs.state import JobView, derive, unreadable, with_positions
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.places import local
from pseudofam_core.similarity.spec import Scope
from pseudofam_core.store.keys import canonical

_LONGEST_NAME = 100
_ages = Ages()  # of heartbeats, as this process has seen them: what one page learns, the next one knows


def submit(cache_root: Path, kind: str, payload: Mapping[str, Any], tasks: Sequence[str], title: str) -> str:
    """Have work done in another process; returns the job's id.

    An equal request that is queued or running is the same job and is left alone. One that has ended is resumed.

    Args:
        cache_root: The folder of results, below which jobs are kept.
        kind: A name of `pseudofam_core.jobs.work.DOORS`: ``estimate``, ``finetune``.
        payload: What the work needs to know: plain JSON values, a workspace among them under ``workspace``, written
            by `Workspace.payload` and with its paths in full (`placed`).
        tasks: Names of the parts, which run by themselves and side by side where there are workers.
        title: What pages call the job.

    Raises:
        ValueError: An unknown kind; no tasks, the same one twice, or a name that no file can have.
        TypeError: The payload is not plain.
        JobError: The engine does not start or does not answer, or the equal job is just being cancelled.
    """
    check_allowed()
    if kind not in work.DOORS:
        raise ValueError(f"kind must be one of {', '.join(work.DOORS)}. Got {kind!r}.")
    if not tasks or len(set(tasks)) != len(tasks):
        raise ValueError(f"tasks must name at least one, and none twice. Got {', '.join(tasks) or 'none'}.")
    if unfit := [task for task in tasks if not 0 < len(record.safe_name(task)) <= _LONGEST_NAME]:
        raise ValueError(f"tasks must have names of 1 to {_LONGEST_NAME} plain characters. Got {', '.join(unfit)}.")
    request = Request(kind, canonical(payload), tuple(tasks), title, time.time())
    with _writing():
        record.write_request(record.job_folder(cache_root.absolute(), request.id), request)
    resume(cache_root, request.id)
    return request.id


def submit_estimate(cache_root: Path, workspace: Workspace, pairs: Sequence[LanguagePair]) -> str:
    """Have the Fisher diagonals of `pairs` computed; returns the job's id.

    An equal request that is queued or running is the same job and is left alone. One that has ended is resumed.

    Raises:
        ValueError: No pairs, the same one twice, or an unknown language.
        JobError: The engine does not start or does not answer, or the equal job is just being cancelled.
    """
    pairs = tuple(pair(str(name)) for name in pairs)
    if not pairs or len(set(pairs)) != len(pairs):
        raise ValueError(f"pairs must name at least one, and none twice. Got {', '.join(map(str, pairs)) or 'none'}.")
    workspace = placed(workspace)
    payload = {"workspace": workspace.payload()}
    return submit(cache_root, "estimate", payload, [*map(str, pairs)], _title(workspace, pairs))


def submit_similarity(cache_root: Path, workspace: Workspace, *, scope: Scope = Scope.GROUP) -> str:
    """Have the workspace's finished estimates compared by every measure; returns the job's id.

    Raises:
        JobError: The engine does not start or does not answer, or the equal job is just being cancelled.
    """
    workspace = placed(workspace)
    title = f"Compare the estimates of {Path(workspace.model).name} on {source_name(workspace.corpus)}"
    return submit(cache_root, "compare", {"workspace": workspace.payload()}, [scope.value], title)


def submit_experiment(cache_root: Path, workspace: Workspace, name: str, others: Sequence[str] = ()) -> str:
    """Have an experiment of the Lab run on a workspace; returns the job's id.

    Raises:
        JobError: The engine does not start or does not answer, or the equal job is just being cancelled.
    """
    workspace = placed(workspace)
    title = f"Experiment {name} with {Path(workspace.model).name} on {source_name(workspace.corpus)}"
    return submit(cache_root, "lab", {"workspace": workspace.payload(), "others": list(others)}, [name], title)


def placed(workspace: Workspace) -> Workspace:
    """The workspace as jobs keep it: its paths in full, because the engine works in another folder."""
    return replace(workspace, model=_absolute(workspace.model), corpus=_corpus_in_full(workspace.corpus))


def resume(cache_root: Path, job_id: str) -> None:
    """Run what a job has not finished, or all of it where all is done. One that is queued or running is left alone.

    Raises:
        JobError: There is no such job, it is just being cancelled, there are too many, or the engine does not start or does not
            answer.
    """
    check_allowed()
    folder = record.job_folder(cache_root.absolute(), job_id)
    job = record.read_job(folder)
    if not job.attempts:
        _begin(cache_root, folder, job, job.request.tasks)
        return
    seen = _see(cache_root, job)
    if seen.state is State.CANCELLING:
        raise JobError("The job is still stopping. Wait until it has, then start it again.")
    if not seen.state.is_active:
        unfinished = tuple(task.name for task in seen.tasks if task.state is not State.DONE)
        _begin(cache_root, folder, job, unfinished or job.request.tasks)


def cancel(cache_root: Path, job_id: str) -> None:
    """Ask a job to stop: at once where it is queued, at the next batch where it runs. One that has ended is left alone.

    Raises:
        JobError: There is no such job, or this app only shows what there is.
    """
    check_allowed()
    folder = record.job_folder(cache_root, job_id)
    job = _read_begun(folder)
    if _see(cache_root, job).state.is_active:
        with _writing():
            record.cancel_mark(record.attempt_folder(folder, job.attempts[-1].number)).touch()


def remove(cache_root: Path, job_id: str) -> None:
    """Forget a job that has ended or can't be read: its log and metrics, not its results. What is left of it stops.

    Raises:
        JobError: There is no such job, it is active, or it can't be removed.
    """
    check_allowed()
    if view(cache_root, job_id).state.is_active:
        raise JobError("The job is not over yet. Cancel it first.")
    folder = record.job_folder(cache_root, job_id)
    with _writing():
        away = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
        folder.rename(away)
        shutil.rmtree(away)


def view(cache_root: Path, job_id: str) -> JobView:
    """See one job.

    Raises:
        JobError: There is no such job.
    """
    folder = record.job_folder(cache_root, job_id)
    seen = _seen(folder, engine.current(cache_root))
    if seen is None:
        _read_begun(folder)  # says why
        raise JobError(f"There is no job {job_id}. Submit it again.")
    if seen.state is not State.QUEUED:
        return seen
    return next((job for job in list_jobs(cache_root) if job.id == job_id), seen)


def list_jobs(cache_root: Path) -> list[JobView]:
    """See all jobs, the latest request first; those that can't be read too, as `State.DAMAGED`."""
    try:
        folders = [folder for folder in (cache_root / "jobs").iterdir() if not folder.name.startswith(".")]
    except OSError:
        return []
    living = engine.current(cache_root)
    views = with_positions(filter(None, (_seen(folder, living) for folder in folders)))
    return sorted(views, key=lambda job: job.created, reverse=True)


def log_file(cache_root: Path, job_id: str) -> Path:
    """Where a job's log is once a worker has begun.

    Raises:
        JobError: `job_id` is no job's.
    """
    return record.log_file(record.job_folder(cache_root, job_id))


def log_tail(cache_root: Path, job_id: str, n_lines: int = 50) -> str:
    """The last lines of a job's log; empty before a worker has begun.

    Raises:
        JobError: `job_id` is no job's.
    """
    try:
        with log_file(cache_root, job_id).open(encoding="utf-8", errors="replace") as lines:
            return "".join(deque(lines, maxlen=n_lines))
    except OSError:
        return ""


def metrics(cache_root: Path, job_id: str, task: str) -> list[dict[str, Any]]:
    """Loss, dev score and the like that a task has reported: see `read_metrics`. Empty where it has reported none.

    Raises:
        JobError: `job_id` is no job's.
    """
    return read_metrics(record.metrics_file(record.job_folder(cache_root, job_id), task))


def _begin(cache_root: Path, folder: Path, job: Job, todo: tuple[str, ...]) -> None:
    """Hand the tasks `todo` to the engine as the next attempt, unless somebody else has just done so."""
    check_room(cache_root, sum(job.state.is_active for job in list_jobs(cache_root)))
    from distributed import fire_and_forget

    number = job.attempts[-1].number + 1 if job.attempts else 1
    host = None if engine.configured() else place()
    with closing(engine.connect(cache_root)) as client:
        identity = str(client.scheduler_info()["id"])
        attempt = Attempt(number, todo, time.time(), identity, host, False, {})
        with _writing(), record.handing_over(folder, number) as ours:
            if not ours or not record.claim_attempt(folder, attempt):
                return
            if job.attempts:  # whatever is left of the last one must not run beside this one
                record.cancel_mark(record.attempt_folder(folder, number - 1)).touch()
            try:
                for name in todo:
                    key = f"run_task-{folder.name}-{number}-{name}"
                    task = (str(folder), number, name, __version__)
                    # Without a time-out what is sent within a moment would be begun in any order.
                    sent = client.submit(work.run_task, *task, key=key, resources=engine.HEAVY, fifo_timeout=0)
                    fire_and_forget(sent)
                client.close()  # all is sent
            except BaseException:
                shutil.rmtree(record.attempt_folder(folder, number))  # tasks that find no attempt do nothing
                raise


def _read_begun(folder: Path) -> Job:
    """A job that has been handed to an engine at least once."""
    job = record.read_job(folder)
    if not job.attempts:
        raise JobError(f"The job {folder.name} was never handed to an engine. Submit it again.")
    return job


def _seen(folder: Path, living: str | None) -> JobView | None:
    """A job, whatever its files hold; None where it was never handed to an engine, or is none."""
    try:
        job = record.read_job(folder)
    except JobError as damage:
        try:
            since = (
                folder.stat().st_mtime if record.attempt_numbers(folder) or (folder / "spec.json").exists() else None
            )
        except OSError:  # it has just been removed
            return None
        return None if since is None else unreadable(folder.name, str(damage), since=since)
    return derive(job, age=_ages.of, engine=living) if job.attempts else None


@contextmanager
def _writing() -> Iterator[None]:
    """Say in one line that a job's files can't be written."""
    try:
        yield
    except OSError as error:
        raise JobError(f"The job can't be written: {error}. Free some space, or use a cache of your own.") from error


def _see(cache_root: Path, job: Job) -> JobView:
    return derive(job, age=_ages.of, engine=engine.current(cache_root))


def _absolute(name: str) -> str:
    """A path in full; other names as they are."""
    path = None if name == "sample" else local(name)
    return name if path is None else str(path.absolute())


def _corpus_in_full(name: str) -> str:
    return name if name == "sample" else absolute_source(name)


def _title(workspace: Workspace, pairs: Sequence[LanguagePair]) -> str:
    what = pairs[0].label if len(pairs) == 1 else f"{len(pairs)} pairs"
    return f"Estimate {what} with {Path(workspace.model).name} on {source_name(workspace.corpus)}"
