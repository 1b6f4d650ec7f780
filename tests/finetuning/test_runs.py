"""Finished runs and timings as their manifests tell them, typed; one that can't be read is left out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pseudofam_core.errors import MalformedValue
from pseudofam_core.finetuning import SMALL, Pace, Recipe, find_pace, find_run, run_of, runs_of
from pseudofam_core.finetuning.costs import Timing, timing_key, timing_of
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage
from tests.cases_runs import EQUAL_UPDATES, store_run

PACE = Pace(0.5, 2.0, 0.1, 1000, 400)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path)


def rewrite(run, **changes):
    """Change a run's manifest on disk, which then is like one of before manifests had a digest."""
    path = run.artifact.file("manifest.json")
    manifest = {**json.loads(path.read_text(encoding="utf-8")), **changes, "digest": None}
    path.write_text(json.dumps({name: one for name, one in manifest.items() if one is not None}), encoding="utf-8")


def keep_timing(cache, revision, recipe, beams):
    return cache.store(
        Stage.FINETUNE_TIMING,
        timing_key(revision, recipe, beams),
        spec={"model_revision": revision, "recipe": recipe, "beams": beams},
        summary={"pace": PACE, "device": "cpu"},
        write=lambda folder: None,
    )


def test_a_run_comes_back_as_it_was_written(cache):
    run = store_run(cache, ["uk", "kk"], error=0.1, seed=3)
    assert (run.target, run.members, run.seed) == (pair("be-en"), (pair("kk-en"), pair("uk-en")), 3)
    assert (run.budget, run.recipe, run.spec.max_length) == (EQUAL_UPDATES, Recipe(precision="float32"), 256)
    assert [one.pair for one in run.contributions] == [pair("be-en"), pair("kk-en"), pair("uk-en")]
    assert (run.workspace, run.cut) == (run.spec.workspace, run.spec.cut)
    assert (run.version, run.pace) == (1, None)
    assert run == run_of(run.artifact) == find_run(run.spec, cache)


def test_a_zero_shot_run_has_no_training(cache):
    run = store_run(cache, None, error=0.1)
    assert run.is_zero_shot
    assert (run.budget, run.recipe, run.seed, run.contributions) == (None, None, None, ())


def test_a_run_that_can_not_be_read_is_left_out_and_logged(cache, caplog):
    whole, broken = store_run(cache, [], error=0.1), store_run(cache, ["uk"], error=0.1)
    rewrite(broken, updates="many")
    assert runs_of(cache) == (whole,)
    assert f"manifest of run {broken.key[:8]}.updates must be a whole number. Got 'many'" in caplog.text


@pytest.mark.parametrize("name", ["spec", "created", "contributions", "workspace"])
def test_a_manifest_that_lacks_an_entry_is_told(cache, name):
    run = store_run(cache, ["uk"], error=0.1)
    manifest = {entry: value for entry, value in run.artifact.manifest.items() if entry != name}
    with pytest.raises(MalformedValue, match=f"must have {name}"):
        run_of(replace(run.artifact, manifest=manifest))


def test_what_earlier_versions_kept_with_a_pace_does_not_stand_in_the_way(cache):
    run, timing = store_run(cache, ["uk"], error=0.1), keep_timing(cache, "model", SMALL, 5)
    told = {**vars(PACE), "is_alike": True}
    rewrite(run, pace=told)
    assert [kept.pace for kept in runs_of(cache)] == [PACE]
    manifest = {**timing.manifest, "pace": told}
    assert timing_of(replace(timing, manifest=manifest)).pace == PACE


def test_a_timing_comes_back_and_gives_its_pace(cache, caplog):
    artifact = keep_timing(cache, "model", SMALL, 5)
    assert timing_of(artifact) == Timing("model", SMALL, PACE, artifact.created, 5, "cpu")
    assert find_pace(cache, model_revision="model", recipe=SMALL, beams=5) == PACE
    assert find_pace(cache, model_revision="another", recipe=SMALL, beams=5) is None
    path = artifact.file("manifest.json")
    manifest = {name: one for name, one in json.loads(path.read_text()).items() if name != "digest"}
    path.write_text(json.dumps({**manifest, "pace": {**manifest["pace"], "seconds_per_update": "fast"}}))
    assert find_pace(cache, model_revision="model", recipe=SMALL, beams=5) is None
    assert "pace.seconds_per_update must be a number. Got 'fast'" in caplog.text
