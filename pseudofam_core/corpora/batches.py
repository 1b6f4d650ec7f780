"""Which sentences to take, and which of them to put in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Lengths = Sequence[int] | npt.NDArray[np.integer[Any]]


def token_batches(lengths: Lengths, *, max_tokens: int) -> list[list[int]]:
    """Group sentences of similar length into batches of at most `max_tokens` tokens, padding included.

    The padded size of a batch is its number of sentences times the longest of them. A sentence that is longer
    than the budget makes a batch alone.

    Args:
        lengths: Tokens of each sentence.
        max_tokens: Budget of a batch.

    Returns:
        Indices into `lengths`, each exactly once, from the shortest sentences to the longest.

    Raises:
        ValueError: The budget is not positive, or a length is negative.
    """
    order, ends = grouped(lengths, max_tokens=max_tokens)
    return [order[begin:end].tolist() for begin, end in zip([0, *ends], ends, strict=False)]


def grouped(lengths: Lengths, *, max_tokens: int) -> tuple[npt.NDArray[np.intp], list[int]]:
    """`token_batches` as arrays: all indices, from the shortest sentences to the longest, and where in these each batch ends.

    Raises:
        ValueError: As `token_batches`.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1. Got {max_tokens}.")
    known = np.asarray(lengths, dtype=None if len(lengths) else np.int64)
    if len(known) and known.min() < 0:
        raise ValueError(f"lengths must not be negative. Got {known.min()}.")
    order = np.argsort(known, kind="stable")
    return order, _ends(known[order], max_tokens)


def _ends(lengths: npt.NDArray[np.integer[Any]], max_tokens: int) -> list[int]:
    """Where each batch of at most `max_tokens` padded tokens ends in rising `lengths`; a longer sentence is alone."""
    ends, end = [], 0
    while end < len(lengths):
        shortest, left = int(lengths[end]), len(lengths) - end
        most = min(left, max_tokens // shortest) if shortest else left
        padded = np.arange(1, most + 1) * lengths[end : end + most]  # of the batches that end with each of these
        end += max(1, int(np.searchsorted(padded, max_tokens, side="right")))
        ends.append(end)
    return ends


def sample_indices(n: int, size: int, *, seed: int) -> list[int]:
    """Draw `size` of the indices 0 … n − 1 without replacement, in increasing order.

    The draw is a prefix of one permutation: with the same `n` and `seed`, a larger sample contains the smaller one.
    So more sentences refine an estimate instead of replacing it.

    Raises:
        ValueError: `size` is not in [0, n].
    """
    if not 0 <= size <= n:
        raise ValueError(f"size must be in [0, {n}], as {n} sentences are there. Got {size}.")
    return sorted(shuffled_indices(n, seed=seed)[:size])


def shuffled_indices(n: int, *, seed: int) -> list[int]:
    """The indices 0 … n − 1 in an order that depends on `seed` alone: those of `shuffled`."""
    order: list[int] = shuffled(n, seed=seed).tolist()
    return order


def shuffled(n: int, *, seed: int) -> npt.NDArray[np.int32]:
    """The indices 0 … n − 1 in an order that depends on `seed` alone, the same in every version of Python and numpy."""
    ranks = _random_numbers(n, seed=seed)
    # numpy sorts 16-bit integers several times faster, and then the nearly sorted numbers.
    nearly = np.argsort((ranks * 2**16).astype(np.uint16), kind="stable").astype(np.int32)
    return nearly[np.argsort(ranks[nearly], kind="stable")]


def _random_numbers(n: int, *, seed: int) -> npt.NDArray[np.float64]:
    """The first `n` numbers of ``random.Random(seed).random``, of which Python promises to give the same in every version."""
    # Both seed the Mersenne Twister by the 32-bit words of the seed, the lowest first; numpy's RandomState is frozen.
    seed = abs(seed)
    words = [(seed >> bits) & 0xFFFFFFFF for bits in range(0, max(1, seed.bit_length()), 32)]
    return np.random.RandomState(words).random_sample(n)
