"""Slow, obvious twins of the statistics: loops over sentences, and sacreBLEU's own scores of the very lines."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

Scored = Callable[[Sequence[str], Sequence[str]], float]


def resampled_scores(
    score: Scored, runs: Sequence[Sequence[Sequence[str]]], references: Sequence[str], draws: Sequence[Sequence[int]]
) -> list[list[float]]:
    """Per draw of sentences and replicate, the mean score of its runs on the lines drawn, copied out one by one."""
    return [
        [
            statistics.fmean(score([run[i] for i in drawn], [references[i] for i in drawn]) for run in replicate)
            for replicate in runs
        ]
        for drawn in draws
    ]


def squared_error(parts: Sequence[tuple[float, list[float], list[list[float]]]]) -> float:
    """Variance of a weighted sum of arms: of its value over the draws of sentences, and s² / n of each arm's replicates.

    Args:
        parts: Per arm its weight, the scores of its replicates, and the same per draw.
    """
    n_draws = len(parts[0][2])
    sums = [sum(weight * statistics.fmean(per_draw[draw]) for weight, _, per_draw in parts) for draw in range(n_draws)]
    seeds = sum(
        weight**2 * statistics.variance(observed) / len(observed) for weight, observed, _ in parts if len(observed) > 1
    )
    return statistics.variance(sums) + seeds


def holm(p_values: Sequence[float]) -> list[float]:
    """By the definition: max over the smaller p's of (n - rank) p, at most 1."""
    n = len(p_values)
    ordered = sorted(p_values)
    return [min(1.0, max((n - rank) * ordered[rank] for rank in range(n) if ordered[rank] <= p)) for p in p_values]
