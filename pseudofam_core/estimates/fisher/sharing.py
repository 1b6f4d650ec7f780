"""Tasks shared out among threads of which each takes the next: no barrier but the last, and none waits for a sleeper's share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor


def share(tasks: Iterable[Callable[[], None]], *, n_threads: int) -> None:
    """Run all tasks on this thread and ``n_threads - 1`` others. They must let go of Python's lock to be of use.

    A thread that gets no core takes no task. Nothing waits for one that has not begun.
    """
    waiting = iter(list(tasks))

    def work() -> None:
        for task in waiting:
            task()

    others = [_pool(n_threads - 1).submit(work) for _ in range(n_threads - 1)]
    try:
        work()
    finally:
        for future in others:
            if not future.cancel():
                future.result()


@functools.cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, thread_name_prefix="share")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a fork copies no threads
