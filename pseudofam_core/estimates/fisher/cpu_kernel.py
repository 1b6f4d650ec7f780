"""The squared per-sentence gradients of a matrix on a CPU: panels for `llvm_kernel`, and its blocks shared out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pseudofam_core.estimates.fisher.llvm_kernel import ROWS, Kernel, compiled, lanes_here
from pseudofam_core.estimates.fisher.sharing import share

# A block's outputs are read again for every panel of inputs: they stay in a second-level cache, with room for the panel.
BLOCK_BYTES = 2**18
# Rows of the total whose outputs are copied at a time: of logits, a copy is much memory.
SLAB = 2**13
# Tasks for each thread: where one gets no core for a while, the others do more.
TASKS_PER_THREAD = 8

_BYTES = 4  # of a float32
_Tasks = list[Callable[[], None]]


def add_outer_squares(total: Tensor, outputs: Tensor, inputs: Tensor) -> None:
    """Add Σ_b (``outputs[b]ᵀ @ inputs[b]``)² to `total`, in place; products are summed in float32.

    Args:
        total: (out, in), float32, on the CPU; its rows are contiguous.
        outputs: (B, T, out). Zeros at a sentence's end, as padding has them, cost nothing.
        inputs: (B, T, in).
    """
    if not outputs.numel():
        return
    kernel, n_threads = compiled(lanes_here()), torch.get_num_threads()
    outputs, inputs = _readable(outputs), _readable(inputs)
    lengths = _lengths(kernel, outputs)
    if not lengths.any():
        return
    packed, pack_inputs = _panels(kernel, inputs, lengths, kernel.columns, n_threads)
    for top in range(0, len(total), SLAB):
        slab, pack_outputs = _panels(kernel, outputs[..., top : top + SLAB], lengths, ROWS, n_threads)
        share([*(pack_inputs if top == 0 else []), *pack_outputs], n_threads=n_threads)
        share(
            _blocks(kernel, total[top : top + SLAB], slab, packed, lengths[lengths > 0], n_threads), n_threads=n_threads
        )


def _readable(rows: Tensor) -> Tensor:
    rows = rows.float()
    return rows if rows.stride(-1) == 1 else rows.contiguous()


def _lengths(kernel: Kernel, rows: Tensor) -> NDArray[np.int64]:
    """For each sentence, the length after which every number is zero."""
    lengths = np.empty(len(rows), np.int64)
    kernel.lengths(rows.data_ptr(), *rows.stride()[:2], *rows.shape, lengths.ctypes.data)
    return lengths


def _panels(
    kernel: Kernel, rows: Tensor, lengths: NDArray[np.int64], width: int, n_threads: int
) -> tuple[Tensor, _Tasks]:
    """Room for panels (n, tokens + 1, width) of the sentences' rows, and the tasks that fill it.

    One token more than there are: at distances of a power of two, panels would fall on the same lines of a cache.
    """
    room = int(lengths.sum()) + 1
    n_sentences, _, n_columns = rows.shape
    steps = rows.stride()[:2]
    panels = rows.new_empty(-(-n_columns // width), room, width)

    def pack(some: range) -> None:
        n_full, rest = divmod(min(len(some) * width, n_columns - some.start * width), width)
        source = rows.data_ptr() + some.start * width * _BYTES
        target = panels.data_ptr() + some.start * room * width * _BYTES
        kernel.pack[width](source, *steps, lengths.ctypes.data, n_sentences, target, room, n_full, rest)

    return panels, _tasks(pack, len(panels), n_threads)


def _blocks(
    kernel: Kernel, total: Tensor, outputs: Tensor, inputs: Tensor, lengths: NDArray[np.int64], n_threads: int
) -> _Tasks:
    """Tasks that each add some rows of the total, from panels."""
    n_panels, room, _ = outputs.shape
    n_sentences, stride = len(lengths), total.stride(0)
    n_rows, n_columns = total.shape

    def add(some: range) -> None:
        top = some.start * ROWS
        kernel.add_squares(
            inputs.data_ptr(),
            outputs.data_ptr() + top * room * _BYTES,
            lengths.ctypes.data,
            n_sentences,
            room,
            total.data_ptr() + top * stride * _BYTES,
            stride,
            min(len(some) * ROWS, n_rows - top),
            n_columns,
        )

    return _tasks(add, n_panels, n_threads, most=max(1, BLOCK_BYTES // (ROWS * room * _BYTES)))


def _tasks(task: Callable[[range], None], n: int, n_threads: int, *, most: int | None = None) -> _Tasks:
    """The range of n in pieces of at most `most`, several for each thread if there are more than one."""
    pieces = TASKS_PER_THREAD * n_threads if n_threads > 1 else 1
    size = max(1, min(most or n, -(-n // pieces)))
    return [partial(task, range(first, min(first + size, n))) for first in range(0, n, size)]
