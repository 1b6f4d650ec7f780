"""The finished runs that ship with the sample are what the sample's model and text give."""

from __future__ import annotations

import pytest

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.families.selection import paper_family
from pseudofam_core.finetuning import open_texts, shipped_runs
from pseudofam_core.finetuning.run import finetune
from pseudofam_core.languages import pair
from pseudofam_core.models.hub import SAMPLE, resolve_model
from pseudofam_core.outcomes.run_settings import comparable
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import pool_similarity
from pseudofam_core.store.cache import Cache

_TARGET = pair("id-en")


@pytest.fixture(scope="module")
def runs():
    return shipped_runs(model_revision=resolve_model(SAMPLE).revision)


def test_they_can_be_compared_and_have_three_seeds(runs):
    (group,) = comparable(runs)
    assert {run.target for run in group} == {_TARGET}
    seeds = {}
    for run in group:
        if not run.is_zero_shot:
            seeds.setdefault(run.members, set()).add(run.spec.seed)
    assert () in seeds  # the target alone
    assert len(seeds) >= 4
    assert set(map(frozenset, seeds.values())) == {frozenset({1, 2, 3})}


def test_their_scores_are_those_of_their_translations(runs):
    text = open_texts(Workspace(), _TARGET).test
    for run in runs:
        assert run.test_digest == text.digest
        assert run.outputs["test"]["references"] == tuple(text.targets)
        again = run.task.score(text, run.outputs["test"]["hypotheses"]).stored
        assert again == pytest.approx(run.scores["test"])


def test_they_name_no_place_of_the_machine_that_made_them(runs):
    for run in runs:
        assert (run.workspace.model, run.workspace.corpus) == (SAMPLE, SAMPLE)
        for file in run.artifact.folder.iterdir():
            assert '"/' not in file.read_text(encoding="utf-8"), file.name


def test_the_families_by_overlap_and_mse_are_among_them(runs, sample_estimates):
    estimates, cache = sample_estimates
    similarity = pool_similarity(estimates, cache=cache)
    trained = {frozenset(run.members) for run in runs}
    for measure in (Measure.OVERLAP, Measure.MSE):
        family = paper_family(similarity.matrix(measure, 0.4), _TARGET)
        assert frozenset(family) in trained, measure


def test_what_the_base_model_translates_is_made_again(runs, tmp_path):
    (kept,) = [run for run in runs if run.is_zero_shot]
    again = finetune(kept.spec, Cache(tmp_path))
    assert again.key == kept.key
    pairs = list(zip(again.outputs["test"]["hypotheses"], kept.outputs["test"]["hypotheses"], strict=True))
    assert sum(mine == theirs for mine, theirs in pairs) >= 0.95 * len(pairs)  # another processor rounds otherwise
