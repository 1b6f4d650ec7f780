"""Transfer: empty, partial and whole matrices, the form, its costs, and what is handed to the engine."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pandas as pd
import pytest

from pseudofam_core import jobs, transfer
from pseudofam_core.exchange.transfer_tables import transfer_csv
from pseudofam_core.finetuning import SMALL, TextCut, texts_of_targets
from pseudofam_core.jobs import JobView, State, TaskView
from pseudofam_core.languages import pair
from pseudofam_core.progress import Progress
from pseudofam_core.transfer import TransferRequest
from pseudofam_core.transfer.costs import unfinished
from tests.cases_transfer import store_matrix
from tests.pages.cases_finetuning import with_tests
from tests.pages.conftest import CODES, said

BE, TR, UK, KK = (pair(f"{code}-en") for code in ("be", "tr", "uk", "kk"))
GAINS = {(BE, UK): 0.4, (BE, KK): -0.1, (TR, UK): 0.05, (TR, KK): 0.3}


@pytest.fixture
def trainable(world):
    """A pool of which two targets have test text."""
    return with_tests(world, *CODES)


@pytest.fixture
def submitted(monkeypatch):
    """What is handed to the engine, which does not run."""
    calls = []
    monkeypatch.setattr(jobs, "submit", lambda root, *call: calls.append(call))
    return calls


def request_of(world, **changes):
    fields = {"targets": (BE, TR), "auxiliaries": (KK, UK), "updates": 60, "recipe": SMALL, "seeds": (1, 2)}
    return TransferRequest(jobs.placed(world.workspace), **fields | changes)


def keep(world, missing=(), **changes):
    """Runs of two targets with two auxiliaries, those that are missing left out."""

    def loss(target, member, seed):
        return np.nan if (target, member) in missing else 3 - GAINS.get((target, member), 0.0) + 0.01 * seed

    store_matrix(world.cache, request_of(world, **changes), loss)


def figures(app):
    return [one.proto.spec for one in app.get("plotly_chart")]


def test_without_runs_the_page_says_what_will_stand_there(trainable):
    app = trainable.open("transfer")
    assert not app.exception
    assert not app.error
    assert "No gain of this model on this text is known yet." in said(app)
    assert app.button(key="start").label == "Start 25 runs"  # five targets, each alone and with four auxiliaries
    assert "The time is told once" in said(app)


def test_a_corpus_without_test_text_is_said(world):
    app = world.open("transfer")
    assert not app.exception
    assert "no test split for" in app.error[0].value


def test_the_form_is_what_the_engine_is_handed(trainable, submitted):
    view = {"targets": "be-en tr-en", "auxiliaries": "uk-en", "updates": "12", "seeds": "2", "preset": "small"}
    app = trainable.open("transfer", **view, target_sentences="3", rate="0.001", scores="yes")
    assert not app.exception
    app.button(key="start").click().run()
    ((kind, payload, tasks, title),) = submitted
    request = TransferRequest.from_payload(payload)
    assert (kind, title, tuple(tasks)) == ("transfer", request.title, ("be-en", "tr-en"))
    assert (request.targets, request.auxiliaries, request.updates) == ((BE, TR), (UK,), 12)
    assert (request.seeds, request.scores, request.cut) == ((1, 2), True, TextCut(3, None))
    assert request.recipe.learning_rate == 0.001
    assert request.workspace == jobs.placed(trainable.workspace)


def test_a_timing_can_be_asked_for_first(trainable, submitted):
    app = trainable.open("transfer")
    next(one for one in app.button if one.label == "Measure the time first").click().run()
    ((kind, _, tasks, _),) = submitted
    assert (kind, tasks) == ("transfer", ["timing"])


def test_the_time_is_told_by_the_pace_of_kept_runs(trainable):
    keep(trainable)
    app = trainable.open("transfer", preset="small", updates="60", targets="be-en", auxiliaries="bg-en kk-en")
    metrics = {one.label: one.value for one in app.metric}
    # be alone and with kk is kept by seed 1; with bg it takes about 120 updates of 0.05 s.
    assert (metrics["Runs"], metrics["Updates"], metrics["Time"]) == ("1", "120", "6 s")
    assert "Kept already, and not run again: 2 of 3 runs" in said(app)


def test_gains_stand_beside_the_measure_of_the_sidebar(trainable):
    keep(trainable)
    app = trainable.estimate(*CODES).open("similarity").switch_page("transfer.py").run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="signal").value == "overlap"
    assert len(figures(app)) == 3
    table = app.dataframe[0].value.set_index("Target")
    assert table.loc["Belarusian · be", "Helped most"] == "Ukrainian · uk"
    assert table.loc["Belarusian · be", "by"] == pytest.approx(0.4)
    assert table.loc["Turkish · tr", "Helped most"] == "Kazakh · kk"
    assert set(table["ρ"]) <= {-1.0, 1.0}
    assert "gains missing" not in said(app)
    assert "Trained as: 2 × 2, 60 updates" in said(app)
    assert "Start" in app.button(key="start").label


def test_what_chance_would_mark_is_told_with_the_luck_of_an_only_seed(trainable):
    keep(trainable, seeds=(1,))
    assert "one in twenty would or more" in (words := said(trainable.open("transfer", signal="kinship")))
    assert "one seed, whose luck no interval counts" in words


def test_without_estimates_other_signals_stand_there(trainable):
    keep(trainable)
    app = trainable.open("transfer", signal="kinship")
    assert not app.exception
    assert app.selectbox(key="signal").value == "kinship"
    table = app.dataframe[0].value.set_index("Target")
    assert table.loc["Belarusian · be", "It says"] == "Ukrainian · uk"
    assert table.loc["Belarusian · be", "which gave"] == pytest.approx(0.4)
    assert table.loc["Belarusian · be", "ρ"] == pytest.approx(1)


def test_a_partial_matrix_is_shown_as_such_and_completed_by_one_click(trainable, submitted):
    keep(trainable, missing={(TR, KK)})
    app = trainable.open("transfer", signal="kinship")
    assert not app.exception
    assert "2 of 8 gains missing" in said(app)
    assert "not run yet" in "".join(figures(app))
    app.button(key="missing").click().run()
    ((kind, payload, tasks, _),) = submitted
    request = TransferRequest.from_payload(payload)
    assert (kind, tuple(tasks)) == ("transfer", ("be-en", "tr-en"))
    texts = texts_of_targets(request.workspace, request.targets)
    left = [(spec.target, spec.members, spec.seed) for spec in unfinished(request, texts, trainable.cache)]
    assert left == [(TR, (KK,), 1), (TR, (KK,), 2)]


def test_runs_trained_in_two_ways_are_never_mixed(trainable):
    keep(trainable)
    keep(trainable, updates=30, targets=(BE,), seeds=(1,))
    app = trainable.open("transfer", signal="kinship")
    box = app.selectbox(key="matrix")
    assert [one.split(", ")[:2] for one in box.options] == [["2 × 2", "60 updates"], ["1 × 2", "30 updates"]]
    assert len(app.dataframe[0].value) == 2
    box.select_index(1).run()
    assert len(app.dataframe[0].value) == 1


def test_the_table_can_be_taken_away(trainable):
    keep(trainable)
    app = trainable.open("transfer", signal="kinship")
    assert "Gains as CSV" in [one.label for one in app.get("download_button")]
    matrix = transfer.transfer_matrix(request_of(trainable), trainable.cache)
    assert "# target sentences: all\n# auxiliary sentences: all\n" in transfer_csv([matrix])
    table = pd.read_csv(io.StringIO(transfer_csv([matrix])), comment="#").set_index(["target", "auxiliary"])
    assert table.loc[("be-en", "uk-en"), "gain"] == pytest.approx(0.4)


def test_a_running_job_stands_below_start_and_the_head_of_the_page_leads_there(trainable, monkeypatch):
    now = time.time()
    task = TaskView("be-en", State.RUNNING, Progress("be-en with uk-en, seed 1: training", 30, 120, "updates", 10.0))
    job = JobView("0123abcd" * 4, "transfer", "Transfer: 2 × 2", None, State.RUNNING, now, now, 1, (task,))
    monkeypatch.setattr(jobs, "list_jobs", lambda root: [job])
    app = trainable.open("transfer")
    assert not app.exception
    assert "**Transfer: 2 × 2**" in said(app)
    assert "be-en with uk-en, seed 1: training, 30 of 120 updates" in said(app)
    assert "1 running" in said(app)
    words = [one.value for one in (*app.main.markdown, *app.main.subheader)]
    assert any("(#jobs)" in one for one in words)
    places = [(one.type, getattr(one, "value", "")) for one in app.main]
    assert (
        places.index(("subheader", "Train a matrix"))
        < places.index(("subheader", "Jobs"))
        < places.index(("markdown", "**Transfer: 2 × 2**"))
    )


def test_what_is_under_way_is_not_offered_again(trainable, monkeypatch):
    now = time.time()
    view = {"targets": "be-en tr-en", "auxiliaries": "kk-en uk-en", "updates": "60", "preset": "small"}
    payload = request_of(trainable, seeds=(1,)).payload()
    task = TaskView("be-en", State.RUNNING, Progress("be-en: training", 30, 120, "updates", 10.0))
    job = JobView(
        "0123abcd" * 4, "transfer", "Transfer: 2 × 2", None, State.RUNNING, now, now, 1, (task,), payload=payload
    )
    monkeypatch.setattr(jobs, "list_jobs", lambda root: [job])
    app = trainable.open("transfer", **view)
    assert not app.exception
    assert "These runs are under way" in app.info[-1].value
    assert "start" not in [one.key for one in app.button]
    assert "start" in [one.key for one in trainable.open("transfer", **view, seeds="2").button]


def test_a_click_on_a_cell_returns_its_target(trainable):
    keep(trainable)
    app = trainable.open("transfer", signal="kinship")
    told = [
        trace["customdata"]
        for figure in map(json.loads, figures(app)[:2])
        for trace in figure["data"]
        if "customdata" in trace
    ]
    assert [sorted({row[0] for row in rows}) for rows in told] == [["be-en", "tr-en"]] * 2
    assert sorted(round(row[1], 6) for row in told[1]) == sorted(round(gain, 6) for gain in GAINS.values())
