import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pseudofam_core import jobs
from pseudofam_core.errors import JobError
from pseudofam_core.jobs import JobView, State, TaskView
from pseudofam_core.languages import pair
from pseudofam_core.progress import Progress
from pseudofam_core.specs import Workspace
from tests.pages.conftest import APP, CODES, PAIRS, said


def job(world, state, *, task=None, codes=("kk", "tr"), error=None):
    """A job of the world's workspace, both of its pairs in the state `task`."""
    progress = Progress("estimating", 50, 200, rate=5.0) if task is State.RUNNING else None
    views = tuple(
        TaskView(pair(f"{code}-en"), task or state, progress=progress, heartbeat_age_s=1.0, error=error)
        for code in codes
    )
    now = time.time()
    return JobView("0123abcd", "estimate", "Estimate 2 pairs", world.workspace, state, now, now, 1, views)


@pytest.fixture
def listed(monkeypatch):
    """Jobs that the pages are told of."""
    views = []
    monkeypatch.setattr(jobs, "list_jobs", lambda root: list(views))
    monkeypatch.setattr(jobs, "log_tail", lambda root, job_id, n_lines=50: "a line of the log")
    return views


def test_the_table_tells_what_is_known(world):
    rows = world.estimate("be", "tr").open("estimates").dataframe[0].value.set_index("Pair")
    assert list(rows.index) == [str(one) for one in sorted(PAIRS, key=lambda one: one.label)]
    assert rows["Status"].value_counts().to_dict() == {"missing": 3, "estimated": 2}
    assert rows.loc["be-en", "Tokens"] == 50
    assert rows.loc["be-en", "Loss per token"] == 2.5


def test_run_hands_over_the_chosen_pairs(world, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "submit_estimate", lambda root, workspace, pairs: asked.append((root, workspace, pairs)))
    app = world.estimate("be", "tr").open("estimates")
    assert "About 4 min" in said(app)  # three pairs of 90 s
    app.multiselect(key="to_estimate").set_value([pair("uk-en")]).run()
    next(one for one in app.button if one.label == "Run estimates").click().run()
    assert not app.exception
    ((root, workspace, pairs),) = asked
    assert (root, workspace.model, pairs) == (world.cache.root, world.workspace.model, [pair("uk-en")])


def test_an_engine_that_does_not_start_is_said(world, monkeypatch):
    def refuse(root, workspace, pairs):
        raise JobError("The engine did not start.")

    monkeypatch.setattr(jobs, "submit_estimate", refuse)
    app = world.open("estimates")
    next(one for one in app.button if one.label == "Run estimates").click().run()
    assert not app.exception
    assert "did not start" in app.error[0].value


def test_a_complete_pool_asks_for_nothing(world):
    app = world.estimate(*CODES).open("estimates")
    assert not app.button
    assert "all 5 pairs estimated" in said(app)


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_card(world, listed, state):
    active = state in (State.RUNNING, State.CANCELLING)
    listed.append(job(world, state, task=State.RUNNING if active else None))
    app = world.open("estimates")
    assert not app.exception
    assert app.progress
    labels = {one.label for one in app.button}
    assert ("Cancel" in labels) == (state in (State.QUEUED, State.RUNNING, State.STALLED))
    assert ("Resume" in labels) == (state in (State.CANCELLED, State.FAILED, State.CRASHED))


def test_a_running_job_tells_how_far_it_is(world, listed):
    listed.append(job(world, State.RUNNING, task=State.RUNNING))
    app = world.open("estimates")
    words = said(app)
    assert "50 of 200 sentences" in words
    assert "5 sentences per second" in words
    assert "last sign of life 1 s ago" in words
    assert app.progress[0].value == 25
    assert "about 30 s to go" in app.progress[0].text
    status = app.dataframe[0].value.set_index("Pair")["Status"]
    assert status["kk-en"] == "running"
    assert "a line of the log" in app.code[0].value


def test_a_failed_job_tells_why(world, listed):
    listed.append(job(world, State.FAILED, error="The model lacks Kazakh."))
    assert "lacks Kazakh" in world.open("estimates").error[0].value


@pytest.mark.parametrize(
    ("state", "label", "action"), [(State.RUNNING, "Cancel", "cancel"), (State.FAILED, "Resume", "resume")]
)
def test_buttons_act_on_their_job(world, listed, monkeypatch, state, label, action):
    acted = []
    monkeypatch.setattr(jobs, action, lambda root, job_id: acted.append((root, job_id)))
    listed.append(job(world, state))
    app = world.open("estimates")
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception
    assert acted == [(world.cache.root, "0123abcd")]


def test_jobs_of_another_workspace_do_not_mark_pairs(world, listed, tmp_path):
    listed.append(job(world, State.RUNNING, task=State.RUNNING))
    app = world.open("estimates", seed="2")
    assert set(app.dataframe[0].value["Status"]) == {"missing"}


def test_overview_counts_running_jobs(world, listed):
    listed.append(job(world, State.RUNNING, task=State.RUNNING))
    app = world.open()
    assert app.metric[3].value == "1"
    assert "See the estimates" in said(app)
    assert [one.label for one in app.button] == ["Cancel"]


@pytest.fixture
def submitted(monkeypatch, world):
    """What is handed to the engine, the sample's model being a folder of the test's."""
    calls = []
    monkeypatch.setattr(jobs, "submit_estimate", lambda *arguments: calls.append(arguments))
    monkeypatch.setattr("pseudofam_core.hub.sample_model", lambda: Path(world.workspace.model))
    return calls


def first_start():
    return AppTest.from_file(str(APP), default_timeout=60).run()


def test_on_the_first_start_the_sample_is_estimated_unasked(listed, submitted, world, monkeypatch):
    monkeypatch.setattr(
        jobs, "submit_estimate", lambda *given: (submitted.append(given), listed.append(_started(world)))
    )
    app = first_start()
    assert not app.exception
    (root, workspace, pairs), *others = submitted
    assert not others
    assert root == world.cache.root
    assert workspace == Workspace()
    assert len(pairs) == 17


def test_the_sample_is_not_estimated_again_after_any_job(listed, submitted, world):
    listed.append(job(world, State.CANCELLED))
    first_start()
    assert not submitted


def test_another_workspace_is_not_estimated_unasked(listed, submitted, world):
    world.open()
    assert not submitted


def _started(world):
    return job(world, State.RUNNING, task=State.RUNNING)
