"""The squared per-sentence gradients of a matrix in registers: three functions in LLVM's language, compiled for this CPU.

A product of one sentence is thin, ROWS × T × COLUMNS with T of a dozen or two, and PyTorch can only write it to memory,
square it there and add it. Here a tile's gradient never leaves the registers, and its sum of squares stays in the
first-level cache until the last sentence. LLVM splits the vectors into those that the CPU has.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm

# Rows × columns of a tile: with AVX2, 12 of its 16 registers hold the gradient, 2 the inputs, 1 an output. Enough sums are
# under way to hide the latency of a multiply-add; AVX-512 has vectors twice as wide, other CPUs 32 registers.
ROWS = 6
VECTORS = 2


@dataclass(frozen=True)
class Kernel:
    """The compiled functions. They check nothing, and let go of Python's lock.

    Panels are tokens × width, contiguous, every `tokens` tokens; `width` is `ROWS` for outputs and `columns` for inputs.

    Attributes:
        columns: Width of a panel of inputs.
        lengths: ``(rows, sentence_step, token_step, n_sentences, n_tokens, width, lengths)``: of rows (B, T, width) with
            these strides, the length of each sentence (int64) after which every number is zero.
        pack: By width, ``(rows, sentence_step, token_step, lengths, n_sentences, panels, tokens, n_panels, rest)``: copy
            rows as long as the lengths say into whole panels, and `rest` numbers into a part of one more.
        add_squares: ``(inputs, outputs, lengths, n_sentences, tokens, total, stride, n_rows, n_columns)``: for panels of
            the same tokens, sentence after sentence of `lengths` (int64, at least 1), add the squares to `total`.
        engine: What owns the code.
    """

    columns: int
    lengths: Callable[..., None]
    pack: dict[int, Callable[..., None]]
    add_squares: Callable[..., None]
    engine: Any


def lanes_here() -> int:
    """Numbers in a vector that suits this CPU."""
    return 16 if llvm.get_host_cpu_features().get("avx512f") else 8


@functools.cache
def compiled(lanes: int) -> Kernel:
    """Compile, once per process: 0.1 s. The text is as the CPU should run it: LLVM's passes over it gain nothing."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten()
    )
    columns = VECTORS * lanes
    module = llvm.parse_assembly(_INTRINSICS + _LENGTHS + _pack(ROWS) + _pack(columns) + _add_squares(lanes))
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    lengths = ctypes.CFUNCTYPE(None, pointer, number, number, number, number, number, pointer)
    packs = ctypes.CFUNCTYPE(None, pointer, number, number, pointer, number, pointer, number, number, number)
    adds = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, number, number, pointer, number, number, number)
    return Kernel(
        columns,
        lengths(engine.get_function_address("lengths")),
        {width: packs(engine.get_function_address(f"pack{width}")) for width in (ROWS, columns)},
        adds(engine.get_function_address("add_squares")),
        engine,
    )


_INTRINSICS = """
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
"""

_LENGTHS = """
define void @lengths(ptr noalias %rows, i64 %sentence_step, i64 %token_step, i64 %n_sentences, i64 %n_tokens, i64 %width,
                     ptr noalias %lengths) {
begin:
  br label %sentence
sentence:
  %s = phi i64 [0, %begin], [%next_s, %found]
  %sentence_at = mul i64 %s, %sentence_step
  %first = getelementptr float, ptr %rows, i64 %sentence_at
  br label %token
token:  ; from the end, so that only padding is read
  %length = phi i64 [%n_tokens, %sentence], [%t, %nothing]
  %t = sub i64 %length, 1
  %any_left = icmp sge i64 %t, 0
  br i1 %any_left, label %row, label %found
row:
  %token_at = mul i64 %t, %token_step
  %row_at = getelementptr float, ptr %first, i64 %token_at
  br label %number
number:
  %c = phi i64 [0, %row], [%next_c, %zero]
  %at = getelementptr float, ptr %row_at, i64 %c
  %one = load float, ptr %at
  %is_some = fcmp une float %one, 0.0
  br i1 %is_some, label %found, label %zero
zero:
  %next_c = add i64 %c, 1
  %more_c = icmp slt i64 %next_c, %width
  br i1 %more_c, label %number, label %nothing
nothing:
  br label %token
found:
  %length_at = getelementptr i64, ptr %lengths, i64 %s
  store i64 %length, ptr %length_at
  %next_s = add i64 %s, 1
  %more_s = icmp slt i64 %next_s, %n_sentences
  br i1 %more_s, label %sentence, label %end
end:
  ret void
}
"""


def _pack(width: int) -> str:
    """Token after token, so that the matrix is read in its order. What is right of `%rest` is never stored."""
    row = f"<{width} x float>"
    return f"""
define void @pack{width}(ptr noalias %rows, i64 %sentence_step, i64 %token_step, ptr noalias %lengths, i64 %n_sentences,
                         ptr noalias %panels, i64 %tokens, i64 %n_panels, i64 %rest) {{
begin:
  %step = mul i64 %tokens, {width}
  %rest_bytes = mul i64 %rest, 4
  br label %sentence
sentence:
  %s = phi i64 [0, %begin], [%next_s, %sentence_end]
  %begin_to = phi ptr [%panels, %begin], [%end_to, %sentence_end]
  %sentence_at = mul i64 %s, %sentence_step
  %first = getelementptr float, ptr %rows, i64 %sentence_at
  %length_at = getelementptr i64, ptr %lengths, i64 %s
  %length = load i64, ptr %length_at
  br label %token
token:
  %t = phi i64 [0, %sentence], [%next_t, %token_end]
  %token_to = phi ptr [%begin_to, %sentence], [%next_token_to, %token_end]
  %more_t = icmp slt i64 %t, %length
  br i1 %more_t, label %row, label %sentence_end
row:
  %token_at = mul i64 %t, %token_step
  %row_at = getelementptr float, ptr %first, i64 %token_at
  br label %panel
panel:
  %p = phi i64 [0, %row], [%next_p, %whole]
  %from = phi ptr [%row_at, %row], [%next_from, %whole]
  %to = phi ptr [%token_to, %row], [%next_to, %whole]
  %more_p = icmp slt i64 %p, %n_panels
  br i1 %more_p, label %whole, label %part
whole:
  %row_of_panel = load {row}, ptr %from, align 4
  store {row} %row_of_panel, ptr %to, align 4
  %next_from = getelementptr float, ptr %from, i64 {width}
  %next_to = getelementptr float, ptr %to, i64 %step
  %next_p = add i64 %p, 1
  br label %panel
part:
  %has_rest = icmp sgt i64 %rest, 0
  br i1 %has_rest, label %copy, label %token_end
copy:
  call void @llvm.memcpy.p0.p0.i64(ptr align 4 %to, ptr align 4 %from, i64 %rest_bytes, i1 false)
  br label %token_end
token_end:
  %next_token_to = getelementptr float, ptr %token_to, i64 {width}
  %next_t = add i64 %t, 1
  br label %token
sentence_end:
  %end_to = phi ptr [%token_to, %token]
  %next_s = add i64 %s, 1
  %more_s = icmp slt i64 %next_s, %n_sentences
  br i1 %more_s, label %sentence, label %end
end:
  ret void
}}
"""


def _add_squares(lanes: int) -> str:
    """Tile after tile of the total: for each sentence a gradient in registers, squared and added to `%squares`.

    `%squares` is volatile, or LLVM could keep it in registers and the gradient out of them.
    """
    columns, vector, fma = VECTORS * lanes, f"<{lanes} x float>", f"@llvm.fmuladd.v{lanes}f32"
    tile = [(r, v) for r in range(ROWS) for v in range(VECTORS)]
    gradients = "".join(
        f"  %g{r}_{v} = phi {vector} [zeroinitializer, %sentence], [%new{r}_{v}, %token]\n" for r, v in tile
    )
    loads = "".join(
        f"  %in{v} = getelementptr float, ptr %in, i64 {v * lanes}\n  %x{v} = load {vector}, ptr %in{v}, align 4\n"
        for v in range(VECTORS)
    )
    broadcasts = [
        f"""  %out{r} = getelementptr float, ptr %out, i64 {r}
  %one{r} = load float, ptr %out{r}
  %lane{r} = insertelement {vector} poison, float %one{r}, i32 0
  %y{r} = shufflevector {vector} %lane{r}, {vector} poison, <{lanes} x i32> zeroinitializer
"""
        for r in range(ROWS)
    ]
    products = [
        f"  %new{r}_{v} = call {vector} {fma}({vector} %x{v}, {vector} %y{r}, {vector} %g{r}_{v})\n" for r, v in tile
    ]
    multiply = "".join(broadcasts[r] + "".join(products[r * VECTORS : (r + 1) * VECTORS]) for r in range(ROWS))
    squares = "".join(
        f"""  %place{r}_{v} = getelementptr float, ptr %squares, i64 {r * columns + v * lanes}
  %sum{r}_{v} = load volatile {vector}, ptr %place{r}_{v}, align 4
  %more{r}_{v} = call {vector} {fma}({vector} %new{r}_{v}, {vector} %new{r}_{v}, {vector} %sum{r}_{v})
  store volatile {vector} %more{r}_{v}, ptr %place{r}_{v}, align 4
"""
        for r, v in tile
    )
    return f"""
declare {vector} {fma}({vector}, {vector}, {vector})

define void @add_squares(ptr noalias %inputs, ptr noalias %outputs, ptr noalias %lengths, i64 %n_sentences, i64 %tokens,
                         ptr noalias %total, i64 %stride, i64 %n_rows, i64 %n_columns) {{
begin:
  %squares = alloca [{ROWS * columns} x float], align 64
  br label %panel
panel:
  %left = phi i64 [0, %begin], [%next_left, %panel_end]
  %inputs_at = mul i64 %left, %tokens
  %first_in = getelementptr float, ptr %inputs, i64 %inputs_at
  %columns_left = sub i64 %n_columns, %left
  %width = call i64 @llvm.smin.i64(i64 %columns_left, i64 {columns})
  br label %tile
tile:
  %top = phi i64 [0, %panel], [%next_top, %tile_end]
  %outputs_at = mul i64 %top, %tokens
  %first_out = getelementptr float, ptr %outputs, i64 %outputs_at
  %rows_left = sub i64 %n_rows, %top
  %height = call i64 @llvm.smin.i64(i64 %rows_left, i64 {ROWS})
  %top_at = mul i64 %top, %stride
  %corner_at = add i64 %top_at, %left
  %corner = getelementptr float, ptr %total, i64 %corner_at
  call void @llvm.memset.p0.i64(ptr align 64 %squares, i8 0, i64 {ROWS * columns * 4}, i1 false)
  br label %fetch
fetch:  ; the total, which is far away, while the sum is made
  %f = phi i64 [0, %tile], [%next_f, %fetch]
  %fetch_at = mul i64 %f, %stride
  %fetched = getelementptr float, ptr %corner, i64 %fetch_at
  call void @llvm.prefetch.p0(ptr %fetched, i32 1, i32 2, i32 1)
  %next_f = add i64 %f, 1
  %more_f = icmp slt i64 %next_f, %height
  br i1 %more_f, label %fetch, label %sentence
sentence:
  %s = phi i64 [0, %fetch], [%next_s, %sentence_end]
  %in_begin = phi ptr [%first_in, %fetch], [%next_in, %sentence_end]
  %out_begin = phi ptr [%first_out, %fetch], [%next_out, %sentence_end]
  %length_at = getelementptr i64, ptr %lengths, i64 %s
  %length = load i64, ptr %length_at
  br label %token
token:
  %t = phi i64 [0, %sentence], [%next_t, %token]
  %in = phi ptr [%in_begin, %sentence], [%next_in, %token]
  %out = phi ptr [%out_begin, %sentence], [%next_out, %token]
{gradients}{loads}{multiply}  %next_in = getelementptr float, ptr %in, i64 {columns}
  %next_out = getelementptr float, ptr %out, i64 {ROWS}
  %next_t = add i64 %t, 1
  %more_t = icmp slt i64 %next_t, %length
  br i1 %more_t, label %token, label %sentence_end
sentence_end:
{squares}  %next_s = add i64 %s, 1
  %more_s = icmp slt i64 %next_s, %n_sentences
  br i1 %more_s, label %sentence, label %row
row:
  %r = phi i64 [0, %sentence_end], [%next_r, %row_end]
  %to_at = mul i64 %r, %stride
  %to = getelementptr float, ptr %corner, i64 %to_at
  %from_at = mul i64 %r, {columns}
  %from = getelementptr float, ptr %squares, i64 %from_at
  br label %column
column:
  %c = phi i64 [0, %row], [%next_c, %column]
  %to_c = getelementptr float, ptr %to, i64 %c
  %from_c = getelementptr float, ptr %from, i64 %c
  %before = load float, ptr %to_c
  %squared = load float, ptr %from_c
  %after = fadd float %before, %squared
  store float %after, ptr %to_c
  %next_c = add i64 %c, 1
  %more_c = icmp slt i64 %next_c, %width
  br i1 %more_c, label %column, label %row_end
row_end:
  %next_r = add i64 %r, 1
  %more_r = icmp slt i64 %next_r, %height
  br i1 %more_r, label %row, label %tile_end
tile_end:
  %next_top = add i64 %top, {ROWS}
  %more_top = icmp slt i64 %next_top, %n_rows
  br i1 %more_top, label %tile, label %panel_end
panel_end:
  %next_left = add i64 %left, {columns}
  %more_left = icmp slt i64 %next_left, %n_columns
  br i1 %more_left, label %panel, label %end
end:
  ret void
}}
"""
