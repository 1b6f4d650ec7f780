"""Metrics of a task: every new report a line, over resumed runs, whatever became of the last line."""

from __future__ import annotations

import json
import math

import pytest

from pseudofam_core.jobs.measurements import MetricsFile, plain, read_metrics
from pseudofam_core.progress import Progress


def report(done, phase="training", **metrics):
    return Progress(phase, done, 100, "steps", metrics=metrics)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics" / "one.jsonl"


def write(path, run, *reports):
    file = MetricsFile(path, run=run)
    for one in reports:
        file.add(one)
    file.write()


def test_reports_are_read_in_order_and_only_once(path):
    write(path, 1.0, report(1, loss=3.0), report(2, loss=3.0), report(3, loss=2.0, dev=9.0), report(3, "dev", bleu=1.0))
    assert read_metrics(path) == [
        {"phase": "training", "done": 1, "loss": 3.0},
        {"phase": "training", "done": 3, "loss": 2.0, "dev": 9.0},
        {"phase": "dev", "done": 3, "bleu": 1.0},
    ]


def test_what_a_resumed_run_repeats_replaces_what_was_said(path):
    write(path, 1.0, report(10, loss=5.0), report(20, loss=4.0), report(9, "dev", bleu=1.0), report(30, loss=3.0))
    write(path, 2.0, report(20, loss=4.5), report(30, loss=3.5))
    assert [(one["done"], one["loss"]) for one in read_metrics(path)] == [(10, 5.0), (20, 4.5), (30, 3.5)]


def test_a_torn_line_costs_itself_alone(path):
    write(path, 1.0, report(1, loss=3.0), report(2, loss=2.0))
    path.write_bytes(path.read_bytes()[:-9])
    assert [one["done"] for one in read_metrics(path)] == [1]
    write(path, 1.0, report(3, loss=1.0))
    assert [one["done"] for one in read_metrics(path)] == [1, 3]


def test_what_could_not_be_written_is_written_later(path):
    file = MetricsFile(path, run=1.0)
    file.add(report(1, loss=3.0))
    path.parent.write_text("in the way")
    with pytest.raises(OSError, match="exists"):
        file.write()
    path.parent.unlink()
    file.add(report(2, loss=2.0))
    file.write()
    file.write()
    assert [one["done"] for one in read_metrics(path)] == [1, 2]


def test_a_task_without_metrics_has_none(path):
    MetricsFile(path, run=1.0).write()
    assert not path.exists()
    assert read_metrics(path) == []


def test_metrics_are_plain_json():
    numpy = pytest.importorskip("numpy")
    values = plain({"loss": numpy.float32(2.5), "nan": math.nan, "infinite": -math.inf, "steps": 3})
    assert json.dumps(values, allow_nan=False) == '{"loss": 2.5, "nan": null, "infinite": null, "steps": 3.0}'
