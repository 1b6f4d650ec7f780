"""How large families come out where there is nothing to find: the paper's rule on the pool's values, dealt out blindly.

What is taken to be exchangeable are the values of the whole pool, not those within a target's row, whose order the rule
sorts away: that one target's neighbours stand nearer than another's counts as something found, like the order among
them. No formula serves, for the odds depend on how the values are distributed: a family reaches three members by half of
the uniform ones and by 0.63 of the normal ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.families.selection import compared_decimals, first_test
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix

N_DRAWN = 10_000
# Values ordered at once: 16 MB.
_AT_ONCE = 2**21
# Where a value, in units of its last decimal, is too near to a half, or too large, for NumPy to round it surely.
_NEAR_HALF, _LARGEST_SCALED = 1e-4, 1e10


@dataclass(frozen=True)
class ChanceSizes:
    """Sizes of families with nothing to find.

    Attributes:
        counts: Families drawn of 0, 1, 2, … members.
    """

    counts: tuple[int, ...]

    @property
    def n_drawn(self) -> int:
        """Families drawn."""
        return sum(self.counts)

    def at_least(self, size: int) -> float:
        """P(size ≥ `size`): the share of drawn families that large; its standard error is at most 0.5 / √n_drawn."""
        return sum(self.counts[max(0, size) :]) / self.n_drawn


def chance_sizes(
    matrix: PairwiseMatrix, *, selection: SelectionSpec, n_drawn: int = N_DRAWN, seed: int = 1
) -> ChanceSizes:
    """Deal the matrix's values out over its rows, and let the paper's rule pick a family in each.

    The values off the diagonal are permuted over the whole pool. Those of a symmetric matrix are dealt once to both of
    its sides, so that no row gets a value twice.

    Args:
        matrix: Of a pool of two pairs or more.
        selection: By `Rule.PAPER`.
        n_drawn: Families drawn.
        seed: Of the draws.

    Raises:
        ValueError: Another rule, a pool of one, or no draw.
    """
    if selection.rule is not Rule.PAPER:
        raise ValueError(f"rule must be paper: the sizes of the others are set, not found. Got {selection.rule}.")
    n_others = len(matrix.pairs) - 1
    if n_others < 1 or n_drawn < 1:
        raise ValueError(f"A pool of 2 pairs and a draw are needed. Got {n_others + 1} pairs and n_drawn={n_drawn}.")
    values, generator = _values(matrix), np.random.default_rng(seed)
    rows_each = len(values) // n_others
    counts = np.zeros(n_others + 1, dtype=np.int64)
    while (missing := n_drawn - int(counts.sum())) > 0:
        n_permutations = min(-(-missing // rows_each), max(1, _AT_ONCE // len(values)))
        dealt = generator.permuted(np.tile(values, (n_permutations, 1)), axis=1)
        rows = dealt[:, : rows_each * n_others].reshape(-1, n_others)[:missing]
        counts += np.bincount(paper_sizes(rows, measure=matrix.measure, selection=selection), minlength=n_others + 1)
    return ChanceSizes(tuple(counts.tolist()))


def paper_sizes(rows: FloatMatrix, *, measure: Measure, selection: SelectionSpec) -> npt.NDArray[np.int64]:
    """(n,) members that `select_family` picks by the paper's rule in each of many rows at once.

    Args:
        rows: (n, n_others): a target's values in each row, in any order.
        measure: What they are.
        selection: By `Rule.PAPER`.
    """
    decimals = compared_decimals(measure, selection)
    sign = -1 if measure.is_similarity else 1
    values = np.sort(sign * _rounded(np.abs(rows), decimals), axis=1)
    gaps = _rounded(np.diff(values, axis=1), decimals)
    n, n_others = values.shape
    tested_from = first_test(measure)
    if selection.initial_radius is not None:
        radius = np.full(n, float(selection.initial_radius))
    elif measure.is_similarity:
        radius = _rounded(1 + values[:, 0], decimals)
    else:
        radius = gaps[:, 0].copy() if n_others > 1 else np.zeros(n)
    sizes = np.full(n, min(tested_from - 1, n_others), dtype=np.int64)
    growing = np.ones(n, dtype=bool)
    for rank in range(tested_from, min(selection.largest, n_others) + 1):
        step = gaps[:, rank - 2]
        growing &= step <= radius
        sizes[growing] = rank
        radius = np.where(step < radius, step, radius * selection.shrink)
    return np.clip(sizes, min(selection.smallest, n_others), selection.largest)


def _values(matrix: PairwiseMatrix) -> FloatMatrix:
    """Those that are dealt: all off the diagonal, or of a symmetric matrix those above it."""
    rows, columns = np.triu_indices(len(matrix.pairs), k=1)
    above, below = matrix.values[rows, columns], matrix.values[columns, rows]
    return above if np.array_equal(above, below) else np.concatenate([above, below])


def _rounded(values: FloatMatrix, decimals: int | None) -> FloatMatrix:
    """As Python's `round` does, which looks at the exact value: NumPy's takes 0.05, a little above a half of 0.1, for that half."""
    if decimals is None:
        return values
    scaled = values * 10.0**decimals
    rounded = np.round(values, decimals)
    unsure = (np.abs(scaled - np.floor(scaled) - 0.5) < _NEAR_HALF) | (np.abs(scaled) > _LARGEST_SCALED)
    rounded[unsure] = [round(value, decimals) for value in values[unsure].tolist()]
    return rounded
