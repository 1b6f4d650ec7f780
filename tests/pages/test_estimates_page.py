import shutil
import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pseudofam_core import jobs
from pseudofam_core.errors import JobError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.exchange.archive import export_estimates
from pseudofam_core.jobs import JobView, State, TaskView
from pseudofam_core.languages import pair
from pseudofam_core.progress import Progress
from pseudofam_core.store.stages import Stage
from tests.pages.conftest import APP, CODES, PAIRS, said


def job(world, state, *, task=None, codes=("kk", "tr"), error=None):
    """A job of the world's workspace, both of its pairs in the state `task`."""
    progress = Progress("estimating", 50, 200, rate=5.0) if task is State.RUNNING else None
    views = tuple(
        TaskView(f"{code}-en", task or state, progress=progress, heartbeat_age_s=1.0, error=error) for code in codes
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
    assert "Run estimates" not in [one.label for one in app.button]
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
    assert ("Resume" in labels) == (state in (State.CANCELLED, State.FAILED, State.CRASHED, State.DAMAGED))


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
    assert "Cancel" in [one.label for one in app.button]


def test_pairs_that_a_job_has_in_hand_are_not_offered_again(world, listed):
    listed.append(job(world, State.RUNNING, task=State.RUNNING))
    app = world.open("estimates")
    assert [one.split(" · ")[1] for one in app.multiselect(key="to_estimate").options] == ["be", "bg", "uk"]
    listed[0] = job(world, State.RUNNING, task=State.RUNNING, codes=CODES)
    assert "Run estimates" not in [one.label for one in world.open("estimates").button]


def test_nothing_chosen_means_all_that_are_missing(world, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "submit_estimate", lambda root, workspace, pairs: asked.append(pairs))
    app = world.estimate("be").open("estimates")
    next(one for one in app.button if one.label == "Run estimates").click().run()
    assert asked == [[one for one in PAIRS if one != pair("be-en")]]


def test_estimates_of_another_model_are_out_of_date_and_still_shown(world):
    world.estimate(*CODES)
    (Path(world.workspace.model) / "config.json").write_text('{"changed": true}')
    st.cache_data.clear()
    app = world.open("estimates")
    assert not app.exception
    assert "5 estimates are out of date:** the model has changed" in app.warning[0].value
    rows = app.dataframe[0].value
    assert set(rows["Status"]) == {"out of date"}
    assert rows["Sentences"].sum() == 20
    assert app.get("plotly_chart")  # where the mass lay
    assert "5 out of date" in app.switch_page("overview.py").run().metric[0].delta
    assert "Recompute them" in said(app)


def test_diagnostics_of_old_estimates_say_how_to_get_them(world):
    app = world.estimate("be", "tr").open("estimates")
    assert sum("Estimate them again" in one.value for one in app.info) == 3


def test_diagnostics_are_drawn_where_they_are_recorded(world):
    world.estimate(*CODES, diagnostics=True)
    app = world.open("estimates", of="tr-en")
    assert not app.exception
    assert not [one for one in app.info if "again" in one.value]
    assert len(app.get("plotly_chart")) == 4
    words = said(app)
    assert "Of the parameters of Turkish · tr 30.0% are exactly zero. Zeros are in no mask" in words
    assert "In Turkish · tr the largest 1% of the parameters hold 60% of the mass." in words
    assert "correlate with r = 0.95 for Turkish · tr: the estimate has settled" in words
    assert "A few parameters dominate." in words
    assert "The decoder holds 0% of the mass; the fullest layer is encoder layer" in words


def test_the_language_that_was_looked_up_comes_first(world):
    app = world.estimate(*CODES).open("estimates", find="tr-en")
    assert app.dataframe[0].value["Pair"].iloc[0] == "tr-en"
    assert "(Turkish · tr)" in said(app)


def test_an_import_is_checked_and_told(world, tmp_path):
    world.estimate("be")
    found = world.cache.find(Stage.FISHER, next(world.cache.keys(Stage.FISHER)))
    export_estimates([found], tmp_path / "out.zip")
    shutil.rmtree(found.folder)
    app = world.open("estimates")
    _import(app, tmp_path / "out.zip")
    assert "1 imported, 1 of them of this workspace" in app.success[0].value
    assert list(app.dataframe[0].value["Status"]).count("imported") == 1
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    _import(app, tmp_path / "bad.zip")
    assert "Not imported.** The file is not a whole zip" in app.error[0].value


def test_a_download_is_offered_and_what_is_too_large_goes_to_the_disk(world, monkeypatch):
    app = world.estimate("be", "tr").open("estimates")
    assert [one.label for one in app.get("download_button")] == ["Download 2 estimates, 0 MB"]
    monkeypatch.setattr("pages.views.exchange.exported_size", lambda estimates: 2**40)
    app.run()
    next(one for one in app.button if one.label.startswith("Write 2 estimates")).click().run()
    assert not app.exception
    assert (world.cache.root / "exports" / "estimates.zip").is_file()


def _import(app, path):
    next(one for one in app.text_input if one.label == "Or its path on the server").set_value(str(path))
    next(one for one in app.button if one.label == "Import").click().run()
    assert not app.exception


@pytest.fixture
def submitted(monkeypatch, world):
    """What is handed to the engine, the sample's model being a folder of the test's."""
    calls = []
    monkeypatch.setattr(jobs, "submit_estimate", lambda *arguments: calls.append(arguments))
    monkeypatch.setattr("pseudofam_core.models.hub.sample_model", lambda: Path(world.workspace.model))
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
