"""Fine-tune: the form, its costs, and what becomes of it."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from pages.components.plain import plain
from pseudofam_core import finetuning, jobs
from pseudofam_core.errors import JobError
from pseudofam_core.finetuning import SMALL, BudgetMode, FinetuneRequest, Pace, specs_of
from pseudofam_core.finetuning import request as finetuning_request
from pseudofam_core.finetuning.pace import GuessedPace
from pseudofam_core.jobs import JobView, State, TaskView
from pseudofam_core.languages import pair
from pseudofam_core.models import machine
from pseudofam_core.models.machine import Capability
from pseudofam_core.progress import Progress
from pseudofam_core.transfer import TransferRequest
from pseudofam_core.transfer.forecast import Forecast
from pseudofam_core.transfer.outlook import Outlook
from tests.cases_transfer import store_matrix
from tests.pages.cases_finetuning import finished_as, with_tests
from tests.pages.conftest import CODES, PAIRS, said

FEW = {"target": "be-en", "arms": "zero-shot,single,traditional", "preset": "small"}


@pytest.fixture
def trainable(world):
    """A pool that is estimated, and two targets with test text."""
    return with_tests(world, "be", "tr").estimate(*CODES)


@pytest.fixture
def submitted(monkeypatch):
    """What is handed to the engine, which does not run."""
    calls = []
    monkeypatch.setattr(jobs, "submit", lambda root, *call: calls.append(call))
    return calls


@pytest.fixture
def paced(monkeypatch):
    """A machine whose pace is known."""
    monkeypatch.setattr(finetuning, "find_pace", lambda *one, **named: Pace(1.0, 0.0, 0.0, 10_000_000))


def arm_table(app):
    return app.dataframe[0].value.set_index("Arm")


def auxiliaries(app):
    """By arm. Arms of the same members share a row."""
    column = arm_table(app)["Auxiliaries"]
    return {name: column[row] for row in column.index for name in row.split(" = ")}


def started(app, submitted):
    app.button(key="start").click().run()
    assert not app.exception
    ((kind, payload, tasks, title),) = submitted
    request = FinetuneRequest.from_payload(payload)
    assert (kind, title, tuple(tasks)) == ("finetune", request.title, request.tasks)
    return request


def test_without_estimates_the_page_says_what_to_do(world):
    app = world.open("finetune")
    assert not app.exception
    assert "takes two estimated pairs" in said(app)
    assert not [one for one in app.button if one.key == "start"]


def test_a_target_without_a_test_split_is_said(world):
    app = world.estimate(*CODES).open("finetune", **FEW)
    assert not app.exception
    assert "no test split for be-en" in app.error[0].value
    assert not [one for one in app.button if one.key == "start"]


def test_what_the_models_own_generation_settings_do_is_said(world, submitted):
    settings = '{"do_sample": true, "suppress_tokens": [3], "num_beams": 9, "bos_token_id": 0}'
    (Path(world.workspace.model) / "generation_config.json").write_text(settings)
    app = with_tests(world, "be", "tr").estimate(*CODES).open("finetune", **FEW)
    assert not app.exception
    assert not app.error
    notes = [one.value for one in app.caption if "own generation settings" in one.value]
    assert [one.partition("settings. ")[2] for one in notes] == [
        "Not used, for all models are searched alike: do\\_sample = true.",
        "Used: suppress\\_tokens = \\[3\\].",
    ]
    assert {spec.set_aside for spec in specs_of(started(app, submitted)).values()} == {("do_sample = true",)}


def test_what_a_model_says_in_its_settings_is_text(world):
    settings = '{"stop_strings": ["` ![x](https://evil.example/x.png) `"]}'
    (Path(world.workspace.model) / "generation_config.json").write_text(settings)
    app = with_tests(world, "be", "tr").estimate(*CODES).open("finetune", **FEW)
    (note,) = [one.value for one in app.caption if "own generation settings" in one.value]
    assert plain("![x](https://evil.example/x.png)") in note


@pytest.mark.parametrize("slowdown", [None, 7.4])
def test_the_number_format_is_what_the_machine_trains_in_and_is_named(trainable, submitted, monkeypatch, slowdown):
    here = Capability("bf16" if slowdown is None else "float32", slowdown)
    monkeypatch.setattr(machine, "_answer", lambda: here)
    monkeypatch.delitem(sys.modules, "pseudofam_core.models.precision", raising=False)
    machine.capability.cache_clear()
    st.cache_resource.clear()
    app = trainable.open("finetune", **FEW)
    (format_,) = (one for one in app.selectbox if one.label == "Number format")
    assert format_.options == [f"auto: {here.training}", "float32", "bf16", "fp16"]
    assert not app.warning
    assert started(app, submitted).recipe.precision == here.training
    app = format_.set_value("bf16").run()
    assert [one.value for one in app.warning] == (
        [] if slowdown is None else ["bf16 is emulated here: a product takes 7.4 times as long as in float32."]
    )
    machine.capability.cache_clear()
    st.cache_resource.clear()


def test_the_form_starts_with_every_usual_arm(trainable):
    app = trainable.open("finetune")
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="target").value == pair("be-en")
    named = set(auxiliaries(app))
    assert named >= {"zero-shot", "single", "mse", "kl", "kl-normalised", "overlap", "consensus", "all"}
    assert any(name.startswith("random-") for name in named)
    assert auxiliaries(app)["all"] == "Bulgarian, Kazakh, Turkish, Ukrainian"


def test_the_address_names_target_and_members(trainable, submitted):
    app = trainable.open("finetune", **FEW | {"target": "tr-en", "members": "kk-en,uk-en"})
    assert auxiliaries(app)["own"] == "Kazakh · kk, Ukrainian · uk"
    request = started(app, submitted)
    assert request.target == pair("tr-en")
    assert {arm.name: arm.members for arm in request.arms}["own"] == (pair("kk-en"), pair("uk-en"))


def test_members_that_the_pool_lacks_are_named(trainable):
    app = trainable.open("finetune", **FEW, members="uk-en,fr-en")
    assert "fr-en" in app.warning[0].value
    assert auxiliaries(app)["own"] == "Ukrainian · uk"


def test_a_list_from_a_file_becomes_the_own_arm(trainable):
    app = trainable.open("finetune", **FEW)
    app.file_uploader[0].upload("own.csv", b"target,member\nbe-en,kk-en\ntr-en,uk-en\n", "text/csv").run()
    assert not app.exception
    assert auxiliaries(app)["own"] == "Kazakh · kk"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"tr-en,uk-en\n", "no family of Belarusian"), (b"be-en\n", "Line 1"), (b"\xff\xfe\x00", "not UTF-8")],
)
def test_a_list_that_does_not_fit_says_why(trainable, content, words):
    app = trainable.open("finetune", **FEW)
    app.file_uploader[0].upload("own.csv", content, "text/csv").run()
    assert not app.exception
    assert words in app.error[0].value
    assert "own" not in auxiliaries(app)


def test_what_the_runs_can_show_is_told_before_they_are_trained(trainable):
    assert "with one seed no arm is called better or worse" in said(trainable.open("finetune", **FEW, seeds="1"))
    few, many = (said(trainable.open("finetune", **FEW, seeds=n)) for n in ("2", "5"))
    gains = [
        float(re.search(r"a true gain of about ([0-9.]+) BLEU over another arm", words)[1]) for words in (few, many)
    ]
    assert gains[0] > gains[1] > 0


def test_start_hands_over_what_the_form_says(trainable, submitted):
    settings = {"updates": "7", "seeds": "3", "rate": "0.001", "target_sentences": "2", "budget": "equal-updates"}
    request = started(trainable.open("finetune", **FEW, **settings), submitted)
    assert [arm.name for arm in request.arms] == ["zero-shot", "single", "traditional"]
    assert (request.budget.mode, request.budget.updates) == (BudgetMode.EQUAL_UPDATES, 7)
    assert request.budget.patience is None
    assert request.seeds == (1, 2, 3)
    assert request.recipe.learning_rate == 0.001
    assert request.cut.target_sentences == 2
    assert request.workspace == trainable.workspace


@pytest.fixture
def elsewhere(trainable, tmp_path):
    """A second corpus with the pairs of the pool, to train on and score with."""
    folder = tmp_path / "elsewhere"
    for code in CODES:
        (folder / f"{code}-en").mkdir(parents=True)
        for split, line in (("train", "trained on"), ("test", "scored with")):
            for side in (code, "en"):
                (folder / f"{code}-en" / f"{split}.{side}").write_text(f"{line} {side} one\n{line} {side} two\n")
    return folder


def test_another_corpus_can_be_trained_on(trainable, elsewhere, submitted):
    here = auxiliaries(trainable.open("finetune", target="be-en"))
    app = trainable.open("finetune", target="be-en", tune=str(elsewhere))
    assert not app.error
    assert auxiliaries(app)["overlap"] == here["overlap"]
    assert "2 for the test" in said(app)
    assert "fine-tuned on **elsewhere**" in said(app)
    request = started(app, submitted)
    assert (request.workspace.corpus, request.workspace.pairs) == (str(elsewhere), PAIRS)


def test_another_corpus_without_a_pair_of_the_pool_says_so(trainable, elsewhere):
    for side in ("kk", "en"):
        (elsewhere / "kk-en" / f"train.{side}").unlink()
    app = trainable.open("finetune", tune=str(elsewhere))
    assert not app.exception
    assert "no training text for kk-en" in app.error[0].value


def test_families_told_from_what_scores_are_refused(trainable, elsewhere):
    (elsewhere / "be-en" / "test.en").write_text("It rains today!\nscored with en two\n")
    app = trainable.open("finetune", target="be-en", tune=str(elsewhere))
    assert not app.exception
    assert "1 of the sentences that the estimate of be-en read are dev or test sentences" in app.error[0].value
    assert not [one for one in app.button if one.key == "start"]
    assert not trainable.open("finetune", **FEW, tune=str(elsewhere)).error  # no arm here is told from estimates
    # A list of one's own may be a family that Families told from them: that page's click brings it here.
    own = trainable.open("finetune", **FEW, members="uk-en,bg-en", tune=str(elsewhere))
    assert "read are dev or test sentences of be-en" in own.error[0].value


def test_no_arm_is_an_error_beside_the_form(trainable):
    app = trainable.open("finetune", **FEW | {"arms": "nothing"})
    assert not app.exception
    assert "No arm is named" in app.error[0].value


def test_an_engine_that_fails_is_said(trainable, monkeypatch):
    def refuse(*call):
        raise JobError("The engine does not answer.")

    monkeypatch.setattr(jobs, "submit", refuse)
    app = trainable.open("finetune", **FEW)
    app.button(key="start").click().run()
    assert not app.exception
    assert "does not answer" in app.error[0].value


def test_the_pace_is_measured_where_it_is_unknown(trainable, submitted):
    app = trainable.open("finetune", **FEW)
    costs = {one.label: one.value for one in app.metric}
    assert (costs["Runs"], costs["Updates"], costs["Time"]) == ("3", "≤ 120", "–")
    (button,) = [one for one in app.button if one.label == "Measure the time first"]
    button.click().run()
    assert submitted[0][2] == ["timing"]


def test_costs_are_told_before_the_start(trainable, paced):
    app = trainable.open("finetune", **FEW)
    costs = {one.label: one.value for one in app.metric}
    assert (costs["Time"], costs["Disk"]) == ("≤ 2 min", "30 MB")
    assert not [one for one in app.button if one.label == "Measure the time first"]


def test_finished_runs_are_offered_instead_of_run_again(trainable, submitted, paced):
    request = started(trainable.open("finetune", **FEW), submitted)
    specs = list(dict.fromkeys(specs_of(request).values()))
    finished_as(trainable, specs[0])
    app = trainable.open("finetune", **FEW)
    assert "Finished already, and not run again: 1 of 3 runs" in said(app)
    assert app.button(key="start").label == "Start 2 runs"
    for spec in specs[1:]:
        finished_as(trainable, spec)
    app = trainable.open("finetune", **FEW)
    assert "what was asked for is finished (3)" in app.success[0].value
    assert not [one for one in app.button if one.key == "start"]
    assert "See them in Compare" in said(app)
    assert set(arm_table(app)["State"]) == {"finished"}


def test_runs_without_the_weights_that_are_asked_for_are_offered_again(trainable, submitted, paced):
    request = started(trainable.open("finetune", **FEW), submitted)
    for spec in dict.fromkeys(specs_of(request).values()):
        finished_as(trainable, spec)
    app = trainable.open("finetune", **FEW, keep="yes")
    assert not app.success
    assert app.button(key="start").label == "Start 2 runs"  # the model as it is has no weights to keep
    assert "Finished already, and not run again: 1 of 3 runs" in said(app)
    assert "Finished, but without their weights: 2 of 3 runs. Such runs are trained again" in said(app)


def test_the_room_of_kept_weights_is_told(trainable, monkeypatch):
    paces = [Pace(1.0, 0.0, 0.0, 10_000_000, 4_000_000), Pace(1.0, 0.0, 0.0, 10_000_000)]
    monkeypatch.setattr(finetuning, "find_pace", lambda *one, **named: paces.pop(0))
    disk = [one for one in trainable.open("finetune", **FEW, keep="yes").metric if one.label == "Disk"]
    assert disk[0].value == "38 MB"
    assert "8 MB of it are kept weights, which stay." in disk[0].help
    disk = [one for one in trainable.open("finetune", **FEW, keep="yes").metric if one.label == "Disk"]
    assert disk[0].value == "30 MB"
    assert "The weights that are kept come on top." in disk[0].help


def test_a_time_that_is_a_guess_is_called_one_and_can_be_measured(trainable, monkeypatch):
    pace = GuessedPace(1.0, 0.0, 0.0, 10_000_000)
    monkeypatch.setattr(finetuning, "find_pace", lambda *one, **named: pace)
    app = trainable.open("finetune", **FEW)
    assert {one.label: one.value for one in app.metric}["Time"] == "≈ 2 min"
    assert "The time is a guess" in said(app)
    assert [one for one in app.button if one.label == "Measure the time first"]


def test_adapters_without_their_package_are_refused_beside_the_form(trainable, monkeypatch):
    monkeypatch.setattr(finetuning_request, "find_spec", lambda name: None)
    app = trainable.open("finetune", **FEW, lora="8")
    assert not app.exception
    assert "lora needs the package peft" in app.error[0].value
    assert not [one for one in app.button if one.key == "start"]


@pytest.fixture
def listed(monkeypatch):
    """Puts one job into the list that pages are told of."""

    def put(state, task, **changes):
        now = time.time()
        job = JobView("0123abcd", "finetune", "Fine-tune Belarusian", None, state, now, now, 1, (task,), **changes)
        monkeypatch.setattr(jobs, "list_jobs", lambda root: [job])
        monkeypatch.setattr(jobs, "metrics", lambda root, job_id, task: [])
        monkeypatch.setattr(jobs, "log_tail", lambda root, job_id, n_lines=50: "")

    return put


def test_a_run_under_way_has_its_card_below_start_and_a_link_on_top(trainable, listed):
    progress = Progress("training", 5, 60, "updates")
    listed(State.RUNNING, TaskView("single/seed-1", State.RUNNING, progress=progress, heartbeat_age_s=1))
    app = trainable.open("finetune", **FEW)
    assert not app.exception
    words = said(app)
    assert words.index("[See how far it is](#jobs)") < words.index("training, 5 of 60 updates")
    assert [one.label for one in app.button if one.key == "cancel-0123abcd"] == ["Cancel"]
    assert app.button(key="start")


def test_a_run_that_failed_says_why_and_can_go_on(trainable, listed):
    listed(State.FAILED, TaskView("single/seed-1", State.FAILED, error="No memory is left."))
    app = trainable.open("finetune", **FEW)
    assert "No memory is left." in app.error[0].value
    assert [one.label for one in app.button if one.key == "resume-0123abcd"] == ["Resume"]


def test_what_to_expect_is_told_before_the_start(trainable, paced, monkeypatch):
    line = Forecast(0.05, 0.02, 0.03, 0.1, 12)
    expected = Outlook(pair("be-en"), PAIRS[1:3], "overlap", line, np.array([0.06, 0.01]), np.array([np.nan, 0.04]))
    monkeypatch.setattr("pseudofam_core.transfer.outlook.kept_outlook", lambda *_: expected)
    app = trainable.open("finetune", **FEW)
    (table,) = [one.value for one in app.dataframe if "Advice" in one.value]
    assert table["Auxiliary"].tolist() == [one.label for one in PAIRS[1:3]]
    assert table["From"].round(3).tolist() == [0.03, -0.02]
    assert table["Advice"].tolist() == ["train with it: the whole interval is a gain", line.words(0.01)]
    assert table["Measured"].tolist()[1] == 0.04


def test_a_forecast_from_few_targets_tells_no_interval(trainable, paced, monkeypatch):
    line = Forecast(0.05, 0.02, inf, 0.1, 4)
    expected = Outlook(pair("be-en"), PAIRS[1:3], "overlap", line, np.array([0.06, 0.01]), np.full(2, np.nan))
    monkeypatch.setattr("pseudofam_core.transfer.outlook.kept_outlook", lambda *_: expected)
    app = trainable.open("finetune", **FEW)
    (table,) = [one.value for one in app.dataframe if "Advice" in one.value]
    assert table[["From", "To"]].isna().all(axis=None)
    assert any("without an interval" in one.value for one in app.caption)


def test_where_nothing_is_measured_the_way_to_a_forecast_is_told(trainable, paced):
    app = trainable.open("finetune", **FEW)
    assert any("once Transfer has measured three other targets" in one.value for one in app.caption)


def test_runs_that_a_job_has_in_hand_are_told_and_not_offered_again(trainable, submitted, paced, monkeypatch):
    request = started(trainable.open("finetune", **FEW), submitted)
    states = (State.DONE, State.RUNNING, State.QUEUED)
    tasks = tuple(TaskView(name, state) for name, state in zip(request.tasks, states, strict=True))
    job = JobView("0123abcd", "finetune", request.title, None, State.RUNNING, 1.0, 1.0, 1, tasks)
    job = replace(job, payload=request.payload())
    monkeypatch.setattr(jobs, "metrics", lambda root, job_id, task: [])
    monkeypatch.setattr(jobs, "list_jobs", lambda root: [job])
    monkeypatch.setattr(jobs, "log_tail", lambda root, job_id, n_lines=50: "")
    finished_as(trainable, specs_of(request)["zero-shot", None])
    app = trainable.open("finetune", **FEW)
    assert not app.exception
    assert dict(arm_table(app)["State"]) == {"zero-shot": "finished", "single": "running", "traditional": "queued"}
    assert not [one for one in app.button if one.key == "start"]
    assert not app.metric  # one time on the page: the card's
    app = trainable.open("finetune", **FEW | {"arms": "zero-shot,single,traditional,all"})
    app.button(key="start").click().run()
    assert submitted[-1][2] == ["zero-shot", "all/seed-1"]  # what is finished is found


def test_a_run_of_two_arms_that_a_job_has_in_hand_is_told_as_one(trainable, submitted, paced, monkeypatch):
    same = FEW | {"arms": "single,traditional", "members": "bg-en,uk-en"}
    request = started(trainable.open("finetune", **same), submitted)
    tasks = tuple(TaskView(name, State.QUEUED) for name in request.tasks)
    job = JobView("0123abcd" * 4, "finetune", request.title, None, State.RUNNING, 1.0, 1.0, 1, tasks)
    monkeypatch.setattr(jobs, "list_jobs", lambda root: [replace(job, payload=request.payload())])
    app = trainable.open("finetune", **same)
    assert not app.exception
    assert dict(arm_table(app)["State"]) == {"single": "queued", "traditional = own": "queued"}
    assert not [one for one in app.button if one.key == "start"]


TR_GAINS = {"be": 0.1, "bg": -0.2, "kk": 0.3, "uk": 0.05}


def measure(world, target="tr-en"):
    """Keep what a target gained by each of the others."""
    others = tuple(one for one in PAIRS if str(one) != target)
    request = TransferRequest(jobs.placed(world.workspace), (pair(target),), others, 60, SMALL)
    store_matrix(world.cache, request, lambda _, member, seed: 3 - (TR_GAINS[member.source] if member else 0))


def pills(app):
    (arms,) = [one for one in app.button_group if one.label == "Arms"]
    return arms.options


def test_arms_of_measured_gains_are_offered_where_some_are_measured(trainable, submitted):
    assert not {"foreseen", "measured"} & set(pills(trainable.open("finetune", **FEW, size="2")))
    measure(trainable)
    st.cache_resource.clear()
    app = trainable.open("finetune", **FEW)
    assert "foreseen" in pills(app)
    assert "measured" not in pills(app)  # of Belarusian itself nothing is
    assert not [one for one in app.number_input if one.key == "size"]
    app = trainable.open("finetune", **FEW | {"arms": "single,foreseen,measured"}, size="1")
    assert not app.exception
    assert not app.error
    assert auxiliaries(app)["foreseen-1"] == "Kazakh · kk"
    assert arm_table(app).loc["foreseen-1", "What it is"] == "gained most for other targets"
    assert app.number_input(key="size").max == 3
    assert started(app, submitted).arms[1].members == (pair("kk-en"),)
    own = trainable.open("finetune", **FEW | {"arms": "measured", "target": "tr-en"}, size="2")
    assert auxiliaries(own) == {"measured-2": "Belarusian · be, Kazakh · kk"}


def test_weights_by_measured_gains_are_shown_and_handed_over(trainable, submitted):
    measure(trainable)
    app = trainable.open("finetune", **FEW | {"arms": "single,weighted"})
    assert not app.exception
    assert not app.error
    assert auxiliaries(app)["weighted-foreseen"] == "Kazakh × 1.71, Ukrainian × 0.29"
    assert arm_table(app).loc["weighted-foreseen", "What it is"] == "weighed by Gains elsewhere"
    request = started(app, submitted)
    assert request.arms[1].weights == (1.71, 0.29)
    assert [spec.weights for (arm, _), spec in specs_of(request).items() if arm != "single"] == [(1.71, 0.29)]


def test_where_nothing_can_weigh_the_way_to_it_is_told(trainable):
    app = trainable.open("finetune", **FEW | {"arms": "single,weighted"})
    assert not app.exception
    told = app.error[0].value.replace("\\", "")
    assert "Nothing says yet how to weigh the auxiliaries of `weighted`. Let Transfer measure" in told
    assert not [one for one in app.button if one.key == "start"]
