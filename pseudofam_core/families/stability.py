"""How often resampled sentences lead to the same families.

Replicates are held against the families that the same sketch of the parameters gives from all sentences, so that what the
sketch loses does not count as a change. `families_alike` tells what it loses.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.families.selection import select_families
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.resampling import BootstrapReplicates
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix, common_pool


@dataclass(frozen=True, eq=False)
class FamilyStability:
    """How often resampled sentences lead to the same families.

    Attributes:
        pairs: Labels of rows (targets) and columns (auxiliaries).
        shares: (n, n): share of replicates in which the column is in the row's family; 0 on the diagonal.
        size_shares: (n, n): share of replicates in which the row's family has that many members, 0 to n − 1.
        unchanged: (n,): share of replicates in which the family is exactly that of all sentences.
        n_replicates: How many there were.
    """

    pairs: tuple[LanguagePair, ...]
    shares: FloatMatrix
    size_shares: FloatMatrix
    unchanged: FloatMatrix
    n_replicates: int


@dataclass(frozen=True, eq=False)
class FamiliesAlike:
    """How far two matrices of one pool lead to the same families.

    Attributes:
        pairs: The targets.
        same: (n,): whether the target's family is the same by both.
        members: (n, n): whether the column is in the row's family by the first.
        shared: Members that are in both families, over those in either, mean over targets.
    """

    pairs: tuple[LanguagePair, ...]
    same: npt.NDArray[np.bool_]
    members: npt.NDArray[np.bool_]
    shared: float

    def family(self, target: LanguagePair) -> tuple[LanguagePair, ...]:
        """The target's family by the first matrix, in the order of the pool."""
        row = self.members[self.pairs.index(target)]
        return tuple(pair for pair, member in zip(self.pairs, row, strict=True) if member)


def families_alike(first: PairwiseMatrix, second: PairwiseMatrix, *, selection: SelectionSpec) -> FamiliesAlike:
    """Hold the families of two matrices against each other, by the same rule.

    Raises:
        ValueError: Matrices of different pools.
    """
    common_pool([first, second])
    by_first, by_second = (members_of(matrix, selection) for matrix in (first, second))
    shared = (by_first & by_second).sum(axis=1) / (by_first | by_second).sum(axis=1)
    return FamiliesAlike(first.pairs, (by_first == by_second).all(axis=1), by_first, float(shared.mean()))


def family_stability(
    replicates: BootstrapReplicates, full: PairwiseMatrix, *, selection: SelectionSpec
) -> FamilyStability:
    """How often the families of `full` come out of the replicates, by the same rule.

    Args:
        replicates: Of resampled shards.
        full: Of all shards, on the parameters that the replicates are on (`sketch_matrix`): held against the families of all
            parameters, what the sketch loses would count as a change.
        selection: The rule.

    Raises:
        ValueError: The replicates are of another pool or measure than `full`.
    """
    if (replicates.pairs, replicates.measure) != (full.pairs, full.measure):
        raise ValueError(
            f"replicates must be of the matrix's pool and measure. Got {replicates.measure} over "
            f"{len(replicates.pairs)} pairs for {full.measure} over {len(full.pairs)}. Resample this pool."
        )
    chosen = np.array([members_of(matrix, selection) for matrix in replicates.matrices()])
    n_replicates, n, _ = chosen.shape
    sizes = [Counter(row.tolist()) for row in chosen.sum(axis=2).T]
    return FamilyStability(
        pairs=full.pairs,
        shares=chosen.mean(axis=0),
        size_shares=np.array([[row[size] / n_replicates for size in range(n)] for row in sizes]),
        unchanged=(chosen == members_of(full, selection)).all(axis=2).mean(axis=0),
        n_replicates=n_replicates,
    )


def members_of(matrix: PairwiseMatrix, selection: SelectionSpec) -> npt.NDArray[np.bool_]:
    """(n, n): whether the column is in the row's family."""
    position = {pair: i for i, pair in enumerate(matrix.pairs)}
    marks = np.zeros((len(matrix.pairs),) * 2, dtype=bool)
    for row, family in zip(marks, select_families(matrix, selection=selection), strict=True):
        row[[position[member] for member in family.members]] = True
    return marks


def calibration_words(measure: Measure) -> str:
    """What shares of resamples were worth where they were held against other sentences."""
    if not (held := measure.row.resampled_against):
        return f"What they are worth by {measure.label} was not measured; by other measures they were off by up to 14 points."
    said, true = (" and ".join(", ".join(f"{side[i]:.0%}" for side in held).rsplit(", ", 1)) for i in (0, 1))
    return (
        f"Other sentences move them otherwise: on three texts, where resamples by {measure.label} left {said} of the families "
        f"unchanged, as many other sentences gave {true} again."
    )
