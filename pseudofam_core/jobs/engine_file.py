"""The file by which our own engine is found, and by whose lock it is known to live.

The lock (flock) is the kernel's, which lets go of it when the process ends, however it ends: nothing can be stale, and
of two engines that start at once one gets it.
"""

from __future__ import annotations

import fcntl
import json
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO


def engine_folder(cache_root: Path) -> Path:
    """Where this machine's engine keeps its files: a shared cache has an engine for each machine that needs one."""
    return cache_root.absolute() / "engine" / socket.gethostname()


def log_file(folder: Path) -> Path:
    """What the engine and its workers print."""
    return folder / "engine.log"


def lock(folder: Path) -> TextIO | None:
    """The engine's file, emptied and locked for as long as it is open, or None if an engine has it."""
    file = (folder / "engine.json").open("a+", encoding="utf-8")
    if not until(lambda: _try_lock(file, fcntl.LOCK_EX), 0.5):  # one that asks `is_held` has it for a moment
        file.close()
        return None
    file.truncate(0)
    return file


def is_held(folder: Path) -> bool:
    """Whether an engine has the lock."""
    try:
        with (folder / "engine.json").open(encoding="utf-8") as file:
            return not _try_lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def write(file: TextIO, values: Mapping[str, Any]) -> None:
    """Write into the file itself, because a rename would leave the lock on the old one."""
    file.truncate(0)
    file.write(json.dumps(values))
    file.flush()


def read(folder: Path) -> dict[str, Any]:
    """What the engine says of itself: pid, address, id and code; nothing while it begins or ends."""
    try:
        values: dict[str, Any] = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return values


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _try_lock(file: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
