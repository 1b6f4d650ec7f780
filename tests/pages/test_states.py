"""Every page, in every state of its workspace."""

import json
import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pseudofam_core import jobs
from pseudofam_core.jobs import JobView, State, TaskView
from pseudofam_core.languages import pair
from tests.pages.conftest import APP, CODES, PAIRS, World, said

PAGES = ("overview", "estimates", "similarity", "families", "finetune", "compare", "transfer", "beside", "lab")
NEED_A_POOL = ("overview", "estimates", "similarity", "families", "finetune", "transfer", "beside")
_TITLES = {"overview": "Pseudo language families", "finetune": "Fine-tune", "beside": "Two workspaces"}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("estimated", [(), CODES[:1], CODES[:3], CODES])
def test_a_page_stands_whatever_is_estimated(world, page, estimated):
    app = world.estimate(*estimated).open(page)
    assert not app.exception
    assert app.title[0].value
    if page not in ("finetune", "transfer"):  # which say that this corpus has nothing to score with
        assert not app.error


@pytest.mark.parametrize("page", NEED_A_POOL)
def test_a_bad_model_is_said_with_the_way_out(world, page, tmp_path):
    app = world.open(page, model=str(tmp_path / "nowhere"))
    assert not app.exception
    assert "no such folder" in app.warning[0].value
    assert "Workspace" in said(app)


@pytest.mark.parametrize("page", NEED_A_POOL)
def test_a_missing_sample_model_is_said(world, page, tmp_path, monkeypatch):
    monkeypatch.setattr("pseudofam_core.models.hub.sample_model", lambda: tmp_path / "none")
    app = world.open(page, model="sample")
    assert not app.exception
    assert "sample model is missing" in app.warning[0].value


@pytest.mark.parametrize("page", NEED_A_POOL)
def test_a_bad_corpus_is_said_with_the_way_out(world, page, tmp_path):
    app = world.open(page, corpus=str(tmp_path / "nowhere"))
    assert not app.exception
    assert "no such file or folder" in app.warning[0].value


@pytest.mark.parametrize("field", ["model", "corpus"])
def test_an_emptied_field_is_not_the_sample(world, field):
    app = world.open("similarity")
    app.text_input(key=field).set_value(" ").run()
    assert not app.exception
    assert "Got nothing" in app.warning[0].value
    assert "**sample**" not in said(app)


@pytest.mark.parametrize("page", NEED_A_POOL)
def test_a_split_that_is_not_there_names_those_that_are(world, page):
    app = world.open(page, split="dev")
    assert not app.exception
    app.button(key="split_train").click().run()
    assert not app.exception
    assert "no dev split" not in said(app)
    assert not [one for one in app.button if one.key == "split_train"]


@pytest.mark.parametrize("page", ["similarity", "families", "finetune"])
def test_nothing_is_compared_with_fewer_than_two(world, page):
    app = world.estimate("be").open(page)
    assert "1 of 5" in app.info[0].value
    assert app.button(key="estimate_missing").label == "Estimate 4 pairs"
    assert not app.get("plotly_chart")


@pytest.fixture
def engine(monkeypatch):
    """What is handed to the engine, and the jobs that the pages are told of."""
    submitted, listed = [], []
    monkeypatch.setattr(jobs, "submit_estimate", lambda root, workspace, pairs: submitted.append(pairs))
    monkeypatch.setattr(jobs, "list_jobs", lambda root: list(listed))
    monkeypatch.setattr(jobs, "log_tail", lambda root, job_id, n_lines=50: "")
    return submitted, listed


def job(world, state, *codes, error=None):
    tasks = tuple(TaskView(f"{code}-en", state, error=error) for code in codes)
    now = time.time()
    return JobView("0123abcd", "estimate", "Estimate", jobs.placed(world.workspace), state, now, now, 1, tasks)


def keys(app):
    return [one.key for one in app.button]


def rows(app):
    """Names of the rows of the page's heatmap."""
    figures = [json.loads(one.proto.spec) for one in app.get("plotly_chart")]
    return next(one["layout"]["yaxis"]["ticktext"] for one in figures if "heatmap" in str(one["data"]))


@pytest.mark.parametrize("page", ["similarity", "families"])
def test_a_partial_pool_is_shown_and_completed_by_one_click(world, engine, monkeypatch, page):
    submitted, listed = engine

    def submit(root, workspace, pairs):
        submitted.append(pairs)
        listed.append(job(world, State.QUEUED, "bg", "kk"))

    monkeypatch.setattr(jobs, "submit_estimate", submit)
    app = world.estimate("be", "uk", "tr").open(page)
    assert app.get("plotly_chart")
    assert "2 of 5 pairs missing" in said(app)
    assert app.button(key="estimate_missing").label == "Estimate 2 pairs"
    app.button(key="estimate_missing").click().run()
    assert not app.exception
    assert submitted == [[pair("bg-en"), pair("kk-en")]]
    assert "estimate_missing" not in keys(app)
    assert "0 of 2 pairs done" in said(app)
    assert app.get("plotly_chart")
    listed[0] = job(world, State.FAILED, "bg", "kk", error="no memory left")
    app.run()
    assert "The last job failed: no memory left" in said(app)
    assert "estimate_missing" in keys(app)


def test_pairs_that_are_missing_are_hatched(world):
    app = world.estimate("be", "uk", "tr").open("similarity")
    assert sorted(rows(app)[:3]) == ["Belarusian · be", "Turkish · tr", "Ukrainian · uk"]
    assert rows(app)[3:] == ["Bulgarian · bg", "Kazakh · kk"]
    assert "Hatched grey is not estimated yet" in said(app)
    assert "Hatched" not in said(world.estimate(*CODES).open("similarity"))


@pytest.mark.parametrize(("page", "control"), [("similarity", "of"), ("families", "target"), ("finetune", "target")])
def test_a_link_to_a_language_that_is_missing_says_so(world, page, control):
    app = world.estimate("be", "uk", "tr").open(page, **{control: "kk-en"})
    assert not app.exception
    assert app.warning[0].value == "Kazakh · kk is not estimated yet, and not shown below."
    assert not world.open(page, **{control: "tr-en"}).warning
    for strange in ("fr-en", "nonsense"):
        app = world.open(page, **{control: strange})
        assert not app.exception
        assert f"**{strange}** is not in this pool" in app.warning[0].value


def change_model(world, version):
    (Path(world.workspace.model) / "config.json").write_text(json.dumps({"version": version}))
    st.cache_data.clear()


@pytest.mark.parametrize("page", ["similarity", "families"])
def test_what_is_out_of_date_stays_in_view_and_is_recomputed_by_one_click(world, engine, page):
    world.estimate(*CODES)
    change_model(world, 2)
    app = world.open(page)
    assert not app.exception
    assert "Out of date:** the model has changed" in app.warning[0].value
    assert app.get("plotly_chart")
    assert "pairs missing" not in said(app)
    assert app.button(key="estimate_missing").label == "Recompute 5 pairs"
    app.button(key="estimate_missing").click().run()
    assert engine[0] == [list(PAIRS)]


def test_old_estimates_are_never_compared_with_new_ones(world):
    world.estimate("be", "uk")
    change_model(world, 2)
    world.estimate("bg", "kk", "tr")
    change_model(world, 3)
    app = world.open("similarity")
    # Of the states before, the one with most pairs; the pairs of the other one count as missing.
    assert sorted(rows(app)[:3]) == ["Bulgarian · bg", "Kazakh · kk", "Turkish · tr"]
    assert "2 of 5 pairs missing" in said(app)
    world.estimate("be")
    app = world.open("similarity")
    assert "Bulgarian · bg" in rows(app)[:3]
    assert app.button(key="estimate_missing").label == "Recompute 4 pairs"
    world.estimate("uk")
    app = world.open("similarity")
    assert sorted(rows(app)[:2]) == ["Belarusian · be", "Ukrainian · uk"]
    assert not app.warning


def test_nothing_is_fine_tuned_by_what_is_out_of_date(world):
    world.estimate(*CODES)
    change_model(world, 2)
    app = world.open("finetune")
    assert "5 are out of date" in app.info[0].value
    assert app.button(key="estimate_missing").label == "Estimate 5 pairs"


@pytest.mark.parametrize("page", NEED_A_POOL)
def test_jobs_can_be_stopped_where_the_page_can_show_nothing_else(world, engine, page, tmp_path):
    engine[1].append(job(world, State.QUEUED, "be"))
    app = world.open(page, model=str(tmp_path / "nowhere"))
    assert not app.exception
    assert "cancel-0123abcd" in keys(app)


def test_the_sample_is_one_click_away_from_any_dead_end(world, engine, monkeypatch):
    engine[1].append(job(world, State.DONE, "be"))  # a sample that was started once is not started again
    monkeypatch.setattr("pseudofam_core.models.hub.sample_model", lambda: Path(world.workspace.model))
    app = world.open("similarity", corpus="/nowhere")
    app.button(key="open_sample").click().run()
    assert not app.exception
    assert "Comparing takes two estimated pairs" in app.info[0].value
    assert app.button(key="estimate_missing").label == "Estimate 17 pairs"
    assert "open_sample" not in keys(app)


@pytest.mark.parametrize("page", ["estimates", "similarity", "families"])
def test_pairs_of_different_sentences_are_warned_about(tmp_path, monkeypatch, page):
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(tmp_path / "cache"))
    world = World(tmp_path, same_sentences=False).estimate(*CODES)
    assert "share only 0%" in said(world.open(page))


def test_pairs_of_the_same_sentences_are_not(world):
    assert "share only" not in said(world.estimate(*CODES).open("similarity"))


def test_a_pair_that_cannot_be_read_does_not_hide_the_others(world):
    world.estimate("be", "uk")
    (world.cache.root.parent / "corpus" / "tr-en" / "train.en").write_bytes(b"\xff\xfe\n" * 4)
    app = world.open("estimates")
    assert not app.exception
    status = app.dataframe[0].value.set_index("Pair")["Status"]
    assert status["tr-en"] == "can't be read"
    assert status["be-en"] == "estimated"
    assert any("train.en" in one.value for one in app.warning)


def test_what_a_corpus_holds_unread_is_said_beside_it(world):
    corpus = world.cache.root.parent / "corpus"
    (corpus / "fr-bbj").mkdir()
    (corpus / "fr-bbj" / "train.fr").write_text("un\n", encoding="utf-8")
    app = world.estimate(*CODES).open("overview")
    assert any("Skipped: folders fr-bbj name no pair" in one.value for one in app.sidebar.caption)


def test_the_pool_is_narrowed_by_the_address(world):
    app = world.estimate("be", "uk").open("overview", pairs="be-en uk-en")
    assert app.metric[0].value == "2 of 2"


@pytest.mark.parametrize("page", PAGES)
def test_a_link_straight_to_a_page_of_a_fresh_server_goes_through_the_app(tmp_path, monkeypatch, page):
    # Without the world's fixture: as on a server whose first visitor comes by a link.
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PSEUDOFAM_ROOTS", str(tmp_path))
    app = World(tmp_path).estimate(*CODES).open(page)
    assert not app.exception
    assert app.title[0].value == _TITLES.get(page, page.title())
    assert app.selectbox(key="measure").label == "Measure"  # explorer.py's own part


def test_no_page_is_ever_served_without_what_stands_around_it(monkeypatch):
    """Streamlit does so where a folder named pages lies beside its script, until a first visitor has had `st.navigation`."""
    monkeypatch.setattr(PagesManager, "uses_pages_directory", None)
    PagesManager(str(APP))
    assert PagesManager.uses_pages_directory is False


def test_overview_names_the_next_step(world):
    assert "Go to Estimates" in said(world.open())
    assert "Estimate the rest" in said(world.estimate("be", "uk").open())
    last = said(world.estimate(*CODES).open())
    assert "All 5 pairs are estimated" in last
    assert "Estimate the rest" not in last
