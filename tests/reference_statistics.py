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


def squared_errors(parts: Sequence[tuple[float, list[float], list[list[float]]]]) -> tuple[float, float]:
    """Variance of a weighted sum of arms: by the sentences beyond what they do to single replicates, and by the replicates.

    The replicates of all arms that have several are taken to differ alike: s² is that of their distances from their own
    arm's mean, and an arm of n of them adds s² / n. Over the draws of sentences these distances vary by c, which s² holds
    already and the mean of n replicates has c / n of: so much less is the sentences' own.

    Args:
        parts: Per arm its weight, the scores of its replicates, and the same per draw. At least one has two replicates.
    """
    n_draws = len(parts[0][2])
    sums = [sum(weight * statistics.fmean(per_draw[draw]) for weight, _, per_draw in parts) for draw in range(n_draws)]
    distances = [one - statistics.fmean(observed) for _, observed, _ in parts for one in observed]
    pooled = sum(one**2 for one in distances) / sum(len(observed) - 1 for _, observed, _ in parts)
    freedom = sum(len(observed) - 1 for _, observed, _ in parts)
    apart = sum(
        statistics.variance([scores[run] - statistics.fmean(scores) for scores in per_draw])
        for _, observed, per_draw in parts
        for run in range(len(observed))
    )
    shares = sum(weight**2 / len(observed) for weight, observed, _ in parts)
    return max(0.0, statistics.variance(sums) - shares * apart / freedom), shares * pooled


def holm(p_values: Sequence[float]) -> list[float]:
    """By the definition: max over the smaller p's of (n - rank) p, at most 1."""
    n = len(p_values)
    ordered = sorted(p_values)
    return [min(1.0, max((n - rank) * ordered[rank] for rank in range(n) if ordered[rank] <= p)) for p in p_values]
