"""Dask's scheduler and worker without their web servers, which know nothing of certificates.

Kept apart, because to import this is to import ``distributed``.
"""

from __future__ import annotations

from distributed import Scheduler, Worker


class QuietScheduler(Scheduler):
    """A scheduler that listens to nobody but its workers and clients."""

    def start_http_server(self, *_: object, **__: object) -> None:
        """Start none."""


class QuietWorker(Worker):
    """A worker that listens to nobody but scheduler and workers."""

    def start_http_server(self, *_: object, **__: object) -> None:
        """Start none."""
