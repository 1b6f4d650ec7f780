"""What one use of a parameter adds to a sentence's gradient, and how such parts are squared.

A parameter's gradient for sentence b is the sum over its uses in the forward pass: a tied embedding is
looked up twice and multiplied once. The parts are added first and squared after, sentence by sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

TILE_ROWS = 256  # rows of a weight whose per-sentence gradient is held at a time, so that it stays in cache


@dataclass(frozen=True)
class Outer:
    """A Linear weight, (out, in): the gradient of sentence b is ``outputs[b]ᵀ @ inputs[b]``.

    Attributes:
        outputs: Gradient at the layer's output, (B, T, out).
        inputs: The layer's input, (B, T, in).
    """

    outputs: Tensor
    inputs: Tensor

    def add_to(self, gradient: Tensor, sentence: int, start: int) -> None:
        """Add rows ``start:start+len(gradient)`` of one sentence's gradient."""
        rows = self.outputs[sentence, :, start : start + len(gradient)]
        gradient.addmm_(rows.T, self.inputs[sentence])


@dataclass(frozen=True)
class Rows:
    """An embedding weight, (V, d): sentence b adds ``outputs[b, t]`` to row ``ids[b, t]``.

    Attributes:
        outputs: Gradient at the looked-up rows, (B, T, d), scale included.
        ids: The rows looked up, (B, T).
    """

    outputs: Tensor
    ids: Tensor

    def add_to(self, gradient: Tensor, sentence: int, start: int) -> None:
        """Add rows ``start:start+len(gradient)`` of one sentence's gradient."""
        ids = self.ids[sentence] - start
        inside = (ids >= 0) & (ids < len(gradient))
        gradient.index_add_(0, ids[inside], self.outputs[sentence][inside])


@dataclass(frozen=True)
class Summed:
    """A vector parameter, (d,): the gradient of sentence b is ``outputs[b].sum(0)``.

    Attributes:
        outputs: Gradient at the vector's uses, (B, T, d).
    """

    outputs: Tensor


Contribution = Outer | Rows | Summed


def add_squares(total: Tensor, parts: Sequence[Contribution]) -> None:
    """Add Σ_b (Σ_parts gradient_b)² to `total`, in place, in its own precision."""
    if not parts:
        return
    if all(isinstance(part, Summed) for part in parts):
        gradients = torch.stack([part.outputs.to(total.dtype).sum(1) for part in parts]).sum(0)
        total += gradients.square().sum(0)
    elif all(isinstance(part, Rows) for part in parts):
        _add_looked_up_rows(total, parts)  # type: ignore[arg-type]  # narrowed by the test above
    else:
        _add_tiles(total, parts)


def _add_tiles(total: Tensor, parts: Sequence[Contribution]) -> None:
    buffer = torch.empty_like(total[:TILE_ROWS])
    for start in range(0, len(total), TILE_ROWS):
        tile = total[start : start + TILE_ROWS]
        gradient = buffer[: len(tile)]
        for sentence in range(len(parts[0].outputs)):
            gradient.zero_()
            for part in parts:
                part.add_to(gradient, sentence, start)  # type: ignore[union-attr]  # a matrix has no Summed part
            tile.addcmul_(gradient, gradient)


def _add_looked_up_rows(total: Tensor, parts: Sequence[Rows]) -> None:
    """Touch only the rows that a sentence looked up."""
    for sentence in range(len(parts[0].ids)):
        ids = torch.cat([part.ids[sentence] for part in parts])
        outputs = torch.cat([part.outputs[sentence] for part in parts]).to(total.dtype)
        distinct, place = torch.unique(ids, return_inverse=True)
        gradient = outputs.new_zeros(len(distinct), outputs.shape[-1]).index_add_(0, place, outputs)
        total[distinct] += gradient.square()
