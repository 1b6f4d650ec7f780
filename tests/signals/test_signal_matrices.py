"""Signals of a workspace: what is found, made and kept; turned so that larger helps more; the table and its CSV."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.estimates import find_fisher, fisher_specs
from pseudofam_core.exchange.signal_tables import signals_csv
from pseudofam_core.languages import pair
from pseudofam_core.signals import SIGNALS, Need, SignalMatrix, computing, find_signal_matrices, signal_matrices
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import pool_similarity
from pseudofam_core.store.cache import Cache
from tests.cases import save_corpus


def test_every_signal_of_the_table_has_a_matrix(tunable, cache):
    found = signal_matrices(tunable, cache)
    assert list(found) == list(SIGNALS)
    for name, matrix in found.items():
        assert matrix.signal == name
        assert matrix.targets == matrix.auxiliaries == tuple(map(pair, ("az-en", "de-en", "sv-en", "tr-en")))
        assert np.isnan(np.diag(matrix.values)).all()
        assert np.isfinite(matrix.values[~np.eye(4, dtype=bool)]).all()


def test_measures_are_turned_so_that_larger_is_nearer(workspace, cache):
    found = signal_matrices(workspace, cache)
    estimates = {one: find_fisher(spec, cache) for one, spec in fisher_specs(workspace).items()}
    pool = pool_similarity(estimates, cache=cache)
    for measure in Measure:
        distances = pool.matrix(measure).ordering_distances()
        for row, distance in zip(found[measure].values, distances, strict=True):
            others = np.isfinite(row)
            assert np.array_equal(np.argsort(-row[others]), np.argsort(distance[others])), measure


def test_targets_are_rows_of_the_whole(workspace, cache):
    whole = signal_matrices(workspace, cache)
    some = signal_matrices(workspace, cache, targets=[pair("tr-en"), pair("az-en")])
    for name, matrix in some.items():
        assert matrix.targets == (pair("tr-en"), pair("az-en"))
        np.testing.assert_array_equal(matrix.values, whole[name].values[[3, 0]])


def test_what_is_kept_is_found_and_what_is_not_is_not_made(workspace, cache, monkeypatch):
    by_table = {name for name, one in SIGNALS.items() if one.needs is Need.LANGUAGES}
    assert set(find_signal_matrices(workspace, cache)) == by_table
    made = signal_matrices(workspace, cache)
    monkeypatch.setattr(computing, "open_model", lambda workspace: 1 / 0)
    for found in (find_signal_matrices(workspace, cache), signal_matrices(workspace, cache)):
        assert list(found) == list(made)
        for name in made:
            np.testing.assert_array_equal(found[name].values, made[name].values)


def test_other_text_or_another_model_is_other_evidence(workspace, cache, tmp_path):
    signal_matrices(workspace, cache, signals=["subword-types", "encoder-states"])
    other = replace(workspace, corpus=str(save_corpus(tmp_path / "other", ("tr", "az", "sv", "de"))))
    for changed in (other, replace(workspace, max_length=16)):
        assert not find_signal_matrices(changed, cache, signals=["subword-types", "encoder-states"])
    found = find_signal_matrices(replace(workspace, max_sentences=3), cache)
    assert "subword-types" in found, "text is counted whole, however many sentences a model reads"
    assert "encoder-states" not in found


def test_damaged_evidence_is_made_again(workspace, cache):
    before = signal_matrices(workspace, cache, signals=["subword-kl"])["subword-kl"]
    for path in (cache.root / "text-profile").glob("*/*.safetensors"):
        path.write_bytes(b"damaged")
    after = signal_matrices(workspace, cache, signals=["subword-kl"])["subword-kl"]
    np.testing.assert_array_equal(before.values, after.values)


def test_strangers_are_refused(workspace, cache):
    with pytest.raises(ValueError, match="signals must be of kinship"):
        signal_matrices(workspace, cache, signals=["astrology"])
    with pytest.raises(ValueError, match="targets must be of the pool"):
        signal_matrices(workspace, cache, targets=[pair("be-en")])


def test_ranked_leaves_out_what_is_not_known():
    pairs = tuple(map(pair, ("az-en", "de-en", "sv-en", "tr-en")))
    matrix = SignalMatrix("amount", pairs[:1], pairs, np.array([[np.nan, 1.0, 3.0, 1.0]]))
    assert matrix.ranked(pairs[0]) == (pairs[2], pairs[1], pairs[3])
    with pytest.raises(ValueError, match="target must be one of az-en"):
        matrix.ranked(pairs[1])
    with pytest.raises(ValueError, match="targets x auxiliaries"):
        SignalMatrix("amount", pairs, pairs, np.ones((1, 4)))


def test_the_csv_holds_every_known_value_in_full(tunable, cache):
    found = signal_matrices(tunable, cache)
    text = signals_csv(found)
    table = pd.read_csv(io.StringIO(text), comment="#")
    assert list(table.columns) == ["signal", "target", "auxiliary", "value"]
    assert len(table) == len(SIGNALS) * 12
    for row in table.itertuples():
        matrix = found[row.signal]
        assert (
            row.value
            == matrix.values[matrix.targets.index(pair(row.target)), matrix.auxiliaries.index(pair(row.auxiliary))]
        )
    assert "# direction: larger = expected to help more" in text
    assert all(f"# signal {name}: " in text for name in SIGNALS)


def test_the_command_writes_it(workspace, tmp_path, capsys):
    options = ["--model", workspace.model, "--corpus", workspace.corpus, "--cache", str(tmp_path / "cache")]
    out = tmp_path / "signals.csv"
    assert main(["signals", *options, "--signals", "kinship,subword-kl", "--targets", "az-en", "--out", str(out)]) == 0
    table = pd.read_csv(out, comment="#")
    assert set(table["signal"]) == {"kinship", "subword-kl"}
    assert set(table["target"]) == {"az-en"}
    kept = signal_matrices(workspace, Cache(tmp_path / "cache"), signals=["kinship"])["kinship"]
    assert kept.ranked(pair("az-en"))[0] == pair("tr-en")
    with pytest.raises(SystemExit):
        main(["signals", *options, "--signals", "astrology"])
    assert "must be of kinship" in capsys.readouterr().err


def test_the_face_opens_no_torch():
    code = "import sys, pseudofam_core.signals; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
