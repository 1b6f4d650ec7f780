"""A cache that two users of one machine share: what one has made, the other finds; secrets aside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pseudofam_core.jobs import record
from pseudofam_core.jobs.record import Attempt, Request, State, Task
from pseudofam_core.store.cache import Cache

NOBODY = 65534
ROOT = Path(__file__).parents[2]
LOOK = """
import os, sys
from pathlib import Path
from pseudofam_core import jobs
from pseudofam_core.store.cache import Cache
os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))
root = Path(sys.argv[1])
found = Cache(root).find("stage", "k" * 32)
print(os.getuid(), found and found.file("a.txt").read_text(), *[one.state for one in jobs.list_jobs(root)])
(one,) = jobs.list_jobs(root)
print(jobs.log_tail(root, one.id))
try:
    jobs.remove(root, one.id)
except jobs.control.JobError as error:
    print("refused")
"""


@pytest.fixture
def shared():
    """A folder that every user reaches."""
    folder = Path(tempfile.mkdtemp(prefix="shared-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_another_user_finds_results_and_jobs_and_can_remove_neither(shared):
    if os.geteuid() != 0:
        pytest.skip("Only root can become another user.")

    def write(at: Path) -> None:
        (at / "a.txt").write_text("seven")
        (at / "a.txt").chmod(0o600)  # as some writers do

    before = os.umask(0o022)
    try:
        Cache(shared).store("stage", "k" * 32, spec={}, summary={}, write=write)
        request = Request("write", {}, ("one",), "A job", 1.0)
        folder = record.job_folder(shared, request.id)
        record.write_request(folder, request)
        record.claim_attempt(folder, Attempt(1, ("one",), 2.0, "engine", None, False, {}))
        record.write_task(record.attempt_folder(folder, 1), "one", Task(State.DONE, 1, "there", 7, 1.0, 2.0))
        record.log_file(folder).write_text("begun")
    finally:
        os.umask(before)
    ran = subprocess.run(
        [sys.executable, "-c", LOOK, str(shared), str(NOBODY)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stdout.splitlines() == [f"{NOBODY} seven done", "begun", "refused"], ran.stderr
