"""How often verdicts err, intervals hold the truth and gains are found: `compare_arms` in simulated experiments."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest

from benchmarks._verdict_cases import TARGETS, Counts, Experiment, Means
from pseudofam_core.outcomes.testing import compare_arms
from pseudofam_core.scoring.power import power, visible_gain
from pseudofam_core.scoring.significance import Word


def compared(experiment, rounds, seed=1):
    rng = np.random.default_rng(seed)
    with experiment.scored():
        return [compare_arms(experiment.runs(rng), experiment.arms, n_resamples=100) for _ in range(rounds)]


def verdicts(found):
    return [one.verdict for comparison in found for one in comparison.outcomes if one.verdict]


@pytest.mark.parametrize(("n_seeds", "seed_spread"), [(3, 0.0), (2, 0.5)])
def test_intervals_are_as_wide_as_differences_are_uncertain(n_seeds, seed_spread):
    """What sentences do to a run was counted twice: the squared error was 1.6 times too large where seeds do little."""
    experiment = Experiment(Means(seed_spread), n_arms=5, n_seeds=n_seeds, n_sentences=60)
    deltas = [one.delta for one in verdicts(compared(experiment, 60))]
    squared = fmean(one.value**2 for one in deltas)  # the true difference is 0
    assert fmean(one.error**2 for one in deltas) / squared == pytest.approx(1, abs=0.35)
    assert 0.89 <= fmean(one.low <= 0 <= one.high for one in deltas) <= 0.99


def test_without_a_difference_few_experiments_find_one():
    found = compared(Experiment(Means(1.0), n_arms=5, n_sentences=60), 80)
    called = [any(one.word is not Word.TIE for one in verdicts([comparison])) for comparison in found]
    # 0.05, and three standard errors.
    assert fmean(called) <= 0.05 + 3 * (0.05 * 0.95 / 80) ** 0.5


def test_a_gain_is_found_as_often_as_the_power_says():
    """Power is told for a test by itself; the other arms differ in nothing."""
    experiment = Experiment(Means(0.5), n_arms=5, n_sentences=60, gain=2.0)
    gaining = [comparison.of(TARGETS[0], "arm-1").verdict for comparison in compared(experiment, 50)]
    said = fmean(power(2.0, error=one.delta.error, freedom=one.delta.freedom, n_tests=one.n_tests) for one in gaining)
    called = fmean(one.word is Word.BETTER for one in gaining)
    assert 0.4 < said < 0.95
    assert called == pytest.approx(said, abs=0.2)
    assert fmean(visible_gain(one) for one in gaining) == pytest.approx(2.3, abs=0.8)


def test_one_seed_calls_nothing_better_or_worse():
    """Seeds apart by two BLEU: sacreBLEU's test finds two runs to differ, which they do, and knows of no other seed."""
    found = verdicts(compared(Experiment(Counts(2.0), n_arms=2, n_seeds=1, n_sentences=150), 4))
    words = [one.word for one in found]
    assert Word.DIFFERS in words
    assert set(words) <= {Word.DIFFERS, Word.TIE}
    assert all(visible_gain(one) is None for one in found)
