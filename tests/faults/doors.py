"""Kinds of work whose pace a test decides. Workers load this file beforehand (Dask's preload), tests import it."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path

from pseudofam_core.errors import JobCancelled
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import work
from pseudofam_core.languages import pair
from pseudofam_core.progress import Progress
from pseudofam_core.store.restoring import restored

PRELOAD = f'["{__file__}"]'  # for DASK_DISTRIBUTED__WORKER__PRELOAD


def dask_setup(worker):
    work.DOORS.update(DOORS)


def wait(request, name, cache, report, should_stop):
    """Last for a while, then note from when to when, by a clock that all processes of this machine share."""
    begun = time.monotonic()
    report(Progress("waiting", 1, 2, rate=1.0, metrics={"loss": 1.0}))
    while time.monotonic() - begun < request.payload["seconds"]:
        time.sleep(0.02)
        if should_stop():
            raise JobCancelled("Stopped.")
    note(request, f"{name} {begun} {time.monotonic()}")


def deaf(request, name, cache, report, should_stop):
    """Last for ten minutes, whoever asks to stop."""
    report(Progress("waiting", 1, 2))
    time.sleep(600)


def slow_estimate(request, name, cache, report, should_stop):
    """Estimate in tiny batches with a rest after each, write a checkpoint at each, and note how far it is."""
    from pseudofam_core.estimates import computing
    from pseudofam_core.estimates.fisher import estimate_fisher

    def rest(progress):
        report(progress)
        if progress.phase == "estimating":
            note(request, f"{name} {os.getpid()} {progress.done}")
            time.sleep(request.payload["rest"])

    computing.estimate_fisher = functools.partial(estimate_fisher, checkpoint_seconds=0.0)
    spec = computing.fisher_spec(restored(Workspace, request.payload["workspace"]), pair(name))
    computing.compute(spec, cache, batch_tokens=20, report=rest, should_stop=should_stop)


def note(request, line):
    with Path(request.payload["notes"]).open("a") as notes:
        notes.write(line + "\n")


DOORS = {"wait": wait, "deaf": deaf, "slow-estimate": slow_estimate}
