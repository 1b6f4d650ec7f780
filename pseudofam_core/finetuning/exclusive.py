"""One run at a time, by all of its processes together: see `pseudofam_core.estimates.exclusive`."""

from __future__ import annotations

import contextlib
from pathlib import Path

from pseudofam_core.estimates import exclusive as by_one
from pseudofam_core.finetuning.processes import by_first
from pseudofam_core.progress import Report, ShouldStop


def exclusive(file: Path, *, report: Report, should_stop: ShouldStop) -> contextlib.AbstractContextManager[None]:
    """Wait until no other run holds the file, then hold it; all processes of this one hold it as one."""
    return by_one.exclusive(file, what="run", report=report, should_stop=should_stop, agreed=by_first)
