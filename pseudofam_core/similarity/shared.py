"""How many parameters the masks of each two pairs share, for every size of the masks at once.

A parameter that enters the masks of i at step s_i and those of j at s_j is shared from step max(s_i, s_j) on. So the
histogram of that maximum over all parameters, cumulated, is the whole curve, and every count in it is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from pseudofam_core.similarity.diagonals import Diagonals, Names, Piece
from pseudofam_core.similarity.ranks import Counts, Masks, Steps, mask_sizes, threshold_reads, thresholds

# Parameters whose maximum is counted at once: what is held for it stays in the processor's second cache.
_TILE = 2**15


def shared_to_read(pool: Diagonals, scoped: Names) -> int:
    """Numbers that `shared_counts` reads."""
    n_parameters = pool.count(scoped)
    return (threshold_reads(n_parameters) + 1) * n_parameters * len(pool.pairs)


def shared_counts(
    pool: Diagonals, names: Names, scoped: Names, fractions: Sequence[float]
) -> tuple[npt.NDArray[np.unsignedinteger], tuple[float, ...]]:
    """Parameters under `names` that two masks share, where the masks mark the top K among `scoped`.

    Args:
        pool: The diagonals.
        names: Parameters counted.
        scoped: Parameters among which the top K are taken; a superset of `names`.
        fractions: Values of K, rising.

    Returns:
        (n, n, n_fractions) counts; those of a pair with itself are what its mask marks. In the smallest type that holds
        them, and laid out by fraction. And of each diagonal the share of `scoped` that is not exactly zero: a mask of
        a larger K marks no more than these.
    """
    n, n_steps = len(pool.pairs), len(fractions)
    n_parameters = pool.count(scoped)
    cuts = thresholds(pool, scoped, mask_sizes(n_parameters, fractions))
    masks = [Masks(cut, n_parameters=n_parameters, n_pairs=n) for cut in cuts]
    compared = set(names)
    nonzero = np.zeros(n, dtype=np.int64)
    # Row i: with itself and each later pair.
    entering = [np.zeros((n - i, n_steps + 2), dtype=np.int64) for i in range(n)]
    for block in pool.blocks(scoped):
        steps = _steps(pool, masks, block, nonzero)
        kept = _kept(block, compared, steps)
        if n_steps == 1:
            # A product of 0/1 matrices; a histogram of two bins would be slower.
            starts = range(0, kept.shape[1], _TILE)
            for part in pool.share(partial(_shared_in_one_mask, kept), starts):
                for i, bins in enumerate(entering):
                    bins[:, 1] += part[i, i:]
        else:
            pool.share(partial(_count, kept, entering), range(n))
        pool.advance(steps.size)
    return _cumulated(entering, np.min_scalar_type(pool.count(names))), tuple((nonzero / n_parameters).tolist())


def _steps(pool: Diagonals, masks: Sequence[Masks], block: Sequence[Piece], nonzero: Counts) -> Steps:
    """(n, block) steps at which each parameter enters; those that are not zero are added to `nonzero`, per diagonal."""
    steps = np.empty((len(masks), sum(piece.size for piece in block)), dtype=np.uint16)

    def fill(row: int) -> None:
        start = 0
        for piece in block:
            values = pool.values(row, piece)
            steps[row, start : start + piece.size] = masks[row].steps(values)
            nonzero[row] += np.count_nonzero(values)
            start += piece.size

    pool.share(fill, range(len(masks)))
    return steps


def _kept(block: Sequence[Piece], compared: set[str], steps: Steps) -> Steps:
    """The columns that belong to a compared parameter."""
    belongs = [piece.name in compared for piece in block]
    return steps if all(belongs) else steps[:, np.repeat(belongs, [piece.size for piece in block])]


def _count(steps: Steps, entering: Sequence[Counts], i: int) -> None:
    """Add the histograms of max(s_i, s_j) for j = i and all later."""
    n_bins = entering[i].shape[1]
    for start in range(0, steps.shape[1], _TILE):
        tile = steps[:, start : start + _TILE]
        for j, bins in enumerate(entering[i], start=i):
            bins += np.bincount(np.maximum(tile[i], tile[j]), minlength=n_bins)


def _shared_in_one_mask(steps: Steps, start: int) -> Counts:
    """(n, n) parameters of a tile that two masks share. Exact: a float32 counts to 2^24, and a tile is smaller."""
    masks = (steps[:, start : start + _TILE] == 1).astype(np.float32)
    return np.dot(masks, masks.T).astype(np.int64)  # as in `sums._products`, not `@`


def _cumulated(entering: Sequence[Counts], kind: npt.DTypeLike) -> npt.NDArray[np.unsignedinteger]:
    n, n_steps = len(entering), entering[0].shape[1] - 2
    counts = np.empty((n_steps, n, n), dtype=kind)
    for i, bins in enumerate(entering):
        counts[:, i, i:] = counts[:, i:, i] = bins[:, 1:-1].cumsum(axis=1).T
    return np.moveaxis(counts, 0, 2)
