"""The engine, with real processes: one of it, found again, outliving who started it; jobs seen through it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pseudofam_core.errors import JobError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import (
    cancel,
    engine,
    engine_file,
    list_jobs,
    log_tail,
    own_engine,
    resume,
    submit_estimate,
    view,
)
from pseudofam_core.languages import pair

BE, UK = pair("be-en"), pair("uk-en")
# OpenMP's, and MKL's, which torch takes.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
CONNECT = """
import sys, pathlib
from pseudofam_core.jobs import engine
with engine.connect(pathlib.Path(sys.argv[1])) as client:
    print(client.scheduler_info()["id"])
"""


def python(code, *arguments):
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module", autouse=True)
def no_given_engine():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(engine.VARIABLE, raising=False)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        for name in THREADS:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def starters(tmp_path_factory):
    """A cache whose engine two processes asked for at once, and what each of them printed before it ended."""
    cache_root = tmp_path_factory.mktemp("cache")
    try:
        both = [python(CONNECT, cache_root), python(CONNECT, cache_root)]
        yield cache_root, [one.communicate(timeout=60) for one in both]
    finally:
        engine.stop(cache_root)


@pytest.fixture
def cache_root(starters):
    return starters[0]


@pytest.fixture
def busy(cache_root, tmp_path):
    """Keeps the worker busy until it is called."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with closing(engine.connect(cache_root)) as client:
        until_written = client.submit(Path.read_text, pipe, resources=engine.HEAVY, pure=False)
        assert engine_file.until(lambda: any(client.processing().values()), 60)
        yield lambda: pipe.write_text("go on") and until_written.result(timeout=60)


def wait_for(cache_root, job_id, state):
    deadline = time.monotonic() + 180
    while (seen := view(cache_root, job_id)).state != state:
        assert time.monotonic() < deadline, seen
        assert seen.state.is_active, seen
        time.sleep(0.05)
    return seen


def test_two_starters_get_one_engine_which_outlives_them(starters):
    cache_root, printed = starters
    assert [errors for _, errors in printed] == ["", ""]
    assert {output.strip() for output, _ in printed} == {engine.current(cache_root)}
    assert engine.alive(cache_root)
    with closing(engine.connect(cache_root)) as client:
        assert client.scheduler_info()["id"] == engine.current(cache_root)
        client.wait_for_workers(1, timeout=60)
        (worker,) = client.scheduler_info()["workers"].values()
        assert (worker["nthreads"], worker["resources"]) == (1, engine.HEAVY)
        assert worker["local_directory"].startswith(str(cache_root))


def test_the_worker_may_use_every_core(cache_root):
    from dask.system import CPU_COUNT

    with closing(engine.connect(cache_root)) as client:
        for name in THREADS:
            assert set(client.run(os.getenv, name).values()) == {str(CPU_COUNT)}


def test_the_workers_threads_wait_asleep(cache_root):
    with closing(engine.connect(cache_root)) as client:
        assert set(client.run(os.getenv, "OMP_WAIT_POLICY").values()) == {"PASSIVE"}
        assert set(client.run(os.getenv, "KMP_BLOCKTIME").values()) == {"0"}


def test_a_failed_estimate_is_seen_and_submitting_it_again_resumes_it(cache_root, tmp_path):
    workspace = Workspace(model=str(tmp_path / "no-such-model"), corpus=str(tmp_path / "no-such-corpus"))
    job_id = submit_estimate(cache_root, workspace, [BE])
    seen = wait_for(cache_root, job_id, "failed")
    assert "no-such-" in seen.error
    assert "\n" not in seen.error
    assert "Traceback" in log_tail(cache_root, job_id)
    assert submit_estimate(cache_root, workspace, [BE]) == job_id
    assert wait_for(cache_root, job_id, "failed").attempt == 2


def test_queued_jobs_have_positions_are_one_when_equal_and_can_be_cancelled(cache_root, busy, tmp_path):
    workspace = Workspace(model=str(tmp_path / "no-such-model"), corpus=str(tmp_path / "no-such-corpus"))
    first = submit_estimate(cache_root, workspace, [BE, UK])
    second = submit_estimate(cache_root, workspace, [UK])
    assert submit_estimate(cache_root, workspace, [UK, BE]) == first
    assert view(cache_root, first).attempt == 1
    assert [one.id for one in list_jobs(cache_root)][:2] == [second, first]
    assert [view(cache_root, one).queue_position for one in (first, second)] == [1, 2]

    cancel(cache_root, first)
    assert view(cache_root, first).state == "cancelled"
    assert view(cache_root, second).queue_position == 1
    resume(cache_root, first)
    assert view(cache_root, first).state == "queued"
    assert [view(cache_root, one).queue_position for one in (first, second)] == [2, 1]
    cancel(cache_root, first)

    busy()
    wait_for(cache_root, second, "failed")
    wait_for(cache_root, first, "cancelled")


def test_an_idle_engine_of_other_code_is_replaced_and_a_busy_one_is_not(cache_root, busy, monkeypatch):
    before = engine.current(cache_root)
    monkeypatch.setattr(engine, "code_digest", lambda: "other")
    engine.connect(cache_root).close()
    assert engine.current(cache_root) == before
    busy()
    with closing(engine.connect(cache_root)) as client:
        assert engine_file.until(lambda: engine._is_idle(client), 60)
    engine.connect(cache_root).close()
    assert engine.current(cache_root) not in (None, before)


def test_the_digest_is_that_of_the_code(tmp_path, monkeypatch):
    monkeypatch.setattr(own_engine, "__file__", str(tmp_path / "jobs" / "own_engine.py"))
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "work.py").write_text("a = 1")
    before = own_engine.code_digest()
    (tmp_path / "jobs" / "readme.txt").write_text("not code")
    assert own_engine.code_digest() == before
    (tmp_path / "jobs" / "work.py").write_text("a = 2\n")
    assert own_engine.code_digest() != before


def test_a_worker_that_dies_is_replaced(cache_root):
    with closing(engine.connect(cache_root)) as client:
        (before,) = client.run(os.getpid).values()
        os.kill(before, 9)
        assert client.submit(os.getpid, pure=False, resources=engine.HEAVY).result(timeout=60) != before


def test_jobs_of_a_killed_engine_have_crashed_and_run_on_a_new_one(cache_root, tmp_path):
    first = engine.current(cache_root)
    with closing(engine.connect(cache_root)) as client:
        client.submit(time.sleep, 600, resources=engine.HEAVY)
        (worker,) = client.run(os.getpid).values()
        workspace = Workspace(model=str(tmp_path / "no-such-model"), corpus=str(tmp_path / "no-such-corpus"))
        job_id = submit_estimate(cache_root, workspace, [BE])
        assert view(cache_root, job_id).state == "queued"
        os.kill(engine_file.read(engine_file.engine_folder(cache_root))["pid"], 9)
    assert engine_file.until(lambda: not engine.alive(cache_root), 60)
    assert engine_file.until(lambda: not Path(f"/proc/{worker}").exists(), 60)
    assert view(cache_root, job_id).state == "crashed"
    resume(cache_root, job_id)
    assert wait_for(cache_root, job_id, "failed").attempt == 2
    assert engine.current(cache_root) not in (None, first)


def test_stop_ends_the_engine_and_may_be_repeated(cache_root):
    engine.connect(cache_root).close()
    engine.stop(cache_root)
    assert not engine.alive(cache_root)
    assert engine.current(cache_root) is None
    engine.stop(cache_root)


def test_gpus_have_a_worker_each_nobody_else_is_let_in_and_idleness_ends_it_all(tmp_path):
    folder = engine_file.engine_folder(tmp_path)
    folder.mkdir(parents=True)
    code = "import sys, pathlib; from pseudofam_core.jobs import own_engine; own_engine.IDLE_S = 4.0; "
    engine_code = code + "own_engine.serve(pathlib.Path(sys.argv[1]))"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "GPU-a, GPU-b", "OMP_NUM_THREADS": "3"}
    try:
        with engine_file.log_file(folder).open("a") as log:
            started = subprocess.Popen(
                [sys.executable, "-c", engine_code, folder], env=environment, stdout=log, stderr=log
            )
            assert started.wait(timeout=60) == 0
        with closing(engine.connect(tmp_path)) as client:
            client.wait_for_workers(2, timeout=60)
            assert sorted(client.run(os.getenv, "CUDA_VISIBLE_DEVICES").values()) == ["GPU-a", "GPU-b"]
            for name in THREADS:  # one that is set wins
                assert set(client.run(os.getenv, name).values()) == {"3"}
            process = psutil.Process(engine_file.read(folder)["pid"])
            listening = [
                one.laddr.ip
                for part in (process, *process.children(recursive=True))
                for one in part.net_connections("tcp")
                if one.status == psutil.CONN_LISTEN
            ]
            assert len(listening) == 5  # the scheduler, two workers, their nannies; no web server
            assert set(listening) == {"127.0.0.1"}
        assert engine_file.until(lambda: not engine.alive(tmp_path), 60)
    finally:
        engine.stop(tmp_path)


@pytest.mark.parametrize(
    "at_work",
    [
        {"queued": {"task"}},
        {"unrunnable": {"task"}},
        {"workers": {"w": SimpleNamespace(processing={"task"})}},
        {"clients": {"fire-and-forget": None, "Client-1": None}},
    ],
)
def test_an_engine_with_tasks_or_visitors_is_not_idle(monkeypatch, at_work):
    now = [100.0]
    monkeypatch.setattr(own_engine.time, "monotonic", lambda: now[0])
    resting = {"queued": set(), "unrunnable": set(), "workers": {"w": SimpleNamespace(processing=set())}}
    scheduler = SimpleNamespace(transition_counter=0, clients={"fire-and-forget": None}, **resting)
    idleness = own_engine._Idleness(scheduler)

    def after(seconds):
        now[0] += seconds
        return idleness.seconds()

    assert (after(0), after(5)) == (0, 5)
    vars(scheduler).update(at_work)
    assert (after(5), after(5)) == (0, 0)
    vars(scheduler).update(resting, clients={"fire-and-forget": None})
    assert after(5) == 5
    scheduler.transition_counter += 1  # a task came and went between two looks
    assert (after(5), after(5)) == (0, 5)


@pytest.mark.parametrize(
    ("visible", "names"), [("", []), ("-1", []), ("0", ["0"]), ("0, GPU-1 ,", ["0", "GPU-1"]), ("MIG-x", ["MIG-x"])]
)
def test_visible_gpus_are_those_of_the_variable(monkeypatch, visible, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert own_engine.gpus() == names


@pytest.mark.parametrize(
    ("script", "names"), [("printf 'GPU-a\\nGPU-b\\n'", ["GPU-a", "GPU-b"]), ("echo no driver; exit 9", []), (None, [])]
)
def test_gpus_are_asked_of_the_driver(tmp_path, monkeypatch, script, names):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin" if script else str(tmp_path))
    if script:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    assert own_engine.gpus() == names


def test_an_empty_cache_has_no_jobs_and_no_engine(tmp_path):
    assert list_jobs(tmp_path) == []
    assert not engine.alive(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(JobError, match="no job"):
        view(tmp_path, "a" * 32)


def test_a_configured_scheduler_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv(engine.VARIABLE, "tcp://127.0.0.1:9")
    monkeypatch.setattr(engine, "_CONNECT_S", 0.2)
    assert not engine.alive(tmp_path)
    with pytest.raises(JobError, match=r"PSEUDOFAM_SCHEDULER=tcp://127\.0\.0\.1:9: start"):
        submit_estimate(tmp_path, Workspace(), [BE])
    assert list_jobs(tmp_path) == []


@pytest.mark.parametrize("pairs", [[], [BE, BE]])
def test_pairs_are_checked_before_anything_is_written(tmp_path, pairs):
    with pytest.raises(ValueError, match="pairs must name at least one"):
        submit_estimate(tmp_path, Workspace(), pairs)
    assert list(tmp_path.iterdir()) == []


def test_the_server_side_imports_neither_torch_nor_the_pipeline():
    code = """
import sys, pseudofam_core.jobs
from pseudofam_core.jobs import engine, work
for name in ("torch", "transformers", "distributed", "pseudofam_core.estimates.computing"):
    assert name not in sys.modules, name
"""
    _, errors = (process := python(code)).communicate(timeout=60)
    assert process.returncode == 0, errors
