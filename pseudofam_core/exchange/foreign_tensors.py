"""Whether the files of an estimate that a stranger made hold what an estimator writes: NumPy only, a block at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from math import isclose, prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from pseudofam_core.errors import DamagedArtifact
from pseudofam_core.estimates import FisherSummary

_AGAIN = "Export it again, or copy it again."
_LONGEST_HEADER = 8 * 2**20  # bytes
_BLOCK = 2**22  # numbers
_ROUNDING = 1e-3  # of a total of float32 values, relative


def check_diagonal(path: Path, summary: FisherSummary) -> None:
    """A diagonal: float32 tensors of finite numbers, none negative, as many and of the sum that the manifest says.

    Raises:
        DamagedArtifact: It is not.
    """
    n_parameters, total = 0, 0.0
    with _tensors(path) as tensors:
        for name in tensors.keys():  # noqa: SIM118
            n_parameters += prod(tensors.get_slice(name).get_shape())
            total += sum(_checked_sum(block, name, path) for block in _blocks(tensors, name))
    if n_parameters != summary.n_parameters:
        raise DamagedArtifact(
            f"{path.name} of {summary.pair} holds {n_parameters} numbers, its manifest says {summary.n_parameters}. {_AGAIN}"
        )
    if not isclose(total, summary.total, rel_tol=_ROUNDING):
        raise DamagedArtifact(
            f"{path.name} of {summary.pair} adds up to {total:.6g}, its manifest says {summary.total:.6g}. {_AGAIN}"
        )


def check_shards(path: Path, summary: FisherSummary) -> None:
    """The shards' sums for a subset of the parameters: see `estimates.load_sketches`.

    Raises:
        DamagedArtifact: They are not such sums.
    """
    with _tensors(path) as tensors:
        shapes = {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
        rows, columns = shapes.get("values", (0, 0))[:1], shapes.get("values", (0, 0))[1:]
        if shapes != {"values": rows + columns, "counts": rows, "positions": columns} or 0 in rows:
            raise DamagedArtifact(f"{path.name} of {summary.pair} is not laid out as shards. {_AGAIN}")
        for block in _blocks(tensors, "values"):
            _checked_sum(block, "values", path)
        counts, positions = tensors.get_tensor("counts"), tensors.get_tensor("positions")
    if counts.dtype != np.int64 or positions.dtype != np.int64 or (counts < 1).any():
        raise DamagedArtifact(f"{path.name} of {summary.pair} must count with whole numbers of at least 1. {_AGAIN}")
    if (np.diff(positions) <= 0).any() or not ((positions >= 0) & (positions < summary.n_parameters)).all():
        raise DamagedArtifact(f"{path.name} of {summary.pair} names parameters that there are not. {_AGAIN}")


@contextmanager
def _tensors(path: Path) -> Iterator[Any]:
    """An open safetensors file with a header of a sane length.

    Raises:
        DamagedArtifact: It is none.
    """
    try:
        with path.open("rb") as stream:
            length = struct.unpack("<Q", stream.read(8))[0]
        if length > _LONGEST_HEADER:
            raise SafetensorError(f"a header of {length:,} bytes")
        with safe_open(path, framework="numpy") as tensors:
            yield tensors
    except (SafetensorError, struct.error, TypeError, ValueError) as error:  # a dtype that numpy lacks among them
        raise DamagedArtifact(f"{path.name} is not a safetensors file of an estimate ({error}). {_AGAIN}") from error


def _blocks(tensors: Any, name: str) -> Iterator[npt.NDArray[Any]]:
    view = tensors.get_slice(name)
    shape = view.get_shape()
    if not shape:
        yield tensors.get_tensor(name)
        return
    step = max(1, _BLOCK // max(1, prod(shape[1:])))
    for start in range(0, shape[0], step):
        yield view[start : min(start + step, shape[0])]


def _checked_sum(block: npt.NDArray[Any], name: str, path: Path) -> float:
    if block.dtype != np.float32:
        raise DamagedArtifact(f"{path.name} must hold float32. {name:.80} is {block.dtype}. {_AGAIN}")
    if not (np.isfinite(block).all() and (block >= 0).all()):
        raise DamagedArtifact(f"{path.name} must hold finite numbers, none negative. {name:.80} does not. {_AGAIN}")
    return float(block.sum(dtype=np.float64))
