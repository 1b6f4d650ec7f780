"""Run a task on a small disk that fills up, then again with room; prints what readers see. For `test_full_disk`.

Runs in a mount namespace of its own (``unshare -rm``), so that the disk is real and gone when this ends.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from pseudofam_core import __version__
from pseudofam_core.jobs import pulse, record, work
from pseudofam_core.jobs.record import Attempt, Request
from pseudofam_core.store.cache import Cache

pulse.HEARTBEAT_S = 0.05
root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", root], check=True)
REQUEST = Request("write", {}, ("one",), "A job", 0.0)
folder, filler = record.job_folder(root, REQUEST.id), root / "filler"


def fill():
    """Somebody else takes all that is left."""
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def write(request, name, cache, report, should_stop):
    if number == 1:
        fill()
        time.sleep(0.3)  # heartbeats fail meanwhile
    cache.store("stage", "key", spec={}, summary={}, write=lambda folder: (folder / "file").write_bytes(bytes(600_000)))


def attempt():
    record.claim_attempt(folder, Attempt(number, ("one",), 0.0, "engine", None, False, {}))
    work.run_task(str(folder), number, "one", __version__)


def tell():
    tasks = record.read_job(folder).attempts[-1].tasks
    task = tasks.get("one")
    names = sorted(one.name for one in (root / "stage").glob("**/*"))
    found = Cache(root).find("stage", "key") is not None
    print(json.dumps({"state": task and task.state, "error": task and task.error, "found": found, "names": names}))


work.DOORS["write"] = write
record.write_request(folder, REQUEST)
number = 1
attempt()
tell()

filler.unlink()
number = 2
(record.attempt_folder(folder, 2)).parent.mkdir(exist_ok=True)
record.claim_attempt(folder, Attempt(2, ("one",), 0.0, "engine", None, False, {}))
fill()
running = threading.Thread(target=work.run_task, args=(str(folder), 2, "one", __version__))
running.start()
time.sleep(0.3)
tell()
filler.unlink()
running.join(10)
tell()
