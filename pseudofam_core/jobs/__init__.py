"""Long work as jobs that outlive the page and the server.

`submit` and `submit_estimate` hand the work to an engine (`pseudofam_core.jobs.engine`) in another process; everything else reads
and marks the job's folder (`pseudofam_core.jobs.record`). Nothing here imports torch or the pipeline.
"""

from pseudofam_core.jobs.control import (
    cancel,
    list_jobs,
    log_file,
    log_tail,
    metrics,
    placed,
    remove,
    resume,
    submit,
    submit_estimate,
    submit_experiment,
    submit_similarity,
    view,
)
from pseudofam_core.jobs.record import State
from pseudofam_core.jobs.state import JobView, TaskView

__all__ = [
    "JobView",
    "State",
    "TaskView",
    "cancel",
    "list_jobs",
    "log_file",
    "log_tail",
    "metrics",
    "placed",
    "remove",
    "resume",
    "submit",
    "submit_estimate",
    "submit_experiment",
    "submit_similarity",
    "view",
]
