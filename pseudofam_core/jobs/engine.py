"""The engine that runs jobs: Dask ``distributed``.

With ``PSEUDOFAM_SCHEDULER=tcp://host:port`` it is that scheduler; its workers must offer the resource ``heavy=1`` each
and see the cache under the same path. Otherwise it is one of our own, on this machine: a process with a scheduler,
which keeps a worker alive beside it and outlives page and server (``python -m pseudofam_core.jobs`` is that process).

Whether our own engine lives is a lock (flock) on its file, which the kernel lets go of when the process ends, however
it ends: nothing can be stale, and of two that start at once one gets it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

from pseudofam_core.errors import JobError

if TYPE_CHECKING:
    from distributed import Client

VARIABLE = "PSEUDOFAM_SCHEDULER"
HEAVY = {"heavy": 1}
_START_S = 60.0
_CONNECT_S = 10.0
_STOP_S = 15.0


def connect(cache_root: Path) -> Client:
    """A client of the engine; one of our own is started if there is none.

    Raises:
        JobError: The engine does not start or does not answer.
    """
    if address := configured():
        return _client(address, f"{VARIABLE}={address}: start that scheduler, or unset the variable.")
    folder = _folder(cache_root)
    log = folder / "engine.log"
    started, deadline = False, time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if not _is_held(folder):
            if started:
                raise JobError(f"The engine ended while it started. See {log}.")
            _start(folder, log)
            started = True
        elif address := _read(folder).get("address"):
            return _client(address, f"See {log}.")
        time.sleep(0.05)
    raise JobError(f"The engine did not start within {_START_S:.0f} s. See {log}.")


def alive(cache_root: Path) -> bool:
    """Whether the engine answers, or our own one lives. Opens no client."""
    if not (address := configured()):
        return current(cache_root) is not None
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=1).close()
    except OSError:
        return False
    return True


def configured() -> str | None:
    """Address of the scheduler that the environment names, or None where the engine is our own."""
    return os.environ.get(VARIABLE) or None


def current(cache_root: Path) -> str | None:
    """Identity of the engine of our own that lives on this machine, or None. Opens no client."""
    folder = _folder(cache_root)
    return _read(folder).get("id") if _is_held(folder) else None


def stop(cache_root: Path) -> None:
    """End our own engine and its worker. Running tasks are lost and can be resumed.

    Raises:
        JobError: It does not end.
    """
    folder = _folder(cache_root)
    for number in (signal.SIGTERM, signal.SIGKILL):  # a killed engine takes its worker with it, as Dask sees to
        if _is_held(folder) and (pid := _read(folder).get("pid")):
            os.kill(pid, number)
        if _until(lambda: not _is_held(folder), _STOP_S):
            return
    raise JobError(f"The engine did not stop. See {folder / 'engine.log'}.")


def serve(folder: Path) -> None:
    """Be the engine of `folder` until a SIGTERM, unless there is one. The work is a child's: the caller ends."""
    file = _lock(folder)
    if file is None:
        return
    if os.fork():
        os._exit(0)  # the child keeps the lock: whoever waits for this process finds it taken
    os.setsid()
    _write(file, {"pid": os.getpid()})
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with _cluster(folder) as cluster:
        _write(file, {"pid": os.getpid(), "address": cluster.scheduler_address, "id": cluster.scheduler.id})
        stopped.wait()


def _cluster(folder: Path) -> Any:
    """One scheduler, one worker in a process of its own that is begun again when it dies."""
    import dask
    from dask.system import CPU_COUNT
    from distributed import LocalCluster

    dask.config.set(
        {
            # One heavy task at a time may have all cores; Dask's default is one thread. A variable that is set wins.
            "distributed.nanny.pre-spawn-environ.OMP_NUM_THREADS": CPU_COUNT,
            "distributed.nanny.pre-spawn-environ.MKL_NUM_THREADS": CPU_COUNT,
            # Freed memory is the business of pseudofam_core.memory.
            "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
            # A worker's death counts against all that is queued on it. Tasks count for themselves how often they began.
            "distributed.scheduler.allowed-failures": 1_000_000,
            # A machine that slept is not a worker that died.
            "distributed.scheduler.worker-ttl": None,
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
            "distributed.worker.profile.enabled": False,
        }
    )
    return LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        resources=HEAVY,
        local_directory=str(folder / "worker"),
        memory_limit=0,  # models fill the memory: a worker must neither be paused nor ended for that
    )


def _start(folder: Path, log: Path) -> None:
    """Start an engine, or find that another process has just done so."""
    folder.mkdir(parents=True, exist_ok=True)
    package = Path(__file__).parents[2]
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "pseudofam_core.jobs", str(folder)]
    with log.open("a", encoding="utf-8") as stream:
        ended = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            check=False,
        )
    if ended.returncode:
        raise JobError(f"The engine could not be started. See {log}.")


def _client(address: str, way_out: str) -> Client:
    from distributed import Client  # takes half a second, which pages that submit nothing need not wait

    try:
        return Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise JobError(f"The scheduler at {address} does not answer. {way_out}") from error


def _folder(cache_root: Path) -> Path:
    """Where this machine's engine keeps its files: a shared cache has an engine for each machine that needs one."""
    return cache_root.absolute() / "engine" / socket.gethostname()


def _lock(folder: Path) -> TextIO | None:
    """The engine's file, emptied and locked for as long as it is open, or None if an engine has it."""
    file = (folder / "engine.json").open("a+", encoding="utf-8")
    if not _until(lambda: _try_lock(file, fcntl.LOCK_EX), 0.5):  # one that asks `_is_held` has it for a moment
        file.close()
        return None
    file.truncate(0)
    return file


def _is_held(folder: Path) -> bool:
    """Whether an engine has the lock."""
    try:
        with (folder / "engine.json").open(encoding="utf-8") as file:
            return not _try_lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _try_lock(file: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(file: TextIO, values: dict[str, Any]) -> None:
    """Write into the file itself, because a rename would leave the lock on the old one."""
    file.truncate(0)
    file.write(json.dumps(values))
    file.flush()


def _read(folder: Path) -> dict[str, Any]:
    """What the engine says of itself; nothing before it has begun."""
    try:
        values: dict[str, Any] = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return values


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
