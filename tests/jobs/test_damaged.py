"""Damaged job files cost their own job alone: it is shown as damaged, and can be removed or started again."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from dataclasses import fields, replace

import pytest

from benchmarks._faults_damage import damaged_json
from pseudofam_core import jobs
from pseudofam_core.__main__ import main
from pseudofam_core.errors import JobError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import JobView, State, engine, record, work
from pseudofam_core.jobs.record import Attempt, Request, Task
from pseudofam_core.progress import Progress
from pseudofam_core.store.keys import canonical
from tests.jobs.clusters import ROOT

BE, UK = "be-en", "uk-en"
REQUEST = Request("estimate", {"workspace": canonical(Workspace())}, (BE, UK), "Estimate 2 pairs", 5.0)
RUNNING = Task(
    State.RUNNING, 1, "there", 7, 1.0, 2.0, progress=Progress("estimating", 3, 9, rate=1.0, metrics={"loss": 2.0})
)
DONE, FAILED = replace(RUNNING, state=State.DONE), replace(RUNNING, state=State.FAILED, error="It failed.")


def make(root, *, seed=1, tasks=(DONE, RUNNING)):
    """A job of two tasks with log and metrics; returns its folder."""
    request = replace(REQUEST, payload={"workspace": canonical(Workspace(seed=seed))})
    folder = record.job_folder(root, request.id)
    record.write_request(folder, request)
    record.claim_attempt(folder, Attempt(1, (BE, UK), 6.0, "engine", None, False, {}))
    for name, task in zip((BE, UK), tasks, strict=True):
        record.write_task(record.attempt_folder(folder, 1), name, task)
    metrics = record.metrics_file(folder, UK)
    metrics.parent.mkdir()
    metrics.write_text('{"run": 1.0, "phase": "training", "done": 1, "loss": 2.0}\n')
    record.log_file(folder).write_text("begun\n")
    return folder


def read_all(root):
    """Everything that pages and `jobs` read of all jobs."""
    views = jobs.list_jobs(root)
    for one in views:
        assert jobs.view(root, one.id).id == one.id
        properties = [name for name, value in vars(JobView).items() if isinstance(value, property)]
        assert all(getattr(one, name) is not Ellipsis for name in (*properties, *(each.name for each in fields(one))))
        for task in one.tasks:
            assert len(task.label + str(task.fraction) + str(task.is_pair)) > 0
            jobs.metrics(root, one.id, task.name)
        jobs.log_tail(root, one.id)
        json.dumps(one.title).encode()
    return views


def mutated(text, rng):
    """A JSON text with one value changed, removed or added, or its bytes broken."""
    kind = rng.randrange(8)
    if kind == 0:
        return text[: rng.randrange(len(text))].encode()
    if kind == 1:
        return bytes(rng.randrange(256) if rng.random() < 0.05 else one for one in text.encode())
    if kind == 2:
        return rng.choice([b"", b"[]", b"null", b"3", b'"x"', b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe"])
    return damaged_json(text, rng).encode()


def test_whatever_is_in_the_files_of_one_job_the_others_are_seen_as_before(tmp_path, capsys):
    rng = random.Random(5)
    make(tmp_path, seed=1, tasks=(DONE, FAILED))
    (before,) = jobs.list_jobs(tmp_path)
    pristine = make(tmp_path / "another", seed=2)
    files = [one.relative_to(pristine) for one in sorted(pristine.rglob("*")) if one.is_file()]
    states = set()
    for number in range(200):
        folder = tmp_path / "jobs" / pristine.name
        shutil.copytree(pristine, folder)
        damaged = folder / rng.choice(files)
        if rng.random() < 0.15:
            damaged.unlink()
            if rng.random() < 0.5:
                damaged.mkdir()
        else:
            damaged.write_bytes(mutated(damaged.read_text(), rng) if damaged.suffix != ".txt" else rng.randbytes(99))
        views = read_all(tmp_path)
        assert [one for one in views if one.id == before.id] == [before]
        assert len(views) == 2
        states |= {one.state for one in views if one.id != before.id}
        if number % 10 == 0:
            assert main(["jobs", "list", "--cache", str(tmp_path)]) == 0
            assert main(["jobs", "show", folder.name, "--cache", str(tmp_path)]) == 0
        shutil.rmtree(folder)
    assert State.DAMAGED in states
    assert len(capsys.readouterr().out) > 0


def test_a_field_that_a_newer_version_wrote_is_left_out(tmp_path):
    folder = make(tmp_path)
    for name in ("attempts/1/attempt.json", f"attempts/1/tasks/{UK}.json"):
        values = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**values, "colour": {"deep": [1]}}))
    (seen,) = jobs.list_jobs(tmp_path)
    assert seen.tasks[0].state is State.DONE
    assert seen.state is not State.DAMAGED


@pytest.mark.parametrize("name", ["spec.json", "attempts/1/attempt.json", f"attempts/1/tasks/{UK}.json"])
def test_a_damaged_job_stays_in_the_list_and_can_be_removed(tmp_path, name, capsys):
    folder = make(tmp_path)
    (folder / name).write_text("[]")
    if name == "attempts/1/attempt.json":  # what its workers wrote would tell all the same
        (folder / "attempts/1/tasks" / f"{UK}.json").unlink()
    (seen,) = jobs.list_jobs(tmp_path)
    assert seen.state is State.DAMAGED
    assert "can't be read" in seen.error
    assert main(["jobs", "list", "--cache", str(tmp_path)]) == 0
    assert "damaged" in capsys.readouterr().out
    assert main(["jobs", "remove", folder.name[:8], "--cache", str(tmp_path)]) == 0
    assert jobs.list_jobs(tmp_path) == []
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_job_that_is_active_is_not_removed(tmp_path):
    folder = make(tmp_path, tasks=(replace(RUNNING, pid=8, heartbeat=time.time()),) * 2)
    with pytest.raises(JobError, match="not over yet"):
        jobs.remove(tmp_path, folder.name)
    assert folder.is_dir()


@pytest.fixture
def handed(monkeypatch):
    """Instead of an engine: what it was given."""
    given = []

    class Client:
        def scheduler_info(self):
            return {"id": "engine"}

        def submit(self, function, folder, number, name, version, **_):
            given.append((number, name))

        def close(self):
            pass

    monkeypatch.setattr(engine, "connect", lambda root: Client())
    monkeypatch.setattr(engine, "configured", lambda: "tcp://somewhere")
    monkeypatch.setattr("distributed.fire_and_forget", lambda future: None)
    return given


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("spec.json", []),
        ("attempts/1/attempt.json", [(2, UK)]),
        (f"attempts/1/tasks/{UK}.json", [(2, UK)]),
        (f"attempts/1/tasks/{BE}.json", [(2, BE)]),
    ],
)
def test_the_same_request_mends_a_damaged_job_and_does_what_nobody_can_tell(tmp_path, handed, name, again):
    folder = make(tmp_path, tasks=(DONE, DONE))
    (folder / name).unlink()
    (folder / name).mkdir()
    (folder / name / "x").write_text("x")
    if name == "attempts/1/attempt.json":
        (folder / "attempts/1/tasks" / f"{UK}.json").unlink()
    if name == "spec.json":
        again = [(2, BE), (2, UK)]  # all is done: it is done anew, as a finished job is
    payload = {"workspace": canonical(Workspace(seed=1))}
    assert jobs.submit(tmp_path, "estimate", payload, (BE, UK), "Again") == folder.name
    assert handed == again
    assert jobs.view(tmp_path, folder.name).state is not State.DAMAGED


KILLED = """
import os, sys, pathlib, distributed
from pseudofam_core import jobs
from pseudofam_core.jobs import engine
import tests.jobs.test_damaged as cases

class Client:
    n = 0
    def scheduler_info(self):
        return {"id": "engine"}
    def submit(self, *_, **__):
        Client.n += 1
        if Client.n == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
    def close(self):
        pass

engine.connect = lambda root: Client()
engine.configured = lambda: "tcp://somewhere"
distributed.fire_and_forget = lambda future: None
jobs.submit(pathlib.Path(sys.argv[1]), "estimate", dict(cases.REQUEST.payload), cases.REQUEST.tasks, "A job")
"""


def test_a_submitter_that_is_killed_over_the_hand_over_leaves_a_job_that_can_be_started_again(tmp_path, handed):
    command = [sys.executable, "-c", KILLED, str(tmp_path), "2"]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert killed.returncode == -9, killed.stderr
    (seen,) = jobs.list_jobs(tmp_path)
    assert seen.state is State.CRASHED
    payload = dict(REQUEST.payload)
    assert jobs.submit(tmp_path, "estimate", payload, REQUEST.tasks, "A job") == seen.id
    assert handed == [(2, BE), (2, UK)]
    assert jobs.view(tmp_path, seen.id).state is State.QUEUED


def test_while_an_attempt_is_handed_over_it_is_queued(tmp_path, handed, monkeypatch):
    seen = []
    monkeypatch.setattr("distributed.fire_and_forget", lambda future: seen.append(jobs.list_jobs(tmp_path)[0].state))
    jobs.submit(tmp_path, "estimate", dict(REQUEST.payload), REQUEST.tasks, "A job")
    assert seen == [State.QUEUED, State.QUEUED]


def test_a_task_whose_job_was_removed_stops(tmp_path, monkeypatch):
    folder = make(tmp_path)
    record.attempt_folder(folder, 1).joinpath("tasks", f"{UK}.json").unlink()

    def door(request, name, cache, report, should_stop):
        assert not should_stop()
        shutil.rmtree(folder)
        stopped.append(should_stop())
        raise work.JobCancelled("stopped")

    stopped: list[bool] = []
    monkeypatch.setitem(work.DOORS, "estimate", door)
    work.run_task(str(folder), 1, UK, work.__version__)
    assert stopped == [True]
    assert jobs.list_jobs(tmp_path) == []


def test_a_folder_that_can_not_be_written_is_told_in_one_line(tmp_path, handed):
    (tmp_path / "jobs").write_text("in the way")
    with pytest.raises(JobError, match="The job can't be written"):
        jobs.submit(tmp_path, "estimate", dict(REQUEST.payload), REQUEST.tasks, "A job")
