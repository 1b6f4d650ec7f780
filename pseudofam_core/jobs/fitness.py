"""Whether the workers of somebody else's scheduler can do this package's jobs."""

from __future__ import annotations

import platform
import threading
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pseudofam_core
from pseudofam_core.errors import JobError

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE_S = 10.0
_WAY_OUT = "Make the same version importable there (PYTHONPATH, or an installation), and restart it."


def check(client: Client, cache_root: Path) -> None:
    """Refuse a cluster on which a job would wait for ever or end in an obscure error.

    Workers that join later are not seen here; each task compares the version of this package once more.

    Raises:
        JobError: The scheduler or a worker has other versions, no worker takes heavy tasks, one that does can't see
            the cache, or they don't answer.
    """
    workers = client.scheduler_info(n_workers=-1)["workers"]
    heavy = [address for address, worker in workers.items() if worker["resources"].get("heavy", 0) >= 1]
    if workers and not heavy:
        raise JobError(
            f"None of the {len(workers)} workers of {client.scheduler.address} takes heavy tasks, so the job would wait "
            "for ever. Start them with --resources heavy=1."
        )
    answers: dict[str, Any] = {}

    def ask() -> None:
        try:
            scheduler = client.run_on_scheduler(describe, str(cache_root))
        except Exception as error:  # the scheduler reads each task: it needs this package too
            scheduler = error
        workers = client.run(describe, str(cache_root), workers=heavy, on_error="return")
        answers["The scheduler"] = scheduler
        answers.update({f"The worker {address}": answer for address, answer in workers.items()})

    asking = threading.Thread(target=ask, daemon=True)  # Dask gives these questions no time limit
    asking.start()
    asking.join(_PATIENCE_S)
    if not answers:
        raise JobError(f"The cluster of {client.scheduler.address} is not answering. Look at its logs, or restart it.")
    if faults := _faults(answers, describe(str(cache_root))):
        raise JobError(" ".join(faults))


def describe(cache_root: str) -> dict[str, str | bool]:
    """What the process that is asked runs, and whether it sees the cache."""
    return {
        "pseudofam": pseudofam_core.__version__,
        "distributed": version("distributed"),
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "cache": Path(cache_root).is_dir(),
    }


def _faults(answers: Mapping[str, Any], here: Mapping[str, str | bool]) -> list[str]:
    """A sentence for each fault, none where all is well."""
    faults = []
    for who, there in answers.items():
        if isinstance(there, Exception):
            reason = f"{type(there).__name__}: {there}"
            faults.append(f"{who} can't run this version of pseudofam ({reason}). {_WAY_OUT}")
            continue
        for name in ("pseudofam", "distributed", "Python"):
            if there[name] != here[name]:
                faults.append(f"{who} runs {name} {there[name]}, this program {here[name]}. {_WAY_OUT}")
        if not there["cache"] and who != "The scheduler":
            faults.append(f"{who} does not see the cache: share its folder under the same path.")
    return faults
