"""Transfer matrices as CSV: what is written, and that it is read as gains."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from pseudofam_core.exchange.foresight_table import read_foresight
from pseudofam_core.exchange.transfer_tables import transfer_csv
from pseudofam_core.languages import pair
from pseudofam_core.tasks.translation import TRANSLATION
from pseudofam_core.transfer import TransferMatrix

PAIRS = tuple(pair(f"{code}-en") for code in ("be", "hr", "uk"))


def matrix(seed=0, **changes):
    gains = np.random.default_rng(seed).normal(size=(2, 2, 3))
    gains[:, [0, 1], [0, 1]] = np.nan
    gains[1, 0, 2] = np.nan
    mean = np.nanmean(np.where(np.isnan(gains).all(axis=0), 0.0, gains), axis=0)
    return TransferMatrix(PAIRS[:2], PAIRS, (1, 2), gains, mean - 0.1, mean + 0.1, keys=("a", "b"), **changes)


def test_a_row_holds_a_cell_whether_it_was_run_or_not():
    one = matrix(provenance={"model": "=evil", "corpus": "tatoeba"})
    text = transfer_csv([one])
    assert "# model: =evil\n" in text
    assert "# missing (loss): 1 runs\n" in text
    table = pd.read_csv(io.StringIO(text), comment="#").set_index(["target", "auxiliary"])
    assert list(table.index) == [("be-en", "hr-en"), ("be-en", "uk-en"), ("hr-en", "be-en"), ("hr-en", "uk-en")]
    cell = table.loc[("be-en", "uk-en")]
    assert (cell["n_seeds"], cell["gain"], cell["gain_seed_1"]) == (1, one.gains[0, 0, 2], one.gains[0, 0, 2])
    assert np.isnan(cell["gain_seed_2"])


def test_it_is_read_as_gains_and_nothing_of_it_as_a_signal():
    loss, bleu = matrix(), matrix(1, metric=TRANSLATION.metrics[0])
    read = read_foresight(transfer_csv([loss, bleu]))
    assert (read.targets, read.auxiliaries, read.seeds) == (loss.targets, loss.auxiliaries, loss.seeds)
    np.testing.assert_array_equal(read.gains, loss.gains)
    assert not read.signals
