"""What a Fisher diagonal and its shards tell of themselves: concentration and convergence. NumPy only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]


def lorenz_curve(parts: Iterable[_Array]) -> list[float]:
    """Share of the total that the largest 0, 1, … 100 percent of the parameters hold; zeros where the total is zero.

    Values are counted in 2¹⁶ bins, by the leading bits of float32: those of one bin differ by less than 0.8%, so memory
    does not grow with the model.

    Args:
        parts: Float32 values, none negative.
    """
    counts, sums = np.zeros(2**16), np.zeros(2**16)
    for part in parts:
        values = np.ascontiguousarray(part, dtype=np.float32).reshape(-1)
        for start in range(0, values.size, 2**20):
            block = values[start : start + 2**20]
            bins = block.view(np.int32) >> 15
            counts += np.bincount(bins, minlength=2**16)
            sums += np.bincount(bins, weights=block, minlength=2**16)
    if not sums.any():
        return [0.0] * 101
    parameters, total = (
        np.concatenate([[0.0], histogram[::-1].cumsum() / histogram.sum()]) for histogram in (counts, sums)
    )
    return [float(share) for share in np.interp(np.linspace(0, 1, 101), parameters, total)]


def convergence(sums: _Array, counts: Sequence[int]) -> dict[str, Any]:
    """How far the mean over the first shards is from the mean over all of them.

    Args:
        sums: (S, m) sums of squared gradients.
        counts: (S,) gradients in each shard.

    Returns:
        ``counts``: cumulated over the shards. ``distance``: ‖F_s − F‖₂ / ‖F‖₂ of the mean over the first s shards, None where
        F is zero. ``split_half_correlation``: Pearson's r between the means over even and over odd shards; None with one shard
        or where a half does not vary.
    """
    n = np.cumsum(counts)
    running = np.zeros(sums.shape[1])
    whole = sums.sum(0, dtype=np.float64) / n[-1]
    norm, distances = np.linalg.norm(whole), []
    for shard, count in zip(sums, n, strict=True):
        running += shard
        distances.append(float(np.linalg.norm(running / count - whole) / norm) if norm else None)
    return {"counts": n.tolist(), "distance": distances, "split_half_correlation": _split_half(sums)}


def _split_half(sums: _Array) -> float | None:
    even, odd = (sums[start::2].sum(0, dtype=np.float64) for start in (0, 1))
    if not (even.std() and odd.std()):
        return None
    return float(np.corrcoef(even, odd)[0, 1])
