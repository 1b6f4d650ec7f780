"""The command: the judge's table of kept gains, and gains beside signals as CSV."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.commands.foresight import told
from pseudofam_core.exchange.foresight_table import read_foresight
from pseudofam_core.languages import pair
from pseudofam_core.store.stages import Stage
from pseudofam_core.transfer.forecast import Forecast
from pseudofam_core.transfer.foresight import Foresight
from pseudofam_core.transfer.outlook import Outlook
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
    assert "By truth a gain is foreseen without an interval, for 4 targets are too few." in words
    first = words.splitlines()[1].split()
    assert first[0] in ("truth", "learned")


def test_a_preview_tells_what_to_expect_and_trains_nothing(words, cache, capsys, monkeypatch):
    tr, others = pair("tr-en"), (pair("az-en"), pair("de-en"))
    line = Forecast(0.05, 0.02, 0.03, 0.1, 12)
    found = Outlook(tr, others, "overlap", line, np.array([0.06, 0.01]), np.full(2, np.nan))
    monkeypatch.setattr("pseudofam_core.commands.finetuning.kept_outlook", lambda *_: found)
    assert main(["finetune", *words, "--target", "tr-en", "--arms", "single,all", "--preview"]) == 0
    cost, *told = capsys.readouterr().out.splitlines()
    assert cost.startswith("2 runs, 0 finished")
    assert told[0].startswith("By overlap, from 12 other targets")
    assert told[1].startswith("  az-en: +0.060 nats a token expected (+0.030 to +0.090), train with it")
    assert told[2].startswith("  de-en: +0.010 nats a token expected (-0.020 to +0.040), can't tell")
    assert not list(cache.keys(Stage.FINETUNE))
    monkeypatch.setattr("pseudofam_core.commands.finetuning.kept_outlook", lambda *_: None)
    assert main(["finetune", *words, "--target", "tr-en", "--arms", "single", "--preview"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
