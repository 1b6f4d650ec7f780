"""Resampled diagonals and what measures are made of on them, all replicates at once.

A replicate's diagonal is a weighted sum of a pair's shards; weights are (n_replicates, n_pairs, n_shards).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.languages import LanguagePair

FloatMatrix = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float64]
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


# --- measures: (n_replicates, n, n) values of sketches under weights --------------------------------------------------


def mean_squared_differences(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """1/P Σ (F_t − F_a)². The products' rounding, 1e-16 of a squared norm, is far below what resampling moves."""
    return _squared_distances(_inner_products(sketches, weights)) / sketches.sums.shape[2]


def cosines(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """Σ F_t F_a / (|F_t| |F_a|)."""
    inner = _inner_products(sketches, weights)
    norms = np.sqrt(np.einsum("bii->bi", inner))
    if not norms.all():
        raise ValueError(
            "A diagonal must not be all zeros to have a direction. Got one. Leave the pair out of the pool."
        )
    values: FloatMatrix = inner / (norms[:, :, None] * norms[:, None, :])
    return values


def divergences(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """Σ F_a (log F_a − log F_t), scaled from the sketched parameters to all."""
    return reverse_divergences(sketches, weights).transpose(0, 2, 1)


def reverse_divergences(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """Σ F_t (log F_t − log F_a), scaled likewise."""
    return _divergences(sketches, weights) * (sketches.n_parameters / sketches.sums.shape[2])


def normalised_divergences(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """`divergences` of diagonals divided by their sums over the sketched parameters."""
    return reverse_normalised_divergences(sketches, weights).transpose(0, 2, 1)


def reverse_normalised_divergences(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """`reverse_divergences` of the same."""
    return _divergences(sketches, weights / _totals(sketches, weights)[:, :, None])


def hellinger_distances(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """1/√2 ‖√p_t − √p_a‖₂ with p the diagonals divided by their sums; roots in float32, products in float64."""
    products = np.zeros((*weights.shape[:2], weights.shape[1]))
    for p in _blocks(sketches, weights / _totals(sketches, weights)[:, :, None]):
        roots = np.sqrt(p).astype(np.float64)
        # What is taken from all pairs alike does not change their differences, and leaves more digits to them.
        roots -= roots.mean(axis=1, keepdims=True)
        products += roots @ roots.transpose(0, 2, 1)
    return np.sqrt(np.minimum(_squared_distances(products) / 2, 1))


def _inner_products(sketches: ShardSketches, weights: Weights) -> FloatMatrix:
    """(n_replicates, n, n): F_t · F_a, from the inner products of all shards, which are summed once for all replicates."""
    n, S, m = sketches.sums.shape
    products = np.zeros((n * S, n * S))
    for start in range(0, m, _BLOCK):
        block = sketches.sums[:, :, start : start + _BLOCK].reshape(n * S, -1).astype(np.float64)
        products += block @ block.T
    inner: FloatMatrix = np.einsum("bis,isjt,bjt->bij", weights, products.reshape(n, S, n, S), weights, optimize=True)
    return inner


def _squared_distances(inner: FloatMatrix) -> FloatMatrix:
    """Squared distances from inner products; exactly 0 of each with itself."""
    norms = np.einsum("bii->bi", inner)
    values: FloatMatrix = np.maximum(norms[:, :, None] + norms[:, None, :] - 2 * inner, 0)
    values[:, np.arange(len(norms[0])), np.arange(len(norms[0]))] = 0
    return values


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


def shared_counts(sketches: ShardSketches, weights: Weights, top_fraction: float) -> npt.NDArray[np.int64]:
    """(n_replicates, n, n) parameters that two masks share; of ties at the edge the earlier are marked, zeros never.

    Raises:
        ValueError: A diagonal of nothing but zeros.
    """
    n, _, m = sketches.sums.shape
    k = max(1, round(top_fraction * m))
    words = np.zeros((len(weights), n, -(-m // 64)), dtype=np.uint64)
    for i, sums in enumerate(sketches.sums):
        for start in range(0, len(weights), _REPLICATES_AT_ONCE):
            diagonals = weights[start : start + _REPLICATES_AT_ONCE, i].astype(np.float32) @ sums
            for b, F in enumerate(diagonals, start=start):
                words[b, i].view(np.uint8)[: -(-m // 8)] = np.packbits(_top(F, k))
    shared = np.array(
        [[np.bitwise_count(masks & mask).sum(axis=1, dtype=np.int64) for mask in masks] for masks in words]
    )
    marked = np.diagonal(shared, axis1=1, axis2=2)
    if not marked.all():
        zero = sketches.pairs[int(np.argwhere(marked == 0)[0, 1])]
        raise ValueError(
            f"A mask must mark at least one parameter. Got only zeros for {zero}. Leave it out of the pool."
        )
    return shared


def _top(F: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.bool_]:
    """Marks of the k largest, or of all that are not zero where these are fewer."""
    threshold = np.partition(F, F.size - k)[F.size - k]
    marks: npt.NDArray[np.bool_] = threshold < F
    if threshold > 0:
        marks[np.flatnonzero(threshold == F)[: k - np.count_nonzero(marks)]] = True
    return marks
