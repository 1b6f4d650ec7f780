"""Job cards with the curves of a training run."""

from __future__ import annotations

import time
from dataclasses import replace

import pandas as pd
import pytest

from pages.components.job_curves import metric_label, thinned
from pseudofam_core import jobs
from pseudofam_core.errors import JobError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import SMALL, TIMING_TASK, Arm, Budget, BudgetMode, FinetuneRequest
from pseudofam_core.jobs import JobView, State, TaskView
from pseudofam_core.jobs.state import unreadable
from pseudofam_core.languages import pair
from pseudofam_core.progress import Progress
from pseudofam_core.store.notes import Noted, notes_of
from tests.pages.conftest import said
from tests.pages.test_notes import name_it

CHART = "plotly_chart"


def run_of(state, *, metrics=None):
    progress = Progress("training", 50, 200, "updates", rate=2.0, metrics=metrics or {})
    now = time.time()
    views = (
        TaskView("overlap/seed-1", state, progress=progress, heartbeat_age_s=1.0),
        TaskView("overlap/seed-2", State.DONE),
    )
    return JobView("0123abcd", "finetune", "Fine-tune be-en", None, state, now, now, 1, views)


@pytest.fixture
def listed(monkeypatch):
    """Jobs that the pages are told of, and what their running task has measured."""
    views, reports = [], []
    monkeypatch.setattr(jobs, "list_jobs", lambda root: list(views))
    monkeypatch.setattr(jobs, "log_tail", lambda root, job_id, n_lines=50: "")
    monkeypatch.setattr(jobs, "metrics", lambda root, job_id, task: reports if task == "overlap/seed-1" else [])
    return views, reports


def test_a_training_run_shows_its_curves_and_its_speed(world, listed):
    views, reports = listed
    views.append(run_of(State.RUNNING, metrics={"loss": 2.5, "tokens_per_s": 12_345.0}))
    reports += [{"phase": "training", "done": n, "loss": 3.0 - n, "tokens_per_s": 9.0} for n in range(3)]
    reports += [{"phase": "training", "done": 3, "dev_bleu": 20.0, "dev_loss": None}]
    app = world.estimate("be", "tr").open()
    assert not app.exception
    words = said(app)
    assert "overlap · seed-1" in words
    assert "training, 50 of 200 updates" in words
    assert "12,345 tokens per second" in words
    assert "1 of 2 runs done" in app.progress[0].text
    assert len(app.get(CHART)) == 2  # losses, dev scores


def test_the_dev_losses_of_all_runs_lie_in_one_chart(world, listed, monkeypatch):
    views, _ = listed
    views.append(run_of(State.RUNNING))
    measured = [{"phase": "training", "done": n, "loss": 3.0, "dev_loss": 3.0 - n // 2} for n in range(5)]
    monkeypatch.setattr(jobs, "metrics", lambda root, job_id, task: measured)
    app = world.estimate("be", "tr").open()
    assert not app.exception
    assert len(app.get(CHART)) == 1
    monkeypatch.setattr(jobs, "metrics", lambda root, job_id, task: measured if task == "overlap/seed-1" else [])
    assert not world.open().get(CHART)  # one run alone has its own


def training(mode, phase="training"):
    running = TaskView("overlap/seed-1", State.RUNNING, Progress(phase, 50, 200, "updates", rate=2.0), seconds=25.0)
    request = FinetuneRequest(Workspace(), pair("be-en"), (Arm("single", ()),), budget_of(mode), SMALL)
    now = time.time()
    view = JobView("0123abcd", "finetune", "Fine-tune be-en", None, State.RUNNING, now, now, 1, (running,))
    return replace(view, payload=request.payload())


def budget_of(mode):
    return Budget.of(mode, 200, 3)


def test_updates_to_a_cap_may_be_fewer(world, listed):
    early, equal = BudgetMode.EARLY_STOPPING, BudgetMode.EQUAL_UPDATES
    timing = replace(training(early), tasks=(replace(training(early).tasks[0], name=TIMING_TASK),))
    told = {
        "about 75 s to go, less where training stops early": [training(early)],
        "about 75 s to go": [training(equal), training(early, phase="translating"), timing],
    }
    for words, views in told.items():
        for view in views:
            listed[0][:] = [view]
            assert world.estimate("be", "tr").open().progress[0].text == f"0 of 1 run done · {words}"


def test_a_run_that_has_measured_nothing_has_no_chart(world, listed):
    listed[0].append(run_of(State.RUNNING))
    app = world.estimate("be", "tr").open()
    assert not app.exception
    assert not app.get(CHART)


def test_many_points_are_thinned_and_the_last_one_stays():
    points = pd.DataFrame({"done": range(1234), "loss": 1.0})
    few = thinned(points)
    assert len(few) <= 400
    assert few["done"].iloc[-1] == 1233
    assert few["done"].is_monotonic_increasing
    assert thinned(points[:3]).equals(points[:3])


def test_metrics_have_names_that_people_read():
    assert [metric_label(name) for name in ("dev_bleu", "gradient_norm")] == ["dev BLEU", "gradient norm"]


def estimating(state, *tasks, **fields):
    now = time.time()
    return JobView("0123abcd", "estimate", "Estimate", None, state, now, now, 1, tasks, **fields)


def card(world, listed, view):
    listed[0][:] = [view]
    app = world.open("estimates")
    assert not app.exception
    return app


@pytest.mark.parametrize("page", ["estimates", "finetune"])
def test_a_job_that_can_not_be_read_is_shown_and_can_be_removed(world, listed, monkeypatch, page):
    removed = []
    monkeypatch.setattr(jobs, "remove", lambda root, job_id: removed.append(job_id))
    listed[0][:] = [unreadable("0123abcd", "The job /x/0123abcd can't be read (no JSON).", since=1.0)]
    app = world.open(page)
    assert not app.exception
    assert "no JSON" in said(app)
    app.button(key="remove-0123abcd").click().run()
    assert not app.exception
    assert removed == ["0123abcd"]


def test_a_queued_job_tells_its_place_and_can_be_cancelled(world, listed):
    app = card(world, listed, estimating(State.QUEUED, TaskView("kk-en", State.QUEUED), queue_position=2))
    assert app.progress[0].text == "0 of 1 pair done · number 2 in the queue"
    assert app.button(key="cancel-0123abcd").label == "Cancel"


def test_a_running_task_tells_where_it_runs(world, listed):
    task = TaskView("kk-en", State.RUNNING, Progress("estimating", 1, 4), device="NVIDIA H100", heartbeat_age_s=2.0)
    words = said(card(world, listed, estimating(State.RUNNING, task)))
    assert "**Kazakh · kk** · estimating, 1 of 4 sentences · NVIDIA H100 · last sign of life 2 s ago" in words


def test_a_silent_worker_is_told_from_a_lost_one(world, listed):
    task = TaskView("kk-en", State.STALLED, Progress("estimating", 1, 4), heartbeat_age_s=31.0)
    words = said(card(world, listed, estimating(State.STALLED, task)))
    assert "no sign of life" in words
    assert "last sign of life 31 s ago" in words
    assert "It may still go on" in words
    app = card(world, listed, estimating(State.CRASHED, TaskView("kk-en", State.CRASHED)))
    assert "worker lost" in said(app)
    assert "The worker is gone" in said(app)
    assert not app.error  # which is for those that failed
    assert app.button(key="resume-0123abcd")


def test_what_a_stopping_job_still_needs_is_not_said(world, listed):
    task = TaskView("kk-en", State.RUNNING, Progress("estimating", 1, 4, rate=1.0), heartbeat_age_s=1.0)
    app = card(world, listed, estimating(State.CANCELLING, task))
    assert "stopping" in said(app)
    assert app.progress[0].text == "0 of 1 pair done"


def test_a_cancelled_job_says_what_is_kept(world, listed):
    tasks = TaskView("be-en", State.DONE), TaskView("kk-en", State.CANCELLED)
    app = card(world, listed, estimating(State.CANCELLED, *tasks))
    assert "Of 2 pairs 1 is finished and kept" in said(app)
    assert app.button(key="resume-0123abcd")


def test_a_cancelled_job_of_one_part_does_not_say_that_nothing_is_kept(world, listed):
    part = TaskView("sentences", State.CANCELLED)
    now = time.time()
    listed[0].append(JobView("0123abcd", "lab", "Experiment", None, State.CANCELLED, now, now, 1, (part,)))
    told = said(world.open("lab"))
    assert "What it has finished is kept. Resume does the rest." in told
    assert "0 are finished" not in told


@pytest.mark.parametrize("page", ["estimates", "finetune", "transfer", "compare", "lab", "overview"])
@pytest.mark.parametrize("kind", ["estimate", "finetune", "transfer", "lab"])
def test_no_page_shows_a_running_job_twice(world, listed, page, kind):
    part = TaskView("tr-en", State.RUNNING, Progress("estimating", 1, 4, rate=1.0), heartbeat_age_s=1.0)
    listed[0].append(replace(run_of(State.RUNNING), kind=kind, tasks=(part,)))
    app = world.estimate("be", "tr").open(page)
    assert not app.exception
    assert [button.key for button in app.button].count("cancel-0123abcd") <= 1


def test_a_failed_job_names_what_failed_and_gives_the_whole_log(world, listed, monkeypatch):
    monkeypatch.setattr(jobs, "log_tail", lambda root, job_id, n_lines=50: "the end of it")
    tasks = [TaskView(f"{code}-en", State.FAILED, error="no memory left") for code in ("kk", "tr")]
    app = card(world, listed, estimating(State.FAILED, *tasks))
    assert app.error[0].value == "**Kazakh · kk**: no memory left (and 1 more)"
    assert "the end of it" in app.code[0].value
    assert "Full log" in [one.label for one in app.get("download_button")]
    assert app.button(key="resume-0123abcd")


def test_a_done_job_asks_for_nothing(world, listed):
    app = card(world, listed, estimating(State.DONE, TaskView("kk-en", State.DONE)))
    assert "done" in said(app)
    assert not [one for one in app.button if one.label in ("Cancel", "Resume")]
    assert app.button(key="remove-0123abcd").label == "Remove"  # its results stay


def test_jobs_of_one_title_tell_in_what_they_differ(world, listed):
    few, many = (
        replace(
            estimating(State.DONE, TaskView("kk-en", State.DONE)), id=job_id, payload={"workspace": {"sentences": n}}
        )
        for job_id, n in (("0123abcd", 200), ("4567cdef", 500))
    )
    listed[0][:] = [few, many]
    words = said(world.open("estimates"))
    assert "UTC · sentences 200" in words
    assert "UTC · sentences 500" in words


def test_a_job_has_a_name_and_a_note_until_it_is_removed(world, listed, monkeypatch):
    monkeypatch.setattr(jobs, "remove", lambda root, job_id: listed[0].clear())
    app = card(world, listed, estimating(State.DONE, TaskView("kk-en", State.DONE)))
    app = name_it(app, "Name this job", "Before the clean-up", "with *old* text")
    assert not app.exception
    assert notes_of(world.cache, Noted.JOB)["0123abcd"].name == "Before the clean-up"
    app = world.open("estimates")
    assert "with \\*old\\* text" in said(app)
    app.button(key="remove-0123abcd").click().run()
    assert not app.exception
    assert notes_of(world.cache, Noted.JOB) == {}


def test_the_first_start_says_what_it_computes_and_how_to_stop_it(world, listed):
    listed[0][:] = [estimating(State.RUNNING, TaskView("kk-en", State.RUNNING))]
    (note,) = [one.value for one in world.open().info if "First start" in one.value]
    assert "Cancel" in note
    listed[0].append(replace(estimating(State.DONE, TaskView("be-en", State.DONE)), id="4567cdef"))
    assert not [one for one in world.open().info if "First start" in one.value]


def test_a_refusal_is_told_where_the_next_second_does_not_wipe_it(world, listed, monkeypatch):
    def refuse(root, job_id):
        raise JobError("The job is still stopping.")

    monkeypatch.setattr(jobs, "cancel", refuse)
    app = card(world, listed, estimating(State.QUEUED, TaskView("kk-en", State.QUEUED)))
    app.button(key="cancel-0123abcd").click().run()
    assert app.toast[0].value == "The job is still stopping."
