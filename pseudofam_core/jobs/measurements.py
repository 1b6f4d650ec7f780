"""Loss, dev score and the like of one task over time: JSON lines, written by its worker alone."""

from __future__ import annotations

import json
import math
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from pseudofam_core.jobs.checked import DAMAGE
from pseudofam_core.progress import Progress


class MetricsFile:
    """Collects reports and appends them; what could not be written is kept for the next time.

    Args:
        path: The file; made with the first line.
        run: Which run of the task this is; a resumed task is another run.
    """

    def __init__(self, path: Path, *, run: float) -> None:
        """Remember the file; nothing is written yet."""
        self._path, self._run = path, run
        self._waiting: deque[str] = deque()  # one thread adds while another writes
        self._latest: dict[str, Any] = {}

    def add(self, progress: Progress) -> None:
        """Remember the metrics of a report, unless they are those of the last one. They must be `plain`."""
        metrics = dict(progress.metrics)
        if metrics == self._latest:
            return
        self._latest = metrics
        report = {"run": self._run, "phase": progress.phase, "done": progress.done, **metrics}
        self._waiting.append(json.dumps(report, allow_nan=False) + "\n")

    def write(self) -> None:
        """Append what waits.

        Raises:
            OSError: The disk is full.
        """
        if not (lines := list(self._waiting)):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as file:
            file.write(("\n" * _is_torn(file) + "".join(lines)).encode())
        for _ in lines:
            self._waiting.popleft()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All reports of a task in order, each with ``phase``, ``done`` and its metrics; None stands for NaN and infinity.

    What a resumed run repeats takes the place of what the run before it had said. Torn and damaged lines are left out.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    reports: list[dict[str, Any]] = []
    for line in lines:
        if (report := _report(line)) is None:
            continue
        if reports and report["run"] != reports[-1]["run"]:
            reports = _before(report, reports)
        reports.append(report)
    return [{name: value for name, value in report.items() if name != "run"} for report in reports]


def plain(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    """Metrics as JSON can hold them: Python's own numbers, None for NaN and infinity."""
    return {
        name: None if value is None or not math.isfinite(value) else float(value) for name, value in metrics.items()
    }


def _report(line: str) -> dict[str, Any] | None:
    """What a line says, or None where no worker can have written it so."""
    try:
        report = json.loads(line)
        numbers = {name: value for name, value in report.items() if name != "phase" and value is not None}
        well = all(type(number) in (int, float) and math.isfinite(number) for number in numbers.values())
        well = well and isinstance(report["phase"], str) and {"run", "done"} <= set(numbers)
    except DAMAGE:
        return None
    return report if well else None


def _before(first: Mapping[str, Any], reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What still holds of the reports of earlier runs when another run goes on with `first`."""
    repeated = (
        i for i, report in enumerate(reports) if report["phase"] == first["phase"] and report["done"] >= first["done"]
    )
    return reports[: next(repeated, len(reports))]


def _is_torn(file: IO[bytes]) -> bool:
    """Whether the last line lacks its end: a worker died over it, or the disk was full."""
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"
