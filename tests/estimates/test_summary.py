"""A manifest typed: what was written comes back, what earlier versions lacked is told as such, damage by its place."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates import summarise
from pseudofam_core.estimates.spec import Estimator, MiniBatches, Precision
from pseudofam_core.estimates.summary import Convergence
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Artifact, Cache
from tests.cases_estimates import fisher_spec_of, keep_estimate

EARLIER = Path(__file__).parents[1] / "store" / "earlier_cache" / "fisher" / "24248ce955d140c5b81269e22dc27244"


@pytest.fixture
def kept(tmp_path):
    return keep_estimate(Cache(tmp_path), "be-en", [1, 2, 3])


def changed(artifact: Artifact, **changes) -> Artifact:
    return replace(artifact, manifest={**artifact.manifest, **changes})


def test_what_was_written_comes_back(kept):
    told = summarise(kept)
    assert told.spec == fisher_spec_of("be-en")
    assert told.spec.workspace == told.workspace == fisher_spec_of("be-en").workspace
    assert (told.pair, told.key, told.created) == (pair("be-en"), kept.key, kept.created)
    assert (told.n_sentences, told.n_gradients, told.n_parameters, told.total) == (4, 4, 3, 6.0)
    assert told.mean_loss == 2.5
    assert told.layer_mass == {"model.encoder.layers.0.fc1.weight": 1.0}


def test_an_earlier_manifest_is_read_and_what_it_lacks_is_none():
    manifest = json.loads((EARLIER / "manifest.json").read_text(encoding="utf-8"))
    told = summarise(Artifact(EARLIER.name, EARLIER, manifest))
    assert (told.version, told.libraries, told.device) == ("0.1.0", {"torch": "2"}, "cpu")
    assert (told.lorenz, told.top_percent_share, told.convergence, told.predicted_bytes) == (None,) * 4


def test_a_spec_of_before_shards_and_precision_existed_is_read(kept):
    names = ("precision", "shards", "seed", "mini_batches")
    spec = {name: value for name, value in kept.spec.items() if name not in names}
    told = summarise(changed(kept, spec=spec)).spec
    assert (told.precision, told.shards, told.seed, told.mini_batches) == (Precision.FLOAT32, 1, None, None)


def test_what_a_later_version_wrote_besides_does_not_matter(kept):
    assert summarise(changed(kept, later=[1])) == summarise(kept)


def test_diagnostics_are_typed(kept):
    convergence = {"counts": [2, 4], "distance": [0.5, None], "split_half_correlation": None}
    told = summarise(changed(kept, lorenz=[0, 1.0], convergence=convergence, estimated="2026"))
    assert told.lorenz == (0, 1.0)
    assert told.convergence == Convergence((2, 4), (0.5, None), None)
    assert told.estimated == "2026"


def test_updates_that_were_not_counted_are_unknown(tmp_path):
    spec = {"estimator": Estimator.PER_BATCH, "mini_batches": MiniBatches()}
    told = summarise(keep_estimate(Cache(tmp_path), "be-en", [1, 2], **spec))
    assert told.n_gradients is None
    assert told.spec.mini_batches == MiniBatches()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_sentences": "4"}, r"manifest of estimate \w{8}\.n_sentences must be a whole number. Got '4'"),
        ({"n_target_tokens": 0}, r"manifest of estimate \w{8}: n_target_tokens must be at least 1. Got 0"),
        ({"layer_mass": {"a": None}}, r"manifest of estimate \w{8}\.layer_mass\.a must be a number. Got None"),
        ({"spec": None}, r"manifest of estimate \w{8}\.spec must be values by name. Got None"),
        ({"spec": {"pair": "be-en"}}, r"manifest of estimate \w{8}\.spec must have model_revision, text_digest"),
        ({"workspace": {"seed": "1"}}, r"manifest of estimate \w{8}\.\w+.*seed must be a whole number. Got '1'"),
    ],
)
def test_damage_is_told_by_its_place(kept, changes, message):
    with pytest.raises(MalformedValue, match=message):
        summarise(changed(kept, **changes))
