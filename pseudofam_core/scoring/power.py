"""How large a true difference must be to be found: the power of a design, before it is run and after.

The test is that of `significance.estimate`, its p corrected by Holm. Power is told for the correction's first step, which
multiplies p by the number of tests: a difference may be found more easily where others are found too, never less.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import ndtr

from pseudofam_core.scoring.significance import LEVEL, Verdict

USUAL_POWER = 0.8
_QUANTILES = (np.arange(1000) + 0.5) / 1000


def power(gain: float, *, error: float, freedom: float = inf, n_tests: int = 1, level: float = LEVEL) -> float:
    """The chance that a true difference is called better or worse.

    Args:
        gain: The true difference, of either sign.
        error: Standard error of the difference, in the same units.
        freedom: Degrees of freedom behind it.
        n_tests: Tests that are corrected together.
        level: Of the tests.

    Raises:
        ValueError: An error that is not positive, or no test.
    """
    if error <= 0 or n_tests < 1:
        raise ValueError(f"error must be positive and n_tests at least 1. Got {error} and {n_tests}.")
    # The mean over what the estimated error may be. SciPy's noncentral t does the same, but gives NaN far from its centre.
    errors = np.sqrt(stats.chi2.ppf(_QUANTILES, freedom) / freedom) if freedom < inf else np.ones(1)
    critical, shift = stats.t.ppf(1 - level / n_tests / 2, freedom) * errors, abs(gain) / error
    return float(np.mean(ndtr(shift - critical) + ndtr(-shift - critical)))


def smallest_visible_gain(
    *, error: float, freedom: float = inf, n_tests: int = 1, level: float = LEVEL, wanted: float = USUAL_POWER
) -> float:
    """The least true difference that is found with the power that is wanted, in the units of `error`.

    Args:
        error: See `power`.
        freedom: See `power`.
        n_tests: See `power`.
        level: See `power`.
        wanted: The power, above `level`.

    Raises:
        ValueError: See `power`; or a power that no difference, or none but 0, has.
    """
    if not level < wanted < 1:
        raise ValueError(f"wanted must be between the level {level:g} and 1. Got {wanted}.")

    def missing(gain: float) -> float:
        return power(gain, error=error, freedom=freedom, n_tests=n_tests, level=level) - wanted

    far = error
    while missing(far) < 0:
        far *= 2
    return float(brentq(missing, 0, far, rtol=1e-4))


def visible_gain(verdict: Verdict) -> float | None:
    """The least true difference that a test that was made calls better or worse four times in five.

    None where it calls nothing so, for the luck of an only seed is not counted, and where nothing varied.
    """
    if verdict.caveat or verdict.delta.error == 0:
        return None
    delta = verdict.delta
    return smallest_visible_gain(error=delta.error, freedom=delta.freedom, n_tests=verdict.n_tests, level=verdict.level)


@dataclass(frozen=True)
class Design:
    """An experiment: every arm against the pinned one, on every target, by as many seeds.

    Attributes:
        n_targets: Targets.
        n_arms: Trained arms of each target, the pinned one among them.
        n_seeds: Runs of each arm.
    """

    n_targets: int
    n_arms: int
    n_seeds: int

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the spread between runs of a target, pooled over its arms."""
        return self.n_arms * (self.n_seeds - 1)

    @property
    def n_tests(self) -> int:
        """Tests corrected together: each arm but the pinned one on each target."""
        return self.n_targets * (self.n_arms - 1)

    def smallest_visible_gain(self, run_spread: float, *, wanted: float = USUAL_POWER) -> float:
        """The least true gain of an arm on one target that is called better with the power wanted; infinite for one seed.

        Args:
            run_spread: Standard deviation of the score between runs of one arm that differ in their seeds, on the test set
                that will be used. What sentences do to all runs of an arm alike is left out: the true figure is a
                little larger.
            wanted: The power.

        Raises:
            ValueError: Fewer than two arms, or a spread that is not positive.
        """
        if self.n_arms < 2:
            raise ValueError(f"n_arms must be at least 2: one is held against another. Got {self.n_arms}.")
        if self.n_seeds < 2:
            return inf
        error = run_spread * (2 / self.n_seeds) ** 0.5
        return smallest_visible_gain(error=error, freedom=self.freedom, n_tests=self.n_tests, wanted=wanted)
