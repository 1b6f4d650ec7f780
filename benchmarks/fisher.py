"""The Fisher engine against a plain training step, Kronfluence, the naive loop and Opacus.

``python -m benchmarks.fisher [--threads 1 2] [--rounds N]``. Group `ffn`, float32, CPU. The competitors take turns in
each round; a time is the shortest of its rounds, on the wall's clock. With one thread it is the processor's time, which
tells the same on a busy machine. Extra memory is the peak of a process of its own beyond the model and
the result F. The result is the worst of all geometries and numbers of threads; the kernel's of both weights of each, six
shapes. Kronfluence and Opacus are optional (``requirements-bench.txt``); without one, its ratio is null.

``--kernels`` measures nothing but the kernels and the neighbour, ``--device cuda`` what a GPU does.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import multiprocessing
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import _fisher_cases as cases
from benchmarks._fisher_cases import GEOMETRIES, Geometry
from benchmarks._neighbour import kept_speed
from pseudofam_core.estimates.fisher.contributions import Outer, add_squares
from pseudofam_core.models.memory import keep_freed_memory

Ratios = dict[str, float | None]
PEAKS = {"ours": cases.ours, "its two passes alone": cases.passes_alone, "opacus": cases.opacus}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="of torch, one after the other")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="print where the engine's time goes")
    parser.add_argument("--kernels", action="store_true", help="nothing but the kernels and the neighbour")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    if options.device == "cuda":
        from benchmarks import _fisher_cuda

        _fisher_cuda.run(options.rounds)
        return
    cpu = torch.backends.cpu.get_cpu_capability()
    print(f"{cpu}, {options.rounds} rounds, torch {torch.__version__}")
    # In children, and before torch has threads here, which a fork would not copy.
    kernels = [_kernels_of_all(threads, options.rounds) for threads in options.threads]
    beside = [min(kept_speed(threads, options.rounds).values()) for threads in options.threads]
    found = [] if options.kernels else _compare_all(options)
    worst = {
        name: _worst([one[name] for one in found + kernels if name in one])
        for name in {**(found or [{}])[0], **kernels[0]}
    }
    print("RESULT", json.dumps({**worst, "with_neighbour": float(f"{min(beside):.3g}"), "cpu": cpu}))


def _kernels_of_all(threads: int, rounds: int) -> Ratios:
    """The worst ratios of the kernel, in children."""
    found = []
    for geometry in GEOMETRIES:
        found += _in_child(_kernels, geometry, rounds, threads)
    return {name: max(one[name] for one in found) for name in found[0]}


def _compare_all(options: argparse.Namespace) -> list[Ratios]:
    memory = [{name: _in_child(_peak, name, one) for name in PEAKS} for one in GEOMETRIES]
    found = []
    for threads in options.threads:
        torch.set_num_threads(threads)
        print(f"{threads} threads")
        found += [_compare(one, used, options) for one, used in zip(GEOMETRIES, memory, strict=True)]
    return found


def _compare(geometry: Geometry, memory: Mapping[str, float | None], options: argparse.Namespace) -> Ratios:
    """All ratios for a geometry."""
    print(f"{geometry.name}: {geometry}")
    batch, model = cases.batch_of(geometry), cases.model_of(geometry)
    expected = cases.twin(model, batch)
    add, totals = cases.ours(cases.model_of(geometry))
    passes, _ = cases.passes_alone(cases.model_of(geometry))
    steps: dict[str, Callable[[cases.Batch], object]] = {
        "ours": add,
        "its two passes alone": passes,
        "plain": cases.plain(model),
    }
    steps["naive"], _ = cases.naive(cases.model_of(geometry))
    if peer := cases.kronfluence(cases.model_of(geometry)):
        steps["kronfluence"] = peer[0]
    for step in steps.values():
        step(batch)
    errors = {"ours": _error(totals, expected)}
    if peer:
        errors["kronfluence"] = _error(peer[1], {name: expected[name] for name in peer[1]})
    else:
        print("  kronfluence is not installed: see requirements-bench.txt")
    times = _fastest({name: lambda step=step: step(batch) for name, step in steps.items()}, options.rounds)
    print("  seconds   ", {name: round(one, 4) for name, one in times.items()})
    print("  error     ", {name: f"{one:.1e}" for name, one in errors.items()})
    print("  extra MiB ", {name: one if one is None else round(one / 2**20, 1) for name, one in memory.items()})
    if memory["opacus"] is None:
        print("  opacus is not installed: see requirements-bench.txt")
    if options.profile:
        _profile(add, batch)
    return {
        "over_plain": times["ours"] / times["plain"],
        "over_kronfluence": times["ours"] / times["kronfluence"] if peer else None,
        "over_naive": times["ours"] / times["naive"],
        "memory_over_opacus": memory["ours"] / memory["opacus"] if memory["ours"] and memory["opacus"] else None,
        "max_relative_error": errors["ours"],
    }


def _fastest(steps: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The shortest time of each, which take turns."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            started = clock()
            step()
            times[name].append(clock() - started)
    return {name: min(one) for name, one in times.items()}


def _error(totals: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> float:
    """The largest difference of a parameter's values, relative to its largest value."""
    return max(float((totals[name] - one).abs().max() / one.abs().max()) for name, one in expected.items())


def _kernels(geometry: Geometry, rounds: int, threads: int) -> list[dict[str, float]]:
    """For fc1 and fc2, the kernel's time over Kronfluence's einsum, square and sum, and over one product of the batch.

    Large blocks are reused, as in the workers of this project: page faults cost nothing, whoever asks.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    found = []
    for n_in, n_out in ((geometry.d_model, geometry.ffn), (geometry.ffn, geometry.d_model)):
        inputs = torch.randn(geometry.n_sentences, geometry.n_tokens, n_in)
        outputs = torch.randn(geometry.n_sentences, geometry.n_tokens, n_out)
        total, with_bias = torch.zeros(n_out, n_in), torch.zeros(n_out, n_in + 1)
        product = torch.zeros(n_out, n_in)

        def peer(x: Tensor = inputs, g: Tensor = outputs, total: Tensor = with_bias) -> None:
            gradients = torch.einsum("b...i,b...o->bio", g, torch.cat([x, x.new_ones(*x.shape[:-1], 1)], -1))
            total.add_(gradients.square_().sum(0))

        def plain(x: Tensor = inputs, g: Tensor = outputs, product: Tensor = product) -> None:
            torch.mm(g.flatten(0, 1).T, x.flatten(0, 1), out=product)

        def kernel(x: Tensor = inputs, g: Tensor = outputs, total: Tensor = total) -> None:
            add_squares(total, [Outer(g, x)])

        kernel()
        steps: dict[str, Callable[[], object]] = {"ours": kernel, "plain": plain, "peer": peer}
        times = _fastest(steps, 4 * rounds)
        found.append(
            {
                "kernel_over_kronfluence": times["ours"] / times["peer"],
                "kernel_over_gemm": times["ours"] / times["plain"],
            }
        )
        shape = f"{geometry.n_sentences} × {geometry.n_tokens} tokens, {n_in} → {n_out}, {threads} threads"
        print(f"  {shape}: ", {name: f"{1e3 * one:.2f} ms" for name, one in times.items()}, flush=True)
    return found


def _peak(name: str, geometry: Geometry) -> float | None:
    """Extra bytes at the peak of one batch, beyond what is there after a batch of one sentence: model, F, libraries."""
    made = PEAKS[name](cases.model_of(geometry))
    if made is None:
        return None
    batch = {key: value[:16] for key, value in cases.batch_of(geometry).items()}
    made[0]({key: value[:1] for key, value in batch.items()})
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    before = _status("VmRSS")
    made[0](batch)
    return _status("VmHWM") - before


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(field))) * 1024


def _in_child(function: Callable[..., Any], *arguments: object) -> Any:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(function, arguments)


def _worst(ratios: list[float | None]) -> float | None:
    known = [one for one in ratios if one is not None]
    return float(f"{max(known):.3g}") if len(known) == len(ratios) else None


def _profile(step: Callable[[cases.Batch], object], batch: cases.Batch) -> None:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        step(batch)
    print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=12, max_name_column_width=40))


if __name__ == "__main__":
    main()
