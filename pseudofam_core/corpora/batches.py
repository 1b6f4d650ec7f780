"""Which sentences to take, and which of them to put in one batch."""

from __future__ import annotations

import random
from collections.abc import Sequence


def token_batches(lengths: Sequence[int], *, max_tokens: int) -> list[list[int]]:
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
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1. Got {max_tokens}.")
    if lengths and min(lengths) < 0:
        raise ValueError(f"lengths must not be negative. Got {min(lengths)}.")
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        # Lengths rise, so the newest sentence is the longest of its batch.
        if batches and (len(batches[-1]) + 1) * lengths[index] <= max_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


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
    """The indices 0 … n − 1 in an order that depends on `seed` alone, the same in every Python version."""
    # Of Python's and numpy's generators, only random() is promised to give the same numbers in every version.
    generator = random.Random(seed)
    ranks = [generator.random() for _ in range(n)]
    return sorted(range(n), key=ranks.__getitem__)
