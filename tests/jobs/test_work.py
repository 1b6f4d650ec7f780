"""A worker's task writes its begin, its heartbeats and every end; the pipeline is played by each test."""

from __future__ import annotations

import logging
import time

import pytest

from pseudofam_core import __version__
from pseudofam_core.errors import ModelError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import cancel, log_tail, pulse, record, work
from pseudofam_core.jobs.record import Attempt, Request, State
from pseudofam_core.progress import Meter, Progress

BE = "be-en"
REQUEST = Request("estimate", {"workspace": Workspace(seed=5).payload()}, (BE,), "Estimate", 1.0)


@pytest.fixture
def folder(tmp_path):
    folder = record.job_folder(tmp_path, REQUEST.id)
    record.write_request(folder, REQUEST)
    record.claim_attempt(folder, Attempt(1, (BE,), 2.0, "Scheduler-1", None, False, {}))
    return folder


@pytest.fixture
def run(folder, monkeypatch):
    def run(compute):
        monkeypatch.setitem(work.DOORS, "estimate", compute)
        work.run_task(str(folder), 1, BE, __version__)
        return task(folder)

    return run


def task(folder):
    return record.read_task(record.attempt_folder(folder, 1), BE)


def test_done(run, folder):
    def compute(request, one, cache, report, should_stop):
        assert (request, one, cache.root) == (REQUEST, BE, folder.parents[1])
        assert task(folder).state is State.RUNNING
        report(Progress("estimating", 9, 9))

    written = run(compute)
    assert (written.state, written.runs, written.error) == (State.DONE, 1, None)
    assert written.progress == Progress("estimating", 9, 9)
    assert written.started <= written.heartbeat


def test_the_heart_beats_while_the_stage_says_nothing(run, folder, monkeypatch):
    monkeypatch.setattr(pulse, "HEARTBEAT_S", 0.01)

    def compute(request, one, cache, report, should_stop):
        first, deadline = task(folder), time.monotonic() + 60
        while task(folder).beats < first.beats + 3:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert task(folder).heartbeat > first.heartbeat

    assert run(compute).state is State.DONE


def test_reports_reach_the_file_with_a_beat(run, folder, monkeypatch):
    monkeypatch.setattr(pulse, "HEARTBEAT_S", 0.01)

    def compute(request, one, cache, report, should_stop):
        report(Progress("estimating", 3, 9, rate=2.0))
        deadline = time.monotonic() + 60
        while task(folder).progress != Progress("estimating", 3, 9, rate=2.0):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    assert run(compute).state is State.DONE


def test_a_known_failure_speaks_for_itself_and_its_traceback_is_in_the_log(run, folder):
    def compute(*_):
        raise ModelError("model must be a folder. Got nowhere.\nSecond line.")

    written = run(compute)
    assert (written.state, written.error) == (State.FAILED, "model must be a folder. Got nowhere.")
    assert "Traceback" in log_tail(folder.parents[1], REQUEST.id)
    assert log_tail(folder.parents[1], REQUEST.id, 1) == "Second line.\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (KeyError("x"), "KeyError: 'x'"),
        (
            MemoryError(),
            "There was not enough memory (MemoryError). Free some, or ask for smaller batches, fewer beams or a smaller model.",
        ),
        (ValueError("a\nb"), "ValueError: a"),
    ],
)
def test_an_unknown_failure_is_named(run, error, line):
    def compute(*_):
        raise error

    written = run(compute)
    assert (written.state, written.error) == (State.FAILED, line)


def test_a_cancel_reaches_the_stage(run, folder):
    def compute(request, one, cache, report, should_stop):
        meter = Meter(report, should_stop, phase="estimating", total=9)
        meter.advance(1)
        record.cancel_mark(record.attempt_folder(folder, 1)).touch()
        meter.advance(1)
        pytest.fail("advance should have stopped")

    written = run(compute)
    assert (written.state, written.error) == (State.CANCELLED, None)
    assert written.progress.done == 2


def test_what_was_cancelled_in_the_queue_never_begins(run, folder):
    cancel(folder.parents[1], REQUEST.id)
    assert run(lambda *_: pytest.fail("began")).state is State.CANCELLED


def test_a_finished_or_vanished_task_is_left_alone(run, folder):
    assert run(lambda *_: None).state is State.DONE
    assert run(lambda *_: pytest.fail("began again")).runs == 1
    work.run_task(str(folder), 2, BE, __version__)
    assert not record.attempt_folder(folder, 2).exists()


def test_a_pair_that_kills_its_workers_fails_in_the_end(run, folder):
    def die(*_):
        raise SystemExit

    for runs in range(1, work.MOST_RUNS + 1):
        with pytest.raises(SystemExit):
            run(die)
        assert (task(folder).state, task(folder).runs) == (State.RUNNING, runs)
    written = run(lambda *_: pytest.fail("began again"))
    assert written.state is State.FAILED
    assert "died 3 times" in written.error


def test_workers_that_get_further_before_they_die_may_be_many(run, folder):
    """A Slurm job that reaches its time limit is no fault of the task."""

    def get_further(request, name, cache, report, should_stop):
        report(Progress("training", len(begun), 100))
        begun.append(name)
        raise SystemExit

    begun = ["before"]
    for _ in range(2 * work.MOST_RUNS):
        with pytest.raises(SystemExit):
            run(get_further)
        assert task(folder).runs == 1
    assert task(folder).reached == len(begun) - 2
    assert run(lambda *_: None).state is State.DONE


def test_the_log_has_what_the_package_says_meanwhile_and_nothing_after(run, folder):
    package = logging.getLogger("pseudofam_core")
    before = (package.level, list(package.handlers))
    run(lambda *_: logging.getLogger("pseudofam_core.estimates.fisher").info("resumed at 7"))
    assert (package.level, package.handlers) == before
    log = log_tail(folder.parents[1], REQUEST.id)
    assert [line.split(" ", 1)[1] for line in log.splitlines()] == [
        "be-en INFO begun",
        "be-en INFO resumed at 7",
        "be-en INFO done",
    ]


def test_a_heartbeat_that_cannot_be_written_does_not_stop_the_heart(run, monkeypatch):
    monkeypatch.setattr(pulse, "HEARTBEAT_S", 0.01)
    write, calls = record.write_task, []

    def full_disk_once(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError("No space left on device")
        write(*arguments)

    monkeypatch.setattr(record, "write_task", full_disk_once)

    def compute(*_):
        deadline = time.monotonic() + 60
        while len(calls) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    assert run(compute).state is State.DONE
