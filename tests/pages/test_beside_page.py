"""Two workspaces: what differs is asked, both matrices stand in one order, and their agreement is the Lab's."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pseudofam_core import estimates
from pseudofam_core.estimates.spec import Estimator
from pseudofam_core.lab.agreement import agreement_of_matrices
from pseudofam_core.lab.beside import targets_beside
from pseudofam_core.languages import pair
from pseudofam_core.similarity import pools
from pseudofam_core.similarity.measures import Measure
from tests.pages.conftest import CODES, World, said


@pytest.fixture
def two(world):
    """The same model and text by two estimators, with other numbers, of all pairs but one that the second lacks."""
    world.estimate(*CODES)
    here, world.seed = world.workspace, 10
    world.workspace = replace(here, estimator=Estimator.PER_BATCH)
    world.estimate(*CODES[:4])
    world.workspace = here
    return world


def matrices(world, measure):
    """Both matrices of the pairs that both have, straight from the cache."""
    shared = [pair(f"{code}-en") for code in CODES[:4]]
    found = []
    for workspace in (world.workspace, replace(world.workspace, estimator=Estimator.PER_BATCH)):
        kept = {one: estimates.find_fisher(estimates.fisher_spec(workspace, one), world.cache) for one in shared}
        found.append(pools.pool_similarity(kept, cache=world.cache).matrix(measure))
    return found


def figures(app):
    return [json.loads(one.proto.spec) for one in app.get("plotly_chart")]


def test_without_another_workspace_the_page_asks_for_one(two):
    app = two.open("beside")
    assert not app.exception
    assert "Name above what the other workspace has otherwise" in said(app)
    assert not figures(app)


def test_the_sidebar_s_own_values_are_no_other_workspace(two):
    app = two.open("beside", other_seed="1", other_corpus=two.workspace.corpus, other_split="train")
    assert "Name above what the other workspace has otherwise" in said(app)


def test_k_ends_where_the_first_of_both_runs_into_zeros(world):
    # Of 200 parameters Kazakh has 80 zeros here (K ends at 0.6), and 100 there (0.5).
    world.estimate("be", "uk", "tr").estimate("kk", n_zeros=80)
    here, world.seed = world.workspace, 10
    world.workspace = replace(here, estimator=Estimator.PER_BATCH)
    world.estimate("be", "uk", "tr").estimate("kk", n_zeros=100)
    world.workspace = here
    app = world.open("beside", other_estimator="per-batch", measure="overlap", k="0.55")
    assert not app.exception
    assert len(figures(app)) == 2
    assert (app.slider(key="k").max, app.slider(key="k").value) == (0.5, 0.5)
    (asked,) = [one.value for one in app.warning if "zeros" in one.value]
    assert asked.startswith("The address asks for K = 55.0%; here K ends at 50.0%.")


@pytest.mark.parametrize("measure", [Measure.OVERLAP, Measure.KL])
def test_agreement_is_the_lab_s_over_the_pairs_of_both(two, measure):
    app = two.open("beside", other_estimator="per-batch", measure=measure.value)
    assert not app.exception
    assert not app.error
    first, second = matrices(two, measure)
    expected = agreement_of_matrices(first, second)
    shown = {one.label: (one.value, one.delta) for one in app.metric}
    assert shown["Matrices, ρ"][0] == f"{expected['matrix_rho']:.2f}"
    assert shown["Neighbours, ρ"] == (
        f"{expected['rho']:.2f}",
        f"{expected['rho_low']:.2f} to {expected['rho_high']:.2f}",
    )
    assert shown["Members shared"][0] == f"{expected['shared']:.0%}"
    assert "1 of 5 pairs missing in the other" in said(app)
    heatmaps = [trace for one in figures(app) for trace in one["data"] if trace["type"] == "heatmap"]
    assert len(heatmaps) == 2


def test_families_that_differ_are_told_by_target(two):
    app = two.open("beside", other_estimator="per-batch")
    table = next(one.value for one in app.dataframe if "Only left" in one.value).set_index("Target")
    told = targets_beside(*matrices(two, Measure.OVERLAP))
    assert set(table.index) == {one.target.label for one in told}
    for one in told:
        row = table.loc[one.target.label]
        assert list(row["Family, left"]) == [member.label for member in one.first]
        assert set(row["Only right"]) == {member.label for member in set(one.second) - set(one.first)}
    n = sum(not one.is_same for one in told)
    assert f"**{n} of 4 families differ.** *Left* is per-sentence, *right* per-batch." in said(app)


def test_both_stand_in_one_order_and_a_chosen_cell_is_framed_in_both(two):
    app = two.open("beside", other_estimator="per-batch", **{"of": "be-en", "with": "bg-en"})
    first, second = figures(app)
    assert first["layout"]["yaxis"]["ticktext"] == second["layout"]["yaxis"]["ticktext"]
    assert len(first["layout"]["shapes"]) == 1
    assert first["layout"]["shapes"] == second["layout"]["shapes"]
    mine, theirs = matrices(two, Measure.OVERLAP)
    t, a = mine.pairs.index(pair("be-en")), mine.pairs.index(pair("bg-en"))
    assert f"left {mine.values[t, a]:.4g}, neighbour" in said(app)
    assert f"right {theirs.values[t, a]:.4g}, neighbour" in said(app)


def test_what_cannot_be_read_is_said_with_its_reason(two, tmp_path):
    app = two.open("beside", other_model=str(tmp_path / "nowhere"))
    assert not app.exception
    assert "The other workspace can't be used" in app.warning[0].value


def test_the_same_text_elsewhere_is_told_to_be_the_same(two, tmp_path):
    other = World(tmp_path / "copy")
    app = two.open("beside", other_corpus=other.workspace.corpus)
    assert not app.exception
    assert "Both read the same estimates" in said(app)
    assert {one.label: one.value for one in app.metric}["Matrices, ρ"] == "1.00"


def test_too_few_pairs_in_common_are_said(two, tmp_path):
    other = World(tmp_path / "few")
    for code in CODES[2:]:
        for file in (Path(other.workspace.corpus) / f"{code}-en").iterdir():
            file.unlink()
        (Path(other.workspace.corpus) / f"{code}-en").rmdir()
    app = two.open("beside", other_corpus=other.workspace.corpus)
    assert not app.exception
    assert "Both must have 3 language pairs or more in common. They have 2." in said(app)


def test_what_is_missing_there_can_be_estimated_from_here(two, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "pages.views.beside.submit", lambda workspace, pairs, words: asked.append((workspace, list(pairs)))
    )
    app = two.open("beside", other_estimator="per-batch")
    next(one for one in app.button if one.key == "estimate_other").click().run()
    ((workspace, pairs),) = asked
    assert workspace.estimator is Estimator.PER_BATCH
    assert pairs == [pair("tr-en")]
