"""What several ask for at once is held by one at a time, and leaves no file behind."""

from __future__ import annotations

import threading
import time

import pytest

from pseudofam_core.errors import JobCancelled
from pseudofam_core.finetuning.exclusive import exclusive
from pseudofam_core.progress import never, silent


def test_no_file_is_left_behind(tmp_path):
    file = tmp_path / "partial" / "key.lock"
    with exclusive(file, report=silent, should_stop=never):
        assert file.is_file()
    assert not list(file.parent.iterdir())


def test_nor_after_work_that_failed(tmp_path):
    file = tmp_path / "key.lock"
    with pytest.raises(KeyError), exclusive(file, report=silent, should_stop=never):
        raise KeyError
    assert not file.exists()


def test_who_waits_leaves_the_file_of_who_holds_it(tmp_path):
    file, told = tmp_path / "key.lock", []
    with exclusive(file, report=silent, should_stop=never):
        with (
            pytest.raises(JobCancelled, match="another job does the same run"),
            exclusive(file, report=told.append, should_stop=lambda: True),
        ):
            pytest.fail("held twice")
        assert file.is_file()
    assert told[0].phase.startswith("waiting for another job")


def test_of_many_one_holds_it_at_a_time(tmp_path):
    file, inside, most = tmp_path / "key.lock", [], []

    def work() -> None:
        for _ in range(3):
            with exclusive(file, report=silent, should_stop=never):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.01)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most == [1] * 15
    assert not file.exists()
