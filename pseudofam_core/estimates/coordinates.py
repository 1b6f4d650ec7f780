"""Which coordinates of a model's parameters are kept beside an estimate: a choice by names and shapes alone.

So every text of a model has the same ones, without being told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from pseudofam_core.models.parameters import compared_parameters

SUBSET_SIZE = 2**19
KEPT_COLUMNS = 8  # one of so many
MOST_KEPT = 2**20  # 4 MiB of float32 a shard


def subset_positions(shapes: Mapping[str, tuple[int, ...]], size: int = SUBSET_SIZE) -> npt.NDArray[np.int64]:
    """Positions, rising, of a random subset of `size` parameters, or of all where there are fewer.

    The draw depends on names and shapes alone, so that every pair of a pool has the same subset.
    """
    n = sum(map(prod, shapes.values()))
    if n <= size:
        return np.arange(n)
    text = json.dumps(sorted((name, list(shape)) for name, shape in shapes.items()))
    # The stream of RandomState never changes between versions of numpy.
    generator = np.random.RandomState(np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint32))
    drawn = np.empty(0, dtype=np.int64)
    while len(drawn) < size:
        drawn = np.concatenate([drawn, (generator.random_sample(size) * n).astype(np.int64)])
        drawn = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    return np.sort(drawn[:size])


def kept_parameters(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """The parameters whose gradients are kept, sorted: the compared matrices, or, where there is none, the vectors.

    Vectors are few numbers in many parameters: adding them up would take half of the time for a hundredth of the numbers.
    """
    compared = compared_parameters(list(shapes))
    return tuple(name for name in compared if len(shapes[name]) > 1) or compared


def kept_columns(name: str, shape: Sequence[int]) -> slice:
    """The stretch of a parameter's last dimension in which its gradient is kept: one of `KEPT_COLUMNS`, rounded up.

    Neighbours, so that the columns of an input are a view and no copy; the stretch begins at a random place.
    """
    width = -(-shape[-1] // KEPT_COLUMNS)
    digest = hashlib.sha256(f"{name}\0{list(shape)}".encode()).digest()
    first = int.from_bytes(digest[:8], "big") % (shape[-1] - width + 1)
    return slice(first, first + width)
