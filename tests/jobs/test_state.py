"""The state of a job follows from what workers wrote, the cancel mark, the age of heartbeats and the engine."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs.clock import Age
from pseudofam_core.jobs.engine_file import place
from pseudofam_core.jobs.record import Attempt, Job, Request, State, Task
from pseudofam_core.jobs.state import CRASHED_AFTER_S, STALLED_AFTER_S, derive, with_positions
from pseudofam_core.progress import Progress

NOW = 10_000.0
ENGINE = "Scheduler-1"
BE, UK, SK = "be-en", "uk-en", "sk-en"
QUEUED = None


def task(state=State.RUNNING, *, age=1.0, done=0, total=100, rate=None, seconds=10.0, **others):
    beat = NOW - age
    progress = Progress("estimating", done, total, rate=rate)
    return Task(
        state, 1, "there", 7, started=beat - seconds, heartbeat=beat, seconds=seconds, progress=progress, **others
    )


def attempt(*tasks, number=1, cancelled=False, host=None, todo=(BE, UK, SK)):
    todo = todo[: len(tasks)]
    written = {one: task for one, task in zip(todo, tasks, strict=True) if task}
    return Attempt(number, todo, NOW - 100 + number, ENGINE, host, cancelled, written)


def see(*attempts, engine=ENGINE):
    payload = {"workspace": Workspace(seed=7).payload()}
    request = Request("estimate", payload, attempts[0].todo, "Estimate", NOW - 200)
    return derive(
        Job(request, attempts), age=lambda task: Age(NOW - task.heartbeat, NOW - task.heartbeat), engine=engine
    )


RUNNING = task()
STALLED = task(age=STALLED_AFTER_S + 1)
GONE = task(age=CRASHED_AFTER_S + 1)
DONE, FAILED, STOPPED = task(State.DONE, age=500), task(State.FAILED, age=500), task(State.CANCELLED, age=500)


@pytest.mark.parametrize(
    ("tasks", "cancelled", "state"),
    [
        ([QUEUED, QUEUED], False, "queued"),
        ([QUEUED, QUEUED], True, "cancelled"),
        ([RUNNING, QUEUED], False, "running"),
        ([DONE, QUEUED], False, "running"),
        ([FAILED, QUEUED], False, "running"),
        ([STALLED, QUEUED], False, "stalled"),
        ([STALLED, RUNNING], False, "running"),
        ([RUNNING, QUEUED], True, "cancelling"),
        ([STALLED, DONE], True, "cancelling"),
        ([STOPPED, QUEUED], True, "cancelled"),
        ([STOPPED, DONE], True, "cancelled"),
        ([GONE, QUEUED], True, "cancelled"),
        ([GONE, QUEUED], False, "crashed"),
        ([GONE, DONE, FAILED], False, "crashed"),
        ([GONE, RUNNING], False, "running"),
        ([FAILED, DONE], False, "failed"),
        ([DONE, DONE], False, "done"),
        ([DONE, DONE], True, "done"),
    ],
)
def test_the_state_of_a_job(tasks, cancelled, state):
    assert see(attempt(*tasks, cancelled=cancelled)).state == state


@pytest.mark.parametrize("tasks", [[QUEUED], [RUNNING, QUEUED], [DONE, QUEUED]])
@pytest.mark.parametrize("host", [place(), socket.gethostname()])
def test_what_this_users_engine_of_this_machine_had_is_lost_with_it(tasks, host):
    here = attempt(*tasks, host=host)
    assert see(here, engine=ENGINE).state != "crashed"
    assert see(here, engine=None).state == "crashed"
    assert see(here, engine="Scheduler-2").state == "crashed"


@pytest.mark.parametrize("host", ["elsewhere/0", f"{socket.gethostname()}/another-user"])
def test_the_engine_of_another_machine_or_user_is_judged_by_heartbeats_alone(host):
    assert see(attempt(RUNNING, QUEUED, host=host), engine=None).state == "running"


def test_finished_work_stays_done_when_the_engine_is_gone():
    assert see(attempt(DONE, DONE, host=place()), engine=None).state == "done"


def test_a_resumed_job_keeps_what_was_done_and_shows_the_rest_anew():
    first = attempt(DONE, FAILED, STOPPED, cancelled=True)
    seen = see(first, attempt(RUNNING, QUEUED, number=2, todo=(UK, SK)))
    assert [one.state for one in seen.tasks] == ["done", "running", "queued"]
    assert (seen.state, seen.attempt, seen.error) == ("running", 2, None)


def test_counts_rate_and_remaining_time():
    running = task(done=25, rate=5.0, seconds=5.0)
    seen = see(attempt(task(State.DONE, seconds=30.0), running, QUEUED))
    assert (seen.done, seen.total) == (1, 3)
    assert seen.fraction == pytest.approx(1.25 / 3)
    assert seen.rate == 5.0
    assert seen.phase == "estimating"
    assert seen.remaining_s == pytest.approx((75 / 5 + 30,) * 2)  # the queued pair takes as long as the finished one


def test_queued_pairs_take_as_long_as_the_running_one_where_none_is_done():
    assert see(attempt(task(done=50, rate=5.0, seconds=10.0), QUEUED)).remaining_s == pytest.approx((10 + 20,) * 2)


def test_pairs_that_run_side_by_side_share_the_queue():
    seen = see(attempt(task(done=50, rate=5.0), task(done=50, rate=5.0), QUEUED))
    assert seen.rate == 10.0
    assert seen.remaining_s == pytest.approx(((10 + 10 + 20) / 2,) * 2)


def test_queued_pairs_take_from_the_quickest_to_the_slowest_of_the_finished():
    done = [task(State.DONE, seconds=seconds) for seconds in (30.0, 50.0)]
    seen = see(attempt(*done, task(done=50, rate=5.0), QUEUED, QUEUED, todo=(BE, UK, SK, "bg-en", "kk-en")))
    assert seen.remaining_s == pytest.approx((10 + 2 * 30, 10 + 2 * 50))


RUNS = ("zero-shot", "single/seed-1", "overlap/seed-1", "all/seed-1")


def test_a_queued_run_takes_what_training_takes_not_what_the_untrained_model_took():
    scored = task(State.DONE, seconds=20.0)
    assert see(attempt(scored, QUEUED, QUEUED, todo=RUNS)).remaining_s is None
    assert see(attempt(task(done=50, rate=5.0), QUEUED, todo=RUNS)).remaining_s is None
    training = task(done=50, rate=1.0, seconds=50.0)
    training = replace(training, progress=replace(training.progress, phase="training"))
    # Each is trained as long as the running one, and scored as long as the untrained model.
    seen = see(attempt(scored, training, QUEUED, QUEUED, todo=RUNS))
    assert seen.remaining_s == pytest.approx((50 + 20 + 2 * (50 + 50 + 20),) * 2)
    finished = task(State.DONE, seconds=300.0)
    assert see(attempt(scored, finished, QUEUED, training, todo=RUNS)).remaining_s == pytest.approx((70 + 300,) * 2)


def test_nothing_is_promised_before_the_rate_is_known():
    seen = see(attempt(task(), QUEUED))
    assert (seen.rate, seen.remaining_s, seen.fraction) == (None, None, 0.0)


def test_the_age_is_that_of_the_latest_heartbeat():
    assert see(attempt(task(age=9.0), task(age=4.0), QUEUED)).heartbeat_age_s == 4.0
    assert see(attempt(QUEUED)).heartbeat_age_s is None


def test_an_error_is_shown():
    assert see(attempt(DONE, task(State.FAILED, error="No such model."))).error == "No such model."


def test_queued_jobs_are_numbered_in_the_order_they_were_submitted():
    queued, running = see(attempt(QUEUED)), see(attempt(RUNNING))
    views = [
        replace(queued, id="late", submitted=3.0),
        replace(running, id="now", submitted=1.0),
        replace(queued, id="early", submitted=2.0),
    ]
    assert {one.id: one.queue_position for one in with_positions(views)} == {"late": 2, "now": None, "early": 1}
