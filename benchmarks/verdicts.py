"""Verdicts in simulation: errors with one seed, coverage of intervals, and power, with `compare_arms` itself driven.

``python -m benchmarks.verdicts [--rounds N]``. Scores are BLEU of drawn n-gram counts (`_verdict_cases`): 200 sentences a target,
of which a run translates three quarters as the base model does; seeds apart by 0.5 or 1 BLEU on an endless test set.

- one seed: five arms of one target that differ in nothing. How often is any called better or worse?
- three seeds, and two: ten arms of five targets. How often is any called so without a difference; how often does an
  interval hold the true difference; how often is one of the ten that is truly 1 BLEU better called better?
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Iterator, Sequence
from statistics import fmean
from unittest import mock

import numpy as np

from benchmarks._verdict_cases import Counts, Experiment
from pseudofam_core.outcomes import testing
from pseudofam_core.outcomes.results import Comparison
from pseudofam_core.outcomes.testing import compare_arms
from pseudofam_core.scoring.significance import Verdict, paired_tests

_SENTENCES = 200
_GAINS = "arm-1"


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="experiments of each kind (default: %(default)s)")
    parser.add_argument("--resamples", type=int, default=100, help="of the sentences (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=1000, help="of sacreBLEU's randomisation (default: %(default)s)")
    options = parser.parse_args()
    result: dict[str, float] = {"rounds": options.rounds}
    for spread in (0.5, 1.0):
        alone = Experiment(Counts(spread), n_arms=5, n_seeds=1, n_sentences=_SENTENCES)
        quick = functools.partial(paired_tests, n_trials=options.trials, n_resamples=2)
        with mock.patch.object(testing, "paired_tests", quick):
            found = _found(alone, options.rounds, options.resamples)
        result[f"one_seed_{spread:g}_any_called"] = fmean(_any_called(one) for one in found)
        print(json.dumps(result), flush=True)
    for n_seeds, gain in ((3, 0.0), (3, 1.0), (2, 0.0)):
        several = Experiment(Counts(0.5), n_targets=5, n_arms=10, n_seeds=n_seeds, n_sentences=_SENTENCES, gain=gain)
        found = _found(several, options.rounds, options.resamples)
        result |= {f"{n_seeds}_seeds_gain_{gain:g}_{name}": value for name, value in _rates(found, gain).items()}
        print(json.dumps(result), flush=True)
    print("RESULT", json.dumps(result))


def _found(experiment: Experiment, rounds: int, n_resamples: int) -> list[Comparison]:
    """As many experiments of the kind, compared."""
    rng = np.random.default_rng(1)
    with experiment.scored():
        return [compare_arms(experiment.runs(rng), experiment.arms, n_resamples=n_resamples) for _ in range(rounds)]


def _rates(found: Sequence[Comparison], gain: float) -> dict[str, float]:
    by_target = [(arm, one) for comparison in found for arm, one in _verdicts(comparison)]
    means = [(one.arm, one.verdict) for comparison in found for one in comparison.averages if one.verdict]
    rates = {
        "coverage": _coverage(by_target, gain),
        "coverage_of_means": _coverage(means, gain),
        "half_width": fmean(one.delta.high - one.delta.value for _, one in by_target),
    }
    if not gain:
        return rates | {"any_called": fmean(_any_called(one) for one in found)}
    return rates | {
        "power": fmean(one.word == "better" for arm, one in by_target if arm == _GAINS),
        "power_of_means": fmean(one.word == "better" for arm, one in means if arm == _GAINS),
    }


def _coverage(verdicts: Sequence[tuple[str, Verdict]], gain: float) -> float:
    """Share of intervals that hold the true difference."""
    true = [(gain if arm == _GAINS else 0.0, one.delta) for arm, one in verdicts]
    return fmean(delta.low <= value <= delta.high for value, delta in true)


def _any_called(comparison: Comparison) -> bool:
    return any(one.word in ("better", "worse") for _, one in _verdicts(comparison))


def _verdicts(comparison: Comparison) -> Iterator[tuple[str, Verdict]]:
    """Those of single targets, by arm."""
    return ((one.arm, one.verdict) for one in comparison.outcomes if one.verdict)


if __name__ == "__main__":
    main()
