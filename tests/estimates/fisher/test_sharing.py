"""Tasks shared out among threads: each runs once, a failure is raised, and nothing waits for a thread that sleeps."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from pseudofam_core.estimates.fisher.sharing import share


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("n_tasks", [0, 1, 100])
def test_each_task_runs_once(n_tasks, n_threads):
    done = Counter()
    share([lambda n=n: done.update([n]) for n in range(n_tasks)], n_threads=n_threads)
    assert done == Counter(range(n_tasks))


def test_two_threads_work_at_the_same_time():
    meeting = threading.Barrier(2, timeout=60)
    share([meeting.wait, meeting.wait], n_threads=2)


def test_a_thread_that_is_busy_elsewhere_is_not_waited_for():
    """The pool's only thread is held by another's task until this call is over."""
    holding, over, ended_in_time = threading.Event(), threading.Event(), []

    def hold():
        if threading.current_thread() is outer:
            holding.wait(60)
        else:
            holding.set()
            ended_in_time.append(over.wait(30))

    outer = threading.Thread(target=lambda: share([hold, hold], n_threads=2))
    outer.start()
    assert holding.wait(60)
    done = []
    share([lambda: done.append(1)] * 3, n_threads=2)
    over.set()
    outer.join()
    assert len(done) == 3
    assert ended_in_time == [True]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_failure_is_raised(n_threads):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        share([fail, fail], n_threads=n_threads)
