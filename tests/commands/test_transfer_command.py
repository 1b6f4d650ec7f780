"""The command: told cost, runs, table; resumed; partial."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.store.stages import Stage
from tests.finetuning.conftest import corpus, one_thread, tuning

__all__ = ["corpus", "one_thread", "tuning"]

# transformers warns of a private torch call of its own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture
def words(tuning, cache):
    where = ["transfer", "--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(cache.root)]
    training = ["--preset", "small", "--mixed-precision", "float32", "--updates", "2", "--batch-tokens", "80"]
    return [*where, *training, "--targets", "tr-en,az-en", "--auxiliaries", "az-en,de-en"]


def test_the_cost_is_told_and_a_preview_keeps_nothing(words, cache, capsys):
    assert main([*words, "--preview"]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.startswith("5 runs, 0 kept; about 16 updates to do, about ")
    assert not list(cache.keys(Stage.TRANSFER))


def test_the_matrix_is_computed_once_and_written_with_its_provenance(words, cache, tmp_path, capsys):
    out = tmp_path / "transfer.csv"
    assert main([*words, "--seeds", "2", "--out", str(out)]) == 0, capsys.readouterr().err
    text = out.read_text(encoding="utf-8")
    told = text[: text.index("\ntarget,")]
    assert all(line.startswith("# ") for line in told.splitlines())
    assert "# budget: equal-target-tokens, 2 updates of the target alone" in told
    assert "# missing (loss): 0 runs" in told
    table = pd.read_csv(io.StringIO(text), comment="#").set_index(["target", "auxiliary"])
    assert list(table.index) == [("tr-en", "az-en"), ("tr-en", "de-en"), ("az-en", "de-en")]
    by_seed = table[["gain_seed_1", "gain_seed_2"]].to_numpy()
    np.testing.assert_allclose(table["gain"], by_seed.mean(axis=1))
    assert (table["low"] < table["gain"]).all()
    assert (table["gain"] < table["high"]).all()
    assert set(table["n_seeds"]) == {2}
    capsys.readouterr()
    assert main([*words, "--seeds", "2"]) == 0
    told, _, again = capsys.readouterr().out.partition("\n")
    assert told == "10 runs, 10 kept; about 0 updates to do, about 0 s; trained in float32"
    assert again == text


def test_scores_stand_below_the_losses(words, capsys):
    assert main([*words, "--scores", "--beams", "1", "--targets", "tr-en", "--auxiliaries", "de-en"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("4 runs, 0 kept; ")
    table = pd.read_csv(io.StringIO(told.partition("\n")[2]), comment="#")
    assert list(table["metric"]) == ["loss", "BLEU", "chrF++"]


def test_a_pair_that_the_pool_lacks_is_refused(words, capsys):
    assert main([*words, "--pairs", "tr-en,de-en"]) == 1
    assert "must be of the pool (de-en, tr-en). Got az-en, az-en." in capsys.readouterr().err
