"""A scheduler whose workers are Slurm jobs: run it where ``sbatch`` works, and leave it running.

``python scripts/slurm.py --workers 4 --cores 8 --memory 32GB --walltime 08:00:00 --partition gpu --gpus 1``

It prints the address for ``PSEUDOFAM_SCHEDULER``. Slurm jobs are asked for when tasks wait, at most ``--workers`` of
them, one task in each, and ended when nothing is left to do. Ctrl-C ends it and them; jobs can be resumed.
Needs ``pip install dask-jobqueue``. The folder of this program, the Python that runs it and the cache must be visible
on the nodes under the same paths.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

import dask
from dask_jobqueue import SLURMCluster

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Serve until a signal."""
    options = _parser().parse_args()
    sys.path.insert(0, str(ROOT))  # the scheduler, which lives in this process, reads the tasks
    with slurm_cluster(options) as cluster:
        if options.print_script:
            print(cluster.job_script())
            return
        cluster.adapt(minimum_jobs=0, maximum_jobs=options.workers)
        print(f"export PSEUDOFAM_SCHEDULER={cluster.scheduler_address}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


def slurm_cluster(options: argparse.Namespace) -> Any:
    """A scheduler, and how a worker is asked of Slurm; none is asked for yet."""
    # Nothing is known of how long tasks take before the first is done: a worker for each, as many as are allowed.
    dask.config.set({"distributed.scheduler.default-task-durations": {"run_task": "1h"}})
    directives = list(options.directive)
    if options.gpus:
        directives.append(f"--gpus={options.gpus}")
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
        # PYTHONPATH: the package is not installed. OMP_NUM_THREADS: Dask's default is one thread.
        job_script_prologue=[f"export PYTHONPATH={ROOT}", f"export OMP_NUM_THREADS={options.cores}"],
        # One heavy task at a time; models fill the memory, and Slurm watches its limit.
        worker_extra_args=["--resources", "heavy=1", "--memory-limit", "0"],
        log_directory=str(options.logs.absolute()),
        protocol=options.protocol,
        scheduler_options={"port": options.port, "dashboard": False, **host},
    )


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
        "--protocol", choices=("tcp", "tls"), default="tcp", help="tls needs certificates: docs/cluster.md"
    )
    parser.add_argument("--print-script", action="store_true", help="show what would be handed to sbatch, and end")
    return parser


if __name__ == "__main__":
    main()
