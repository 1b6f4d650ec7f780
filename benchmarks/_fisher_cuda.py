"""The engine on a GPU: sentences per second, against a plain step and the einsum; precisions, tiles, memory.

Full m2m100_418M and 1.2B by their geometry, random weights, `ffn`, 32 sentences of 32 tokens.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from benchmarks import _fisher_cases as cases
from benchmarks._fisher_cases import Geometry
from pseudofam_core.estimates.fisher.triton_kernel import add_outer_squares

GEOMETRIES = (
    Geometry("m2m100_418M", 1024, 4096, 12, 12, 128_112, 32, 32),
    Geometry("m2m100_1.2B", 1024, 8192, 24, 24, 128_112, 32, 32),
)
TILES = ((64, 16), (64, 32), (128, 16), (128, 32))
PRECISIONS = ("ieee", "tf32x3", "tf32")

Step = Callable[[], object]


def run(rounds: int) -> None:
    """Measure and print."""
    print(torch.cuda.get_device_name(), f"torch {torch.__version__}, {rounds} rounds")
    found: dict[str, list[float]] = {}
    for geometry in GEOMETRIES:
        print(f"{geometry.name}: {geometry}")
        for dtype in (torch.float32, torch.bfloat16):
            _add(found, _passes(geometry, dtype, rounds), dtype)
        for n_in, n_out in ((geometry.d_model, geometry.ffn), (geometry.ffn, geometry.d_model)):
            _add(found, _kernels(geometry, n_in, n_out, rounds), torch.float32)
    worst = {name: float(f"{(min if 'per_second' in name else max)(all_):.3g}") for name, all_ in found.items()}
    print("RESULT", json.dumps({**worst, "device": torch.cuda.get_device_name()}))


def _add(found: dict[str, list[float]], some: Mapping[str, float], dtype: torch.dtype) -> None:
    suffix = "_bf16" if dtype == torch.bfloat16 else ""
    for name, value in some.items():
        found.setdefault(name + suffix, []).append(value)


def _passes(geometry: Geometry, dtype: torch.dtype, rounds: int) -> dict[str, float]:
    """A batch by the engine and by a plain step with the gradients of all weights."""
    batch = {name: one.cuda() for name, one in cases.batch_of(geometry).items()}
    seconds, memory = {}, {}
    for name, make in (("ours", cases.ours), ("plain", lambda model: (cases.plain(model), None))):
        step, _ = make(cases.model_of(geometry).to("cuda", dtype))
        step(batch)
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        seconds[name] = _seconds(lambda step=step: step(batch), rounds)
        memory[name] = torch.cuda.max_memory_allocated() - before
        del step
        torch.cuda.empty_cache()
    print(f"  {dtype}: ", {name: f"{one:.4f} s" for name, one in seconds.items()}, end=" ")
    print({name: f"{one / 2**20:.0f} MiB extra" for name, one in memory.items()})
    return {
        "sentences_per_second": geometry.n_sentences / seconds["ours"],
        "over_plain": seconds["ours"] / seconds["plain"],
        "extra_memory_mib": memory["ours"] / 2**20,
    }


def _kernels(geometry: Geometry, n_in: int, n_out: int, rounds: int) -> dict[str, float]:
    """One weight: the product of the whole batch, the einsum, and the kernel in every precision and tile."""
    inputs = torch.randn(geometry.n_sentences, geometry.n_tokens, n_in, device="cuda")
    outputs = torch.randn(geometry.n_sentences, geometry.n_tokens, n_out, device="cuda")
    exact = sum(torch.mm(g.T, a).square_() for g, a in zip(outputs.double(), inputs.double(), strict=True))
    total = torch.zeros(n_out, n_in, device="cuda")
    flat = outputs.flatten(0, 1).T, inputs.flatten(0, 1)
    product = _seconds(lambda: torch.mm(*flat, out=total), rounds)
    einsum = _seconds(lambda: torch.einsum("bti,bto->boi", inputs, outputs).square_().sum(0), rounds)
    print(f"  {n_in} → {n_out}: product {product * 1e3:.3f} ms, einsum {einsum * 1e3:.3f} ms")
    best = {}
    for precision in (*PRECISIONS, "bf16"):
        some = (one.bfloat16() if precision == "bf16" else one for one in (outputs, inputs))
        best[precision] = _best_tile(
            tuple(some), exact, "ieee" if precision == "bf16" else precision, precision, rounds
        )
    return {
        "kernel_over_gemm": best["ieee"] / product,
        "kernel_over_einsum": best["ieee"] / einsum,
        **{f"kernel_over_gemm_{name}": best[name] / product for name in ("tf32x3", "bf16")},
    }


def _best_tile(pair: tuple[Tensor, ...], exact: Tensor, precision: str, name: str, rounds: int) -> float:
    outputs, inputs = pair
    seconds = {}
    for block, tokens in TILES:
        total = torch.zeros(exact.shape, device="cuda")
        options = {"precision": precision, "block": block, "block_tokens": tokens}
        add_outer_squares(total, outputs, inputs, **options)
        error = float((total - exact).abs().max() / exact.abs().max())
        seconds[block, tokens] = _seconds(lambda o=options, t=total: add_outer_squares(t, outputs, inputs, **o), rounds)
        print(f"    {name}, {block} × {block} × {tokens}: {seconds[block, tokens] * 1e3:.3f} ms, error {error:.1e}")
    return min(seconds.values())


def _seconds(step: Step, rounds: int) -> float:
    """The median of a GPU's own clock."""
    step()
    times = []
    for _ in range(rounds):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        step()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return statistics.median(times)
