"""A scheduler and workers of somebody else's, as separate processes over TCP, with a shared cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from pseudofam_core import jobs
from pseudofam_core.errors import JobError
from pseudofam_core.estimates import find_fisher, fisher_spec, pool_of
from pseudofam_core.jobs import State, engine, fitness, record, work
from tests.faults import doors
from tests.jobs.clusters import ROOT, cluster, wait_until


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A scheduler with four workers of one thread each."""
    with pytest.MonkeyPatch.context() as patch, cluster(tmp_path_factory.mktemp("dask"), n_workers=4) as running:
        patch.setenv(engine.VARIABLE, running.address)
        for kind, door in doors.DOORS.items():
            patch.setitem(work.DOORS, kind, door)
        yield running


def ended(root, job):
    wait_until(lambda: not jobs.view(root, job).state.is_active)
    return jobs.view(root, job)


def test_seventeen_tasks_run_four_at_a_time_on_four_workers(given, tmp_path):
    notes, names = tmp_path / "notes", [f"arm/seed-{i}" for i in range(17)]
    with closing(engine.connect(tmp_path)) as client:
        client.wait_for_workers(4, timeout=60)
    job = jobs.submit(tmp_path, "wait", {"notes": str(notes), "seconds": 0.4}, names, "A job")
    later = jobs.submit(tmp_path, "wait", {"notes": str(notes), "seconds": 0.1}, ["last"], "Another job")
    wait_until(lambda: len(jobs.view(tmp_path, job).running) == 4)
    assert jobs.view(tmp_path, later).queue_position == 1
    assert ended(tmp_path, job).state is State.DONE
    assert ended(tmp_path, later).state is State.DONE

    spans = {name: (float(begun), float(end)) for name, begun, end in map(str.split, notes.read_text().splitlines())}
    del spans["last"]
    assert sorted(spans) == sorted(names)
    at_once = [sum(begun <= moment < end for begun, end in spans.values()) for moment, _ in spans.values()]
    assert max(at_once) == 4
    assert jobs.metrics(tmp_path, job, names[3]) == [{"phase": "waiting", "done": 1, "loss": 1.0}]


def test_estimates_are_made_by_the_workers(given, workspace, cache):
    one = pool_of(workspace)[0]
    view = ended(cache.root, jobs.submit_estimate(cache.root, workspace, [one]))
    assert view.state is State.DONE, view.error
    assert find_fisher(fisher_spec(workspace, one), cache)
    assert engine.alive(cache.root)
    assert not (cache.root / "engine").exists()  # no engine of our own beside the given one


def test_a_worker_of_another_version_is_named_before_anything_starts(given, tmp_path):
    old = tmp_path / "old.py"
    old.write_text("import pseudofam_core\npseudofam_core.__version__ = '0.0.1'\n")
    worker = given.add_worker("--name", "old", DASK_DISTRIBUTED__WORKER__PRELOAD=f'["{old}"]')
    try:
        wait_until(lambda: _refusal(tmp_path) is not None)
        assert "runs pseudofam 0.0.1, this program" in _refusal(tmp_path)
        assert jobs.list_jobs(tmp_path) == []
    finally:
        worker.terminate()
        worker.wait(timeout=60)


def test_a_cache_that_workers_do_not_see_is_told(given, tmp_path):
    with pytest.raises(JobError, match="does not see the cache: share its folder"):
        engine.connect(tmp_path / "only-here")


def test_workers_that_take_nothing_heavy_are_told():
    light = {"tcp://w:1": {"resources": {}}}
    client = SimpleNamespace(
        scheduler_info=lambda n_workers: {"workers": light}, scheduler=SimpleNamespace(address="tcp://s:1")
    )
    with pytest.raises(JobError, match=r"None of the 1 workers of tcp://s:1 .* --resources heavy=1"):
        fitness.check(client, Path())


@pytest.mark.parametrize(
    ("who", "answer", "fault"),
    [
        ("The scheduler", {}, None),
        ("The scheduler", {"cache": False}, None),
        ("The worker w", {}, None),
        ("The scheduler", {"distributed": "1.0"}, "The scheduler runs distributed 1.0, this program"),
        ("The worker w", {"Python": "3.1"}, "The worker w runs Python 3.1, this program"),
        (
            "The worker w",
            ModuleNotFoundError("No module named 'pseudofam_core'"),
            "can't run this version of pseudofam",
        ),
    ],
)
def test_versions_are_compared(tmp_path, who, answer, fault):
    here = fitness.describe(str(tmp_path))
    faults = fitness._faults({who: answer if isinstance(answer, Exception) else {**here, **answer}}, here)
    assert len(faults) == (fault is not None)
    assert all(fault in one for one in faults)


def test_a_scheduler_without_the_package_is_told_before_a_job_waits_for_ever(tmp_path, monkeypatch):
    with cluster(tmp_path / "dask", PYTHONPATH="") as running:
        monkeypatch.setenv(engine.VARIABLE, running.address)
        with pytest.raises(JobError, match=r"The scheduler can't run this version of pseudofam \(.*Module"):
            engine.connect(tmp_path)


def test_with_tls_a_job_runs_and_who_has_no_certificate_is_kept_out(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("Certificates are made with openssl, which is not installed.")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=pseudofam"]
    subprocess.run([*make, "-keyout", key, "-out", cert], check=True, capture_output=True)
    tls = {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True", "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(cert)}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        tls |= {f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT": str(cert)}
        tls |= {f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY": str(key)}
    submit = """
import sys, pathlib, runpy
from pseudofam_core import jobs
from pseudofam_core.jobs import engine
engine._CONNECT_S = 5
runpy.run_path(sys.argv[2])["dask_setup"](None)
root = pathlib.Path(sys.argv[1])
print(jobs.submit(root, "wait", {"notes": str(root / "notes"), "seconds": 0}, ["one"], "A job"))
"""
    with cluster(tmp_path / "dask", "--protocol", "tls", n_workers=1, **tls) as running:
        assert running.address.startswith("tls://127.0.0.1:")
        command = [sys.executable, "-c", submit, str(tmp_path), doors.__file__]
        plain = {**os.environ, "PYTHONPATH": str(ROOT), engine.VARIABLE: running.address}
        stranger = subprocess.Popen(command, env=plain, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        member = subprocess.run(command, env={**plain, **tls}, capture_output=True, text=True, timeout=60)
        assert member.returncode == 0, member.stderr
        assert ended(tmp_path, member.stdout.strip()).state is State.DONE
        _, errors = stranger.communicate(timeout=60)
        assert stranger.returncode == 1
        assert "does not answer (TLS expects" in errors


def _refusal(root) -> str | None:
    try:
        engine.connect(root).close()
    except JobError as refusal:
        return str(refusal)
    return None


def test_a_task_on_a_worker_of_another_version_fails_and_says_so(tmp_path):
    request = record.Request("wait", {}, ("one",), "A job", 1.0)
    folder = record.job_folder(tmp_path, request.id)
    record.write_request(folder, request)
    record.claim_attempt(folder, record.Attempt(1, ("one",), 2.0, "engine", None, False, {}))
    work.run_task(str(folder), 1, "one", "0.0.1")
    seen = jobs.view(tmp_path, request.id)
    assert seen.state is State.FAILED
    assert f"runs pseudofam {work.__version__}, and the job was started by 0.0.1" in seen.error
