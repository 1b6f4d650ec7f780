"""A mean over targets with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.similarity.results import FloatMatrix

_N_RESAMPLES = 10_000
_SHARES = (0.025, 0.975)
_Z = 1.959963984540054


@dataclass(frozen=True)
class Mean:
    """A mean over targets.

    Attributes:
        value: The mean.
        low: Lower end of its 95 % interval.
        high: Upper end.
        n: Targets.
    """

    value: float
    low: float
    high: float
    n: int

    def words(self, form: str = ".2f") -> str:
        """``0.72 (0.61 to 0.82)``."""
        return f"{self.value:{form}} ({self.low:{form}} to {self.high:{form}})"


def over_targets(values: FloatMatrix, *, seed: int = 1) -> Mean:
    """The mean of the targets that have a value, NaN marking those that have none; targets are drawn again for the interval.

    Raises:
        ValueError: Fewer than two targets have one.
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        raise ValueError(
            f"values must be known for at least 2 targets. Got {len(known)}. Take a pool in which more languages have "
            "relatives."
        )
    drawn = np.random.default_rng(seed).integers(len(known), size=(_N_RESAMPLES, len(known)))
    low, high = np.quantile(known[drawn].mean(axis=1), _SHARES)
    return Mean(float(known.mean()), float(low), float(high), len(known))


def share_of_targets(flags: npt.NDArray[np.bool_]) -> Mean:
    """The share of targets that are marked, with Wilson's interval (1927), which has a width where all are alike."""
    n, share = len(flags), float(np.mean(flags))
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return Mean(share, max(0.0, middle - half), min(1.0, middle + half), n)
