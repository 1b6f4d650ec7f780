"""Where the pages' results are: the one place that decides it."""

from __future__ import annotations

from pathlib import Path

from pseudofam_core.store.cache import Cache, default_root


def cache_root() -> Path:
    """The folder of results, below which jobs are too."""
    return default_root()


def results() -> Cache:
    """The results themselves."""
    return Cache(cache_root())
