"""``jobs list|show|cancel|resume|logs``: what they print and how they end; the worker's part is played by each test."""

from __future__ import annotations

import threading
import time

import pytest

from pseudofam_core import jobs
from pseudofam_core.__main__ import main
from pseudofam_core.commands import jobs as command
from pseudofam_core.errors import JobCancelled
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import record, work
from pseudofam_core.jobs.record import Attempt, Request
from pseudofam_core.progress import Progress

TASKS = ("be-en", "uk-en")


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A queued job of two pairs."""
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(tmp_path))
    request = Request("estimate", {"workspace": Workspace().payload()}, TASKS, "Estimate 2 pairs", 1.0)
    folder = record.job_folder(tmp_path, request.id)
    record.write_request(folder, request)
    record.claim_attempt(folder, Attempt(1, TASKS, 2.0, "engine", None, False, {}))
    return folder


@pytest.fixture
def run(job, monkeypatch):
    """Runs one task of the job as a worker does."""

    def run(name, door=lambda *_: None):
        monkeypatch.setitem(work.DOORS, "estimate", door)
        work.run_task(str(job), 1, name, work.__version__)

    return run


def said(capsys, *arguments, status=0):
    assert main(["jobs", *arguments]) == status
    out, err = capsys.readouterr()
    assert bool(err) == bool(status)
    return err if status else out


def test_list_has_a_line_for_each_job(job, run, capsys):
    run("be-en")
    header, line = said(capsys, "list").splitlines()
    assert header.split()[:2] == ["ID", "STATE"]
    assert line.startswith(f"{job.name[:8]}  running  1/2 pairs")
    assert line.endswith("Estimate 2 pairs")
    assert header.index("TITLE") == line.index("Estimate")


def test_list_of_an_empty_cache_is_its_header(tmp_path, capsys):
    assert said(capsys, "list", "--cache", str(tmp_path)).splitlines() == [
        "ID  STATE  DONE  TO GO  STARTED (UTC)  TITLE"
    ]


def test_show_tells_of_each_task(job, run, capsys):
    def fail(request, name, cache, report, should_stop):
        report(Progress("estimating", 50, 200, rate=5.0))
        shown.append(said(capsys, "show", job.name))
        raise ValueError("no such thing")

    shown: list[str] = []
    run("be-en")
    run("uk-en", fail)
    shown.append(said(capsys, "show", job.name[:6]))
    running, failed = (text.splitlines() for text in shown)
    assert "done:          1 of 2 pairs" in running
    assert any(line.startswith("be-en  done") for line in running)
    assert any(line.startswith("uk-en  running") for line in running)
    assert "state:         failed" in failed
    assert any("50/200 sentences  5" in line for line in failed)
    assert failed[-1] == "uk-en: ValueError: no such thing"


def test_cancel_stops_what_is_queued_and_tells_what_is_kept(job, run, capsys):
    run("be-en")
    assert said(capsys, "cancel", job.name) == "cancelled, 1 of 2 kept\n"
    run("uk-en", lambda *_: pytest.fail("it was cancelled"))
    assert jobs.view(job.parents[1], job.name).state == "cancelled"


def test_resume_hands_the_rest_to_the_engine(job, run, capsys, monkeypatch):
    begun = []
    monkeypatch.setattr("pseudofam_core.jobs.control._begin", lambda root, folder, one, todo: begun.append(todo))
    run("be-en")
    said(capsys, "cancel", job.name)
    said(capsys, "resume", job.name)
    assert begun == [("uk-en",)]


def test_logs_are_followed_to_the_end(job, run, capsys, monkeypatch):
    monkeypatch.setattr(command, "_LOOK_S", 0.02)
    run("be-en")
    assert [line.split()[1:] for line in said(capsys, "logs", job.name, "--lines", "1").splitlines()] == [
        ["be-en", "INFO", "done"]
    ]
    later = threading.Thread(target=lambda: (time.sleep(0.3), run("uk-en")))
    later.start()
    lines = [line.split()[1:] for line in said(capsys, "logs", job.name, "--follow", "--lines", "1").splitlines()]
    later.join()
    assert lines == [["be-en", "INFO", "done"], ["uk-en", "INFO", "begun"], ["uk-en", "INFO", "done"]]


def test_following_a_job_that_does_not_get_done_ends_with_status_1(job, run, capsys):
    def stop(*_):
        raise JobCancelled("Stopped.")

    run("be-en", stop)
    jobs.cancel(job.parents[1], job.name)
    assert main(["jobs", "logs", job.name, "--follow"]) == 1
    assert capsys.readouterr().err == "pseudofam: The job ended as cancelled.\n"


@pytest.mark.parametrize("verb", ["show", "cancel", "resume", "logs"])
def test_a_job_that_is_not_there_is_an_error_in_one_line(job, capsys, verb):
    assert "'xyz' begins 0 of those" in said(capsys, verb, "xyz", status=1)


@pytest.mark.parametrize("arguments", [[], ["stop", "x"], ["show"], ["logs", "x", "--lines", "0"]])
def test_wrong_usage_ends_with_status_2(arguments):
    with pytest.raises(SystemExit) as ended:
        main(["jobs", *arguments])
    assert ended.value.code == 2
