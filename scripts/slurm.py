"""A scheduler whose workers are Slurm jobs: run it where ``sbatch`` works, and leave it running.

``python scripts/slurm.py --workers 4 --cores 8 --memory 32GB --walltime 08:00:00 --partition gpu --gpus 1``

It prints the line of variables that the app and commands need: the address, and the certificate without which nobody is
let in. The certificate is made anew at each start, in ``--logs``, readable by you alone; where Dask's configuration names
one (``distributed.comm.tls``), that one is used. Slurm jobs are asked for when tasks wait, at most ``--workers`` of
them, one task in each, and ended when nothing is left to do. Ctrl-C ends it and them; jobs can be resumed.
Needs ``pip install dask-jobqueue``. The folder of this program, the Python that runs it, ``--logs`` and the cache must be
visible on the nodes under the same paths.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from dask_jobqueue import SLURMCluster
from distributed.security import Security

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Serve until a signal."""
    options = _parser().parse_args()
    sys.path.insert(0, str(ROOT))  # the scheduler, which lives in this process, reads the tasks
    with security(options) as secure, slurm_cluster(options, secure) as cluster:
        if options.print_script:
            print(cluster.job_script())
            return
        cluster.adapt(minimum_jobs=0, maximum_jobs=options.workers)
        print(f"export {variables(cluster.scheduler_address, secure)}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


def slurm_cluster(options: argparse.Namespace, secure: Security | None) -> Any:
    """A scheduler, and how a worker is asked of Slurm; none is asked for yet."""
    # Nothing is known of how long tasks take before the first is done: a worker for each, as many as are allowed.
    dask.config.set({"distributed.scheduler.default-task-durations": {"run_task": "1h"}})
    directives = list(options.directive)
    if options.gpus:
        directives.append(f"--gpus={options.gpus}")
    # Web servers know nothing of certificates: they answer nothing here, and are told of nothing.
    dask.config.set({"distributed.scheduler.http.routes": []})
    closed = ["export DASK_DISTRIBUTED__WORKER__HTTP__ROUTES='[]'"]
    host = {"host": options.host} if options.host else {}
    return SLURMCluster(
        job_name="pseudofam",
        queue=options.partition,
        account=options.account,
        cores=options.cores,
        processes=1,
        memory=options.memory,
        walltime=options.walltime,
        python=sys.executable,
        job_extra_directives=directives,
        # PYTHONPATH: the package is not installed. Threads: Dask's default is one, and torch has as many as MKL's variable.
        job_script_prologue=[
            f"export PYTHONPATH={ROOT}",
            f"export OMP_NUM_THREADS={options.cores} MKL_NUM_THREADS={options.cores}",
            "export OMP_WAIT_POLICY=PASSIVE KMP_BLOCKTIME=0",  # as `pseudofam_core.jobs.waiting` has it
            *closed,
        ],
        # One heavy task at a time; models fill the memory, and Slurm watches its limit.
        worker_extra_args=["--resources", "heavy=1", "--memory-limit", "0", "--no-dashboard"],
        log_directory=str(options.logs.absolute()),
        protocol=options.protocol,
        security=secure,
        scheduler_options={"port": options.port, "dashboard": False, "dashboard_address": "127.0.0.1:0", **host},
    )


@contextmanager
def security(options: argparse.Namespace) -> Iterator[Security | None]:
    """The certificate that Dask's configuration names, or one of this scheduler's own; None for plain TCP.

    Workers elsewhere need it as a file. It is gone when the scheduler has ended.
    """
    if options.protocol != "tls" or dask.config.get("distributed.comm.tls.ca-file"):
        yield Security(require_encryption=True) if options.protocol == "tls" else None
        return
    from pseudofam_core.jobs import certificate

    options.logs.mkdir(parents=True, exist_ok=True)
    file = options.logs.absolute() / f"{socket.gethostname()}-{os.getpid()}.pem"
    certificate.write(file, certificate.make())
    try:
        paths = {
            f"tls_{role}_{part}": str(file) for role in ("client", "scheduler", "worker") for part in ("cert", "key")
        }
        yield Security(require_encryption=True, tls_ca_file=str(file), **paths)
    finally:
        file.unlink(missing_ok=True)


def variables(address: str, secure: Security | None) -> str:
    """What the app and commands need in their environment, as ``NAME=value`` for a shell."""
    values = {"PSEUDOFAM_SCHEDULER": address}
    if secure:
        tls = secure.get_tls_config_for_role("client")
        values["DASK_DISTRIBUTED__COMM__TLS__CA_FILE"] = tls["ca_file"]
        values["DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT"] = tls["cert"]
        values["DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY"] = tls["key"]
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items() if value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1, help="most Slurm jobs at once (default: %(default)s)")
    parser.add_argument("--cores", type=int, default=4, help="of each (default: %(default)s)")
    parser.add_argument("--memory", default="16GB", help="of each (default: %(default)s)")
    parser.add_argument("--gpus", type=int, default=0, help="of each: 0 or 1 (default: %(default)s)")
    parser.add_argument("--walltime", default="12:00:00", help="of each (default: %(default)s)")
    parser.add_argument("--partition")
    parser.add_argument("--account")
    parser.add_argument("--directive", action="append", default=[], help="a further line for sbatch, like --nodes=1")
    parser.add_argument("--logs", type=Path, default=Path("slurm-logs"), help="folder on shared storage")
    parser.add_argument("--host", help="address of this machine that the nodes reach (default: the one Dask finds)")
    parser.add_argument("--port", type=int, default=8786, help="(default: %(default)s)")
    parser.add_argument(
        "--protocol", choices=("tcp", "tls"), default="tls", help="tcp lets in whoever reaches the port (default: tls)"
    )
    parser.add_argument("--print-script", action="store_true", help="show what would be handed to sbatch, and end")
    return parser


if __name__ == "__main__":
    main()
