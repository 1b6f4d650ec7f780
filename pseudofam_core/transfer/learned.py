"""Signals combined by what was measured on other targets, LangRank's way (Lin et al., ACL 2019): trees, one target left out.

A feature is a signal's rank within its target's row, from 0 to 1; what is learned is the gain within the row, in standard
deviations. So the combination orders auxiliaries and does not foresee how large a gain is: `forecast` does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.ensemble import GradientBoostingRegressor

FloatArray = npt.NDArray[np.float64]
LEARNED = "learned"
ELSEWHERE = "gain elsewhere"


def learned_signal(gains: FloatArray, signals: Mapping[str, FloatArray], *, seed: int = 1) -> FloatArray:
    """(targets, auxiliaries) what the other targets' gains teach of each target; NaN where the auxiliary is unknown.

    Args:
        gains: (targets, auxiliaries), NaN where not run.
        signals: (targets, auxiliaries) by name.
        seed: Of the trees.

    Raises:
        ValueError: Fewer than two targets with two gains.
    """
    features = np.stack([_row_ranks(signal) for signal in signals.values()], axis=2)
    outcome = _standardised(gains)
    rows = np.isfinite(outcome).any(axis=1)
    if rows.sum() < 2:
        raise ValueError(
            f"gains must have at least 2 targets with 2 different gains. Got {rows.sum()}. Run more of them."
        )
    values = np.full(gains.shape, np.nan)
    for target in range(len(gains)):
        known = np.isfinite(outcome)
        known[target] = False
        if known.any():
            model = GradientBoostingRegressor(
                n_estimators=100, max_depth=2, subsample=0.7, learning_rate=0.05, random_state=seed
            )
            values[target] = model.fit(features[known], outcome[known]).predict(features[target])
    return values


def gain_elsewhere(gains: FloatArray) -> FloatArray:
    """(targets, auxiliaries) mean gain of the auxiliary on all other targets; NaN where it has none: the control for `learned`.

    It knows nothing of the target. Where it does as well, what foresees is that some auxiliaries help everybody.
    """
    known = np.isfinite(gains)
    sums, counts = np.where(known, gains, 0.0).sum(axis=0), known.sum(axis=0)
    others = counts - known
    return np.divide(sums - np.where(known, gains, 0.0), others, out=np.full(gains.shape, np.nan), where=others > 0)


def _row_ranks(values: FloatArray) -> FloatArray:
    """Ranks within each row from 0 to 1, ties sharing theirs; unknown entries in the middle."""
    ranks = stats.rankdata(values, axis=1, nan_policy="omit")
    counts = np.isfinite(values).sum(axis=1, keepdims=True)
    return np.where(np.isfinite(ranks) & (counts > 1), (ranks - 1) / np.maximum(counts - 1, 1), 0.5)


def _standardised(gains: FloatArray) -> FloatArray:
    """Each row's gains in standard deviations from its mean; NaN where there is nothing to tell apart."""
    values = np.full(gains.shape, np.nan)
    for row, gain in zip(values, gains, strict=True):
        known = np.isfinite(gain)
        if known.sum() > 1 and (spread := gain[known].std()) > 0:
            row[known] = (gain[known] - gain[known].mean()) / spread
    return values
