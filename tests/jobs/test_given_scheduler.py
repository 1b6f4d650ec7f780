"""A scheduler and two workers of somebody else's, as separate processes over TCP, with a shared cache folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pseudofam_core import jobs
from pseudofam_core.estimates import find_fisher, fisher_spec, pool_of
from pseudofam_core.jobs import State, engine

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scheduler(tmp_path, monkeypatch):
    """The address of a plain ``dask scheduler`` with two plain ``dask worker`` processes."""
    file = tmp_path / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    quiet = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    dask = [sys.executable, "-m", "dask"]
    serve = [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    work = [
        *dask,
        "worker",
        "--scheduler-file",
        str(file),
        "--nthreads",
        "1",
        "--resources",
        "heavy=1",
        "--no-dashboard",
    ]
    started = [subprocess.Popen(serve, **quiet)]
    try:
        _until(file.exists)
        started += [subprocess.Popen(work, **quiet) for _ in range(2)]
        address = json.loads(file.read_text())["address"]
        monkeypatch.setenv("PSEUDOFAM_SCHEDULER", address)
        yield address
    finally:
        for one in reversed(started):
            one.terminate()
        for one in started:
            one.wait(timeout=20)


def test_pairs_of_one_request_run_on_the_workers_of_a_given_scheduler(scheduler, workspace, cache):
    job = jobs.submit_estimate(cache.root, workspace, pool_of(workspace))
    _until(lambda: not jobs.view(cache.root, job).state.is_active)
    view = jobs.view(cache.root, job)
    assert view.state is State.DONE, view.error
    assert all(find_fisher(fisher_spec(workspace, one), cache) for one in pool_of(workspace))
    assert not engine.alive(cache.root) or engine.configured() == scheduler
    assert not (cache.root / "engine").exists()  # no engine of our own beside the given one


def _until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
