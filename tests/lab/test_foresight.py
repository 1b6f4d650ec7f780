"""The judge's table as a finding, on gains whose best signal is known."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.lab import experiment, foresight, planned
from pseudofam_core.languages import pair
from pseudofam_core.transfer.foresight import Foresight

PAIRS = tuple(sorted(pair(f"{code}-en") for code in ("be", "uk", "bg", "kk", "tr", "de")))


def foreseen() -> Foresight:
    rng = np.random.default_rng(3)
    gains = rng.normal(size=(2, 6, 6)) / 20 + (truth := rng.normal(size=(6, 6)))
    own = np.eye(6, dtype=bool)
    gains[:, own] = np.nan
    signals = {"overlap": np.where(own, np.nan, truth), "kinship": np.where(own, np.nan, rng.normal(size=(6, 6)))}
    return Foresight(PAIRS, PAIRS, (1, 2), gains, signals)


def test_the_right_signal_stands_first_and_every_gain_is_a_point():
    finding = foresight.told(foreseen())
    assert "best by Overlap ρ = 0.9" in finding.answer or "best by Overlap ρ = 1.0" in finding.answer
    assert "of 2 signals that need no training" in finding.answer  # not of what other targets gained
    signals = [row for row in finding.rows if row["row"] == "signal"]
    assert [row["name"] for row in signals].index("Overlap") < [row["name"] for row in signals].index("Kinship")
    cells = [row for row in finding.rows if row["row"] == "target and auxiliary"]
    assert len(cells) == 30
    assert np.corrcoef([row["signal"] for row in cells], [row["gain"] for row in cells])[0, 1] > 0.8
    by_target = [np.mean([row["signal"] for row in cells if row["name"].startswith(one.source)]) for one in PAIRS]
    assert np.allclose(by_target, 0)


def test_without_a_kept_matrix_nothing_is_estimated_and_it_says_how_one_is_made(workspace, cache):
    with pytest.raises(ValueError, match="pseudofam transfer"):
        planned(experiment("foresight"), workspace, cache)
