"""A step of the engine and one of fine-tuning, alone and with another process that spins on one core.

``python -m benchmarks._neighbour STEP THREADS ROUNDS`` prints the two medians, seconds; `kept_speed` runs it as the
workers are run. The neighbour is there in every second round, so that both times meet the same machine.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from pseudofam_core.jobs.waiting import ASLEEP

STEPS = ("estimate", "fine-tune")


def kept_speed(threads: int, rounds: int) -> dict[str, float]:
    """For each step, the time alone over the time with the neighbour."""
    found = {}
    for step in STEPS:
        command = [sys.executable, "-m", "benchmarks._neighbour", step, str(threads), str(rounds)]
        ran = subprocess.run(command, env={**ASLEEP, **os.environ}, stdout=subprocess.PIPE, text=True, check=True)
        alone, beside = map(float, ran.stdout.split())
        found[step] = alone / beside
        print(f"  {step}, {threads} threads: {alone:.4f} s alone, {beside:.4f} s with a neighbour: {found[step]:.2f}")
    return found


def main() -> None:
    """Measure one step."""
    import torch

    name, threads, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    step = _estimating() if name == "estimate" else _tuning()
    step()
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    times: dict[int, list[float]] = {signal.SIGSTOP: [], signal.SIGCONT: []}
    try:
        for _ in range(rounds):
            for state, found in times.items():
                neighbour.send_signal(state)
                time.sleep(0.05)
                started = time.perf_counter()
                step()
                found.append(time.perf_counter() - started)
    finally:
        neighbour.kill()
    print(*(median(found) for found in times.values()))


def _estimating() -> Callable[[], object]:
    """A batch of the engine, `ffn`, the sample model's geometry."""
    from benchmarks import _fisher_cases as cases

    (geometry, *_), batch = cases.GEOMETRIES, cases.batch_of(cases.GEOMETRIES[0])
    add, _ = cases.ours(cases.model_of(geometry))
    return lambda: add(batch)


def _tuning() -> Callable[[], object]:
    """An update in float32: forward, backward, AdamW."""
    import torch

    from benchmarks import _fisher_cases as cases

    geometry = cases.GEOMETRIES[0]
    model, batch = cases.model_of(geometry).train(), cases.batch_of(geometry)
    optimizer, step = torch.optim.AdamW(model.parameters(), lr=1e-5), cases.plain(model)

    def update() -> None:
        step(batch)
        optimizer.step()

    return update


if __name__ == "__main__":
    main()
