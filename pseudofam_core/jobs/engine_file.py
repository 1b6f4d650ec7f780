"""The file by which our own engine is found, and by whose lock it is known to live.

The lock (flock) is the kernel's, which lets go of it when the process ends, however it ends: nothing can be stale, and
of two engines that start at once one gets it. Folder and file are their owner's alone: who could open the file could take
the lock, and keep engines from starting.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, TextIO

from pseudofam_core.errors import JobError


def place() -> str:
    """Whose engine, on which machine: a shared cache has one for each user of each machine that needs one."""
    return f"{socket.gethostname()}/{os.geteuid()}"


def engine_folder(cache_root: Path) -> Path:
    """Where this user's engine on this machine keeps its files."""
    return cache_root.absolute() / "engine" / place()


def make_folder(folder: Path) -> None:
    """Make an engine's folder, closed to others.

    Raises:
        JobError: It can't be made, or is somebody else's, who could put another key there.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            raise JobError(f"The engine's folder {folder} was made by somebody else. Remove it, or use another cache.")
        folder.chmod(0o700)
    except OSError as error:
        raise JobError(f"The engine's folder can't be made: {error}. Use a cache that you can write to.") from error


def log_file(folder: Path) -> Path:
    """What the engine and its workers print."""
    return folder / "engine.log"


def lock(folder: Path) -> TextIO | None:
    """The engine's file, emptied and locked for as long as it is open, or None if an engine has it."""
    file = os.fdopen(private(str(folder / "engine.json"), os.O_RDWR | os.O_APPEND | os.O_CREAT), "a+", encoding="utf-8")
    os.fchmod(file.fileno(), 0o600)
    if not until(lambda: try_lock(file, fcntl.LOCK_EX), 0.5):  # one that asks `is_held` has it for a moment
        file.close()
        return None
    file.truncate(0)
    return file


def is_held(folder: Path) -> bool:
    """Whether an engine has the lock."""
    try:
        with (folder / "engine.json").open(encoding="utf-8") as file:
            return not try_lock(file, fcntl.LOCK_SH)
    except OSError:  # none, or none that this user could have started
        return False


def write(file: TextIO, values: Mapping[str, Any]) -> None:
    """Write into the file itself, because a rename would leave the lock on the old one."""
    file.truncate(0)
    file.write(json.dumps(values))
    file.flush()


def read(folder: Path) -> dict[str, Any]:
    """What the engine says of itself: pid, address, id and code; nothing while it begins or ends."""
    try:
        values = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    well = isinstance(values, dict) and type(values.get("pid")) is int and values["pid"] > 1  # it will be sent signals
    return values if well else {}


def private(path: str, flags: int) -> int:
    """Open a file of which nobody else may know; one that is made is closed to others, and no link is followed."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def try_lock(file: IO[Any], kind: int) -> bool:
    """Whether a lock of a kind (`fcntl.LOCK_EX`, `fcntl.LOCK_SH`) was there to be had."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
