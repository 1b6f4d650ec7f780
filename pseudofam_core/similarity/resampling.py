"""How firm matrices and families are under another draw of sentences: a bootstrap over shards.

Each pair's sentences lie in S disjoint random shards. A replicate draws S shards with replacement and takes the mean
over their sentences, F = Σ_s c_s·sum_s / Σ_s c_s·n_s with c_s how often shard s was drawn. Where shards hold the same
sentences for all pairs, all pairs get the same draw; elsewhere each its own.

A replicate holds about two thirds of the shards, so that its estimates are noisier than the one from all sentences:
shares of replicates err on the side of doubt. Diagonals are compared on the sketched parameters; `sketch_matrix` beside
the full matrix shows what the sketch loses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.similarity.spec import Measure, Scope

Weights = npt.NDArray[np.float64]
FEWEST_SHARDS = 4
"""Of fewer, replicates are so few different ones that shares of them mean nothing; of one, all are the same."""
_EPSILON = 1e-16
# Parameters compared at once: 100 replicates of 17 pairs then stay near the processor's cache.
_BLOCK = 2**9
# Replicates of one pair's diagonal held at once: 25 x 2^19 float32 are 52 MB.
_REPLICATES_AT_ONCE = 25


@dataclass(frozen=True, eq=False)
class ShardSketches:
    """A pool's Fisher diagonals in disjoint random shards of sentences, on a random subset of the parameters.

    Attributes:
        pairs: The pool.
        sums: (n_pairs, n_shards, n_sketched) float32: squared gradients summed over the sentences of a shard, nats².
            The same parameters for all pairs.
        counts: (n_pairs, n_shards): sentences of each shard.
        n_parameters: Parameters that the subset was drawn from: what sums over parameters are scaled to.
        shared_sentences: Whether shard s holds the same sentences for all pairs (multi-parallel text), so that pairs
            are resampled together.

    Raises:
        ValueError: Shapes that don't fit, or a shard without a sentence.
    """

    pairs: tuple[LanguagePair, ...]
    sums: npt.NDArray[np.float32]
    counts: npt.NDArray[np.int64]
    n_parameters: int
    shared_sentences: bool

    def __post_init__(self) -> None:
        """Refuse what can't be averaged."""
        if self.sums.ndim != 3 or self.counts.shape != self.sums.shape[:2] or len(self.pairs) != len(self.sums):
            raise ValueError(
                f"sums must be (pairs, shards, parameters) and counts (pairs, shards) for {len(self.pairs)} pairs. "
                f"Got {self.sums.shape} and {self.counts.shape}."
            )
        if not (self.counts > 0).all():
            pair = self.pairs[int(np.argwhere(self.counts <= 0)[0, 0])]
            raise ValueError(
                f"Every shard must hold a sentence to be resampled. Got one without for {pair}. "
                f"Estimate it with at least {self.counts.shape[1]} sentences."
            )


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
    weights: Weights = times / np.einsum("bis,is->bi", times, sketches.counts)[:, :, None]
    match measure:
        case Measure.MSE:
            return _mean_squared_differences(_inner_products(sketches, weights)) / sketches.sums.shape[2]
        case Measure.COSINE:
            return _cosines(_inner_products(sketches, weights))
        case Measure.KL:
            n_sketched = sketches.sums.shape[2]
            return _divergences(sketches, weights) * (sketches.n_parameters / n_sketched)
        case Measure.KL_NORMALISED:
            return _divergences(sketches, weights / _totals(sketches, weights)[:, :, None])
        case Measure.OVERLAP:
            assert top_fraction is not None
            return _overlaps(sketches, weights, top_fraction)
        case Measure.JACCARD:
            assert top_fraction is not None
            overlaps = _overlaps(sketches, weights, top_fraction)
            # Masks of one size k: |A ∧ B| / (2k − |A ∧ B|).
            return overlaps / (2 - overlaps)
    raise ValueError(f"measure must be computed from diagonals. Got {measure}. Take mse, kl or overlap.")


def _inner_products(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """(n_replicates, n, n): F_t · F_a, from the inner products of all shards, which are summed once for all replicates."""
    n, S, m = sketches.sums.shape
    products = np.zeros((n * S, n * S))
    for start in range(0, m, _BLOCK):
        block = sketches.sums[:, :, start : start + _BLOCK].reshape(n * S, -1).astype(np.float64)
        products += block @ block.T
    inner: FloatMatrix = np.einsum("bis,isjt,bjt->bij", weights, products.reshape(n, S, n, S), weights, optimize=True)
    return inner


def _mean_squared_differences(inner: FloatMatrix) -> FloatMatrix:
    """Σ (F_t − F_a)². The products' rounding, 1e-16 of a squared norm, is far below what resampling moves."""
    norms = np.einsum("bii->bi", inner)
    values: FloatMatrix = np.maximum(norms[:, :, None] + norms[:, None, :] - 2 * inner, 0)
    values[:, np.arange(len(norms[0])), np.arange(len(norms[0]))] = 0
    return values


def _cosines(inner: FloatMatrix) -> FloatMatrix:
    norms = np.sqrt(np.einsum("bii->bi", inner))
    if not norms.all():
        raise ValueError(
            "A diagonal must not be all zeros to have a direction. Got one. Leave the pair out of the pool."
        )
    cosines: FloatMatrix = inner / (norms[:, :, None] * norms[:, None, :])
    return cosines


def _divergences(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """Σ F_t (log F_t − log F_a), float32 within a block and float64 over blocks."""
    n_replicates, n, _ = weights.shape
    sums = np.zeros((n_replicates, n, n))
    for F in _blocks(sketches, weights):
        logs = np.log(F + np.float32(_EPSILON))
        # What is taken from all pairs' logs alike does not change their differences, and keeps float32 sums exact.
        logs -= logs.mean(axis=1, keepdims=True)
        sums += np.einsum("bip,bip->bi", F, logs)[:, :, None] - F @ logs.transpose(0, 2, 1)
    return sums


def _totals(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """(n_replicates, n) sums of the diagonals."""
    totals: FloatMatrix = np.einsum("bis,is->bi", weights, sketches.sums.sum(axis=2, dtype=np.float64))
    if not totals.all():
        zero = sketches.pairs[int(np.argwhere(totals == 0)[0, 1])]
        raise ValueError(f"A diagonal must have a positive sum to be normalised. Got only zeros for {zero}.")
    return totals


def _blocks(sketches: ShardSketches, weights: Weights) -> Iterator[npt.NDArray[np.float32]]:
    """All replicates' diagonals, (n_replicates, n, block) float32, block by block."""
    by_pair = weights.transpose(1, 0, 2).astype(np.float32)
    for start in range(0, sketches.sums.shape[2], _BLOCK):
        yield np.ascontiguousarray((by_pair @ sketches.sums[:, :, start : start + _BLOCK]).transpose(1, 0, 2))


def _overlaps(sketches: ShardSketches, weights: Weights, top_fraction: float) -> FloatMatrix:
    """Shares of the top K that two diagonals have in common; of ties at the edge the earlier parameters are marked."""
    n, _, m = sketches.sums.shape
    k = max(1, round(top_fraction * m))
    words = np.zeros((len(weights), n, -(-m // 64)), dtype=np.uint64)
    for i, sums in enumerate(sketches.sums):
        for start in range(0, len(weights), _REPLICATES_AT_ONCE):
            diagonals = weights[start : start + _REPLICATES_AT_ONCE, i].astype(np.float32) @ sums
            for b, F in enumerate(diagonals, start=start):
                words[b, i].view(np.uint8)[: -(-m // 8)] = np.packbits(_top(F, k))
    shared = [[np.bitwise_count(masks & mask).sum(axis=1, dtype=np.int64) for mask in masks] for masks in words]
    return np.array(shared) / k


def _top(F: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.bool_]:
    """Marks of the k largest."""
    threshold = np.partition(F, F.size - k)[F.size - k]
    marks: npt.NDArray[np.bool_] = threshold < F
    marks[np.flatnonzero(threshold == F)[: k - np.count_nonzero(marks)]] = True
    return marks
