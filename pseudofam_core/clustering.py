"""Cluster a pool, and hold clusters and neighbours against the traditional families.

A cut of the tree partitions the pool: every pair is in one cluster. A pseudo family (`selection`) is per target and may
overlap others; the two are not the same thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from pseudofam_core.languages import LanguagePair
from pseudofam_core.results import FloatMatrix, PairwiseMatrix

Labels = npt.NDArray[np.int64]
LINKAGE_METHODS = ("average", "complete", "single", "weighted")


@dataclass(frozen=True)
class FamilyAgreement:
    """How well a partition of the pool agrees with the traditional families.

    Attributes:
        adjusted_rand: Adjusted Rand index: 1 where both partitions are the same, 0 on average by chance.
        adjusted_mutual_information: Adjusted mutual information: likewise.
        p_value: Share of permutations of the families that agree at least as well by the Rand index, the observed one
            counted among them: (1 + n_as_good) / (1 + n_permutations).
        n_with_family: Pairs whose traditional family has another member in the pool: those that can agree at all.
    """

    adjusted_rand: float
    adjusted_mutual_information: float
    p_value: float
    n_with_family: int


@dataclass(frozen=True)
class NeighbourAgreement:
    """How often the nearest neighbour is of the target's traditional family.

    Attributes:
        n_same: Eligible targets whose nearest neighbour is of their family.
        n_eligible: Targets whose family has another member in the pool.
        expected: What `n_same` would be on average if neighbours were drawn at random.
    """

    n_same: int
    n_eligible: int
    expected: float


def linkage(matrix: PairwiseMatrix, *, method: str = "average") -> FloatMatrix:
    """Hierarchical clustering of the pool, leaves in optimal order.

    Distances are the mean of both directions (`PairwiseMatrix.symmetric_distances`): KL and Overlap are directed, and
    linkage needs symmetry.

    Returns:
        Z of `scipy.cluster.hierarchy`: (n − 1, 4), a row per merge with its two nodes, its height in the matrix's units
        (Overlap: 1 − w) and its number of leaves.

    Raises:
        ValueError: A method that is unknown, or that needs Euclidean distances (ward, centroid, median).
    """
    if method not in LINKAGE_METHODS:
        raise ValueError(
            f"method must be one of {', '.join(LINKAGE_METHODS)}. Got {method!r}. Take average; ward, centroid "
            "and median need Euclidean distances, which these are not."
        )
    # The mean of both KL directions is Σ (F_i − F_j)(log F_i − log F_j) / 2 ≥ 0, but rounding can leave it below 0.
    distances = np.maximum(matrix.symmetric_distances(), 0)
    return hierarchy.linkage(squareform(distances, checks=False), method=method, optimal_ordering=True)


def leaf_order(Z: FloatMatrix) -> tuple[int, ...]:
    """Positions in the matrix's pairs, in the order in which the tree draws its leaves."""
    return tuple(hierarchy.leaves_list(Z).tolist())


def cut_by_number(Z: FloatMatrix, n: int) -> Labels:
    """Cut the tree into exactly `n` clusters.

    Of merges at equal height the later row of Z is undone first.

    Returns:
        A label per pair, counted from 0 in the order of the leaves.

    Raises:
        ValueError: n is not in [1, number of pairs].
    """
    n_pairs = len(Z) + 1
    if not 1 <= n <= n_pairs:
        raise ValueError(f"n must be in [1, {n_pairs}], the pairs of the tree. Got {n}.")
    # Cut by the number of the merge: maxclust gives fewer clusters than asked for where heights tie.
    merge = np.arange(n_pairs - 1, dtype=np.float64)
    return _numbered(hierarchy.fcluster(Z, t=n_pairs - n - 1, criterion="monocrit", monocrit=merge), Z)


def cut_by_height(Z: FloatMatrix, h: float) -> Labels:
    """Cut the tree at a height: pairs joined at `h` or below share a cluster.

    Returns:
        A label per pair, counted from 0 in the order of the leaves.

    Raises:
        ValueError: A negative height, or NaN.
    """
    if not h >= 0:
        raise ValueError(f"h must not be negative. Got {h}. Take a height between 0 and {Z[-1, 2]:.4g}.")
    return _numbered(hierarchy.fcluster(Z, t=h, criterion="distance"), Z)


def agreement(
    labels: Sequence[int] | Labels, pairs: Sequence[LanguagePair], *, n_permutations: int = 999, seed: int
) -> FamilyAgreement:
    """Hold a partition against the traditional families of `pairs`.

    A language alone in its family stays in, as a family of one: a cut that joins it to others is held against the cut.

    Raises:
        ValueError: Labels and pairs differ in number, or fewer than 1 permutation is asked for.
    """
    if len(labels) != len(pairs):
        raise ValueError(f"labels must align with pairs. Got {len(labels)} for {len(pairs)} pairs.")
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be at least 1. Got {n_permutations}.")
    families = _families(pairs)
    clusters = np.asarray(labels)
    return FamilyAgreement(
        adjusted_rand=float(adjusted_rand_score(families, clusters)),
        adjusted_mutual_information=float(adjusted_mutual_info_score(families, clusters)),
        p_value=_permutation_p(clusters, np.array(families), n_permutations=n_permutations, seed=seed),
        n_with_family=sum(size for size in Counter(families).values() if size > 1),
    )


def nearest_neighbour_agreement(matrix: PairwiseMatrix) -> NeighbourAgreement:
    """Count the targets whose nearest neighbour is of their traditional family.

    Nearest by the target's own row (MSE, |KL|, 1 − Overlap), not rounded; the earlier of equals in the matrix's order.
    Only targets whose family has another member in the pool count.
    """
    families = _families(matrix.pairs)
    sizes = Counter(families)
    eligible = [row for row, family in enumerate(families) if sizes[family] > 1]
    # KL may be negative; the paper takes its size.
    distances = np.abs(matrix.distances)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    return NeighbourAgreement(
        n_same=sum(families[row] == families[nearest[row]] for row in eligible),
        n_eligible=len(eligible),
        expected=sum(sizes[families[row]] - 1 for row in eligible) / max(1, len(families) - 1),
    )


def _families(pairs: Sequence[LanguagePair]) -> list[str]:
    return [pair.language.traditional_family for pair in pairs]


def _numbered(labels: npt.NDArray[np.integer], Z: FloatMatrix) -> Labels:
    """The same partition, labels counted from 0 by first appearance among the leaves."""
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels[list(leaf_order(Z))].tolist()))}
    return np.array([numbers[label] for label in labels.tolist()], dtype=np.int64)


def _permutation_p(clusters: Labels, families: npt.NDArray[np.str_], *, n_permutations: int, seed: int) -> float:
    """One-sided p of the Rand index when families are dealt out anew.

    With the sizes of clusters and families held, the index grows with the number of twos that are together in both:
    whole numbers, which compare exactly.
    """
    together = clusters[:, None] == clusters
    generator = np.random.default_rng(seed)

    def n_together(dealt: npt.NDArray[np.str_]) -> int:
        return int(np.count_nonzero(together & (dealt[:, None] == dealt)))

    observed = n_together(families)
    n_as_good = sum(n_together(generator.permutation(families)) >= observed for _ in range(n_permutations))
    return (1 + n_as_good) / (1 + n_permutations)
