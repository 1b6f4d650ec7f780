"""Compare: verdicts by tests alone, runs that can't be mixed kept apart, and what stands beside the numbers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pseudofam_core import estimates, jobs
from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.finetuning import SMALL, Budget, open_texts, random_arms
from pseudofam_core.languages import pair
from pseudofam_core.similarity import pools
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.tasks import translation
from pseudofam_core.transfer import TransferRequest
from tests.cases_transfer import store_matrix
from tests.pages.cases_finetuning import finished, with_tests
from tests.pages.conftest import CODES, PAIRS, World, said


@pytest.fixture
def scored(world):
    """Belarusian scored five ways, the traditional family far ahead of the others."""
    with_tests(world, "be", "tr")
    for members, error in ((None, 0.5), ([], 0.45), (["uk", "bg"], 0.05), (["kk"], 0.45)):
        finished(world, "be", members, error=error)
    return world


def outcome_table(app):
    return next(one.value for one in app.dataframe if "Verdict" in one.value).set_index("Arm")


def figures(app):
    return [json.loads(one.proto.spec) for one in app.get("plotly_chart")]


def test_with_nothing_scored_the_page_says_what_will_stand_here(world):
    app = world.open("compare")
    assert not app.exception
    assert "No fine-tuned model has been scored yet" in app.info[0].value
    assert "Go to Fine-tune" in said(app)
    assert not app.get("plotly_chart")


def test_the_sample_has_runs_to_show_until_one_is_trained(world, monkeypatch):
    monkeypatch.setenv("PSEUDOFAM_READ_ONLY", "1")  # on its way there the first page would have the sample estimated
    app = world.open("compare", model="sample", corpus="sample")
    assert not app.exception
    assert "runs that ship with the sample** (Indonesian · id). The first that you train yourself" in app.info[0].value
    arms = outcome_table(app).index
    assert "single" in arms[0] or "zero-shot" in arms[0]
    assert any("traditional" in name for name in arms)
    assert "ship with the sample" not in said(world.open("compare"))


def test_runs_of_another_model_or_corpus_are_not_shown(world):
    with_tests(world, "be")
    for changed in ({"model": "another"}, {"corpus": "another"}):
        old = {"model_revision": "older", "workspace": replace(world.workspace, **changed)}
        finished(world, "be", [], error=0.2, **old)
    assert "No fine-tuned model has been scored yet" in said(world.open("compare"))


def test_runs_on_another_corpus_are_shown_where_it_is_named(world, tmp_path):
    other = with_tests(World(tmp_path / "other"), "be")
    with_tests(world, "be")
    for side, line in (("be", "one source more"), ("en", "one reference more")):
        with (tmp_path / "other" / "corpus" / "be-en" / f"test.{side}").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    here = {"workspace": replace(world.workspace, corpus=other.workspace.corpus)}
    here["test_digest"] = open_texts(here["workspace"], pair("be-en")).test.digest
    for members, error in ((None, 0.5), ([], 0.4)):
        finished(world, "be", members, error=error, **here)
    app = world.open("compare", tune=other.workspace.corpus)
    assert not app.exception
    assert list(outcome_table(app).index) == ["zero-shot", "single"]
    assert "No fine-tuned model has been scored yet" in said(world.open("compare"))


def test_a_metric_that_means_nothing_for_the_target_is_said_to(scored, monkeypatch):
    assert "BLEU is meaningless" not in said(scored.open("compare"))
    monkeypatch.setattr(translation, "_UNSPLIT", frozenset({"Latn"}))
    app = scored.open("compare")
    assert any("BLEU is meaningless: English has no spaces between words" in one.value for one in app.warning)


def test_a_corpus_that_is_not_there_is_named(world, tmp_path):
    app = world.open("compare", tune=str(tmp_path / "nowhere"))
    assert "nowhere" in app.error[0].value
    assert "No fine-tuned model has been scored yet" not in said(app)


@pytest.mark.parametrize(
    ("change", "words"), [("model_revision", "the model has changed"), ("test_digest", "the test text has changed")]
)
def test_runs_of_before_a_change_are_shown_as_out_of_date(world, change, words):
    with_tests(world, "be")
    for members in ([], ["uk", "bg"]):
        finished(world, "be", members, error=0.2, **{change: "older"})
    app = world.open("compare")
    assert not app.exception
    assert f"Out of date:** {words}." in app.warning[0].value
    assert len(outcome_table(app)) == 2
    finished(world, "be", [], error=0.2)
    app = world.open("compare")
    assert not app.warning
    assert len(outcome_table(app)) == 1


def test_a_verdict_is_given_by_the_test(scored):
    app = scored.open("compare")
    assert not app.exception
    assert not app.error
    table = outcome_table(app)
    verdicts = {"zero-shot": "tie", "single": "pinned", "traditional": "differs on these sentences", "with kk": "tie"}
    assert dict(table["Verdict"]) == verdicts
    assert table["BLEU"]["traditional"] > table["BLEU"]["single"]
    assert "against `single`: **differs on these sentences**: `traditional`; **a tie**:" in said(app)
    assert "an only seed or draw can't tell from luck" in said(app)
    assert "**What these runs could show**: no arm better or worse" in said(app)
    assert "The paper claims +1.7 BLEU" in said(app)
    assert "nrefs:1|case:mixed" in said(app)


def test_with_several_seeds_better_is_said_and_what_could_have_been_seen(world):
    with_tests(world, "be")
    for members, error in (([], 0.4), (["bg", "uk"], 0.05)):
        for seed in (1, 2, 3):
            finished(world, "be", members, error=error, seed=seed)
    app = world.open("compare")
    table = outcome_table(app)
    assert table["Verdict"]["traditional"] == "better"
    assert 0 < table["Visible"]["traditional"] < table["BLEU difference"]["traditional"]
    assert f"a true difference of {table['Visible']['traditional']:.1f} BLEU would be found four times in five" in said(
        app
    )


def test_the_address_names_target_and_pinned_arm(scored):
    finished(scored, "tr", [], error=0.3)
    app = scored.open("compare", target="be-en", pinned="traditional")
    assert outcome_table(app)["Verdict"]["traditional"] == "pinned"
    assert outcome_table(app)["Verdict"]["single"] == "differs on these sentences"
    assert "Target" not in outcome_table(app)
    labels = figures(app)[1]["layout"]["annotations"][0]["text"]
    assert labels == "the paper's claim, +1.7"


def test_a_target_that_was_never_trained_is_left_out(scored):
    finished(scored, "tr", None, error=0.3)
    app = scored.open("compare")
    assert "Target" not in outcome_table(app)
    assert outcome_table(app)["Verdict"]["single"] == "pinned"


def test_over_several_targets_the_verdicts_are_counted(scored):
    for members, error in (([], 0.45), (["kk"], 0.05)):
        finished(scored, "tr", members, error=error)
    app = scored.open("compare")
    assert not app.exception
    assert len(figures(app)) == 3
    assert "Over 2 targets, against `single`" in said(app)
    means = outcome_table(app).loc[lambda rows: rows["Target"] == "mean of 2"]
    assert {"single", "traditional"} <= set(means.index)


def test_runs_of_other_budgets_are_a_group_of_their_own(scored):
    early = Budget(updates=100, patience=3)
    for members in ([], ["uk", "bg"]):
        finished(scored, "be", members, error=0.2, budget=early)
    app = scored.open("compare", group="2")
    assert not app.exception
    assert len(app.selectbox(key="group").options) == 2
    differing = app.dataframe[0].value
    assert {"budget mode", "patience"} == set(differing["Setting"])
    assert len(outcome_table(app)) == 4
    assert "equal-updates" in said(app)
    app.selectbox(key="group").select(1).run()
    assert len(outcome_table(app)) == 3  # the two that stop early, and the base model, which fits any group
    assert "early-stopping" in said(app)


def test_targets_without_an_arm_in_common_are_asked_to_part(world):
    with_tests(world, "be", "tr")
    finished(world, "be", [], error=0.3)
    finished(world, "tr", ["kk", "uk"], error=0.3)
    app = world.open("compare")
    assert not app.exception
    assert "no arm in common" in app.warning[0].value
    app = world.open("compare", target="tr-en")
    assert len(outcome_table(app)) == 1


def test_pseudo_families_go_by_their_measure(scored):
    members = pseudo_family(scored.estimate(*CODES), Measure.OVERLAP)
    finished(scored, "be", members, error=0.2)
    table = outcome_table(scored.open("compare"))
    # By other measures the family is the same: one run, in one row, under all its names.
    assert list(table.index) == [
        "zero-shot",
        "single",
        "traditional",
        "kl = kl-normalised = overlap = consensus",
        "with kk",
    ]
    assert table["Auxiliaries"].iloc[3] == " ".join(f"{one}-en" for one in sorted(members))


def pseudo_family(world, measure):
    """Auxiliaries of Belarusian's family by the paper's rule."""
    specs = {one: estimates.fisher_spec(world.workspace, one) for one in PAIRS}
    artifacts = {one: estimates.find_fisher(spec, world.cache) for one, spec in specs.items()}
    matrix = pools.pool_similarity(artifacts, cache=world.cache).matrix(measure, 0.4)
    return [one.source for one in select_family(matrix, pair("be-en"), selection=SelectionSpec()).members]


def test_a_pseudo_family_without_gain_is_a_warning(scored):
    finished(scored.estimate(*CODES), "be", pseudo_family(scored, Measure.OVERLAP), error=0.45)
    (sign,) = [one.value for one in scored.open("compare", pinned="traditional").warning]
    assert "No gain in BLEU shown." in sign
    assert (
        "the pseudo family `kl` = `kl-normalised` = `overlap` = `consensus` does worse on these sentences than `traditional`"
        in sign
    )
    assert "What to do" in sign
    # A pseudo family that is pinned is not held against the method.
    assert not scored.open("compare", pinned="overlap").warning
    # One that gains is enough.
    finished(scored, "be", pseudo_family(scored, Measure.MSE), error=0.05)
    assert not scored.open("compare", pinned="single").warning


def test_a_pseudo_family_that_gains_is_none(scored):
    finished(scored.estimate(*CODES), "be", pseudo_family(scored, Measure.OVERLAP), error=0.02)
    assert not scored.open("compare").warning


def test_translations_stand_side_by_side_with_differences_marked(scored):
    app = scored.open("compare", beside="traditional")
    words = "\n".join(one.proto.body for one in app.get("html"))
    assert "single (pinned)" in words
    assert "traditional" in words
    assert "zero-shot" not in words
    assert "<mark>" in words
    assert app.number_input(key="page").max == 8


def test_contributions_and_settings_have_tabs(scored):
    app = scored.open("compare", show="Contributions")
    given = next(one.value for one in app.dataframe if "Pair" in one.value)
    assert {"Belarusian · be", "Ukrainian · uk", "Bulgarian · bg"} <= set(given["Pair"])
    assert set(given["Role"]) == {"target", "auxiliary"}
    shown = scored.open("compare", show="Settings").dataframe
    settings = next(one.value for one in shown if "Value" in one.value).set_index("Setting")["Value"]
    assert settings["budget mode"] == "equal-updates"
    assert settings["pinned"] == "single"


def test_tables_and_figures_can_be_taken_away(scored):
    app = scored.open("compare")
    assert [one.label for one in app.get("download_button")] == ["CSV", "LaTeX", "Runs as CSV (4)"]
    for chart in app.get("plotly_chart"):
        assert json.loads(chart.proto.config)["toImageButtonOptions"]["format"] == "svg"


def test_random_families_of_the_same_size_are_the_control(scored):
    words = "Train the arm `random` as well"
    assert words in said(scored.open("compare", target="be-en"))
    for number, drawn in enumerate(random_arms(pair("be-en"), PAIRS, sizes=[2], n_draws=2, seed=1)):
        finished(scored, "be", [one.source for one in drawn.members], error=0.45 + number / 100)
    app = scored.open("compare", target="be-en")
    assert not app.exception
    assert words not in said(app)
    row = outcome_table(app).loc["traditional"]
    assert row["Against random"] > 0
    assert (
        row["Verdict on it"] == "differs on these sentences"
    )  # one of the two draws is that family itself, which is no control
    assert "one draw of random-2" in row["Caveat on it"]
    assert "minus that of random" in str(figures(app)[2]["layout"]["xaxis"]["title"])


def test_a_weighted_arm_has_its_name_and_weights(scored):
    gains = {"uk": 0.3, "kk": 0.1, "bg": -0.2}
    request = TransferRequest(
        jobs.placed(scored.workspace), (pair("tr-en"),), tuple(pair(f"{one}-en") for one in gains), 60, SMALL
    )
    store_matrix(scored.cache, request, lambda _, member, seed: 3 - (gains[member.source] if member else 0))
    finished(scored, "be", ["uk", "kk"], error=0.1, weights=(0.5, 1.5))
    app = scored.open("compare", target="be-en")
    assert not app.exception
    table = outcome_table(app)
    assert table.loc["weighted-foreseen", ["Auxiliaries", "Weights"]].tolist() == ["kk-en uk-en", "0.5 1.5"]
    assert "foreseen-1" not in table.index
    assert "foreseen-2" not in table.index  # uk and kk, unweighted, were not run


def runs_table(app):
    return next(one.value for one in app.dataframe if "key" in one.value)


def test_all_runs_stand_in_a_table_whatever_is_compared(scored):
    finished(scored, "tr", [], error=0.4)
    app = scored.open("compare", target="be-en")
    assert not app.exception
    table = runs_table(app)
    assert len(table) == 5
    assert set(table["target"]) == {"Belarusian · be", "Turkish · tr"}
    arms = dict(zip(table["auxiliaries"] + table["target"], table["arm"], strict=True))
    assert arms["bg-en uk-enBelarusian · be"] == "traditional"
    assert arms["zero-shotBelarusian · be"] == "zero-shot"
    shown = dict(zip(outcome_table(app).index, outcome_table(app)["BLEU"], strict=True))
    of_arm = table[table["target"] == "Belarusian · be"].set_index("arm")["BLEU"]
    assert of_arm["single"] == pytest.approx(shown["single"], abs=0.05)


def test_runs_are_filtered_and_grouped_by_the_address(scored):
    finished(scored, "be", [], error=0.3, seed=2)
    app = scored.open("compare", runs_filter="single", runs_by="arm")
    assert not app.exception
    (table,) = (one.value for one in app.dataframe if "seeds" in one.value)
    assert list(table["group"]) == ["Belarusian · be: single"]
    assert list(table["runs"]) == [2]
    assert table["BLEU lowest"][0] < table["BLEU"][0] < table["BLEU highest"][0]
    app.text_input(key="runs_filter").set_value("nobody").run()
    assert "None of 5 runs has all of these words." in said(app)


def test_the_runs_are_listed_where_nothing_can_be_compared(world):
    with_tests(world, "be", "tr")
    finished(world, "be", [], error=0.4)
    finished(world, "tr", ["kk"], error=0.4)
    app = world.open("compare")
    assert not app.exception
    assert "no arm in common" in app.warning[0].value
    assert len(runs_table(app)) == 2
