"""Schedulers and workers of somebody else's: plain ``dask scheduler`` and ``dask worker`` processes over TCP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tests.faults import doors

ROOT = Path(__file__).parents[2]


class Cluster:
    """A scheduler; its workers know the kinds of work of `tests.faults.doors`.

    Attributes:
        address: Of the scheduler.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        plain = {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__PRELOAD": doors.PRELOAD}
        self._environment = {**os.environ, **plain, **environment}
        self._file, self._started = folder / "scheduler.json", []

    def start(self, *options: str) -> None:
        host = [] if "--host" in options else ["--host", "127.0.0.1"]
        self._dask("scheduler", *host, "--port", "0", "--no-dashboard", "--scheduler-file", str(self._file), *options)
        wait_until(lambda: self._file.exists() and self._file.read_text().rstrip().endswith("}"))
        self.address = json.loads(self._file.read_text())["address"]

    def add_worker(self, *options: str, **environment: str) -> subprocess.Popen:
        heavy = ["--nthreads", "1", "--resources", "heavy=1", "--no-dashboard"]
        return self._dask("worker", "--scheduler-file", str(self._file), *heavy, *options, **environment)

    def stop(self) -> None:
        for one in reversed(self._started):
            one.terminate()
        for one in self._started:
            one.wait(timeout=60)

    def _dask(self, kind: str, *arguments: str, **environment: str) -> subprocess.Popen:
        with (self._folder / f"{kind}-{len(self._started)}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *arguments],
                env={**self._environment, **environment},
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        self._started.append(process)
        return process


@contextmanager
def cluster(folder: Path, *options: str, n_workers: int = 0, **environment: str):
    folder.mkdir(exist_ok=True)
    running = Cluster(folder, environment)
    try:
        running.start(*options)
        for _ in range(n_workers):
            running.add_worker()
        yield running
    finally:
        running.stop()


def wait_until(condition, seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
