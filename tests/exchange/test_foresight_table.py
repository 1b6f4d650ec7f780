"""Gains beside signals: what is written is read again to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.errors import MalformedValue
from pseudofam_core.exchange.foresight_table import foresight_csv, read_foresight
from pseudofam_core.languages import pair
from pseudofam_core.signals import SignalMatrix
from pseudofam_core.transfer import TransferMatrix
from pseudofam_core.transfer.foresight import Foresight, foresight_of

PAIRS = tuple(pair(one) for one in ("be-en", "hr-en", "kk-en", "uk-en"))


def table() -> Foresight:
    rng = np.random.default_rng(0)
    gains = rng.normal(size=(2, 3, 4))
    gains[:, range(3), range(3)] = np.nan
    gains[1, 2, 3] = np.nan
    signal = rng.normal(size=(3, 4))
    signal[range(3), range(3)] = np.nan
    return Foresight(PAIRS[:3], PAIRS, (1, 2), gains, {"overlap": signal}, {"model": "tiny", "version": "1"})


def test_a_table_is_read_as_it_was_written():
    written = table()
    read = read_foresight(foresight_csv(written))
    assert (read.targets, read.auxiliaries, read.seeds) == (written.targets, written.auxiliaries, written.seeds)
    np.testing.assert_array_equal(read.gains, written.gains)
    np.testing.assert_array_equal(read.signals["overlap"], written.signals["overlap"])
    assert read.provenance == written.provenance


def test_another_table_is_refused():
    with pytest.raises(MalformedValue, match="must have the columns target, auxiliary"):
        read_foresight("a,b\n1,2\n")


def test_shapes_must_be_those_of_the_labels():
    with pytest.raises(ValueError, match=r"gains must be \(1, 3, 4\).*Got \(2, 3, 4\)"):
        Foresight(PAIRS[:3], PAIRS, (1,), np.zeros((2, 3, 4)), {})
    with pytest.raises(ValueError, match=r"signals must be \(3, 4\)"):
        Foresight(PAIRS[:3], PAIRS, (1,), np.zeros((1, 3, 4)), {"x": np.zeros((4, 4))})


def test_the_best_signal_is_one_that_needs_no_gains():
    rng = np.random.default_rng(1)
    gains = rng.normal(size=(1, 3, 4))
    gains[:, range(3), range(3)] = np.nan
    foresight = Foresight(PAIRS[:3], PAIRS, (1,), gains, {"truth": gains[0], "noise": rng.normal(size=(3, 4))})
    assert foresight.best_signal == "truth"
    assert {one.signal for one in foresight.judgement.standings} == {"truth", "noise", "learned", "gain elsewhere"}
    assert foresight.forecast(level=0.4).n_targets == 3


def test_signals_are_put_beside_the_gains_by_their_labels():
    gains = np.random.default_rng(2).normal(size=(1, 3, 4))
    nothing = np.full((3, 4), np.nan)
    measured = TransferMatrix(PAIRS[:3], PAIRS, (1,), gains, nothing, nothing)
    values = np.arange(12.0).reshape(3, 4)
    order = (2, 0, 3)
    signal = SignalMatrix("script", PAIRS[1:], tuple(PAIRS[i] for i in (*order, 1)), values)
    found = foresight_of(measured, {"script": signal}).signals["script"]
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1:], values[:2][:, [1, 3, 0, 2]])


def test_what_is_peculiar_to_a_target_is_what_its_auxiliaries_do_not_do_elsewhere():
    rng = np.random.default_rng(3)
    own, everybody = rng.normal(size=(3, 4)), 10 * np.arange(4.0)
    gains = (own + everybody)[None]
    gains[:, range(3), range(3)] = np.nan
    foresight = Foresight(PAIRS[:3], PAIRS, (1,), gains, {"own": own, "everybody": np.tile(everybody, (3, 1))})
    assert foresight.best_signal == "everybody"
    assert foresight.peculiar.best.signal == "own"
