"""Slurm through dask-jobqueue: what is handed to sbatch, and jobs on a real Slurm where there is one."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import dask
import pytest
from distributed import Client

from pseudofam_core import jobs
from pseudofam_core.jobs import State, engine, work
from pseudofam_core.jobs import certificate as other
from tests.faults import doors
from tests.jobs.clusters import ROOT, wait_until

pytest.importorskip("dask_jobqueue", reason="Slurm is reached through dask-jobqueue: pip install dask-jobqueue.")
SCRIPT = [sys.executable, str(ROOT / "scripts" / "slurm.py"), "--host", "127.0.0.1", "--port", "0", "--cores", "1"]


def test_the_job_script_asks_for_what_was_chosen(tmp_path):
    arguments = ["--memory", "8GB", "--partition", "gpu", "--account", "mt", "--gpus", "1", "--walltime", "02:00:00"]
    command = [*SCRIPT, *arguments, "--directive=--nodes=1", "--print-script"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    asked = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH ")}
    assert {"-p gpu", "-A mt", "-n 1", "--cpus-per-task=1", "--mem=8G", "-t 02:00:00", "--gpus=1", "--nodes=1"} <= asked
    assert f"export PYTHONPATH={ROOT}" in lines
    assert "export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1" in lines
    assert "export OMP_WAIT_POLICY=PASSIVE KMP_BLOCKTIME=0" in lines
    (worker,) = [line for line in lines if "dask_worker" in line]
    assert worker.startswith(f"{sys.executable} -m distributed.cli.dask_worker tls://127.0.0.1:")
    assert "--nanny" in worker
    (certificate,) = set(re.findall(r"--tls-(?:ca-file|cert|key) (\S+)", worker))
    assert Path(certificate).parent == tmp_path / "slurm-logs"
    assert not Path(certificate).exists()  # it went with the scheduler
    assert "--resources heavy=1" in worker


def test_only_who_has_the_printed_certificate_is_let_in(tmp_path):
    look = "from distributed import Client; import sys; print(Client(sys.argv[1], timeout=5).scheduler_info()['type'])"
    with script(tmp_path) as printed:
        address, certificate = printed["PSEUDOFAM_SCHEDULER"], printed["DASK_DISTRIBUTED__COMM__TLS__CA_FILE"]
        assert stat.S_IMODE(Path(certificate).stat().st_mode) == 0o600
        for environment, code in (({}, 1), (printed, 0)):
            ran = subprocess.run(
                [sys.executable, "-c", look, address],
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert ran.returncode == code, ran.stderr
        assert ran.stdout.strip() == "Scheduler"
        with (
            pytest.raises(OSError, match="certificate does not match"),
            Client(address, timeout=2, security=other.security(other.make())),
        ):
            pass


@contextmanager
def script(folder, *options, **environment):
    """The script while it runs; yields the variables that it prints."""
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen([*SCRIPT, *options], cwd=folder, env={**os.environ, **environment}, stdout=output)
    try:
        wait_until(lambda: log.read_text().endswith("\n"), 120)
        yield dict(one.split("=", 1) for one in shlex.split(log.read_text().removeprefix("export ")))
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_tasks_run_as_slurm_jobs_which_end_when_nothing_is_left(tmp_path, monkeypatch):
    if not shutil.which("sinfo") or subprocess.run(["sinfo"], capture_output=True, timeout=20).returncode:
        pytest.skip("There is no Slurm that answers here (sinfo).")
    environment = {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__PRELOAD": doors.PRELOAD}
    options = ["--workers", "2", "--memory", "1GB", "--walltime", "00:10:00"]
    with script(tmp_path, *options, **environment) as printed:
        monkeypatch.setenv(engine.VARIABLE, printed["PSEUDOFAM_SCHEDULER"])
        tls = {
            f"distributed.comm.tls.{name}": printed[f"DASK_DISTRIBUTED__COMM__TLS__{variable}"]
            for name, variable in TLS
        }
        with dask.config.set(tls):
            six_tasks(tmp_path, monkeypatch)


TLS = [("ca-file", "CA_FILE"), ("client.cert", "CLIENT__CERT"), ("client.key", "CLIENT__KEY")]


def six_tasks(tmp_path, monkeypatch):
    """Six tasks are done by two Slurm jobs, which then end."""
    monkeypatch.setitem(work.DOORS, "wait", doors.wait)
    root = tmp_path / "cache"
    payload = {"notes": str(tmp_path / "notes"), "seconds": 1.0}
    job = jobs.submit(root, "wait", payload, [f"task-{i}" for i in range(6)], "A job")
    wait_until(lambda: not jobs.view(root, job).state.is_active, 120)
    assert jobs.view(root, job).state is State.DONE
    spans = [tuple(map(float, line.split()[1:])) for line in (tmp_path / "notes").read_text().splitlines()]
    assert len(spans) == 6
    assert max(sum(begun <= moment < end for begun, end in spans) for moment, _ in spans) == 2
    wait_until(lambda: not _slurm_jobs(), 60)


def _slurm_jobs() -> list[str]:
    asked = subprocess.run(["squeue", "--noheader", "--name", "pseudofam"], capture_output=True, text=True, check=True)
    return asked.stdout.splitlines()
