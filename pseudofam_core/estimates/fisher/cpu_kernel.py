"""The squared per-sentence gradients of a matrix on a CPU: panels for `llvm_kernel`, and its blocks shared out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
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


def add_outer_squares(total: Tensor, outputs: Tensor, inputs: Tensor, lengths: Sequence[int]) -> None:
    """Add Σ_b (``outputs[b]ᵀ @ inputs[b]``)² to `total`, in place; products are summed in float32.

    Args:
        total: (out, in), float32, on the CPU; its rows are contiguous.
        outputs: (B, T, out).
        inputs: (B, T, in).
        lengths: For each sentence, the length after which every gradient is zero.
    """
    kernel, n_threads = compiled(lanes_here()), torch.get_num_threads()
    counted = torch.tensor(lengths)
    tokens = (torch.arange(outputs.shape[1]) < counted[:, None]).flatten().nonzero().flatten()
    if not len(tokens):
        return
    counted = counted[counted > 0]
    inputs, pack_inputs = _panels(kernel, inputs, tokens, kernel.columns, n_threads)
    for top in range(0, len(total), SLAB):
        slab, pack_outputs = _panels(kernel, outputs[..., top : top + SLAB], tokens, ROWS, n_threads)
        share([*(pack_inputs if top == 0 else []), *pack_outputs], n_threads=n_threads)
        share(_blocks(kernel, total[top : top + SLAB], slab, inputs, counted, n_threads), n_threads=n_threads)


def _panels(kernel: Kernel, rows: Tensor, tokens: Tensor, width: int, n_threads: int) -> tuple[Tensor, _Tasks]:
    """Room for panels (n, tokens + 1, width) of those rows of a matrix, and the tasks that fill it.

    One token more than there are: at distances of a power of two, panels would fall on the same lines of a cache.
    """
    rows = rows.float().flatten(0, 1)
    rows = rows if rows.stride(1) == 1 else rows.contiguous()
    n_full, rest = divmod(rows.shape[1], width)
    panels = rows.new_empty(n_full + (rest > 0), len(tokens) + 1, width)
    if rest:
        panels[-1, :-1, :rest] = rows[tokens, -rest:]
        panels[-1, :, rest:] = 0
    offsets = tokens * rows.stride(0)
    n_tokens, room = len(tokens), panels.shape[1]

    def pack(some: range) -> None:
        source = rows.data_ptr() + some.start * width * _BYTES
        target = panels.data_ptr() + some.start * room * width * _BYTES
        kernel.pack[width](source, offsets.data_ptr(), target, n_tokens, room, len(some))

    return panels, _tasks(pack, n_full, n_threads)


def _blocks(kernel: Kernel, total: Tensor, outputs: Tensor, inputs: Tensor, lengths: Tensor, n_threads: int) -> _Tasks:
    """Tasks that each add some rows of the total, from panels."""
    n_panels, room, _ = outputs.shape
    n_sentences, stride = len(lengths), total.stride(0)
    n_rows, n_columns = total.shape

    def add(some: range) -> None:
        top = some.start * ROWS
        kernel.add_squares(
            inputs.data_ptr(),
            outputs.data_ptr() + top * room * _BYTES,
            lengths.data_ptr(),
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
