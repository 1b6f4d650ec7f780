"""The squared per-sentence gradients of a matrix in one GPU kernel: nothing but the sum of squares is ever stored."""

from __future__ import annotations

import triton  # type: ignore[import-not-found,import-untyped,unused-ignore]  # comes with torch's CUDA builds alone
import triton.language as tl  # type: ignore[import-not-found,import-untyped,unused-ignore]
from torch import Tensor

BLOCK, BLOCK_TOKENS = 64, 16


@triton.jit  # type: ignore[misc,untyped-decorator,unused-ignore]
def _outer_squares(  # type: ignore[no-untyped-def]  # its arguments are pointers and numbers of the kernel
    total,
    outputs,
    inputs,
    n_sentences,
    n_tokens,
    n_out,
    n_in,
    total_row,
    outputs_sentence,
    outputs_token,
    inputs_sentence,
    inputs_token,
    BLOCK: tl.constexpr,
    BLOCK_TOKENS: tl.constexpr,
    WIDEN: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One tile of the total: G = g_bᵀ a_b in registers over the tokens, squared and added over the sentences."""
    rows = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    tokens = tl.arange(0, BLOCK_TOKENS)
    squares = tl.zeros((BLOCK, BLOCK), dtype=tl.float32)
    for _ in range(n_sentences):
        gradient = tl.zeros((BLOCK, BLOCK), dtype=tl.float32)
        for first in range(0, n_tokens, BLOCK_TOKENS):
            here = first + tokens
            g = tl.load(
                outputs + here[None, :] * outputs_token + rows[:, None],
                mask=(here[None, :] < n_tokens) & (rows[:, None] < n_out),
                other=0.0,
            )
            a = tl.load(
                inputs + here[:, None] * inputs_token + columns[None, :],
                mask=(here[:, None] < n_tokens) & (columns[None, :] < n_in),
                other=0.0,
            )
            if WIDEN:
                g, a = g.to(tl.float32), a.to(tl.float32)
            gradient = tl.dot(g, a, gradient, input_precision=PRECISION)
        squares += gradient * gradient
        # The pointers move on, for a batch of logits has more numbers than 32 bits count.
        outputs += outputs_sentence
        inputs += inputs_sentence
    place = total + rows[:, None].to(tl.int64) * total_row + columns[None, :]
    inside = (rows[:, None] < n_out) & (columns[None, :] < n_in)
    tl.store(place, tl.load(place, mask=inside, other=0.0) + squares, mask=inside)


def add_outer_squares(
    total: Tensor,
    outputs: Tensor,
    inputs: Tensor,
    *,
    precision: str = "ieee",
    block: int = BLOCK,
    block_tokens: int = BLOCK_TOKENS,
) -> None:
    """Add Σ_b (``outputs[b]ᵀ @ inputs[b]``)² to `total`, in place; products are summed in float32.

    Args:
        total: (out, in), float32.
        outputs: (B, T, out), float32 or bfloat16. Padding has zero gradients.
        inputs: (B, T, in), of the same precision as `outputs`.
        precision: Of products of float32: "ieee", "tf32x3" (three products of 10 bits) or "tf32" (one).
        block: Rows and columns of a tile.
        block_tokens: Tokens that are multiplied at a time.
    """
    outputs, inputs = outputs.contiguous(), inputs.contiguous()
    n_sentences, n_tokens, n_out = outputs.shape
    n_in = inputs.shape[-1]
    _outer_squares[(triton.cdiv(n_out, block), triton.cdiv(n_in, block))](
        total,
        outputs,
        inputs,
        n_sentences,
        n_tokens,
        n_out,
        n_in,
        total.stride(0),
        *outputs.stride()[:2],
        *inputs.stride()[:2],
        BLOCK=block,
        BLOCK_TOKENS=block_tokens,
        # Products of bfloat16 are exact in float32, and so is the GPU's sum of them; Triton's interpreter lacks the type.
        WIDEN=not inputs.is_cuda,
        PRECISION=precision,
    )
