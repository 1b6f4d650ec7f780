"""The process that is our own engine: a scheduler, and a worker for each GPU, or one, kept alive beside it.

It ends by itself when it had nothing to do for `IDLE_S` and nobody was connected.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pseudofam_core.jobs import certificate, engine_file
from pseudofam_core.jobs.logs import keep_tail
from pseudofam_core.jobs.waiting import ASLEEP
from pseudofam_core.store.keys import files_digest

if TYPE_CHECKING:
    from distributed.security import Security

HEAVY = {"heavy": 1}
IDLE_S = 1800.0
_LOOK_S = 1.0


def serve(folder: Path) -> None:
    """Be the engine of `folder` until a SIGTERM or long idleness, unless there is one.

    The work is a child's: the caller ends.
    """
    engine_file.make_folder(folder)
    file = engine_file.lock(folder)
    if file is None:
        return
    if os.fork():
        os._exit(0)  # the child keeps the lock: whoever waits for this process finds it taken
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    code = code_digest()
    pem = certificate.make()
    certificate.write(certificate.certificate_file(folder), pem)
    with _cluster(folder, gpus(), certificate.security(pem)) as cluster:
        address, identity = cluster.scheduler_address, cluster.scheduler.id
        about = {"pid": os.getpid(), "address": address, "id": identity, "code": code}
        engine_file.write(file, about)
        idleness = _Idleness(cluster.scheduler)
        while not stopped.wait(min(_LOOK_S, IDLE_S)):
            keep_tail(engine_file.log_file(folder))
            if idleness.seconds() < IDLE_S:
                continue
            engine_file.write(file, {})  # who comes now waits for the next engine
            if idleness.seconds() >= IDLE_S:
                break
            engine_file.write(file, about)


def code_digest() -> str:
    """Digest of this package's code as it is on disk: an engine keeps running what it has imported."""
    package = Path(__file__).parents[1]
    return files_digest(package.rglob("*.py"), root=package)


def gpus() -> list[str]:
    """Names by which ``CUDA_VISIBLE_DEVICES`` knows this machine's GPUs; those alone that the variable leaves visible."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for gpu in visible.split(",") if (name := gpu.strip()) not in ("", "-1")]
    query = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):  # no driver, no GPU
        return []
    return answer.stdout.split()


class _Idleness:
    """How long a scheduler has had no task, and nobody who might submit one."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._n_transitions = -1
        self._since = time.monotonic()

    def seconds(self) -> float:
        """Seconds until now; it must be asked now and then to notice what happens."""
        scheduler = self._scheduler
        n_transitions = scheduler.transition_counter
        waiting = (
            scheduler.queued or scheduler.unrunnable or any(worker.processing for worker in scheduler.workers.values())
        )
        connected = set(scheduler.clients) - {"fire-and-forget"}
        if n_transitions != self._n_transitions or waiting or connected:
            self._n_transitions, self._since = n_transitions, time.monotonic()
        return time.monotonic() - self._since


def _cluster(folder: Path, gpus: list[str], security: Security) -> Any:
    """One scheduler, and workers in processes of their own that are begun again when they die."""
    import dask
    from dask.system import CPU_COUNT
    from distributed import Nanny, SpecCluster

    from pseudofam_core.jobs.nodes import QuietScheduler, QuietWorker

    threads = os.environ.get("OMP_NUM_THREADS") or max(1, CPU_COUNT // max(1, len(gpus)))
    dask.config.set(
        {
            # Heavy tasks share all cores; Dask's default is one thread. A variable that is set wins, and torch asks MKL's.
            "distributed.nanny.pre-spawn-environ.OMP_NUM_THREADS": threads,
            "distributed.nanny.pre-spawn-environ.MKL_NUM_THREADS": threads,
            **{f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in ASLEEP.items()},
            # Freed memory is the business of pseudofam_core.models.memory.
            "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
            # A worker's death counts against all that is queued on it. Tasks count for themselves how often they began.
            "distributed.scheduler.allowed-failures": 1_000_000,
            # A machine that slept is not a worker that died.
            "distributed.scheduler.worker-ttl": None,
            "distributed.worker.profile.enabled": False,
            "temporary-directory": str(folder),  # not one that all users share
            # Its look at its own event loop, fifty times a second in each process, takes time from the work.
            "distributed.admin.tick.interval": "1s",
            "distributed.admin.system-monitor.interval": "5s",
        }
    )
    closed = {"host": "127.0.0.1", "protocol": "tls", "security": security, "dashboard": False}
    worker = {
        **closed,
        "worker_class": QuietWorker,
        "nthreads": 1,
        "resources": HEAVY,
        "local_directory": str(folder / "worker"),
        "memory_limit": 0,  # models fill the memory: a worker must neither be paused nor ended for that
        "silence_logs": logging.WARNING,
    }
    environments: list[dict[str, str]] = [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus] or [{}]
    return SpecCluster(
        scheduler={"cls": QuietScheduler, "options": {**closed, "port": 0}},
        workers={
            number: {"cls": Nanny, "options": {**worker, "env": environment}}
            for number, environment in enumerate(environments)
        },
        security=security,
    )
