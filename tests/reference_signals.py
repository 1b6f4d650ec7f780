"""Slow, obvious twins of the signals: plain loops in Python floats (float64)."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence


def covered(target: Mapping[int, int], auxiliary: Mapping[int, int], *, running: bool) -> float:
    """Share of the target's distinct, or running, subwords that the auxiliary has."""
    weights = {one: (n if running else 1) for one, n in target.items()}
    return sum(n for one, n in weights.items() if one in auxiliary) / sum(weights.values())


def skew_divergence(target: Mapping[int, int], auxiliary: Mapping[int, int], skew: float) -> float:
    """KL(p_t || α p_a + (1−α) p_t), nats."""
    p, q = ({one: n / sum(text.values()) for one, n in text.items()} for text in (target, auxiliary))
    return math.fsum(p[v] * math.log(p[v] / (skew * q.get(v, 0.0) + (1 - skew) * p[v])) for v in p)


def trigrams(sentences: Sequence[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in sentences:
        line = f" {' '.join(unicodedata.normalize('NFKC', one).casefold().split())} "
        found.update(line[i : i + 3] for i in range(len(line) - 2))
    return found


def cosine_of_counts(target: Mapping[str, int], auxiliary: Mapping[str, int]) -> float:
    inner = sum(n * auxiliary.get(one, 0) for one, n in target.items())
    lengths = (math.sqrt(sum(n * n for n in text.values())) for text in (target, auxiliary))
    return inner / math.prod(lengths)


def cosine_of_means(target: Sequence[Sequence[float]], auxiliary: Sequence[Sequence[float]]) -> float:
    """Cosine of the means of rows."""
    t, a = ([math.fsum(column) / len(rows) for column in zip(*rows, strict=True)] for rows in (target, auxiliary))
    lengths = math.sqrt(math.fsum(x * x for x in t)) * math.sqrt(math.fsum(x * x for x in a))
    return math.fsum(x * y for x, y in zip(t, a, strict=True)) / lengths


def fisher_weighted(target: Sequence[float], auxiliary: Sequence[float], fisher: Sequence[float]) -> float:
    """λ Σ_p t_p a_p / (F_p + λ), λ the mean of F."""
    damping = math.fsum(fisher) / len(fisher)
    return math.fsum(damping * t * a / (F + damping) for t, a, F in zip(target, auxiliary, fisher, strict=True))


def weights(expected: Mapping[str, float]) -> dict[str, float]:
    """n s_a / Σ s_b over the n names whose number is above zero, in hundredths; those of none left out."""
    helping = [(name, value) for name, value in expected.items() if not math.isnan(value) and value > 0]
    total = math.fsum(value for _, value in helping)
    hundredths = {name: round(100 * (len(helping) * value / total)) for name, value in helping}
    return {name: n / 100 for name, n in hundredths.items() if n > 0}
