"""Experiments on a tiny model: planned without it, run once, found again, shipped, and told by the command."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pseudofam_core import lab
from pseudofam_core.__main__ import main
from pseudofam_core.charts.lab import finding_figure
from pseudofam_core.errors import JobCancelled, PseudoFamError
from pseudofam_core.estimates import computing, fisher_specs
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.exchange.lab_tables import finding_csv
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.languages import pair
from pseudofam_core.progress import Progress
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage
from tests.cases import save_corpus, save_model

RUNNABLE = [one for one in lab.EXPERIMENTS if one.finding is not None]
CHEAP = lab.experiment("measures")


@pytest.fixture
def workspace(workspace):
    return replace(workspace, shards=4)


def test_every_experiment_says_what_it_expects_and_what_would_refute_it():
    assert len({one.name for one in lab.EXPERIMENTS}) == len(lab.EXPERIMENTS)
    for one in lab.EXPERIMENTS:
        assert one.question.endswith("?")
        assert "refute" in one.expected
        assert (one.finding is None) == bool(one.elsewhere)


def test_a_plan_resolves_as_estimates_do(workspace, cache):
    plan = lab.planned(CHEAP, workspace, cache)
    assert plan.specs["workspace"] == fisher_specs(workspace)


def test_a_finding_is_made_once_and_found_again(workspace, cache, monkeypatch):
    plan = lab.planned(CHEAP, workspace, cache)
    assert lab.find(plan, cache) is None
    assert lab.cost(plan, cache) == lab.Cost(4, 4, None, pytest.approx(1.032))
    first = lab.run(plan, cache)
    assert lab.cost(plan, cache).n_missing == 0
    again = lab.planned(replace(CHEAP, finding=lambda material: pytest.fail("made again")), workspace, cache)
    assert lab.run(again, cache) == first == lab.find(plan, cache)
    assert list(cache.keys(Stage.LAB)) == [plan.key]


def test_another_version_or_other_estimates_are_another_finding(workspace, cache):
    key = lab.planned(CHEAP, workspace, cache).key
    assert lab.planned(replace(CHEAP, version=CHEAP.version + 1), workspace, cache).key != key
    assert lab.planned(CHEAP, replace(workspace, max_sentences=3), cache).key != key
    assert lab.planned(replace(CHEAP, name="other"), workspace, cache).key != key


def test_a_stop_keeps_the_estimates_that_are_done(workspace, cache):
    plan, asked = lab.planned(CHEAP, workspace, cache), []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 5

    with pytest.raises(JobCancelled):
        lab.run(plan, cache, should_stop=stop)
    assert 0 < lab.cost(plan, cache).n_missing < 4
    assert lab.run(plan, cache).rows


def test_what_can_not_be_run_says_where_the_question_is():
    with pytest.raises(PseudoFamError, match="only translation can be fine-tuned"):
        lab.run(lab.Plan(lab.experiment("tasks"), None, {}), None)
    with pytest.raises(ValueError, match="others must not be named for measures"):
        lab.planned(CHEAP, None, None, others=("more",))


ON_THE_SAMPLE = [
    lab.experiment(name)
    for name in ("content", "sensitivity", "measures", "sentences", "corpora", "competence", "whole")
]


@pytest.mark.parametrize("one", ON_THE_SAMPLE, ids=lambda one: one.name)
def test_the_sample_s_answer_ships_and_can_be_drawn_and_read(one):
    finding = lab.shipped(one)["sample"]
    assert finding.answer.endswith(".")
    assert "sample model" in finding.seen_on
    figure = finding_figure(finding)
    assert figure.data
    assert any(len(trace.x) for trace in figure.data)
    text = finding_csv(one, finding)
    assert f"# experiment: {one.name}" in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[0] == ",".join(finding.columns)
    assert len(lines) == 1 + len(finding.rows)


def test_a_chart_of_a_column_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="Got nowhere"):
        Finding("Answer.", "here", {"x": "X"}, ({"x": 1},), Chart(Look.LINES, x="x", y="nowhere"))
    with pytest.raises(ValueError, match="Got strange"):
        Finding("Answer.", "here", {"x": "X"}, ({"strange": 1},), Chart(Look.LINES, x="x", y="x"))


def test_the_command_lists_runs_and_shows(saved_model, saved_corpus, tmp_path, capsys):
    options = ["--model", str(saved_model), "--corpus", str(saved_corpus), "--cache", str(tmp_path / "cache")]
    assert main(["lab", "list", *options]) == 0
    assert "not run yet: 4 of 4 estimates to make" in capsys.readouterr().out
    assert main(["lab", "show", "measures", *options]) == 0
    assert "Seen on: sample model" in capsys.readouterr().out
    table = tmp_path / "measures.csv"
    assert main(["lab", "run", "measures", *options, "--out", str(table)]) == 0
    answer = capsys.readouterr().out
    assert "4 pairs" in answer
    assert "# experiment: measures" in table.read_text()
    assert main(["lab", "show", "measures", *options]) == 0
    assert answer.strip().splitlines()[0] in capsys.readouterr().out
    assert main(["lab", "show", "tasks", *options]) == 1
    assert "only translation" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["content", "sensitivity", "measures", "models", "whole"])
def test_a_pool_without_relatives_is_refused_before_anything_is_estimated(tmp_path, saved_model, cache, name):
    corpus = save_corpus(tmp_path / "strangers", ("tr", "de", "uk", "ja", "ko"))
    workspace = Workspace(model=str(saved_model), corpus=str(corpus))
    others = (str(save_model(tmp_path / "other")),) if name == "models" else ()
    with pytest.raises(ValueError, match="of which it holds relatives"):
        lab.planned(lab.experiment(name), workspace, cache, others=others)


@pytest.mark.parametrize(
    ("name", "changes", "refusal"),
    [
        ("content", {"max_sentences": 3}, "as many sentences as pairs, 4. Got 3"),
        ("sentences", {}, "6 pairs"),
        ("estimator", {"shards": 1}, "at least 2 shards"),
    ],
)
def test_what_text_and_pool_tell_is_told_before_anything_is_estimated(workspace, cache, name, changes, refusal):
    with pytest.raises(ValueError, match=refusal):
        lab.planned(lab.experiment(name), replace(workspace, **changes), cache)


def test_sentences_of_their_own_are_refused_before_anything_is_estimated(tmp_path, saved_model, cache):
    corpus = save_corpus(tmp_path / "corpus")
    mine = corpus / "tr-en" / "train.en"
    mine.write_text("".join(reversed(mine.read_text(encoding="utf-8").splitlines(keepends=True))), encoding="utf-8")
    with pytest.raises(ValueError, match="sentences of their own"):
        lab.planned(lab.experiment("content"), Workspace(model=str(saved_model), corpus=str(corpus)), cache)


def test_progress_counts_all_estimates_that_are_missing(workspace, cache):
    computing.estimate(replace(workspace, pairs=(pair("tr-en"), pair("de-en"))), cache=cache)
    told: list[Progress] = []
    lab.run(lab.planned(CHEAP, workspace, cache), cache, report=told.append)
    of_estimates = [progress for progress in told if progress.unit == "estimates"]
    assert [progress.done for progress in of_estimates] == sorted(progress.done for progress in of_estimates)
    assert {(progress.done, progress.total) for progress in of_estimates} == {(0, 2), (1, 2)}
    assert any("sentences)" in progress.phase for progress in of_estimates)
    assert not any(progress.unit == "sentences" for progress in told)
    assert [progress.remaining_s is None for progress in of_estimates] == [
        progress.done == 0 for progress in of_estimates
    ]


def test_no_relatives_are_not_told_as_relatives_that_never_stand_first(tmp_path, saved_model, cache):
    corpus = save_corpus(tmp_path / "strangers", ("tr", "de", "uk", "ja"))
    workspace = Workspace(model=str(saved_model), corpus=str(corpus), shards=4)
    finding = lab.run(lab.planned(lab.experiment("estimator"), workspace, cache), cache)
    assert "0%" not in finding.answer.split("halves:")[1]
    assert "no language of this pool has a relative" in finding.answer


def test_a_job_runs_it(workspace, cache):
    from pseudofam_core.jobs.record import Request
    from pseudofam_core.jobs.work import DOORS
    from pseudofam_core.progress import never, silent

    payload = {"workspace": json.loads(json.dumps(workspace.payload())), "others": []}
    DOORS["lab"](Request("lab", payload, ("measures",), "Experiment", 1.0), "measures", cache, silent, never)
    assert lab.find(lab.planned(CHEAP, workspace, cache), cache) is not None


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    """Six pairs of three families, a second corpus and a second model, and a cache for all tests of this module."""
    folder = tmp_path_factory.mktemp("six")
    codes = ("tr", "az", "de", "sv", "uk", "be")
    model, other = (save_model(folder / name, "m2m100") for name in ("model", "other"))
    corpora = save_corpus(folder / "corpus", codes), save_corpus(folder / "second", codes[::-1])
    return Workspace(model=str(model), corpus=str(corpora[0])), str(corpora[1]), str(other), Cache(folder / "cache")


@pytest.mark.parametrize("one", [one for one in RUNNABLE if one.name != "foresight"], ids=lambda one: one.name)
def test_every_experiment_runs_and_is_drawn(six, one):
    workspace, corpus, model, cache = six
    others = {"corpora": (corpus,), "models": (model,), None: ()}[one.others]
    finding = lab.run(lab.planned(one, workspace, cache, others=others), cache)
    assert "6 pairs" in finding.seen_on
    assert "nan" not in finding.answer
    assert finding_figure(finding).data


def test_experiments_that_want_another_text_or_model_say_so(six):
    workspace, _, _, cache = six
    with pytest.raises(ValueError, match="Name another corpus"):
        lab.planned(lab.experiment("corpora"), workspace, cache)
    with pytest.raises(ValueError, match="Name folders or hub names"):
        lab.planned(lab.experiment("models"), workspace, cache)


def test_a_model_is_held_against_the_first_and_against_the_one_named_before_it(six, tmp_path):
    workspace, _, same, cache = six
    unlike = save_model(tmp_path / "unlike", "nllb")
    finding = lab.run(lab.planned(lab.experiment("models"), workspace, cache, others=(str(unlike), same)), cache)
    _, second, third = (row for row in finding.rows if row["measure"] == "Overlap")
    assert finding.rows[0]["rho_before"] is None
    assert third["rho"] == pytest.approx(1) != pytest.approx(second["rho"])
    for column in ("rho", "shared"):
        assert second[column] == second[f"{column}_before"] == pytest.approx(third[f"{column}_before"])
    assert f"Against the one named before it: other ρ = {third['rho_before']:.2f}" in finding.answer
