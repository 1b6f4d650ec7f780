"""The engine that runs jobs: Dask ``distributed``.

With ``PSEUDOFAM_SCHEDULER=tcp://host:port`` it is that scheduler; its workers must offer the resource ``heavy=1`` each
and see the cache under the same path. Otherwise it is one of our own, on this machine: a process with a scheduler,
which keeps its workers alive beside it and outlives page and server (``python -m pseudofam_core.jobs`` is that process,
`pseudofam_core.jobs.own_engine` what it does, `pseudofam_core.jobs.engine_file` how it is found,
`pseudofam_core.jobs.certificate` what keeps others out).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pseudofam_core import places
from pseudofam_core.errors import JobError
from pseudofam_core.jobs import certificate
from pseudofam_core.jobs.engine_file import engine_folder, is_held, log_file, make_folder, read, until
from pseudofam_core.jobs.fitness import check
from pseudofam_core.jobs.own_engine import HEAVY, code_digest

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

__all__ = ["HEAVY", "VARIABLE", "alive", "configured", "connect", "current", "stop"]
VARIABLE = "PSEUDOFAM_SCHEDULER"
_START_S = 60.0
_CONNECT_S = 10.0
_STOP_S = 15.0


def connect(cache_root: Path) -> Client:
    """A client of the engine; one of our own is started if there is none, and anew if it is idle and its code is old.

    Raises:
        JobError: The engine does not start or does not answer, or the given one can't do this package's jobs.
    """
    if address := configured():
        client = _client(address, f"{VARIABLE}={address}: start that scheduler, or unset the variable.")
        try:
            check(client, cache_root)
        except BaseException:
            client.close()
            raise
        return client
    folder = engine_folder(cache_root)
    log = log_file(folder)
    started, deadline = False, time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if not is_held(folder):
            if started:
                raise JobError(f"The engine ended while it started. See {log}.")
            _start(folder, log)
            started = True
        elif address := read(folder).get("address"):
            try:
                key = certificate.read(certificate.certificate_file(folder))
                client = _client(address, f"See {log}.", certificate.security(key))
            except JobError:
                if read(folder).get("address") != address:
                    continue  # it was just ending
                raise
            if started or read(folder).get("code") == code_digest() or not _is_idle(client):
                return client
            client.close()
            stop(cache_root)
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
    folder = engine_folder(cache_root)
    return read(folder).get("id") if is_held(folder) else None


def stop(cache_root: Path) -> None:
    """End our own engine and its workers. Running tasks are lost and can be resumed.

    Raises:
        JobError: It does not end.
    """
    folder = engine_folder(cache_root)
    for number in (signal.SIGTERM, signal.SIGKILL):  # a killed engine takes its workers with it, as Dask sees to
        if is_held(folder) and (pid := read(folder).get("pid")):
            os.kill(pid, number)
        if until(lambda: not is_held(folder), _STOP_S):
            return
    raise JobError(f"The engine did not stop. See {log_file(folder)}.")


def _start(folder: Path, log: Path) -> None:
    """Start an engine, or find that another process has just done so."""
    make_folder(folder)
    package = Path(__file__).parents[2]
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "pseudofam_core.jobs", str(folder)]
    with log.open("a", encoding="utf-8") as stream:
        ended = subprocess.run(
            command,
            cwd=folder,
            env={**places.without_limits(dict(os.environ)), "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            check=False,
        )
    if ended.returncode:
        raise JobError(f"The engine could not be started. See {log}.")


def _client(address: str, way_out: str, security: Security | None = None) -> Client:
    """A client of the scheduler at `address`; without `security`, with what Dask's configuration says."""
    from distributed import Client  # takes half a second, which pages that submit nothing need not wait

    try:
        return Client(address, timeout=_CONNECT_S, set_as_default=False, security=security)
    except (OSError, ValueError, TypeError) as error:  # TypeError: TLS without a certificate
        reason = str(error).strip().splitlines()[0]
        raise JobError(f"The scheduler at {address} does not answer ({reason}). {way_out}") from error


def _is_idle(client: Client) -> bool:
    """Whether no task is on any worker. Without workers tasks may wait unseen."""
    on_workers = client.processing().values()
    return bool(on_workers) and not any(on_workers)
