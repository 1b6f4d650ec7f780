"""Our own engine, whose workers know the kinds of work of `tests.faults.doors`."""

from __future__ import annotations

import time

import pytest

from pseudofam_core import jobs
from pseudofam_core.jobs import engine, work
from tests.faults.doors import DOORS, PRELOAD


@pytest.fixture(scope="session")
def engine_root(tmp_path_factory):
    """The cache of an engine that many tests share."""
    root = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(engine.VARIABLE, raising=False)
        patch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", PRELOAD)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        yield root
        engine.stop(root)


@pytest.fixture
def start(engine_root, tmp_path, monkeypatch):
    """Starts a job of one of the kinds; returns its id and the file of its notes."""
    for kind, door in DOORS.items():
        monkeypatch.setitem(work.DOORS, kind, door)

    def start(kind, tasks, **payload):
        notes = tmp_path / "notes"
        payload = {"notes": str(notes), **payload}
        return jobs.submit(engine_root, kind, payload, tasks, "A job"), notes

    return start


def wait_for(root, job, *states, seconds=180.0):
    """The view of a job once it is in one of the states; any other end fails."""
    deadline = time.monotonic() + seconds
    while (seen := jobs.view(root, job)).state not in states:
        assert time.monotonic() < deadline, seen
        assert seen.state.is_active, seen
        time.sleep(0.02)
    return seen


def wait_until(condition, seconds=180.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
