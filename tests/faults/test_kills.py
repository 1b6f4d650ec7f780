"""Workers and engines that are killed for real, requests at once, cancels: what becomes of the job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pseudofam_core import jobs
from pseudofam_core.estimates import FISHER_FILE, computing, find_fisher, fisher_spec
from pseudofam_core.jobs import State, engine, engine_file, record
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Cache
from tests.faults import doors
from tests.faults.conftest import wait_for, wait_until

ROOT = Path(__file__).parents[2]


def lines(notes):
    return [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []


def estimate_bytes(workspace, cache, name):
    return find_fisher(fisher_spec(workspace, pair(name)), cache).file(FISHER_FILE).read_bytes()


def test_an_estimate_whose_worker_is_killed_goes_on_at_its_checkpoint_to_the_same_bytes(
    start, engine_root, workspace, cache
):
    payload = {"workspace": workspace.payload(), "rest": 0.3}
    job, notes = start("slow-estimate", ["tr-en"], **payload)
    wait_until(lambda: len(lines(notes)) >= 4)
    worker, before = int(lines(notes)[0][1]), int(lines(notes)[-1][2])
    os.kill(worker, signal.SIGKILL)
    assert wait_for(engine_root, job, State.DONE).attempt == 1
    after = [int(done) for _, pid, done in lines(notes) if int(pid) != worker]
    assert 0 < before - 1 <= after[0] < after[-1]  # the kill may come between a step's note and its checkpoint

    computing.compute(fisher_spec(workspace, pair("tr-en")), cache, batch_tokens=20)
    assert estimate_bytes(workspace, Cache(engine_root), "tr-en") == estimate_bytes(workspace, cache, "tr-en")


def test_what_a_cancelled_job_has_finished_stays_and_is_told(start, engine_root, workspace):
    job, notes = start("slow-estimate", ["az-en", "de-en"], workspace=workspace.payload(), rest=0.1)
    wait_until(lambda: len({name for name, *_ in lines(notes)}) == 2)
    jobs.cancel(engine_root, job)
    seen = wait_for(engine_root, job, State.CANCELLED, seconds=2.0)
    assert sorted(one.state for one in seen.tasks) == ["cancelled", "done"]
    (finished,) = [one.name for one in seen.tasks if one.state is State.DONE]
    (stopped,) = [one.name for one in seen.tasks if one.state is State.CANCELLED]
    cache = Cache(engine_root)
    assert find_fisher(fisher_spec(workspace, pair(finished)), cache)
    assert not find_fisher(fisher_spec(workspace, pair(stopped)), cache)
    n_before = len(lines(notes))
    jobs.resume(engine_root, job)
    assert wait_for(engine_root, job, State.DONE).done == 2
    assert {name for name, *_ in lines(notes)[n_before:]} == {stopped}


def test_a_job_whose_engine_is_killed_has_crashed_and_can_be_resumed(start, engine_root):
    job, notes = start("wait", ["one"], seconds=3)
    wait_for(engine_root, job, State.RUNNING)
    os.kill(engine_file.read(engine_file.engine_folder(engine_root))["pid"], signal.SIGKILL)
    wait_until(lambda: not engine.alive(engine_root), 10)
    assert jobs.view(engine_root, job).state is State.CRASHED
    jobs.resume(engine_root, job)
    assert wait_for(engine_root, job, State.DONE).attempt == 2
    assert len(lines(notes)) == 1


def test_two_users_who_ask_for_the_same_at_once_have_one_job(start, engine_root, tmp_path):
    code = """
import sys, pathlib, runpy
from pseudofam_core import jobs
runpy.run_path(sys.argv[3])["dask_setup"](None)
print(jobs.submit(pathlib.Path(sys.argv[1]), "wait", {"notes": sys.argv[2], "seconds": 1}, ["a", "b"], "A job"))
"""
    users = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, str(engine_root), str(tmp_path / "notes"), doors.__file__],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    ids = {user.communicate(timeout=60)[0].strip() for user in users}
    assert [user.returncode for user in users] == [0, 0, 0]
    (job,) = ids
    wait_for(engine_root, job, State.DONE)
    assert len(record.read_job(record.job_folder(engine_root, job)).attempts) == 1
    assert sorted(name for name, *_ in lines(tmp_path / "notes")) == ["a", "b"]


@pytest.mark.parametrize("kind", ["wait", "deaf"])
def test_a_cancel_takes_two_seconds_at_most_even_where_the_work_does_not_listen(start, engine_root, kind):
    job, _ = start(kind, ["one", "two"], seconds=600)
    wait_until(lambda: jobs.view(engine_root, job).phase == "waiting")
    asked = time.monotonic()
    jobs.cancel(engine_root, job)
    seen = wait_for(engine_root, job, State.CANCELLED, seconds=2.5)
    assert time.monotonic() - asked < 2.0
    assert [one.state for one in seen.tasks] == [State.CANCELLED, State.CANCELLED]
    after, _ = start("wait", ["next"], seconds=0)  # the worker, or the one in its place, is free again
    wait_for(engine_root, after, State.DONE)
