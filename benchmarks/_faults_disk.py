"""A disk that is full or closed from the k-th write on, for every k: a line says so, and with room the result is the same."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks._faults_mutations import NAMES, OPTIONS
from benchmarks._faults_tally import Tally
from pseudofam_core.__main__ import main as command

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate")
_RUNS: tuple[tuple[str, ...], ...] = (
    ("estimate",),
    ("similarity",),
    (
        "finetune",
        "--target",
        NAMES[0],
        "--arms",
        "single",
        "--updates",
        "1",
        "--budget",
        "equal-updates",
        "--beams",
        "1",
    ),
)


class _Disk:
    """Counts this process's writes below a folder, and refuses them from one of them on."""

    def __init__(self, root: Path) -> None:
        self.root, self.n, self.limit, self.error = str(root), 0, sys.maxsize, errno.ENOSPC
        sys.addaudithook(self._heard)  # it stays as long as the process

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        is_write = event in _CHANGES or (event == "open" and bool((arguments[2] or 0) & _WRITING))
        if not is_write or not str(arguments[0]).startswith(self.root):
            return
        self.n += 1
        if self.n > self.limit:
            raise OSError(self.error, os.strerror(self.error), arguments[0])


def run(folder: Path, tally: Tally, *, step: int = 1) -> None:
    """Fail at every `step`-th write of each command, with either error; then with room.

    What writes without Python, safetensors and torch, is not heard: `tests/faults` fills a real disk.
    """
    logging.disable(logging.CRITICAL)
    root = folder / "cache"
    disk = _Disk(root)
    before = folder / "before"
    before.mkdir()
    for arguments in _RUNS:
        expected, n = _expected(disk, root, before, arguments)
        for error in (errno.ENOSPC, errno.EROFS):
            for limit in range(0, n, step):
                tally.tried("writes")
                _refused(disk, root, before, arguments, (limit, error), expected, tally)
        shutil.rmtree(before)
        shutil.copytree(root, before)
    logging.disable(logging.NOTSET)


def _expected(disk: _Disk, root: Path, before: Path, arguments: tuple[str, ...]) -> tuple[str, int]:
    _put(before, root)
    disk.n, disk.limit = 0, sys.maxsize
    status, out, wrong = _said(root, arguments)
    assert status == 0, wrong
    return out, disk.n


def _refused(
    disk: _Disk,
    root: Path,
    before: Path,
    arguments: tuple[str, ...],
    fails: tuple[int, int],
    expected: str,
    tally: Tally,
) -> None:
    _put(before, root)
    disk.n, (disk.limit, disk.error) = 0, fails
    kind = f"{arguments[0]}, {errno.errorcode[fails[1]]} from write {fails[0] + 1}"
    with tally.watched(kind):
        status, out, wrong = _said(root, arguments)
        if "details:" in wrong or "no details" in wrong or "Traceback" in wrong:
            tally.fault("tracebacks", kind, wrong)
        elif status == 0 and out != expected:
            tally.fault("wrong", kind, out)
    disk.limit = sys.maxsize
    with tally.watched(f"{kind}, then with room"):
        status, out, wrong = _said(root, arguments)
        if status:
            tally.fault("lost", f"{kind}, then with room", wrong)
        elif out != expected:
            tally.fault("wrong", f"{kind}, then with room", out)


def _said(root: Path, arguments: tuple[str, ...]) -> tuple[int, str, str]:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as wrong:
        status = command([arguments[0], *OPTIONS, "--cache", str(root), *arguments[1:]])
    return status, out.getvalue(), wrong.getvalue()


def _put(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
