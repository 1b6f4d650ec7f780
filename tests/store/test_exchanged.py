"""Folders of the cache that were exchanged, or changed by a digit, never show another's numbers: all stages, earlier results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pseudofam_core.estimates import find_fisher
from pseudofam_core.finetuning import runs_of
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import find_pool_similarity, pool_similarity
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage
from tests.cases_estimates import fisher_spec_of

EARLIER = Path(__file__).parent / "earlier_cache"
NAMES = ("be-en", "uk-en", "kk-en", "tr-en")


@pytest.fixture
def earlier(tmp_path):
    return Cache(Path(shutil.copytree(EARLIER, tmp_path / "earlier")))


def exchange(one: Path, two: Path) -> None:
    beside = one.with_name("beside")
    one.rename(beside)
    two.rename(one)
    beside.rename(two)


def rewrite(path: Path, change) -> None:
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def estimates_of(cache, names=NAMES):
    return {pair(name): found for name in names if (found := find_fisher(fisher_spec_of(name), cache))}


@pytest.mark.parametrize("renamed", [False, True])
def test_exchanged_estimates_are_missing(earlier, caplog, renamed):
    be, uk = (find_fisher(fisher_spec_of(name), earlier) for name in ("be-en", "uk-en"))
    exchange(be.folder, uk.folder)
    if renamed:  # by somebody who adapts the name within
        for one in (be, uk):
            rewrite(one.folder / "manifest.json", lambda manifest, key=one.key: manifest.update(key=key))
    assert sorted(map(str, estimates_of(earlier))) == ["kk-en", "tr-en"]
    assert caplog.text.count("will be computed again") == 2


def test_exchanged_runs_are_missing(earlier, caplog):
    one, two = runs_of(earlier)
    exchange(one.artifact.folder, two.artifact.folder)
    assert runs_of(earlier) == ()
    assert caplog.text.count("will be computed again") == 2


def test_a_run_whose_spec_was_changed_is_missing(earlier):
    one, two = runs_of(earlier)
    rewrite(one.artifact.folder / "manifest.json", lambda manifest: manifest["spec"].update(beams=99))
    assert runs_of(earlier) == (two,)


@pytest.mark.parametrize("name", ["scores", "contributions", "loss_curve", "updates", "workspace"])
def test_a_run_that_lacks_a_field_is_missing(earlier, name, caplog):
    one, two = runs_of(earlier)
    rewrite(one.artifact.folder / "manifest.json", lambda manifest: manifest.pop(name))
    assert runs_of(earlier) == (two,)
    assert name in caplog.text


@pytest.mark.parametrize("name", ["n_target_tokens", "loss", "total", "layer_mass", "created", "spec"])
@pytest.mark.parametrize("change", [lambda manifest, name: manifest.update({name: None}), dict.pop])
def test_an_estimate_that_lacks_a_field_is_missing(earlier, name, change, caplog):
    folder = find_fisher(fisher_spec_of("be-en"), earlier).folder
    rewrite(folder / "manifest.json", lambda manifest: change(manifest, name))
    assert find_fisher(fisher_spec_of("be-en"), earlier) is None
    assert "will be computed again" in caplog.text


def test_exchanged_comparisons_are_computed_again(earlier):
    pools = estimates_of(earlier), estimates_of(earlier, NAMES[:3])
    right = [pool_similarity(one, cache=earlier) for one in pools]
    stage = earlier.root / Stage.COMPARISON
    exchange(*(stage / str(one.curve.provenance["key"]) for one in right))
    assert [find_pool_similarity(one, cache=earlier) for one in pools] == [None, None]
    for one, before in zip(pools, right, strict=True):
        again = pool_similarity(one, cache=earlier).matrices[Measure.MSE]
        np.testing.assert_array_equal(again.values, before.matrices[Measure.MSE].values)
        assert find_pool_similarity(one, cache=earlier) is not None


def test_no_digit_of_a_new_manifest_can_change(earlier):
    found = pool_similarity(estimates_of(earlier), cache=earlier)
    path = earlier.root / Stage.COMPARISON / str(found.curve.provenance["key"]) / "manifest.json"
    text = path.read_text()
    for place in [i for i, one in enumerate(text) if one.isdigit()][::25]:
        path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])
        assert find_pool_similarity(estimates_of(earlier), cache=earlier) is None
    path.write_text(text)
    assert find_pool_similarity(estimates_of(earlier), cache=earlier) is not None
