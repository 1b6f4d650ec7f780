"""The command: the judge's table of kept gains, and gains beside signals as CSV."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.commands.foresight import told
from pseudofam_core.exchange.foresight_table import read_foresight
from pseudofam_core.languages import pair
from pseudofam_core.transfer.foresight import Foresight
from tests.finetuning.conftest import corpus, one_thread, tuning

__all__ = ["corpus", "one_thread", "tuning"]

# transformers warns of a private torch call of its own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
PAIRS = tuple(pair(one) for one in ("be-en", "hr-en", "kk-en", "uk-en", "sk-en"))


@pytest.fixture
def words(tuning, cache):
    where = ["--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(cache.root)]
    return [*where, "--preset", "small", "--mixed-precision", "float32", "--updates", "2", "--batch-tokens", "80"]


def test_gains_and_signals_are_judged_together(words, tmp_path, capsys):
    assert main(["transfer", *words, "--out", str(tmp_path / "transfer.csv")]) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert main(["foresee", *words, "--out", str(tmp_path / "foresight.csv")]) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    table = read_foresight((tmp_path / "foresight.csv").read_text(encoding="utf-8"))
    assert {"overlap", "kinship", "subword-kl"} <= set(table.signals)
    assert "blind choice" in out
    assert f"Best signal that needs no gains: {table.best_signal}." in out


def test_without_gains_the_way_to_them_is_told(words, capsys):
    assert main(["foresee", *words]) == 1
    assert "Run more of them" in capsys.readouterr().err


def test_the_best_signal_and_its_width_are_told():
    rng = np.random.default_rng(1)
    gains = rng.normal(size=(2, 4, 5))
    gains[:, range(4), range(4)] = np.nan
    truth = gains.mean(axis=0)
    foresight = Foresight(PAIRS[:4], PAIRS, (1, 2), gains, {"truth": truth, "noise": rng.normal(size=(4, 5))})
    words = told(foresight)
    assert "4 targets. Best signal that needs no gains: truth." in words
    assert f"with those by another: {foresight.judgement.ceiling:.2f}." in words
    assert f"±{foresight.forecast().half_width:.3f} nats" in words
    first = words.splitlines()[1].split()
    assert first[0] in ("truth", "learned")
