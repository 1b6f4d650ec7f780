"""How firm matrices and families are under another draw of sentences: a bootstrap over shards.

Each pair's sentences lie in S disjoint random shards. A replicate draws S shards with replacement and takes the mean
over their sentences, F = Σ_s c_s·sum_s / Σ_s c_s·n_s with c_s how often shard s was drawn. Where shards hold the same
sentences for all pairs, all pairs get the same draw; elsewhere each its own.

Shares of replicates tell how far families move when these very sentences are drawn again, from the families that these
sentences gave. That is not how far other sentences move them: two texts are apart by the chance of both, and a resample holds
fewer sentences than a text. By Overlap and MSE shares are mostly too high, by KL and Hellinger as often too low
(`Row.resampled_against`; `python -m benchmarks.stability`). Nothing corrects them: replicates of half as many shards,
which would be as far from the estimate as two texts are from each other, gave too low shares as often as too high ones in
simulation (0.13 for 0.28, 0.07 for 0.05). Diagonals are compared on the sketched parameters; `sketch_matrix` beside
the full matrix shows what the sketch loses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.replicates import ShardSketches, shared_counts
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.similarity.spec import Scope
from pseudofam_core.similarity.traits import FromMasks, FromSums

FEWEST_SHARDS = 4
"""Of fewer, replicates are so few different ones that shares of them mean nothing; of one, all are the same."""


@dataclass(frozen=True, eq=False)
class BootstrapReplicates:
    """A pool's matrix as it comes out of resampled shards, many times.

    Attributes:
        pairs: Labels of rows and columns.
        values: (n_replicates, n, n) float64, as in `PairwiseMatrix`.
        measure: What the numbers are.
        top_fraction: K of Overlap, else None.
        seed: Of the draws.
    """

    pairs: tuple[LanguagePair, ...]
    values: FloatMatrix
    measure: Measure
    top_fraction: float | None
    seed: int

    def matrices(self) -> Iterator[PairwiseMatrix]:
        """One matrix per replicate."""
        for values in self.values:
            yield PairwiseMatrix(self.pairs, values, self.measure, self.top_fraction)


def resampled_counts(
    n_pairs: int, n_shards: int, *, n_replicates: int, shared: bool, seed: int
) -> npt.NDArray[np.int64]:
    """How often each replicate draws each shard of each pair: (n_replicates, n_pairs, n_shards), rows of sum n_shards.

    Args:
        n_pairs: Pairs of the pool.
        n_shards: Shards of each pair.
        n_replicates: Replicates.
        shared: One draw for all pairs, instead of one for each.
        seed: Of the draws.

    Raises:
        ValueError: No replicate is asked for.
    """
    if n_replicates < 1:
        raise ValueError(f"n_replicates must be at least 1. Got {n_replicates}.")
    drawn = np.random.default_rng(seed).multinomial(
        n_shards, [1 / n_shards] * n_shards, size=(n_replicates, 1 if shared else n_pairs)
    )
    return np.broadcast_to(drawn, (n_replicates, n_pairs, n_shards))


def sketch_matrix(sketches: ShardSketches, *, measure: Measure, top_fraction: float | None = None) -> PairwiseMatrix:
    """The pool's matrix from all shards, on the sketched parameters only: to be held against the full matrix.

    KL's sums over parameters are scaled to all of them. Overlap marks the top K of the sketched parameters
    (scope = group).

    Raises:
        ValueError: As `bootstrap_replicates`.
    """
    once = np.ones((1, *sketches.counts.shape))
    (values,) = _compared(sketches, once, measure=measure, top_fraction=top_fraction)
    scope = Scope.GROUP if measure.has_masks else None
    n_sketched = sketches.sums.shape[2]
    return PairwiseMatrix(sketches.pairs, values, measure, top_fraction, scope, {"n_sketched": n_sketched})


def bootstrap_replicates(
    sketches: ShardSketches, *, measure: Measure, top_fraction: float | None = None, n_replicates: int = 100, seed: int
) -> BootstrapReplicates:
    """The pool's matrix on resampled shards, as `sketch_matrix` makes it from all.

    Args:
        sketches: The pool's shards.
        measure: Any but the consensus.
        top_fraction: K of masks; None elsewhere.
        n_replicates: How many times shards are drawn.
        seed: Of the draws.

    Raises:
        ValueError: A measure that is not computed from diagonals, a K missing or out of place, a diagonal of zeros for
            kl-normalised or cosine, fewer than 4 shards, or no replicate.
    """
    n_pairs, n_shards = sketches.counts.shape
    if n_shards < FEWEST_SHARDS:
        raise ValueError(
            f"There must be at least {FEWEST_SHARDS} shards to draw again. Got {n_shards}. Estimate with more shards or more "
            "sentences; with per-batch a shard holds whole updates: make these smaller."
        )
    times = resampled_counts(n_pairs, n_shards, n_replicates=n_replicates, shared=sketches.shared_sentences, seed=seed)
    values = _compared(sketches, times, measure=measure, top_fraction=top_fraction)
    return BootstrapReplicates(sketches.pairs, values, measure, top_fraction, seed)


def weighted_matrices(
    sketches: ShardSketches, times: FloatMatrix, *, measure: Measure, top_fraction: float | None = None
) -> Iterator[PairwiseMatrix]:
    """The pool's matrix for each weighting of the shards, as `sketch_matrix` makes it from all.

    Args:
        sketches: The pool's shards.
        times: (n, n_pairs, n_shards): how often each shard of each pair is taken.
        measure: Any but the consensus.
        top_fraction: K of masks; None elsewhere.

    Raises:
        ValueError: As `bootstrap_replicates`, but for the number of shards.
    """
    for values in _compared(sketches, times, measure=measure, top_fraction=top_fraction):
        yield PairwiseMatrix(sketches.pairs, values, measure, top_fraction)


def _compared(
    sketches: ShardSketches,
    times: npt.NDArray[np.float64] | npt.NDArray[np.int64],
    *,
    measure: Measure,
    top_fraction: float | None,
) -> FloatMatrix:
    """(n_replicates, n, n) values by `measure`, each shard taken so many times."""
    if (top_fraction is not None) != measure.has_masks:
        raise ValueError(f"top_fraction must be given for masks, and for nothing else. Got {top_fraction}.")
    weights = times / np.einsum("bis,is->bi", times, sketches.counts)[:, :, None]
    match measure.computed:
        case FromSums(resampled=resampled):
            return resampled(sketches, weights)
        case FromMasks(values=values):
            assert top_fraction is not None
            return values(shared_counts(sketches, weights, top_fraction).astype(np.float64))
    raise ValueError(f"measure must be computed from diagonals. Got {measure}. Take mse, kl or overlap.")
