"""Two matrices over the same pairs, target by target: whose neighbours stand in one order, whose families differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pseudofam_core.families.selection import select_families
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.results import PairwiseMatrix, common_pool
from pseudofam_core.structure.correlation import ordering_rows, row_correlations


@dataclass(frozen=True)
class TargetBeside:
    """One target by two matrices.

    Attributes:
        target: Whose row and family.
        rho: Spearman's ρ of its row by both; None where all of its neighbours are equally near by one of them.
        first: Its family by the first, nearest first.
        second: By the second.
    """

    target: LanguagePair
    rho: float | None
    first: tuple[LanguagePair, ...]
    second: tuple[LanguagePair, ...]

    @property
    def is_same(self) -> bool:
        """Whether both families have the same members."""
        return set(self.first) == set(self.second)


def targets_beside(
    first: PairwiseMatrix, second: PairwiseMatrix, *, selection: SelectionSpec | None = None
) -> tuple[TargetBeside, ...]:
    """Each target's row and family by both matrices, in the order of their pairs.

    Args:
        first: A matrix.
        second: Another one of the same pairs.
        selection: The rule of the families; by default the paper's with its own radius.

    Raises:
        ValueError: They are of different pairs.
    """
    pairs, rule = common_pool([first, second]), selection or SelectionSpec()
    rhos = row_correlations(ordering_rows(first), ordering_rows(second))
    families = [select_families(matrix, selection=rule) for matrix in (first, second)]
    return tuple(
        TargetBeside(target, None if np.isnan(rho) else float(rho), mine.members, theirs.members)
        for target, rho, mine, theirs in zip(pairs, rhos, *families, strict=True)
    )
