"""The files of jobs, checked before anybody uses what they hold: disks fail, and other versions and people write too."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pseudofam_core.store.cache import DAMAGE
from pseudofam_core.store.restoring import known_of, restored

__all__ = ["DAMAGE", "LAST_TIME", "checked", "read_json"]
T = TypeVar("T")
LAST_TIME = 2.5e11  # seconds since 1970, in the year 9892: calendars end soon after
_MOST = 1e100  # sums and quotients of such numbers are still numbers
_MOST_BYTES = 50_000_000


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        OSError: It can't be read.
        ValueError: It is no JSON, longer than any of ours, or holds what can't be computed with or shown.
        RecursionError: It is nested too deeply.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path.name} has more than {_MOST_BYTES} bytes")
    values = json.loads(path.read_text(encoding="utf-8"))
    _check(values)
    return values


def checked(kind: type[T], values: Any, **others: Any) -> T:
    """A dataclass from JSON values; what has no field is left out: a newer version may have written it.

    Args:
        kind: The dataclass.
        values: A mapping by field.
        others: Fields that are known from elsewhere.

    Raises:
        MalformedValue: A value has another type, or is missing.
        TypeError: The values are no mapping.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"{kind.__name__} must be values by name")
    return restored(kind, {**known_of(kind, values), **others})


def _check(value: Any) -> None:
    """Refuse numbers that are not finite or beyond use, and texts that no encoding can write."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, int | float) and not (math.isfinite(value) and abs(value) <= _MOST):
        raise ValueError(f"numbers must be finite, and at most {_MOST:g}")
    inner: Iterable[Any] = value if isinstance(value, list) else ()
    for part in (*value, *value.values()) if isinstance(value, dict) else inner:
        _check(part)
