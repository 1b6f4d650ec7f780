"""``jobs``: see, stop and resume the long work of this cache, whoever started it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pseudofam_core import jobs
from pseudofam_core.commands.options import count
from pseudofam_core.errors import JobError
from pseudofam_core.jobs import JobView, State, TaskView
from pseudofam_core.store.cache import default_root

_LOOK_S = 0.5


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="list|show|cancel|resume|remove|logs")
    _add_verb(verbs, _list, "list", "a line for each job, the latest first")
    for run, verb, text in (
        (_show, "show", "where a job and each of its tasks stand"),
        (_cancel, "cancel", "stop a job; what is finished stays"),
        (_resume, "resume", "run what a job that was stopped, failed or crashed has not finished"),
        (_remove, "remove", "forget a job that has ended or can't be read; its results stay"),
        (_logs, "logs", "what the workers had to say"),
    ):
        command = _add_verb(verbs, run, verb, text)
        command.add_argument("job", help="the job's id, or its first digits")
        if verb == "logs":
            command.add_argument("--lines", type=count, default=50, help="how many of the last (default: %(default)s)")
            command.add_argument(
                "--follow", action="store_true", help="go on until the job ends; status 1 if it is not done"
            )


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    run: Callable[[argparse.Namespace], None],
    verb: str,
    text: str,
) -> argparse.ArgumentParser:
    command = verbs.add_parser(verb, help=text, description=text[0].upper() + text[1:] + ".")
    command.add_argument("--cache", type=Path, default=default_root(), help="folder of results (default: %(default)s)")
    command.set_defaults(run=run)
    return command


def _list(options: argparse.Namespace) -> None:
    views = jobs.list_jobs(options.cache)
    header = ("ID", "STATE", "DONE", "TO GO", "STARTED (UTC)", "TITLE")
    rows = [
        (job.id[:8], _state(job), f"{job.done}/{job.total} {job.parts}", _span(job), _time(job.submitted), job.title)
        for job in views
    ]
    _print_table(header, rows)


def _show(options: argparse.Namespace) -> None:
    view = jobs.view(options.cache, _job(options))
    workspace = view.workspace
    fields = [("id", view.id), ("title", view.title), ("kind", view.kind), ("state", _state(view))]
    if workspace is not None:
        fields += [("model", workspace.model), ("corpus", workspace.corpus)]
    if view.damage is not None:
        fields += [("damage", view.damage)]
    fields += [("started (UTC)", f"{_time(view.submitted)}, attempt {view.attempt}")]
    fields += [("done", f"{view.done} of {view.total} {view.parts}"), ("to go", _span(view))]
    for name, value in fields:
        print(f"{name + ':':15}{value}")
    print()
    _print_table(("TASK", "STATE", "PHASE", "DONE", "PER SECOND", "SILENT FOR", "WHERE"), map(_task_row, view.tasks))
    for task in view.tasks:
        if task.error:
            print(f"\n{task.name}: {task.error}")


def _cancel(options: argparse.Namespace) -> None:
    job = _job(options)
    jobs.cancel(options.cache, job)
    print(_state(jobs.view(options.cache, job)))


def _resume(options: argparse.Namespace) -> None:
    job = _job(options)
    while jobs.view(options.cache, job).state is State.STALLED:  # alive or not: one of the two shows within a minute
        print("No sign of life. Watching until it shows, or is certainly gone.", file=sys.stderr)
        time.sleep(10 * _LOOK_S)
    jobs.resume(options.cache, job)
    print(_state(jobs.view(options.cache, job)))


def _remove(options: argparse.Namespace) -> None:
    jobs.remove(options.cache, _job(options))


def _logs(options: argparse.Namespace) -> None:
    job = _job(options)
    if not options.follow:
        sys.stdout.write(jobs.log_tail(options.cache, job, options.lines))
        return
    for text in _followed(options.cache, job, options.lines):
        sys.stdout.write(text)
        sys.stdout.flush()
    view = jobs.view(options.cache, job)
    if view.state is not State.DONE:
        raise JobError(f"The job ended as {view.state}. {view.error or ''}".strip())


def _followed(cache_root: Path, job: str, n_lines: int) -> Iterator[str]:
    """The last lines of a job's log, then what is appended to it until the job ends."""
    path, place, ended = jobs.log_file(cache_root, job), 0, False
    while not ended:
        ended = not jobs.view(cache_root, job).state.is_active  # asked first: the last words come before the end
        if path.exists():
            with path.open("rb") as log:
                first = place == 0
                log.seek(0 if log.seek(0, os.SEEK_END) < place else place)  # the log may have been cut
                text = log.read().decode(errors="replace")
                place = log.tell()
            yield "".join(text.splitlines(keepends=True)[-n_lines:]) if first else text
        if not ended:
            time.sleep(_LOOK_S)


def _job(options: argparse.Namespace) -> str:
    """The one job whose id begins as the option says.

    Raises:
        JobError: None does, or several do.
    """
    matching = [view for view in jobs.list_jobs(options.cache) if view.id.startswith(options.job)]
    if len(matching) != 1:
        raise JobError(
            f"job must be the beginning of one id. {options.job!r} begins {len(matching)} of those in {options.cache}. "
            "`jobs list` shows them."
        )
    return matching[0].id


def _state(view: JobView) -> str:
    if view.state is State.QUEUED and view.queue_position:
        return f"queued, number {view.queue_position}"
    return (
        f"{view.state}, {view.done} of {view.total} kept" if view.state is State.CANCELLED and view.done else view.state
    )


def _task_row(task: TaskView) -> tuple[str, ...]:
    progress, silent = task.progress, task.heartbeat_age_s
    where = ", ".join(filter(None, (task.host, task.device)))
    done = f"{progress.done}/{progress.total} {progress.unit}" if progress else "–"
    rate = f"{progress.rate:.3g}" if progress and progress.rate else "–"
    phase = progress.phase if progress and task.state is State.RUNNING else "–"
    return (task.name, task.state, phase, done, rate, "–" if silent is None else f"{silent:.0f} s", where or "–")


def _span(view: JobView) -> str:
    seconds = view.remaining_s if view.state.is_active else None
    if seconds is None:
        return "–"
    least, most = map(_length, seconds)
    return least if least == most else f"{least} to {most}"


def _length(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


COMMANDS = (("jobs", _add_jobs, "see, stop and resume long work"),)
