"""A mean over targets with its interval: targets are drawn again, with replacement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pseudofam_core.similarity.results import FloatMatrix

_N_RESAMPLES = 10_000
_SHARES = (0.025, 0.975)


@dataclass(frozen=True)
class Mean:
    """A mean over targets.

    Attributes:
        value: The mean.
        low: Lower end of its 95 % interval: of the mean over targets that are drawn again.
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
    """The mean of the targets that have a value; NaN marks those that have none.

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
