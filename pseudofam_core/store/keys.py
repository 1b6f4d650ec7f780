"""Canonical text of specs, and digests of files: what keys are made of."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any


def canonical(value: Any) -> Any:
    """A spec as plain JSON values. Left out: fields marked ``key=False``, and those marked ``key="if set"`` at their default.

    The latter came later, with a default that stands for what was always so: keys of before stay what they are.

    Raises:
        TypeError: A value has no canonical form. What can't be hashed can't be a key.
    """
    if is_dataclass(value) and not isinstance(value, type):
        kept = [field for field in fields(value) if _belongs(field, getattr(value, field.name))]
        return {field.name: canonical(getattr(value, field.name)) for field in kept}
    if isinstance(value, Enum):
        return canonical(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [canonical(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    raise TypeError(f"A spec must hold plain values. Got {type(value).__name__}: {value!r}.")


def _belongs(field: Field[Any], value: Any) -> bool:
    said = field.metadata.get("key", True)
    return value != field.default if said == "if set" else bool(said)


def key_of(stage: str, version: int, spec: Any) -> str:
    """The key of a stage's result: SHA-256 of stage, stage version and spec, 32 hexadecimal digits."""
    text = json.dumps([stage, version, canonical(spec)], sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Read again only where size or time of change differ."""
    stat = path.stat()
    return _file_digest(path, stat.st_size, stat.st_mtime_ns)


def files_digest(paths: Iterable[Path], *, root: Path) -> str:
    """SHA-256 over names below `root` and bytes of `paths`, whatever their order."""
    sha = hashlib.sha256()
    for path in sorted(paths):
        sha.update(f"{path.relative_to(root).as_posix()}\0{file_digest(path)}\0".encode())
    return sha.hexdigest()


@functools.lru_cache(maxsize=4096)
def _file_digest(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
