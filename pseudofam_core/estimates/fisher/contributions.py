"""What one use of a parameter adds to a sentence's gradient, and how such parts are squared.

A parameter's gradient for sentence b is the sum over its uses in the forward pass: a tied embedding is
looked up twice and multiplied once. The parts are added first and squared after, sentence by sentence.

The squares of a batch are summed apart and added to the total once. Blocks keep the rounding of float32
totals small: over 10,000 sentences in batches of 32 it grows with 32 + 313 additions, not with 10,000.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Numbers of a weight's per-sentence gradient that are held at a time. For each thread of a CPU, two such tiles
# (gradient, sum of squares) of float32 fill a second-level cache; fewer rows starve the matrix product. A GPU holds
# the whole weight, for its launches cost more than its memory traffic.
TILE_NUMBERS, TILE_COLUMNS = 2**18, 1024
GPU_TILE_NUMBERS = 2**24


@dataclass(frozen=True)
class Outer:
    """A matrix, (out, in): the gradient of sentence b is ``outputs[b]ᵀ @ inputs[b]``.

    Attributes:
        outputs: Gradient at the layer's output, (B, T, out).
        inputs: The layer's input, (B, T, in).
    """

    outputs: Tensor
    inputs: Tensor


@dataclass(frozen=True)
class Rows:
    """An embedding weight, (V, d): sentence b adds ``outputs[b, t]`` to row ``ids[b, t]``.

    Attributes:
        outputs: Gradient at the looked-up rows, (B, T, d).
        ids: The rows looked up, (B, T).
    """

    outputs: Tensor
    ids: Tensor


@dataclass(frozen=True)
class Summed:
    """A vector parameter, (d,): the gradient of sentence b is ``outputs[b].sum(0)``.

    Attributes:
        outputs: Gradient at the vector's uses, (B, T, d).
    """

    outputs: Tensor


Contribution = Outer | Rows | Summed


def add_squares(total: Tensor, parts: Sequence[Contribution]) -> None:
    """Add Σ_b (Σ_parts gradient_b)² to `total`, in place, in its own precision.

    Args:
        total: Shaped like the parameter.
        parts: Every use of the parameter in one batch: all of them `Summed`, or `Outer` and `Rows` in any mixture.
    """
    outers = [part for part in parts if isinstance(part, Outer)]
    rows = [part for part in parts if isinstance(part, Rows)]
    vectors = [part.outputs.sum(1, dtype=total.dtype) for part in parts if isinstance(part, Summed)]
    if vectors:
        total += functools.reduce(torch.add, vectors).square_().sum(0)
    elif len(outers) == 1 and not rows and total.is_cuda and _has_triton():
        from pseudofam_core.estimates.fisher.triton_kernel import add_outer_squares

        add_outer_squares(total, outers[0].outputs, outers[0].inputs)
    elif outers and not rows and _fits_cpu_kernel(total):
        from pseudofam_core.estimates.fisher.cpu_kernel import add_outer_squares as add_on_cpu

        whole = outers[0] if len(outers) == 1 else _as_one(outers)
        add_on_cpu(total, whole.outputs, whole.inputs)
    elif outers:
        _add_tiles(total, outers, _LookedUp.of(rows, total) if rows else None)
    elif rows:
        _LookedUp.of(rows, total).add_squares(total)


@functools.cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def _fits_cpu_kernel(total: Tensor) -> bool:
    """Whether llvmlite is there, as it is for most CPUs. PyTorch's products, which need nothing, are slower."""
    return not total.is_cuda and total.dtype == torch.float32 and total.stride(-1) == 1 and _has_llvm()


@functools.cache
def _has_llvm() -> bool:
    return importlib.util.find_spec("llvmlite") is not None


def _as_one(outers: Sequence[Outer]) -> Outer:
    """Several uses of a matrix are one, of all their tokens."""
    return Outer(torch.cat([outer.outputs for outer in outers], 1), torch.cat([outer.inputs for outer in outers], 1))


@dataclass(frozen=True)
class _LookedUp:
    """The rows that each sentence looked up, each once, with the gradient of all its look-ups.

    Attributes:
        keys: sentence · V + row, ascending.
        gradients: (len(keys), d).
        n_rows: V.
    """

    keys: Tensor
    gradients: Tensor
    n_rows: int

    @classmethod
    def of(cls, parts: Sequence[Rows], total: Tensor) -> _LookedUp:
        """Add up the look-ups of one row by one sentence."""
        ids = torch.cat([part.ids for part in parts], 1)
        outputs = torch.cat([part.outputs.to(total.dtype) for part in parts], 1).flatten(0, 1)
        sentences = torch.arange(len(ids), device=ids.device)[:, None]
        keys, place = torch.unique(ids + sentences * len(total), return_inverse=True)
        gradients = outputs.new_zeros(len(keys), outputs.shape[-1]).index_add_(0, place.flatten(), outputs)
        return cls(keys, gradients, len(total))

    def add_squares(self, total: Tensor) -> None:
        """Touch only the rows that a sentence looked up."""
        rows, place = torch.unique(self.keys % self.n_rows, return_inverse=True)
        total[rows] += self.gradients.new_zeros(len(rows), total.shape[1]).index_add_(0, place, self.gradients.square())

    def bounds(self, tops: Sequence[int], n_sentences: int) -> list[list[int]]:
        """For each sentence, where the keys of the rows from each top on begin."""
        starts = torch.arange(n_sentences)[:, None] * self.n_rows + torch.tensor(tops)
        places: list[list[int]] = torch.searchsorted(self.keys, starts.to(self.keys.device)).tolist()
        return places


def _add_tiles(total: Tensor, outers: Sequence[Outer], looked_up: _LookedUp | None) -> None:
    """Make the gradient of one sentence after the other for a tile that stays in cache; square it there."""
    outers = [Outer(part.outputs.to(total.dtype), part.inputs.to(total.dtype)) for part in outers]
    lengths = [_lengths(part.outputs) for part in outers]
    n_sentences = len(lengths[0])
    columns = min(total.shape[1], TILE_COLUMNS)
    rows = max(1, (GPU_TILE_NUMBERS if total.is_cuda else TILE_NUMBERS * torch.get_num_threads()) // columns)
    tops = range(0, len(total), rows)
    bounds = looked_up.bounds([*tops, len(total)], n_sentences) if looked_up else None
    buffers = total.new_empty(2, min(rows, len(total)) * columns)
    for place, top in enumerate(tops):
        for left in range(0, total.shape[1], columns):
            tile = total[top : top + rows, left : left + columns]
            gradient, squares = (buffer[: tile.numel()].view(tile.shape) for buffer in buffers)
            squares.zero_()
            for sentence in range(n_sentences):
                for n, part in enumerate(outers):
                    used = slice(lengths[n][sentence])
                    outputs = part.outputs[sentence, used, top : top + rows].T
                    inputs = part.inputs[sentence, used, left : left + columns]
                    torch.addmm(gradient, outputs, inputs, beta=0 if n == 0 else 1, out=gradient)
                if looked_up and bounds:
                    span = slice(*bounds[sentence][place : place + 2])
                    ids = looked_up.keys[span] - sentence * looked_up.n_rows - top
                    gradient.index_add_(0, ids, looked_up.gradients[span, left : left + columns])
                squares.addcmul_(gradient, gradient)
            tile += squares


def _lengths(outputs: Tensor) -> list[int]:
    """For each sentence of (B, T, out), the length after which every gradient is zero: padding costs nothing."""
    lengths = torch.zeros(len(outputs), dtype=torch.long, device=outputs.device)
    for length in range(outputs.shape[1], 0, -1):  # from the end, so that only padding is read
        lengths = torch.where((lengths == 0) & outputs[:, length - 1].ne(0).any(-1), length, lengths)
        if bool(lengths.all()):
            break
    n_tokens: list[int] = lengths.tolist()
    return n_tokens
