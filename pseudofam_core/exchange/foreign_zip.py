"""A zip that a stranger may have made: opened without being believed, in little memory, from a regular file only."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pseudofam_core.errors import CacheError

# What reading a made-up zip can end in, beside OSError. UnicodeError is a ValueError.
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, LookupError, OverflowError)
_MOST_AT_ONCE = 8 * 2**20  # of a zip's directory, a manifest or a file's block


@contextmanager
def opened(source: IO[bytes] | Path) -> Iterator[zipfile.ZipFile]:
    """A zip whose files take no more room than itself: neither packed nor encrypted, none stored in another's bytes.

    Raises:
        CacheError: It is another kind of zip, or the path is not that of a regular file.
        OSError: It can't be read.
    """
    with _stream(source) as stream, zipfile.ZipFile(_Sparing(stream)) as archive:
        _check_sizes(archive, stream.seek(0, os.SEEK_END))
        yield archive


def whole_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A small file of the zip.

    Raises:
        ValueError: It is not small.
        KeyError: There is none.
    """
    size = archive.getinfo(name).file_size
    if size > _MOST_AT_ONCE:
        raise ValueError(f"{name[-40:]} has {size:,} bytes; at most {_MOST_AT_ONCE:,} are read")
    return archive.read(name)


class _Sparing:
    """A stream that refuses to read much at once: `zipfile` reads a directory of any length whole."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close

    def seekable(self) -> bool:
        return True

    def read(self, n: int = -1) -> bytes:
        content = self._stream.read(min(n, _MOST_AT_ONCE + 1) if n >= 0 else _MOST_AT_ONCE + 1)
        if len(content) > _MOST_AT_ONCE:
            raise zipfile.BadZipFile(f"it asks for more than {_MOST_AT_ONCE:,} bytes at once")
        return content


@contextmanager
def _stream(source: IO[bytes] | Path) -> Iterator[IO[bytes]]:
    if not isinstance(source, Path):
        yield source
        return
    # A pipe would wait for a writer for ever, a device never ends.
    with os.fdopen(os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise CacheError(f"The zip must be a regular file. {source} is none. Name the zip itself.")
        yield stream


def _check_sizes(archive: zipfile.ZipFile, n_bytes: int) -> None:
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise CacheError("The zip must not be encrypted. Make it again without a password.")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CacheError(
            "The zip must hold its files as they are, not packed. Export it again, or zip it with `zip -0`."
        )
    if sum(member.file_size for member in members) > n_bytes:
        raise CacheError("The zip's files must not take more room than the zip itself. Export it again.")
