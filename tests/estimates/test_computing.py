"""From a workspace to families: everything found again, nothing computed twice, a killed run gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from safetensors.numpy import load_file

from pseudofam_core import estimates
from pseudofam_core.corpora.cleaning import Cleaning
from pseudofam_core.errors import CacheError, CorpusError, JobCancelled, LanguageNotCovered, ModelError
from pseudofam_core.estimates import (
    FISHER_FILE,
    SHARDS_FILE,
    computing,
    drawn_text,
    find_fisher,
    fisher_key,
    fisher_spec,
    load_sketches,
    pool_of,
    summarise,
)
from pseudofam_core.estimates.spec import Estimator, MiniBatches, Precision
from pseudofam_core.families.selection import select_families
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.languages import pair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.models.loading import load_model
from pseudofam_core.models.tokenization import encode
from pseudofam_core.similarity.measures import FISHER_MEASURES, Measure
from pseudofam_core.similarity.pools import similarity, similarity_spec
from pseudofam_core.similarity.spec import Scope
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage
from tests import reference_fisher
from tests.cases import save_corpus, save_model

TR = pair("tr-en")


def estimated(workspace, cache):
    return {one: computing.compute(fisher_spec(workspace, one), cache) for one in pool_of(workspace)}


def test_the_stored_diagonal_is_the_mean_of_squared_gradients(workspace, cache):
    artifact = computing.compute(fisher_spec(workspace, TR), cache, batch_tokens=40)
    model = load_model(Path(workspace.model))
    bitext, _ = drawn_text(workspace, TR)
    expected = reference_fisher.squared_gradients(model, encode(model.tokenizer, model.family, bitext, max_length=256))
    stored = load_file(artifact.file(FISHER_FILE))
    assert sorted(stored) == sorted(name for name in expected if name.endswith(("fc1.weight", "fc2.weight")))
    for name, values in stored.items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected[name].numpy() / len(bitext), rtol=2e-4, atol=1e-9)


def test_a_second_run_computes_nothing(workspace, cache, monkeypatch):
    first = computing.compute(fisher_spec(workspace, TR), cache)
    monkeypatch.setattr(computing, "estimate_fisher", lambda *_, **__: pytest.fail("computed again"))
    assert computing.compute(fisher_spec(workspace, TR), cache).manifest == first.manifest


def test_the_summary_tells_what_was_counted(workspace, cache):
    summary = summarise(computing.compute(fisher_spec(workspace, TR), cache))
    assert summary.pair == TR
    assert (summary.n_sentences, summary.n_gradients) == (7, 7)
    assert summary.n_parameters == 3 * 2 * 16 * 24
    assert summary.mean_loss > 0
    assert sum(summary.layer_mass.values()) == pytest.approx(1)
    artifact = computing.compute(fisher_spec(workspace, TR), cache)
    for name, values in load_file(artifact.file(FISHER_FILE)).items():
        assert artifact.manifest["layer_zeros"][name] == (values == 0).sum()
        assert artifact.manifest["layer_sizes"][name] == values.size


@pytest.mark.parametrize(("tokens", "n_gradients"), [(4096, 1), (8, 4)])
def test_training_updates_are_counted_as_gradients(workspace, cache, tokens, n_gradients):
    """By its defaults this text is one update: F is one squared gradient, not the mean of seven."""
    settings = MiniBatches(tokens=tokens)
    artifact = computing.compute(
        fisher_spec(replace(workspace, estimator=Estimator.PER_BATCH, mini_batches=settings), TR), cache
    )
    assert summarise(artifact).n_gradients == n_gradients
    assert load_file(artifact.file(SHARDS_FILE))["counts"].sum() == n_gradients


def test_batch_size_does_not_matter(workspace, tmp_path):
    spec = fisher_spec(workspace, TR)
    one, many = (
        load_file(computing.compute(spec, Cache(tmp_path / str(n)), batch_tokens=n).file(FISHER_FILE)) for n in (1, 999)
    )
    for name, values in one.items():
        np.testing.assert_allclose(values, many[name], rtol=1e-4, atol=1e-9)


def test_cancelling_keeps_a_checkpoint_from_which_the_same_bytes_come(workspace, tmp_path):
    spec = fisher_spec(workspace, TR)
    whole = computing.compute(spec, Cache(tmp_path / "whole"), batch_tokens=30)
    cache, asked = Cache(tmp_path / "parts"), []

    def after_two() -> bool:
        asked.append(1)
        return len(asked) >= 2

    with pytest.raises(JobCancelled, match="of 7 sentences"):
        computing.compute(spec, cache, batch_tokens=30, should_stop=after_two)
    assert (cache.partial(Stage.FISHER, fisher_key(spec)) / "checkpoint.safetensors").exists()
    starts = []
    resumed = computing.compute(spec, cache, batch_tokens=30, report=lambda progress: starts.append(progress.done))
    assert 0 < starts[1] < 7  # after the model was loaded, counting goes on from the checkpoint
    assert resumed.files == whole.files
    assert resumed.manifest["loss"] == whole.manifest["loss"]
    assert not cache.partial(Stage.FISHER, fisher_key(spec)).exists()


def test_a_checkpoint_of_other_batches_is_not_mixed_in(workspace, tmp_path, caplog):
    spec = fisher_spec(workspace, TR)
    cache = Cache(tmp_path / "c")
    with pytest.raises(JobCancelled):
        computing.compute(spec, cache, batch_tokens=30, should_stop=lambda: True)
    resumed = computing.compute(spec, cache, batch_tokens=999)
    whole = computing.compute(spec, Cache(tmp_path / "whole"), batch_tokens=999)
    assert "starting anew" in caplog.text
    assert resumed.files == whole.files


def stopped(spec, cache):
    """The checkpoint of an estimate that was stopped after two batches."""
    asked = iter((False, True))
    with pytest.raises(JobCancelled):
        computing.compute(spec, cache, batch_tokens=30, should_stop=lambda: next(asked))
    return cache.partial(Stage.FISHER, fisher_key(spec)) / "checkpoint.safetensors"


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", ["flip", "flip in the counts", "truncate", "empty", "folder", "another's"])
def test_a_damaged_checkpoint_is_dropped_and_the_estimate_begins_anew(workspace, tmp_path, caplog, damage):
    spec, cache = fisher_spec(workspace, TR), Cache(tmp_path / "c")
    whole = computing.compute(spec, Cache(tmp_path / "whole"), batch_tokens=30)
    checkpoint = stopped(spec, cache)
    if damage == "flip":
        flip(checkpoint, -100)
    elif damage == "flip in the counts":
        flip(checkpoint, checkpoint.read_bytes().index(b"n_steps") + len(b'n_steps\\": '))
    elif damage == "truncate":
        checkpoint.write_bytes(checkpoint.read_bytes()[:-50])
    elif damage == "empty":
        checkpoint.write_bytes(b"")
    elif damage == "folder":
        checkpoint.unlink()
        checkpoint.mkdir()
    else:
        stopped(fisher_spec(replace(workspace, seed=9), TR), cache).replace(checkpoint)
    done = []
    again = computing.compute(spec, cache, batch_tokens=30, report=lambda one: done.append(one))
    assert "the estimate begins anew" in caplog.text
    assert again.manifest["files"] == whole.manifest["files"]
    assert again.manifest["loss"] == whole.manifest["loss"]


def test_what_a_killed_writer_left_of_a_checkpoint_is_removed(workspace, tmp_path):
    spec, cache = fisher_spec(workspace, TR), Cache(tmp_path)
    checkpoint = stopped(spec, cache)
    left = checkpoint.with_name(f".{checkpoint.name}.0123")
    left.write_text("half")
    asked = iter((False, True))
    with pytest.raises(JobCancelled):
        computing.compute(spec, cache, batch_tokens=30, should_stop=lambda: next(asked))
    assert [one.name for one in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_two_that_want_the_same_estimate_are_one_after_the_other(workspace, tmp_path):
    spec, cache, phases = fisher_spec(workspace, TR), Cache(tmp_path), []
    lock = FileLock(cache.partial(Stage.FISHER, fisher_key(spec)).with_suffix(".lock"))
    Path(lock.lock_file).parent.mkdir(parents=True)
    lock.acquire()

    def report(progress):
        phases.append(progress.phase)
        lock.release()

    computing.compute(spec, cache, report=report)
    assert phases[0] == "waiting for another job that does the same estimate"


def test_a_cache_that_can_not_be_written_is_told_in_one_line(workspace, tmp_path):
    (tmp_path / "partial").write_text("in the way")
    with pytest.raises(CacheError, match="can't be written"):
        computing.compute(fisher_spec(workspace, TR), Cache(tmp_path))


KILLED = """
import sys, time
from pathlib import Path
from pseudofam_core.estimates import computing
from pseudofam_core.estimates.fisher.checkpoint import Checkpoint
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Cache
Checkpoint.tick = Checkpoint.write
def report(progress):
    print(progress.phase, progress.done, flush=True)
    if progress.done: time.sleep(60)
spec = computing.fisher_spec(Workspace(model=sys.argv[1], corpus=sys.argv[2]), pair("tr-en"))
computing.compute(spec, Cache(Path(sys.argv[3])), batch_tokens=30, report=report)
"""


def test_a_killed_run_is_gone_on_with_to_the_same_bytes(workspace, tmp_path):
    """SIGKILL, as the system sends it: no handler, no clean-up."""
    arguments = [sys.executable, "-c", KILLED, workspace.model, workspace.corpus, str(tmp_path / "killed")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True) as victim:
        reached = next(line for line in victim.stdout if line.startswith("estimating") and not line.endswith(" 0\n"))
        victim.send_signal(signal.SIGKILL)
    assert len(list((tmp_path / "killed").rglob("checkpoint.safetensors"))) == 1
    spec, told = fisher_spec(workspace, TR), []
    resumed = computing.compute(spec, Cache(tmp_path / "killed"), batch_tokens=30, report=told.append)
    assert f"estimating {told[1].done}\n" == reached
    assert resumed.files == computing.compute(spec, Cache(tmp_path / "whole"), batch_tokens=30).files


def test_another_text_model_or_seed_is_another_key(workspace, tmp_path):
    spec = fisher_spec(workspace, TR)
    other_corpus = save_corpus(tmp_path / "corpus", ("tr",))
    target = other_corpus / "tr-en" / "train.en"
    target.write_text(target.read_text().replace("cat", "dog"))
    other_model = save_model(tmp_path / "model", "mbart50")
    keys = {
        fisher_key(spec),
        fisher_key(fisher_spec(replace(workspace, corpus=str(other_corpus)), TR)),
        fisher_key(fisher_spec(replace(workspace, model=str(other_model)), TR)),
        fisher_key(fisher_spec(replace(workspace, max_sentences=3), TR)),
        fisher_key(fisher_spec(replace(workspace, max_sentences=3, seed=2), TR)),
        fisher_key(fisher_spec(replace(workspace, parameters="all"), TR)),
    }
    assert len(keys) == 6
    # The same bytes elsewhere are the same request.
    copy = save_corpus(tmp_path / "copy", ("tr",))
    assert fisher_key(fisher_spec(replace(workspace, corpus=str(copy)), TR)) == fisher_key(spec)


def test_pairs_of_an_aligned_corpus_are_drawn_alike(workspace):
    few = replace(workspace, max_sentences=4)
    drawn = [drawn_text(few, one)[0].targets for one in pool_of(few)]
    assert len(set(drawn)) == 1
    assert set(drawn_text(replace(few, max_sentences=3), TR)[0].targets) < set(drawn[0])


def test_text_that_changed_since_the_request_is_refused(workspace, cache, tmp_path):
    corpus = save_corpus(tmp_path / "corpus", ("tr",))
    spec = fisher_spec(replace(workspace, corpus=str(corpus)), TR)
    path = corpus / "tr-en" / "train.en"
    path.write_text(path.read_text().replace("cat", "dog"))
    with pytest.raises(CorpusError, match="changed"):
        computing.compute(spec, cache)


def test_a_language_that_the_model_lacks_is_refused_with_those_it_covers(tmp_path, cache, workspace):
    model = save_model(tmp_path / "mbart", "mbart50")
    corpus = save_corpus(tmp_path / "corpus", ("be", "tr", "de"))
    here = replace(workspace, model=str(model), corpus=str(corpus))
    with pytest.raises(LanguageNotCovered, match=r"Belarusian · be.*covers de-en, tr-en"):
        computing.compute(fisher_spec(here, pair("be-en")), cache, pool=pool_of(here))


def test_cleaning_everything_away_is_told(workspace):
    with pytest.raises(CorpusError, match="left no sentence"):
        drawn_text(replace(workspace, cleaning=Cleaning(min_characters=500)), TR)


@pytest.mark.parametrize("measure", FISHER_MEASURES)
def test_matrices_are_found_again_and_lead_to_families(workspace, cache, measure, monkeypatch):
    estimates = estimated(workspace, cache)
    spec = similarity_spec(estimates, measure)
    matrix = similarity(estimates, spec, cache)
    monkeypatch.setattr(
        "pseudofam_core.similarity.pools.similarity_of_files", lambda *_, **__: pytest.fail("computed again")
    )
    again = similarity(estimates, spec, cache)
    assert np.array_equal(matrix.values, again.values)
    assert again.provenance["sentences"] == "7"
    assert again.provenance["model_revision"] == fisher_spec(workspace, TR).model_revision
    for family in select_families(matrix, selection=SelectionSpec()):
        assert family.target not in family.members
        assert 2 <= len(family.members) <= 3


def test_the_model_scope_takes_its_masks_among_all_layers(workspace, cache):
    layers = replace(workspace, parameters="layers")
    estimates = estimated(layers, cache)
    spec = similarity_spec(estimates, Measure.OVERLAP, scope=Scope.MODEL)
    assert spec.group == "ffn"
    values = similarity(estimates, spec, cache).values
    assert not np.array_equal(values, values.T)


def test_estimates_of_different_settings_are_not_compared(workspace, cache):
    estimates = estimated(workspace, cache)
    estimates[TR] = computing.compute(fisher_spec(replace(workspace, parameters="attention"), TR), cache)
    with pytest.raises(ValueError, match="share their parameters"):
        similarity_spec(estimates, Measure.MSE)


def test_finding_does_not_open_torch(workspace):
    """The web server asks through this door."""
    code = (
        "import sys; from pseudofam_core import estimates; from pseudofam_core.exchange import tables; "
        "from pseudofam_core.families import selection; from pseudofam_core.models import hub; "
        "from pseudofam_core.similarity import pools; from pseudofam_core.structure import clustering; "
        "from pseudofam_core.store.cache import Cache; from pathlib import Path; "
        f"w = estimates.Workspace(model={workspace.model!r}, corpus={workspace.corpus!r}); "
        "print([estimates.find_fisher(estimates.fisher_spec(w, p), Cache(Path('nowhere'))) for p in estimates.pool_of(w)]); "
        "sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[None, None, None, None]"


def test_a_missing_estimate_is_none(workspace, cache):
    assert find_fisher(fisher_spec(workspace, TR), cache) is None


def test_shards_are_stored_beside_and_loaded_for_a_pool(workspace, cache):
    estimates = estimated(replace(workspace, shards=3), cache)
    sums, counts = load_sketches(estimates)
    pairs = sorted(estimates)
    assert sums.shape == (4, 3, 3 * 2 * 16 * 24)
    assert sums.dtype == np.float32
    assert counts.tolist() == [[3, 2, 2]] * 4
    for pair_sums, one in zip(sums, pairs, strict=True):
        stored = load_file(estimates[one].file(FISHER_FILE))
        flat = np.concatenate([stored[name].reshape(-1) for name in sorted(stored)])
        np.testing.assert_allclose(pair_sums.sum(0) / 7, flat, rtol=1e-6)
    assert SHARDS_FILE in estimates[TR].files


def test_estimates_with_other_subsets_or_shards_are_refused(workspace, cache):
    estimates = estimated(replace(workspace, shards=3), cache)
    for other in ({"parameters": "encoder-ffn", "shards": 3}, {"shards": 2}):
        mixed = {**estimates, TR: computing.compute(fisher_spec(replace(workspace, **other), TR), cache)}
        with pytest.raises(ValueError, match=r"must have the same (positions|counts)"):
            load_sketches(mixed)


def test_the_manifest_tells_concentration_convergence_and_memory(workspace, cache):
    told = summarise(computing.compute(fisher_spec(workspace, TR), cache))
    assert len(told.lorenz) == 101
    assert told.top_percent_share == told.lorenz[1] > 0.01
    assert told.convergence.counts == (1, 2, 3, 4, 5, 6, 7)
    assert told.convergence.distance[-1] == pytest.approx(0, abs=1e-6)
    assert told.predicted_bytes > 0


@pytest.mark.parametrize(
    "other",
    [
        {"estimator": Estimator.SAMPLED},
        {"estimator": Estimator.PER_BATCH},
        {"estimator": Estimator.PER_BATCH, "mini_batches": MiniBatches(dropout=0.0)},
        {"precision": Precision.BFLOAT16},
    ],
)
def test_every_way_of_estimating_has_its_own_key_and_value(workspace, cache, other):
    plain, changed = fisher_spec(workspace, TR), fisher_spec(replace(workspace, **other), TR)
    assert fisher_key(plain) != fisher_key(changed)
    first, second = (load_file(computing.compute(one, cache).file(FISHER_FILE)) for one in (plain, changed))
    assert any(not np.allclose(first[name], second[name], rtol=1e-4, atol=0) for name in first)


def test_settings_of_training_batches_are_resolved(workspace):
    spec = fisher_spec(replace(workspace, estimator=Estimator.PER_BATCH, seed=4), TR)
    assert spec.mini_batches == MiniBatches(4096, 2, 0.2, 0.3, 0.1)
    assert spec.seed == 4
    assert fisher_spec(replace(workspace, seed=4), TR).seed is None
    with pytest.raises(ValueError, match="per-batch only"):
        replace(workspace, mini_batches=MiniBatches())


def test_a_pool_resolves_its_model_once(workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "pseudofam_core.estimates.lookup.resolve_model", lambda name: asked.append(name) or resolve_model(name)
    )
    specs = estimates.fisher_specs(workspace)
    assert asked == [workspace.model]
    assert {pair: fisher_key(spec) for pair, spec in specs.items()} == {
        one: fisher_key(fisher_spec(workspace, one)) for one in pool_of(workspace)
    }


def test_a_model_that_changed_since_the_request_is_refused(workspace, cache, tmp_path):
    folder = save_model(tmp_path / "model", "m2m100")
    spec = fisher_spec(replace(workspace, model=str(folder)), TR)
    (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")
    with pytest.raises(ModelError, match="has changed"):
        computing.compute(spec, cache)


def test_too_little_memory_is_told_before_the_model_is_loaded(workspace, cache, monkeypatch):
    monkeypatch.setattr("pseudofam_core.estimates.fisher.footprint._available", lambda: 2**20)
    monkeypatch.setattr(computing, "_model", lambda *_: pytest.fail("loaded"))
    with pytest.raises(ModelError, match=r"0\.0 GiB are free"):
        computing.compute(fisher_spec(workspace, TR), cache)
