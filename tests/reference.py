"""Slow, obvious twins of the package's numerics: plain loops in Python floats (float64), or exact fractions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations

import numpy as np
import numpy.typing as npt

Tensors = Mapping[str, npt.NDArray[np.float32]]
_EPSILON = 1e-16


def flat(tensors: Tensors, names: Sequence[str]) -> list[float]:
    """One diagonal as a list, in the order of sorted names, then flat index."""
    return [float(value) for name in sorted(names) for value in tensors[name].reshape(-1)]


def mean_squared_difference(F: Sequence[float], G: Sequence[float]) -> float:
    return math.fsum((f - g) ** 2 for f, g in zip(F, G, strict=True)) / len(F)


def divergence(target: Sequence[float], auxiliary: Sequence[float]) -> float:
    """As the paper's scripts fill row t, column a: what is weighted is the auxiliary."""
    return math.fsum(a * math.log((a + _EPSILON) / (t + _EPSILON)) for t, a in zip(target, auxiliary, strict=True))


def normalised(F: Sequence[float]) -> list[float]:
    total = math.fsum(F)
    return [f / total for f in F]


def hellinger(F: Sequence[float], G: Sequence[float]) -> float:
    """Of diagonals as they are: each is divided by its sum here."""
    roots = [[math.sqrt(share) for share in normalised(one)] for one in (F, G)]
    return math.sqrt(math.fsum((f - g) ** 2 for f, g in zip(*roots, strict=True)) / 2)


def top_positions(F: Sequence[float], top_fraction: float) -> set[int]:
    """Positions of the largest values; of equal ones the earlier; zeros never."""
    k = max(1, round(top_fraction * len(F)))
    return {p for p in sorted(range(len(F)), key=lambda p: (-F[p], p))[:k] if F[p] > 0}


def overlap(target: set[int], auxiliary: set[int]) -> float:
    return len(target & auxiliary) / len(target)


def top_positions_within(tensors: Tensors, names: Sequence[str], scope_names: Sequence[str], K: float) -> set[int]:
    """The top K among `scope_names`, those under `names` kept."""
    owners = [name for name in sorted(scope_names) for _ in range(tensors[name].size)]
    return {p for p in top_positions(flat(tensors, scope_names), K) if owners[p] in names}


def paper_family(
    values: Mapping[str, float],
    *,
    similarity: bool,
    initial_radius: float | None = None,
    shrink: float = 0.5,
    smallest: int = 2,
    largest: int = 10,
    decimals: int | None = None,
) -> list[str]:
    """METHOD.md §3 in exact fractions: `values` by name, nearest members first."""
    as_decimal = {name: abs(value if decimals is None else round(value, decimals)) for name, value in values.items()}
    exact = {name: Fraction(repr(value)) for name, value in as_decimal.items()}
    order = sorted(exact, key=lambda name: (-exact[name] if similarity else exact[name], name))
    d = [None, *((1 - exact[name] if similarity else exact[name]) for name in order)]  # d[1] is the nearest
    n = len(order)
    size = 1 if similarity else min(2, n)
    if n > 1:
        radius = d[1] if similarity else d[2] - d[1]
        if initial_radius is not None:
            radius = Fraction(repr(initial_radius))
        for i in range(2 if similarity else 3, min(n, largest) + 1):
            step = d[i] - d[i - 1]
            if step == radius:
                radius *= Fraction(repr(shrink))
            elif step < radius:
                radius = step
            else:
                break
            size = i
    return order[: min(largest, max(size, smallest))]


def fixed_radius_family(
    values: Mapping[str, float], *, similarity: bool, radius: float, smallest: int, largest: int, decimals: int | None
) -> list[str]:
    """All within `radius` in exact fractions, no fewer than `smallest` and no more than `largest`; nearest first."""
    as_decimal = {name: abs(value if decimals is None else round(value, decimals)) for name, value in values.items()}
    exact = {name: Fraction(repr(value)) for name, value in as_decimal.items()}
    distances = {name: 1 - value if similarity else value for name, value in exact.items()}
    order = sorted(distances, key=lambda name: (distances[name], name))
    within = sum(distances[name] <= Fraction(repr(radius)) for name in order)
    return order[: min(largest, max(smallest, within))]


def average_linkage_merges(D: npt.NDArray[np.float64]) -> list[tuple[frozenset[int], frozenset[int], float]]:
    """Merges of average linkage, lowest first: the two clusters and the mean distance between their members."""
    clusters = [frozenset([i]) for i in range(len(D))]
    merges = []
    while len(clusters) > 1:
        heights = {(A, B): sum(D[a, b] for a in A for b in B) / (len(A) * len(B)) for A, B in combinations(clusters, 2)}
        (A, B), height = min(heights.items(), key=lambda item: item[1])
        merges.append((A, B, height))
        clusters = [C for C in clusters if C not in (A, B)] + [A | B]
    return merges


def partition(labels: Sequence[int]) -> set[frozenset[int]]:
    """Clusters as sets of positions: label numbers don't matter."""
    return {frozenset(p for p, label in enumerate(labels) if label == one) for one in set(labels)}


def partition_of_merges(Z: npt.NDArray[np.float64], n_merges: int) -> set[frozenset[int]]:
    """The partition after the first rows of a linkage."""
    nodes = [frozenset([leaf]) for leaf in range(len(Z) + 1)]
    alive = set(nodes)
    for left, right, *_ in Z[:n_merges]:
        A, B = nodes[int(left)], nodes[int(right)]
        nodes.append(A | B)
        alive = alive - {A, B} | {A | B}
    return alive


def adjusted_rand(first: Sequence[object], second: Sequence[object]) -> float:
    """Adjusted Rand index by counting twos that are together (Hubert and Arabie, 1985)."""
    twos = list(combinations(range(len(first)), 2))
    in_first = sum(first[i] == first[j] for i, j in twos)
    in_second = sum(second[i] == second[j] for i, j in twos)
    in_both = sum(first[i] == first[j] and second[i] == second[j] for i, j in twos)
    expected = in_first * in_second / len(twos)
    return (in_both - expected) / ((in_first + in_second) / 2 - expected)


def ranks(F: Sequence[float]) -> list[int]:
    """Place of each parameter among all: 0 for the largest; of equal ones the earlier first."""
    order = sorted(range(len(F)), key=lambda p: (-F[p], p))
    return [place for _, place in sorted(zip(order, range(len(F)), strict=True))]


def jaccard(target: set[int], auxiliary: set[int]) -> float:
    return len(target & auxiliary) / len(target | auxiliary)


def cosine(F: Sequence[float], G: Sequence[float]) -> float:
    lengths = [math.sqrt(math.fsum(x * x for x in one)) for one in (F, G)]
    return math.fsum(f * g for f, g in zip(F, G, strict=True)) / lengths[0] / lengths[1]


def exact_divergence(target: Sequence[float], auxiliary: Sequence[float]) -> tuple[float, float]:
    """KL in 60 decimal digits, where floats have none left; and the sum of its terms without their signs."""
    with localcontext() as context:
        context.prec = 60
        epsilon = Decimal(_EPSILON)
        terms = [
            Decimal(a) * ((Decimal(a) + epsilon) / (Decimal(t) + epsilon)).ln()
            for t, a in zip(target, auxiliary, strict=True)
        ]
        return float(sum(terms)), float(sum(map(abs, terms)))
