"""Two that ask for the same run at once."""

from __future__ import annotations

import threading

import pytest

from pseudofam_core.errors import JobCancelled
from pseudofam_core.finetuning.exclusive import exclusive
from pseudofam_core.progress import never, silent


def test_the_second_waits_for_the_first(tmp_path):
    order, told, waits = [], [], threading.Event()

    def report(progress):
        told.append(progress.phase)
        waits.set()

    def second():
        with exclusive(tmp_path / "a" / "lock", report=report, should_stop=never):
            order.append("second")

    with exclusive(tmp_path / "a" / "lock", report=silent, should_stop=never):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]
    assert told[0] == "waiting for another job that does the same run"


def test_who_waits_can_be_stopped(tmp_path):
    second = exclusive(tmp_path / "lock", report=silent, should_stop=lambda: True)
    with exclusive(tmp_path / "lock", report=silent, should_stop=never), pytest.raises(JobCancelled), second:
        raise AssertionError


def test_a_failure_lets_go(tmp_path):
    with pytest.raises(ValueError, match="x"), exclusive(tmp_path / "lock", report=silent, should_stop=never):
        raise ValueError("x")
    with exclusive(tmp_path / "lock", report=silent, should_stop=lambda: True):
        pass
