"""What a target may expect: learned from other targets, never from itself."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.languages import pair
from pseudofam_core.signals import SignalMatrix
from pseudofam_core.transfer import TransferMatrix
from pseudofam_core.transfer.forecast import fitted
from pseudofam_core.transfer.outlook import outlook

PAIRS = tuple(pair(f"{one}-en") for one in ("be", "bg", "hr", "hi", "kk", "uk"))
UK = PAIRS[5]


def made(targets=PAIRS, seed: int = 0) -> tuple[TransferMatrix, dict[str, SignalMatrix]]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(6, 6))
    values[range(6), range(6)] = np.nan
    noise = np.where(np.isnan(values), np.nan, rng.normal(size=(6, 6)))
    rows = [PAIRS.index(one) for one in targets]
    gains = (0.02 * values + rng.normal(scale=0.001, size=values.shape))[rows][None]
    nothing = np.full(gains.shape[1:], np.nan)
    signals = {name: SignalMatrix(name, PAIRS, PAIRS, one) for name, one in (("overlap", values), ("script", noise))}
    return TransferMatrix(tuple(targets), PAIRS, (1,), gains, nothing, nothing), signals


def test_a_target_without_gains_is_foretold_by_the_line_of_the_others():
    measured, signals = made(PAIRS[:5])
    found = outlook(UK, measured, signals, level=0.2)
    assert found.signal == "overlap"
    line = fitted(measured.mean, signals["overlap"].values[:5], level=0.2)
    assert found.forecast == line
    np.testing.assert_array_equal(found.expected, line.expected(signals["overlap"].values[5]))
    assert np.isnan(found.measured).all()
    assert found.words(PAIRS[0]).startswith(f"be-en: {found.expected[0]:+.3f} nats a token expected (")


def test_its_own_gains_are_shown_and_not_learned_from():
    measured, signals = made()
    moved = made()[0]
    moved.gains[0, 5] += 7
    found, other = (outlook(UK, one, signals, level=0.2) for one in (measured, moved))
    assert found.forecast == other.forecast
    np.testing.assert_allclose(other.measured - found.measured, [7] * 5 + [np.nan])
    assert found.words(PAIRS[1]) == f"bg-en: measured {found.measured[1]:+.3f} nats a token"
    assert found.words(UK) == "uk-en: overlap knows nothing of it"


def test_few_targets_give_no_interval_and_too_few_no_forecast():
    measured, signals = made(PAIRS[:4])
    assert "there is no interval from so few targets" in outlook(UK, measured, signals, level=0.1).words(PAIRS[0])
    with pytest.raises(ValueError, match="at least 3 targets"):
        outlook(PAIRS[0], made(PAIRS[:3])[0], signals)


def test_another_signal_must_be_one_of_those():
    measured, signals = made()
    assert outlook(UK, measured, signals, signal="script").signal == "script"
    with pytest.raises(ValueError, match="signal must be one of overlap, script"):
        outlook(UK, measured, signals, signal="moon")
