"""Logs of bounded size."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_BYTES = 5_000_000


@contextmanager
def logging_to(path: Path, name: str) -> Iterator[None]:
    """Append what this package logs to a file, each line with time (UTC) and `name`."""
    handler = _BoundedHandler(path, encoding="utf-8", delay=True)
    form = f"%(asctime)sZ {name.replace('%', '%%')} %(levelname)s %(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    package = logging.getLogger("pseudofam_core")
    level = package.level
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.setLevel(level)
        package.removeHandler(handler)
        handler.close()


def keep_tail(path: Path, most: int = MOST_BYTES) -> None:
    """Cut a log that is longer than `most` bytes to its last tenth; who has it open to append goes on after that."""
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # several workers may come upon the same log
        size = file.seek(0, os.SEEK_END)
        if size <= most:
            return
        file.seek(size - most // 10)
        file.readline()
        tail = file.read()
        file.seek(0)
        file.truncate()
        file.write(b"... (earlier lines were dropped)\n" + tail)


class _BoundedHandler(logging.FileHandler):
    """Appends to a file, cuts it where it grows too long, and lets no full disk stop the work."""

    def emit(self, record: logging.LogRecord) -> None:
        """Append one record."""
        try:
            super().emit(record)
            if self.stream and self.stream.tell() > MOST_BYTES:
                keep_tail(Path(self.baseFilename))
        except OSError:
            self.handleError(record)
