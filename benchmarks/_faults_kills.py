"""A command, a worker, an engine or the server is killed at a random moment; the same request ends with the same bytes."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks._faults_mutations import NAMES, OPTIONS, WORKSPACE
from benchmarks._faults_sessions import visit
from benchmarks._faults_tally import Tally
from driving.server import ROOT, Server
from pseudofam_core import jobs
from pseudofam_core.estimates import FISHER_FILE, find_fisher, fisher_specs
from pseudofam_core.jobs import engine, engine_file
from pseudofam_core.store.cache import Cache

_LONGEST_S = 180.0
_PAIRS = WORKSPACE.pairs or ()
_COMMAND = [sys.executable, "-m", "pseudofam_core", "estimate", *OPTIONS]


def run(folder: Path, n: int, tally: Tally, *, seed: int = 1) -> None:
    """Kill n times, the four in turn."""
    rng = random.Random(seed)
    root = folder / "expected"
    begun = time.monotonic()
    subprocess.run([*_COMMAND, "--cache", str(root)], cwd=ROOT, check=True, capture_output=True)
    longest = time.monotonic() - begun
    expected = _bytes(root)
    kills = (_kill_command, _kill_worker, _kill_engine, _kill_server)
    root = folder / "cache"
    try:
        for number in range(n):
            for old in ("fisher", "jobs"):
                shutil.rmtree(root / old, ignore_errors=True)
            kill = kills[number % len(kills)]
            tally.tried("kills")
            with tally.watched(kind := kill.__name__.strip("_"), seconds=int(3 * _LONGEST_S)):
                kill(root, rng.random() * longest, tally)
                _compare(kind, expected, root, tally)
    finally:
        engine.stop(root)


def _compare(kind: str, expected: dict[str, bytes], root: Path, tally: Tally) -> None:
    seen = _bytes(root)
    for name, whole in expected.items():
        if name not in seen:
            tally.fault("lost", f"{kind}: no estimate", name)
        elif seen[name] != whole:
            tally.fault("wrong", f"{kind}: other bytes", name)
    if left := [one.name for one in (root / "fisher").iterdir() if one.name.endswith(".tmp")]:
        tally.fault("lost", f"{kind}: a writer's folder stays", left)


def _kill_command(root: Path, after: float, tally: Tally) -> None:
    command = [*_COMMAND, "--cache", str(root)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            killed.wait(after)
        killed.kill()
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
    if again.returncode:
        tally.fault("lost", "command: the same command fails", again.stderr)
    if "Traceback" in again.stderr:
        tally.fault("tracebacks", "command: the same command", again.stderr)


def _kill_worker(root: Path, after: float, tally: Tally) -> None:
    job = jobs.submit_estimate(root, WORKSPACE, _PAIRS)
    time.sleep(after / 10)  # a worker that is there already has all loaded
    for one in _workers(root):
        with contextlib.suppress(psutil.NoSuchProcess):
            os.kill(one.pid, signal.SIGKILL)
    _ended(root, job, "worker", tally)


def _kill_engine(root: Path, after: float, tally: Tally) -> None:
    job = jobs.submit_estimate(root, WORKSPACE, _PAIRS)
    time.sleep(after / 10)
    orphans = _workers(root)
    os.kill(_engine(root), signal.SIGKILL)
    _, alive = psutil.wait_procs(orphans, timeout=60)
    if alive:
        tally.fault("hung", "engine: its workers outlive it", alive)
    _ended(root, job, "engine", tally)


def _kill_server(root: Path, after: float, tally: Tally) -> None:
    server = Server(root.parent, ROOT, ROOT)
    try:
        job = jobs.submit_estimate(root, WORKSPACE, _PAIRS)
        time.sleep(after / 20)
        server.kill()
        server.start()
        seen = visit(server.port, "estimates", {"model": "sample", "corpus": "sample", "pairs": " ".join(NAMES)})
        if seen:
            tally.fault("tracebacks", "server: the page after a restart", seen)
        _ended(root, job, "server", tally)
    finally:
        server.kill()
        server.log.close()
    if "Traceback" in (text := (root.parent / "server.log").read_text()):
        tally.fault("tracebacks", "server: its log", text[-1000:])


def _ended(root: Path, job: str, kind: str, tally: Tally) -> None:
    """Wait for a job's end, as a person does who resumes what has crashed."""
    deadline = time.monotonic() + _LONGEST_S
    while (seen := jobs.view(root, job)).state is not jobs.State.DONE:
        if time.monotonic() > deadline:
            tally.fault("hung", f"{kind}: {seen.state}", seen)
            return
        if not seen.state.is_active:
            jobs.resume(root, job)
        time.sleep(0.1)


def _engine(root: Path) -> int:
    return int(engine_file.read(engine_file.engine_folder(root))["pid"])


def _workers(root: Path) -> list[psutil.Process]:
    """Processes below the engine's that do the work."""
    try:
        return psutil.Process(_engine(root)).children(recursive=True)
    except (psutil.NoSuchProcess, KeyError, TypeError):
        return []


def _bytes(root: Path) -> dict[str, bytes]:
    cache = Cache(root)
    found = {str(one): find_fisher(spec, cache) for one, spec in fisher_specs(WORKSPACE).items()}
    return {name: one.file(FISHER_FILE).read_bytes() for name, one in found.items() if one}
