"""The Fisher files of a pool: mapped, never loaded, and read piece by piece.

A ``.safetensors`` file tells in its header where each tensor lies, so a piece of a diagonal is a view of the mapped
file and costs no copy. What was read is released again, so that memory does not grow with the files.
"""

from __future__ import annotations

import json
import mmap
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cmp_to_key
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pseudofam_core.errors import DamagedArtifact, JobCancelled
from pseudofam_core.languages import LanguagePair

Floats = npt.NDArray[np.float32]
Names = Sequence[str]
_T = TypeVar("_T")
_R = TypeVar("_R")

# Parameters that one thread takes at a time; and the numbers of all pairs together after which it is asked whether to
# stop, and the files' pages are released (64 MB).
_PIECE = 2**15
_BLOCK_NUMBERS = 2**24
_MOST_THREADS = 16
# The number of BLAS threads is the process's: a second comparison waits for the first, whose processors it would share.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Piece:
    """A stretch of a parameter: flat positions ``start`` to ``stop``."""

    name: str
    start: int
    stop: int

    @property
    def size(self) -> int:
        """Numbers in it."""
        return self.stop - self.start


class Diagonals:
    """The diagonals of a pool, in the order of the pairs. A context: on leaving, its threads end.

    Every result is the same whatever the number of threads: they share out work, never a sum. BLAS is held to one
    thread meanwhile, for the order in which it adds would depend on it.

    Args:
        files: The Fisher file of each pair; all hold the same names and shapes, in float32.
        report: Called with numbers read and numbers to be read.
        should_stop: Asked after each block; a True ends the work with `JobCancelled`.
        n_threads: Threads that compute; by default one per processor.

    Raises:
        ValueError: Files that hold different parameters, or other types than float32.
        DamagedArtifact: A file can't be read.
    """

    def __init__(
        self,
        files: Mapping[LanguagePair, Path],
        *,
        report: Callable[[int, int], None] | None,
        should_stop: Callable[[], bool],
        n_threads: int | None,
    ) -> None:
        self.pairs = tuple(sorted(files))
        self._files = [_File(pair, files[pair]) for pair in self.pairs]
        self._shapes = _common_shapes(self._files)
        self._report, self._should_stop = report, should_stop
        self._n_read = self._n_to_read = 0
        self._threads = ThreadPoolExecutor(n_threads or min(_MOST_THREADS, os.cpu_count() or 1))

    def __enter__(self) -> Self:
        _one_at_a_time.acquire()
        self._limits = threadpool_limits(1, user_api="blas")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._limits.restore_original_limits()
        _one_at_a_time.release()

    def count(self, names: Names) -> int:
        """Parameters under `names`.

        Raises:
            ValueError: A name that the files don't hold, or no parameter at all.
        """
        if missing := sorted(set(names) - self._shapes.keys()):
            raise ValueError(
                f"names must be parameters of the Fisher files. Got {missing[0]!r}. Estimate a group that holds it."
            )
        if not (size := sum(prod(self._shapes[name]) for name in names)):
            raise ValueError("names must hold at least one parameter. Got none. Name a group that the model has.")
        return size

    def blocks(self, names: Names, *, rows: int | None = None) -> Iterator[list[Piece]]:
        """All pieces, as many at once as so many `rows` allow for; by default those of the whole pool."""
        most = max(1, _BLOCK_NUMBERS // (rows or len(self.pairs)))
        block: list[Piece] = []
        n_in_block = 0
        for piece in self.pieces(names):
            if block and n_in_block + piece.size > most:
                yield block
                block, n_in_block = [], 0
            block.append(piece)
            n_in_block += piece.size
        yield block

    def pieces(self, names: Names) -> Iterator[Piece]:
        """All parameters in the order of (sorted name, flat index), a thread's work at a time."""
        for name in sorted(set(names)):
            size = prod(self._shapes[name])
            for start in range(0, size, _PIECE):
                yield Piece(name, start, min(start + _PIECE, size))

    def values(self, row: int, piece: Piece) -> Floats:
        """One pair's values there: a view of its file.

        Raises:
            ValueError: A value that is negative or not finite.
        """
        file = self._files[row]
        values = file.values(piece)
        # A NaN is the minimum of whatever holds it, and fails the comparison.
        if not (values.min() >= 0 and values.max() < np.inf):
            bad = values[~((values >= 0) & (values < np.inf))][0]
            raise ValueError(
                f"A Fisher diagonal must be finite and not negative. Got {bad} in {piece.name} of {file.pair}. "
                "Estimate the pair again."
            )
        return values

    def any(self, row: int, names: Names) -> bool:
        """Whether a pair's diagonal holds anything but zeros."""
        return any(self.values(row, piece).any() for piece in self.pieces(names))

    def distinct(self, names: Names) -> tuple[list[int], list[int]]:
        """The rows that differ from one another, in an order that only their numbers decide; and each row's place there.

        Products depend in their last digits on the order of the rows. In this order they depend on the pool alone,
        and diagonals that are equal are one.
        """
        pieces = list(self.pieces(names))

        def compare(i: int, j: int) -> int:
            return self._compare(i, j, pieces)

        ordered = sorted(range(len(self.pairs)), key=cmp_to_key(compare))
        distinct: list[int] = []
        place = [0] * len(ordered)
        for row in ordered:
            if not distinct or self._compare(distinct[-1], row, pieces):
                distinct.append(row)
            place[row] = len(distinct) - 1
        self._release()
        return distinct, place

    def _compare(self, i: int, j: int, pieces: Iterable[Piece]) -> int:
        """-1, 0 or 1: which of two diagonals has the smaller number where they first differ."""
        for piece in pieces:
            first, second = self._files[i].values(piece), self._files[j].values(piece)
            if len(places := np.flatnonzero(first != second)):
                return -1 if first[places[0]] < second[places[0]] else 1
        return 0

    def share(self, work: Callable[[_T], _R], parts: Iterable[_T]) -> list[_R]:
        """``[work(part) for part in parts]``, by all threads."""
        return list(self._threads.map(work, parts))

    def expect(self, n_numbers: int) -> None:
        """Count so many numbers as still to be read."""
        self._n_to_read += n_numbers

    def advance(self, n_numbers: int) -> None:
        """Count so many numbers as read, release their pages and report.

        Raises:
            JobCancelled: The work was asked to stop.
        """
        self._release()
        self._n_read += n_numbers
        if self._report:
            self._report(self._n_read, self._n_to_read)
        if self._should_stop():
            raise JobCancelled(f"Stopped on request while comparing, at {self._n_read} of {self._n_to_read} numbers.")

    def release(self, row: int) -> None:
        """Give the pages back that were read of one file: else they would count as this process's memory."""
        self._files[row].release()

    def _release(self) -> None:
        for row in range(len(self._files)):
            self.release(row)


class _File:
    """One pair's file, mapped."""

    def __init__(self, pair: LanguagePair, path: Path) -> None:
        self.pair = pair
        try:
            with safe_open(path, framework="np"):  # checks that header and size agree
                pass
            with path.open("rb") as stream:
                length = int.from_bytes(stream.read(8), "little")
                header = json.loads(stream.read(length))
                self._bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError, SafetensorError) as error:
            raise DamagedArtifact(
                f"The Fisher file of {pair} can't be read: {error}. Estimate the pair again."
            ) from error
        header.pop("__metadata__", None)
        self.layout = {name: (entry["dtype"], tuple(entry["shape"])) for name, entry in header.items()}
        self._starts = {name: 8 + length + entry["data_offsets"][0] for name, entry in header.items()}

    def values(self, piece: Piece) -> Floats:
        offset = self._starts[piece.name] + 4 * piece.start
        return np.frombuffer(self._bytes, dtype="<f4", count=piece.size, offset=offset)

    def release(self) -> None:
        if hasattr(mmap, "MADV_DONTNEED"):
            self._bytes.madvise(mmap.MADV_DONTNEED)


def _common_shapes(files: Sequence[_File]) -> Mapping[str, tuple[int, ...]]:
    """Names and shapes that all files share."""
    first, *others = files
    for file in others:
        if file.layout != first.layout:
            raise ValueError(
                f"All Fisher files of a pool must hold the same parameters. Got {_difference(file.layout, first.layout)} "
                f"for {file.pair}, compared with {first.pair}. Estimate both with the same model and parameters."
            )
    if foreign := [name for name, (dtype, _) in first.layout.items() if dtype != "F32"]:
        raise ValueError(
            f"A Fisher file must hold float32. Got {first.layout[foreign[0]][0]} in {foreign[0]} of {first.pair}."
        )
    return {name: shape for name, (_, shape) in first.layout.items()}


def _difference(layout: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """The first thing that differs, in words."""
    if missing := sorted(expected.keys() - layout.keys()):
        return f"no {missing[0]}"
    if added := sorted(layout.keys() - expected.keys()):
        return f"{added[0]} besides"
    name = min(name for name in layout if layout[name] != expected[name])
    (dtype, shape), (expected_dtype, expected_shape) = layout[name], expected[name]
    return f"{name} as {dtype} {list(shape)} instead of {expected_dtype} {list(expected_shape)}"
