"""Cluster a pool, and hold clusters and neighbours against the traditional families.

A cut of the tree partitions the pool: every pair is in one cluster. A pseudo family (`selection`) is per target and may
overlap others; the two are not the same thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.similarity.traits import Geometry
from pseudofam_core.structure.correlation import N_PERMUTATIONS

Labels = npt.NDArray[np.int64]
# Twos looked at at once.
_AT_ONCE = 2**22
# Those that any distances will do for.
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
        n_permutations: Permutations drawn.
    """

    adjusted_rand: float
    adjusted_mutual_information: float
    p_value: float
    n_with_family: int
    n_permutations: int = N_PERMUTATIONS


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


def linkage_methods(measure: Measure) -> tuple[str, ...]:
    """The methods whose precondition the measure meets.

    Ward's method is about variance, so that its distances must be Euclidean (`Geometry`). MSE's roots are: MSE is the
    squared Euclidean distance between two diagonals, divided by the number of parameters.
    """
    return LINKAGE_METHODS if measure.row.geometry is Geometry.UNKNOWN else (*LINKAGE_METHODS, "ward")


def linkage(matrix: PairwiseMatrix, *, method: str = "average") -> FloatMatrix:
    """Hierarchical clustering of the pool, leaves in optimal order.

    Distances are the mean of both directions (`PairwiseMatrix.symmetric_distances`): KL and Overlap are directed, and
    linkage needs symmetry. Ward's method takes the roots of distances that are squares (MSE).

    Returns:
        Z of `scipy.cluster.hierarchy`: (n − 1, 4), a row per merge with its two nodes, its height in the matrix's units
        (Overlap: 1 − w) and its number of leaves. Ward's heights are in the units of the distances that it takes
        (nats² for MSE's roots): √(2·|A|·|B| / (|A| + |B|)) times the root-mean-square distance between the means of A and B.

    Raises:
        ValueError: A method that is unknown, or whose precondition the measure does not meet (`linkage_methods`).
    """
    if method not in (methods := linkage_methods(matrix.measure)):
        raise ValueError(
            f"method must be one of {', '.join(methods)} for {matrix.measure.label}. Got {method!r}. Take average; "
            f"ward needs Euclidean distances: {', '.join(measure for measure in Measure if 'ward' in linkage_methods(measure))}."
        )
    # The mean of both KL directions is Σ (F_i − F_j)(log F_i − log F_j) / 2 ≥ 0, but rounding can leave it below 0.
    distances = np.maximum(matrix.symmetric_distances(), 0)
    if method == "ward" and matrix.measure.row.geometry is Geometry.SQUARED_EUCLIDEAN:
        distances = np.sqrt(distances)
    return hierarchy.linkage(squareform(distances, checks=False), method=method, optimal_ordering=True)


def clades(Z: FloatMatrix) -> tuple[frozenset[int], ...]:
    """The leaves under each merge, in the order of Z's rows."""
    nodes = [frozenset([leaf]) for leaf in range(len(Z) + 1)]
    for left, right in Z[:, :2].astype(int).tolist():
        nodes.append(nodes[left] | nodes[right])
    return tuple(nodes[len(Z) + 1 :])


def clade_support(Z: FloatMatrix, trees: Iterable[FloatMatrix]) -> FloatMatrix:
    """How firm each merge is: the share of other trees in which the same leaves are a clade (Felsenstein, 1985).

    Args:
        Z: The tree shown.
        trees: Trees over the same pool: of bootstrap replicates, or of Overlap at other values of K.

    Returns:
        (n − 1,): a share per row of Z. The last row, the whole pool, is in every tree.

    Raises:
        ValueError: No tree, or one over another number of pairs.
    """
    clade_sets = []
    for tree in trees:
        if len(tree) != len(Z):
            raise ValueError(f"trees must be over the same {len(Z) + 1} pairs. Got one over {len(tree) + 1}.")
        clade_sets.append(set(clades(tree)))
    if not clade_sets:
        raise ValueError("trees must be at least one. Got none. Resample the pool, or take several values of K.")
    return np.array([sum(clade in tree for tree in clade_sets) / len(clade_sets) for clade in clades(Z)])


def cophenetic_correlation(Z: FloatMatrix, distances: FloatMatrix) -> float | None:
    """Pearson's r between the heights at which the tree joins each two pairs and their distances (Sokal and Rohlf, 1962).

    Args:
        Z: The tree.
        distances: (n, n), symmetric: those it was made of (roots for ward), to see what the tree loses; or a yardstick's,
            such as the genealogical, to see whether the tree has its shape. NaN where unknown.

    Returns:
        None where all known distances, or all heights, are the same.

    Raises:
        ValueError: Distances over another number of pairs.
    """
    if distances.shape != (len(Z) + 1,) * 2:
        raise ValueError(
            f"distances must be {len(Z) + 1} x {len(Z) + 1}, the pairs of the tree. Got {distances.shape}."
        )
    heights, others = hierarchy.cophenet(Z), squareform(distances, checks=False)
    known = np.isfinite(others)
    if not known.any() or not np.ptp(heights[known]) or not np.ptp(others[known]):
        return None
    return float(np.corrcoef(heights[known], others[known])[0, 1])


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
    labels: Sequence[int] | Labels, pairs: Sequence[LanguagePair], *, n_permutations: int = N_PERMUTATIONS, seed: int
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
        p_value=_permutation_p(
            clusters, np.unique(families, return_inverse=True)[1], n_permutations=n_permutations, seed=seed
        ),
        n_with_family=sum(size for size in Counter(families).values() if size > 1),
        n_permutations=n_permutations,
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


def _permutation_p(clusters: Labels, families: Labels, *, n_permutations: int, seed: int) -> float:
    """One-sided p of the Rand index when families are dealt out anew.

    With the sizes of clusters and families held, the index grows with the number of twos that are together in both:
    whole numbers, which compare exactly.
    """
    rows, columns = np.triu_indices(len(clusters), k=1)
    together = clusters[rows] == clusters[columns]
    rows, columns = rows[together], columns[together]
    observed = np.count_nonzero(families[rows] == families[columns])
    generator, n_as_good, missing = np.random.default_rng(seed), 0, n_permutations
    while missing:
        n = min(missing, max(1, _AT_ONCE // max(1, len(rows))))
        dealt = generator.permuted(np.tile(families, (n, 1)), axis=1)
        n_together = np.count_nonzero(dealt[:, rows] == dealt[:, columns], axis=1)
        n_as_good += int(np.count_nonzero(n_together >= observed))
        missing -= n
    return (1 + n_as_good) / (1 + n_permutations)
