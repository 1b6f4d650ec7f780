"""What jobs cost, and what workers side by side gain, on the sample workspace.

``python -m benchmarks.jobs [--parts start,overhead,page,speedup]``, each part in an empty cache. All is measured with a
warm engine, whose worker has run a task before and so has the libraries and the model in memory; `first_progress_cold_s`
is the page's first progress where nothing runs yet.

- start_s: from the call of `submit_estimate` until the worker begins the work: connecting, writing, scheduling. Median.
- run_overhead: how much longer the 17 pairs (all parameters of the layers) take in a job, from the begin of the first
  to the end of the last, than called directly one after the other, as a share. Least of each.
- first_progress_s: in a browser, from the click until the page shows how many sentences have been read.
- speedup_2_workers: 17 pairs on one plain worker of one thread over two of them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pseudofam_core import jobs
from pseudofam_core.estimates import computing, pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import JobView, State, engine, record
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Cache

ROOT = Path(__file__).parents[1]
ONE = pair("be-en")
SMALL = Workspace(max_sentences=2)
PARTS = ("start", "overhead", "page", "speedup")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help="(default: %(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=3, help="of the run with and without a job (default: %(default)s)"
    )
    options = parser.parse_args()
    result: dict[str, float] = {}
    for part in options.parts.split(","):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            try:
                if part == "start":
                    result["start_s"] = round(start_s(root), 2)
                elif part == "overhead":
                    result["run_overhead"] = round(run_overhead(root, options.repeats), 4)
                elif part == "page":
                    result["first_progress_cold_s"] = round(first_progress_s(root / "cold"), 2)
                    ended(root, jobs.submit_estimate(root, SMALL, [ONE]))
                    result["first_progress_s"] = round(first_progress_s(root), 2)
                elif part == "speedup":
                    result["speedup_2_workers"] = round(speedup_2_workers(root), 2)
                else:
                    parser.error(f"--parts must be of {', '.join(PARTS)}. Got {part!r}.")
            finally:
                engine.stop(root)
                engine.stop(root / "cold")
    print("RESULT", json.dumps(result))


def start_s(root: Path) -> float:
    """Seconds from a submission to the worker's begin."""
    ended(root, jobs.submit_estimate(root, SMALL, [ONE]))
    spans = []
    for seed in range(2, 9):
        asked = time.monotonic()
        job = jobs.submit_estimate(root, replace(SMALL, seed=seed), [ONE])
        ended(root, job)
        task = record.read_job(record.job_folder(root, job)).attempts[0].tasks[str(ONE)]
        spans.append(task.clock - task.seconds - asked)  # of this machine's monotonic clock, as `time.monotonic` is
    return statistics.median(spans)


def run_overhead(root: Path, repeats: int) -> float:
    """Seconds of the sample's estimates in a job over those called directly, minus 1.

    The least of each counts: what else the machine does only adds.
    """
    pairs = pool_of(Workspace())
    ended(root, jobs.submit_estimate(root, SMALL, [ONE]))
    computing.compute(computing.fisher_spec(SMALL, ONE), Cache(root / "warm"))
    times: list[tuple[float, float]] = []
    for seed in range(1, repeats + 1):
        workspace = Workspace(seed=seed, parameters="layers")  # all of the layers: about a minute
        begun = time.monotonic()
        for one in pairs:
            computing.compute(computing.fisher_spec(workspace, one), Cache(root / "direct"), pool=pairs)
        direct = time.monotonic() - begun
        in_job = span_s(root, jobs.submit_estimate(root, workspace, pairs))
        times.append((in_job, direct))
        print(f"seed {seed}: {direct:.2f} s directly, {in_job:.2f} s in a job", flush=True)
    return min(job for job, _ in times) / min(direct for _, direct in times) - 1


def first_progress_s(root: Path) -> float:
    """Seconds from the click on the estimates page to the first count of sentences on it."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with _server(root) as address, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{address}/estimates")
        button = page.get_by_role("button", name="Run estimates")
        button.wait_for()
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        clicked = time.monotonic()
        button.click()
        page.get_by_text(re.compile(r"estimating, [\d,]+ of [\d,]+ sentences")).first.wait_for()
        seconds = time.monotonic() - clicked
        browser.close()
    for one in jobs.list_jobs(root):
        jobs.cancel(root, one.id)
    return seconds


def speedup_2_workers(root: Path) -> float:
    """Seconds of the sample's estimates on one worker over those on two, of one thread each."""
    pairs = pool_of(Workspace())
    seconds = []
    for n_workers in (1, 2):
        cache = root / str(n_workers)
        with _cluster(root / f"dask-{n_workers}", n_workers):
            ended(cache, jobs.submit_estimate(cache, SMALL, pairs))  # both workers have the model now
            seconds.append(span_s(cache, jobs.submit_estimate(cache, Workspace(), pairs)))
            print(f"{n_workers} workers: {seconds[-1]:.1f} s", flush=True)
    return seconds[0] / seconds[1]


def span_s(root: Path, job: str) -> float:
    """Wait for a job's end; seconds from the begin of its first task to the end of its last, by the workers' clocks."""
    ended(root, job, look_s=1)  # as often as a page looks: each look takes time from the workers
    tasks = record.read_job(record.job_folder(root, job)).attempts[0].tasks.values()
    return max(one.clock for one in tasks) - min(one.clock - one.seconds for one in tasks)


def ended(root: Path, job: str, look_s: float = 0.05) -> JobView:
    """Wait for a job's end, looking as often as asked."""
    while (view := jobs.view(root, job)).state.is_active:
        time.sleep(look_s)
    if view.state is not State.DONE:
        raise SystemExit(f"The job ended as {view.state}: {view.error}")
    return view


@contextlib.contextmanager
def _server(root: Path) -> Iterator[str]:
    """The app on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *options]
    environment = {**os.environ, "PSEUDOFAM_CACHE": str(root)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            while True:
                with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health"):
                    break
                time.sleep(0.1)
            yield address
        finally:
            server.terminate()


@contextlib.contextmanager
def _cluster(folder: Path, n_workers: int) -> Iterator[None]:
    """A plain scheduler and its workers, named to the engine by the environment."""
    folder.mkdir(parents=True)
    file = folder / "scheduler.json"
    settings = {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
        "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "5s",
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    }
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    local = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    started: list[subprocess.Popen[bytes]] = []

    def dask(kind: str, options: Sequence[str]) -> None:
        command = [sys.executable, "-m", "dask", kind, *options]
        with (folder / "log").open("ab") as log:
            started.append(subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log))

    try:
        dask("scheduler", [*local, "--port", "0"])
        while not (file.exists() and file.read_text().endswith("}")):
            time.sleep(0.05)
        for _ in range(n_workers):
            dask("worker", [*local, "--nthreads", "1", "--resources", "heavy=1"])
        os.environ[engine.VARIABLE] = json.loads(file.read_text())["address"]
        with engine.connect(folder) as client:
            client.wait_for_workers(n_workers, timeout=60)
        yield
    finally:
        os.environ.pop(engine.VARIABLE, None)
        for one in reversed(started):
            one.terminate()
            one.wait()


if __name__ == "__main__":
    main()
