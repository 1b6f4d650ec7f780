"""The silence of a worker is told right, whatever anybody does to the wall clock."""

from __future__ import annotations

import pytest

from pseudofam_core.jobs import clock, record, work
from pseudofam_core.jobs.clock import Age, Ages
from pseudofam_core.jobs.record import Attempt, Request, State, Task
from pseudofam_core.jobs.state import CRASHED_AFTER_S, derive

DAY = 86400.0


@pytest.fixture
def now(monkeypatch):
    """Wall clock and monotonic clock, to be set by the test."""
    now = {"wall": 1_000_000.0, "monotonic": 5000.0}
    monkeypatch.setattr(clock.time, "time", lambda: now["wall"])
    monkeypatch.setattr(clock.time, "monotonic", lambda: now["monotonic"])
    return now


def beat(now, beats=1, *, boot="elsewhere", skew=0.0):
    heartbeat = now["wall"] + skew
    return Task(State.RUNNING, 1, "host", 7, 1.0, heartbeat, beats=beats, boot=boot, clock=now["monotonic"])


def state(ages, task):
    attempt = Attempt(1, ("one",), 1.0, "engine", None, False, {"one": task})
    return derive(record.Job(Request("wait", {}, ("one",), "A job", 1.0), (attempt,)), age=ages.of, engine=None).state


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_on_one_machine_the_wall_clock_does_not_matter(now, jump):
    task = beat(now, boot=clock.boot())
    now["wall"] += jump
    now["monotonic"] += 3
    assert Ages().of(task) == Age(3.0, 3.0)
    now["monotonic"] += CRASHED_AFTER_S
    assert state(Ages(), task) == "crashed"


@pytest.mark.parametrize("skew", [-DAY, DAY])
def test_a_worker_elsewhere_lives_while_its_beats_change(now, skew):
    ages = Ages()
    seen = []
    for beats in range(1, 60):
        seen.append(state(ages, beat(now, beats, skew=skew)))
        now["wall"] += 2
        now["monotonic"] += 2
    assert seen[0] == ("stalled" if skew < 0 else "running")  # one look alone is a guess, and never says crashed
    assert set(seen[1:]) == {"running"}


@pytest.mark.parametrize("skew", [-DAY, 0.0, DAY])
def test_a_worker_elsewhere_has_crashed_when_its_beats_were_the_same_for_a_minute(now, skew):
    ages, task = Ages(), beat(now, skew=skew)
    assert state(ages, task) != "crashed"
    now["monotonic"] += CRASHED_AFTER_S - 1
    assert state(ages, task) == "stalled"
    now["monotonic"] += 2
    assert state(ages, task) == "crashed"
    assert state(ages, beat(now, 2)) == "running"  # it was only slow


def test_a_worker_writes_the_clock_that_readers_of_its_machine_have(tmp_path, monkeypatch):
    request = Request("wait", {}, ("one",), "A job", 1.0)
    folder = record.job_folder(tmp_path, request.id)
    record.write_request(folder, request)
    record.claim_attempt(folder, Attempt(1, ("one",), 2.0, "engine", None, False, {}))
    attempt = record.attempt_folder(folder, 1)
    seen = []

    def look(*_):
        task = record.read_task(attempt, "one")
        monkeypatch.setattr(clock.time, "time", lambda: task.heartbeat + DAY)
        seen.append((task.boot == clock.boot(), Ages().of(task).seconds < 5, state(Ages(), task)))

    monkeypatch.setitem(work.DOORS, "wait", look)
    work.run_task(str(folder), 1, "one", work.__version__)
    assert seen == [(clock.boot() != "", True, "running")]
