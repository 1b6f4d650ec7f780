"""Job cards with the curves of a training run."""

from __future__ import annotations

import time

import pandas as pd
import pytest

from pages.components.job_curves import metric_label, thinned
from pseudofam_core import jobs
from pseudofam_core.jobs import JobView, State, TaskView
from pseudofam_core.progress import Progress
from tests.pages.conftest import said

CHART = "vega_lite_chart"


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
