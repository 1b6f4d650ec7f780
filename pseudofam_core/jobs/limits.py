"""What may be asked of a shared cache: nothing where it is only looked at, and never more than it bears."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from pathlib import Path

from pseudofam_core.errors import JobError

READ_ONLY = "PSEUDOFAM_READ_ONLY"
MOST_JOBS = "PSEUDOFAM_MOST_JOBS"
FREE_GB = "PSEUDOFAM_FREE_GB"
CACHE_GB = "PSEUDOFAM_CACHE_GB"
_USUAL: dict[str, float] = {MOST_JOBS: 100, FREE_GB: 1, CACHE_GB: math.inf}


def is_read_only() -> bool:
    """Whether the app only shows what there is."""
    return bool(os.environ.get(READ_ONLY))


def check_allowed() -> None:
    """Refuse to change anything where the app only shows what there is.

    Raises:
        JobError: It does.
    """
    if is_read_only():
        raise JobError("This app only shows what there is: it was started with --read-only.")


def check_room(cache_root: Path, n_active: int) -> None:
    """Refuse more work than waits already, or than cache and disk have room for.

    What runs already is not stopped, and may write beyond the cache's limit.

    Raises:
        JobError: A job more would be too many, the cache holds what it may, or the disk is nearly full.
    """
    most, free = _limit(MOST_JOBS), _limit(FREE_GB)
    if n_active >= most:
        raise JobError(
            f"At most {most:g} jobs may wait or run at a time ({MOST_JOBS}). Wait for one to end, or cancel one."
        )
    place = next(folder for folder in (cache_root.absolute(), *cache_root.absolute().parents) if folder.exists())
    left = shutil.disk_usage(place).free / 1e9
    if left < free:
        raise JobError(
            f"The disk of {cache_root} must have {free:g} GB free ({FREE_GB}). It has {left:.2f}. Free some space."
        )
    _check_size(cache_root)


def _check_size(cache_root: Path) -> None:
    most = _limit(CACHE_GB)
    if math.isfinite(most) and (held := _bytes_below(cache_root) / 1e9) >= most:
        raise JobError(
            f"The cache {cache_root} may hold {most:g} GB ({CACHE_GB}): estimates, runs, kept weights, checkpoints and jobs "
            f"together. It holds {held:.2f}. Remove what nobody needs there, kept weights first, or start the app with more."
        )


def _bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder; what vanishes meanwhile counts nothing, and links are not followed."""
    n = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                n += os.lstat(os.path.join(place, name)).st_size
    return n


def _limit(name: str) -> float:
    said = os.environ.get(name, "")
    try:
        return float(said) if said else _USUAL[name]
    except ValueError as error:
        raise JobError(f"{name} must be a number. Got {said!r}.") from error
