"""What is kept of each shard of the sentences: sums of squared gradients for a random subset of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch

from pseudofam_core.estimates.coordinates import SUBSET_SIZE, subset_positions
from pseudofam_core.models.parameters import compared_parameters


@dataclass(frozen=True)
class Sketch:
    """Sums of squared gradients by shard, for a subset of the parameters.

    Attributes:
        values: (S, m) sums over each shard's gradients. Nats².
        counts: (S,) gradients in each shard: sentences, or the updates of `Estimator.PER_BATCH`.
        positions: (m,) places in the compared parameters (`compared_parameters`), flattened one after another.
    """

    values: torch.Tensor
    counts: torch.Tensor
    positions: torch.Tensor


class ShardSums:
    """Takes the sums of one shard after another out of running totals.

    At the end of a shard its sums are moved from the totals into the sketch, so that the next shard begins at zero
    there; at the end they are put back. The totals need no copy, and each shard's sums are as exact as if it were alone.

    Args:
        totals: Running totals by parameter name; they are changed in place.
        n_shards: S.
        size: m.
    """

    def __init__(self, totals: Mapping[str, torch.Tensor], n_shards: int, *, size: int = SUBSET_SIZE) -> None:
        """Choose the subset."""
        shapes = {name: tuple(totals[name].shape) for name in compared_parameters(list(totals))}
        self.positions = subset_positions(shapes, size)
        self._places: list[tuple[torch.Tensor, slice, torch.Tensor]] = []
        start = 0
        for name, shape in shapes.items():
            first, last = np.searchsorted(self.positions, [start, start + prod(shape)])
            inside = torch.from_numpy(self.positions[first:last] - start).to(totals[name].device)
            self._places.append((totals[name].view(-1), slice(int(first), int(last)), inside))
            start += prod(shape)
        dtype = next(iter(totals.values())).dtype
        self.values = torch.zeros(n_shards, len(self.positions), dtype=dtype)

    def take(self, shard: int) -> None:
        """Move the sums since the last call to a shard's row."""
        for total, where, inside in self._places:
            self.values[shard, where] = total[inside].cpu()
            total[inside] = 0

    def put_back(self) -> None:
        """Make the totals whole again."""
        whole = self.values.sum(0, dtype=torch.float64)
        for total, where, inside in self._places:
            total[inside] = whole[where].to(total)

    def sketch(self, counts: list[int]) -> Sketch:
        """All shards' sums with their counts."""
        return Sketch(self.values, torch.tensor(counts), torch.from_numpy(self.positions))
