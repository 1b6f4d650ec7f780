"""Files and folders that appear whole or not at all, open to whom the user's umask and the folder's group open them."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ABANDONED_S = 3600.0


def out_of_disk(error: Exception) -> str | None:
    """In a line, that the disk is full or closed and the way out; None where the error says nothing of the kind."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return None
    return f"{error}. Free some space and run it again. Choose another folder where this one is closed to you."


def write_atomically(path: Path, text: str) -> None:
    """Write a text file beside, then rename: a reader sees the old one or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_file(path) as beside:
        with beside.open("x", encoding="utf-8") as stream:
            stream.write(text)
        beside.replace(path)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """A name beside `path` that no other process and no other call uses; what is left of it at the end is removed."""
    beside = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}")
    try:
        yield beside
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


@contextmanager
def temporary_folder(final: Path) -> Iterator[Path]:
    """An empty folder beside `final`, removed at the end unless it was renamed.

    It is locked meanwhile: what a process that was killed has left, nobody holds, and the next one that writes there
    removes it.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    _collect(final.parent)
    beside = final.with_name(f".{final.name}.{uuid.uuid4().hex}")
    beside.mkdir()
    handle = os.open(beside, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield beside
    finally:
        os.close(handle)
        shutil.rmtree(beside, ignore_errors=True)


def open_to_readers(folder: Path) -> None:
    """Give a folder's files the mode that the umask gave the folder; some writers make them for their owner alone."""
    mode = folder.stat().st_mode & 0o666
    for file in folder.iterdir():
        file.chmod(mode)


def flush(path: Path) -> None:
    """Have a file or a folder on the disk, whatever happens to the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def clear(path: Path) -> None:
    """Remove whatever is in the way of a folder or file, if anything is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _collect(folder: Path) -> None:
    """Remove temporary folders that are old and that no process holds."""
    for temporary in folder.glob(".*.*"):
        with suppress(OSError):
            if time.time() - temporary.stat().st_mtime < _ABANDONED_S or not temporary.is_dir():
                continue
            handle = os.open(temporary, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(temporary, ignore_errors=True)
            finally:
                os.close(handle)
