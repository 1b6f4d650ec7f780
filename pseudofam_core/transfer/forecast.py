"""What an auxiliary is expected to gain, with an interval that holds for a target nobody has tried.

A line is fitted through the measured gains: the signal, in standard deviations within its target's row, and the gain in nats
a token, every target weighing the same. The interval is conformal by whole targets (Dunn, Wasserman and Ramdas, JASA 2022, pooling
distribution functions): each target is left out in turn, and the half-width is the smallest x with

    1/(T + 1) Σ_t share of target t's |errors| that are at most x  ≥  1 − level,

so that a gain of a further target like these lies within it with that probability. With few targets that asks for nearly the
largest error, and with fewer than level⁻¹ − 1 for more than was ever seen: the interval is then infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
FEWEST_TARGETS = 3


@dataclass(frozen=True)
class Forecast:
    """A line through measured gains, and how far off it was on targets left out.

    Attributes:
        intercept: Expected gain at the middle of a row, in nats a token.
        slope: Gain per standard deviation of the signal within its row.
        half_width: Of the interval around an expected gain.
        level: The interval misses with at most this probability.
        n_targets: Targets behind it.
    """

    intercept: float
    slope: float
    half_width: float
    level: float
    n_targets: int

    def expected(self, signal: FloatArray) -> FloatArray:
        """(auxiliaries,) expected gain of each, from the signal of a target's row; NaN where that is unknown."""
        return self.intercept + self.slope * standardised(signal)

    @property
    def has_interval(self) -> bool:
        """Whether there were targets enough for an interval."""
        return isfinite(self.half_width)

    @property
    def reach(self) -> str:
        """How near gains are foreseen, as a sentence's end: ``to ±0.069 nats a token (90% of gains)``."""
        if not self.has_interval:
            return f"without an interval, for {self.n_targets} targets are too few"
        return f"to ±{self.half_width:.3f} nats a token ({1 - self.level:.0%} of gains)"

    def words(self, gain: float) -> str:
        """Train with it or don't, as far as the forecast can tell."""
        if not self.has_interval:
            return "can't tell: there is no interval from so few targets" + (", more likely a gain" if gain > 0 else "")
        if gain - self.half_width > 0:
            return "train with it: the whole interval is a gain"
        if gain + self.half_width < 0:
            return "leave it out: the whole interval is a loss"
        return "can't tell: the interval holds gain and loss" + (", more likely a gain" if gain > 0 else "")


def fitted(gains: FloatArray, signal: FloatArray, *, level: float = 0.1) -> Forecast:
    """The forecast of one signal from measured gains.

    Args:
        gains: (targets, auxiliaries) in nats a token; NaN where not run.
        signal: (targets, auxiliaries).
        level: Of the interval.

    Raises:
        ValueError: Fewer than three targets with a gain and a signal.
    """
    values = np.array([standardised(row) for row in signal])
    rows = np.flatnonzero((np.isfinite(gains) & np.isfinite(values)).any(axis=1))
    if len(rows) < FEWEST_TARGETS:
        raise ValueError(
            f"gains must have at least {FEWEST_TARGETS} targets with a signal, or nothing can be left out. Got {len(rows)}."
        )
    errors = []
    for target in rows:
        intercept, slope = _line(gains, values, rows[rows != target])
        errors.append(_absolute(gains[target] - intercept - slope * values[target]))
    intercept, slope = _line(gains, values, rows)
    return Forecast(intercept, slope, _half_width(errors, level), level, len(rows))


def coverage(gains: FloatArray, signal: FloatArray, *, level: float = 0.1) -> float:
    """Mean over targets of the share of gains that lie in their interval, each foretold from the other targets alone.

    Raises:
        ValueError: Fewer than four targets with a gain and a signal.
    """
    shares = []
    for target in range(len(gains)):
        others = np.arange(len(gains)) != target
        forecast = fitted(gains[others], signal[others], level=level)
        errors = _absolute(gains[target] - forecast.expected(signal[target]))
        if len(errors):
            shares.append(np.mean(errors <= forecast.half_width))
    return float(np.mean(shares))


def standardised(signal: FloatArray) -> FloatArray:
    """(auxiliaries,) a target's row in standard deviations from its mean; 0 where all say the same, NaN where unknown."""
    known = np.isfinite(signal)
    if not known.any():
        return signal
    spread = signal[known].std()
    return (signal - signal[known].mean()) / (spread if spread > 0 else 1.0)


def _line(gains: FloatArray, values: FloatArray, rows: npt.NDArray[np.intp]) -> tuple[float, float]:
    """Intercept and slope by least squares, every row weighing the same."""
    known = np.isfinite(gains[rows]) & np.isfinite(values[rows])
    weights = (known / known.sum(axis=1, keepdims=True))[known] ** 0.5
    slope, intercept = np.polyfit(values[rows][known], gains[rows][known], 1, w=weights)
    return float(intercept), float(slope)


def _absolute(errors: FloatArray) -> FloatArray:
    return np.sort(np.abs(errors[np.isfinite(errors)]))


def _half_width(errors: list[FloatArray], level: float) -> float:
    """See the module."""
    steps = np.sort(np.concatenate(errors))
    shares = sum(np.searchsorted(missed, steps, side="right") / len(missed) for missed in errors) / (len(errors) + 1)
    reached = np.flatnonzero(shares >= 1 - level - 1e-12)
    return float(steps[reached[0]]) if len(reached) else inf
