"""Logs stay within bounds, whoever has them open."""

from __future__ import annotations

import logging

from pseudofam_core.jobs import logs


def test_a_long_log_keeps_its_last_lines_and_goes_on(tmp_path):
    path = tmp_path / "log"
    with path.open("a") as writer:
        writer.write("".join(f"line {i}\n" for i in range(10_000)))
        writer.flush()
        logs.keep_tail(path, 10_050)
        writer.write("after\n")
    kept = path.read_text().splitlines()
    assert path.stat().st_size < 1100
    assert kept[0] == "... (earlier lines were dropped)"
    assert kept[-2:] == ["line 9999", "after"]
    assert all(line.startswith("line ") for line in kept[1:-1])


def test_a_short_log_is_left_alone(tmp_path):
    path = tmp_path / "log"
    path.write_text("all of it\n")
    logs.keep_tail(path, 100)
    assert path.read_text() == "all of it\n"


def test_a_task_that_says_too_much_does_not_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MOST_BYTES", 10_000)
    monkeypatch.setattr(logs.keep_tail, "__defaults__", (10_000,))
    path = tmp_path / "log"
    with logs.logging_to(path, "100%/a"):
        for i in range(1000):
            logging.getLogger("pseudofam_core.estimates.fisher").info("message %d", i)
            assert path.stat().st_size <= 10_100
    assert path.read_text().splitlines()[-1].endswith("Z 100%/a INFO message 999")
