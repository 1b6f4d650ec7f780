"""Slow, obvious twins of `corpora.batches`: one sentence after the other, in Python's own numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence


def token_batches(lengths: Sequence[int], *, max_tokens: int) -> list[list[int]]:
    """Fill a batch with sentences of rising length as long as its padded size allows."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        # Lengths rise, so the newest sentence is the longest of its batch.
        if batches and (len(batches[-1]) + 1) * lengths[index] <= max_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def shuffled_indices(n: int, *, seed: int) -> list[int]:
    """Sort by random numbers, of a generator that is promised to give the same in every version of Python."""
    generator = random.Random(seed)
    ranks = [generator.random() for _ in range(n)]
    return sorted(range(n), key=ranks.__getitem__)
