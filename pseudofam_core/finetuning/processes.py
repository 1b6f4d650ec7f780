"""One run on several processes, as ``accelerate launch`` or ``torchrun`` start them: each does its share, the first keeps it.

The processes pass through the same code in step. What they must agree on (is the run finished, did somebody ask to stop,
how is dev) is decided once and told to all, for one that goes another way leaves the others waiting. A process that was
started alone is the first, and nothing here costs it anything.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import zip_longest
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object

from pseudofam_core.corpora import Bitext
from pseudofam_core.errors import JobCancelled
from pseudofam_core.models.loading import TranslationModel
from pseudofam_core.progress import ShouldStop
from pseudofam_core.tasks.task import Task

T = TypeVar("T")
# While the first translates dev, or writes weights; torch would end the run after minutes.
_LONGEST_WAIT = timedelta(hours=6)


def is_first() -> bool:
    """Whether this is the process that writes, reports and prints."""
    return bool(_state().is_main_process)


def n_processes() -> int:
    """How many share the run."""
    return int(_state().num_processes)


def by_first(make: Callable[[], T]) -> T:
    """What the first process makes, in every process; the others wait for it."""
    if n_processes() == 1:
        return make()
    value = [make() if is_first() else None]
    told: T = broadcast_object_list(value)[0]
    return told


def asked_in_any(should_stop: ShouldStop) -> ShouldStop:
    """Whether any process was asked to stop. All must ask at the same places."""
    if n_processes() == 1:
        return should_stop
    return lambda: any(gather_object([should_stop()]))


def generate_shared(
    task: Task, model: TranslationModel, bitext: Bitext, *, should_stop: ShouldStop, **options: Any
) -> tuple[str, ...]:
    """`Task.generate`, each process a share of the sentences; every process gets all outputs.

    Raises:
        JobCancelled: `should_stop` said so in any process.
    """
    if (n := n_processes()) == 1:
        return task.generate(model, bitext, should_stop=should_stop, **options)
    rank = _state().process_index
    mine = replace(bitext, sources=bitext.sources[rank::n], targets=bitext.targets[rank::n])
    written: Sequence[str] | None = None
    with contextlib.suppress(JobCancelled):  # told to the others first
        written = task.generate(model, mine, should_stop=should_stop, **options) if len(mine) else ()
    shares = gather_object([written])
    if None in shares:
        raise JobCancelled("Stopped on request while translating.")
    return tuple(text for row in zip_longest(*shares) for text in row if text is not None)


def _state() -> PartialState:
    state = PartialState(cpu=not torch.cuda.is_available(), timeout=_LONGEST_WAIT)
    if state.num_processes > 1:
        _part_at_exit()
    return state


@functools.cache
def _part_at_exit() -> None:
    """Have gloo's threads end before the interpreter does: one that still holds a message then aborts the process.

    Without it 7 of 30 pairs of processes that ended after a broadcast failed so, with it none of 60 (torch 2.13; its
    issue 190489).
    """
    atexit.register(_part)


def _part() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
