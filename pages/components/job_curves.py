"""Loss and dev score of a task while it trains."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.components.results import cache_root
from pseudofam_core import jobs
from pseudofam_core.jobs import JobView, TaskView
from pseudofam_core.tasks.translation import TRANSLATION

TOKENS_PER_S = "tokens_per_s"
_LABELS = {
    "loss": "training loss",
    **{f"dev_{metric.name}": f"dev {metric.label}" for metric in TRANSLATION.dev_metrics},
    TOKENS_PER_S: "tokens per second",
}
_DEV_LOSS = "dev_loss"
_MOST_POINTS = 400


def curves(job: JobView, task: TaskView) -> None:
    """Draw what a task has measured: losses in one small chart, dev scores in another; nothing where there is none."""
    reports = pd.DataFrame(jobs.metrics(cache_root(), job.id, task.name))
    if reports.empty:
        return
    measured = [str(name) for name in reports.columns if name not in ("phase", "done", TOKENS_PER_S)]
    losses = [name for name in measured if name.endswith("loss")]
    charts = [names for names in (losses, [name for name in measured if name not in losses]) if names]
    unit = task.progress.unit if task.progress else "done"
    with st.container(horizontal=True):
        for names in charts:
            points = thinned(reports[["done", *names]].dropna(subset=names, how="all"))
            if points.empty:  # an empty chart is no chart
                continue
            points = points.rename(columns={name: metric_label(name) for name in names})
            st.line_chart(points, x="done", y=[metric_label(name) for name in names], x_label=unit, height=180)


def curves_together(job: JobView) -> None:
    """Draw the dev loss of all runs of a job over one another; nothing where fewer than two have measured one."""
    measured = {}
    for task in job.tasks:
        reports = pd.DataFrame(jobs.metrics(cache_root(), job.id, task.name))
        if _DEV_LOSS not in reports:
            continue
        points = reports[["done", _DEV_LOSS]].dropna()
        points = points[points[_DEV_LOSS].diff() != 0]  # each report repeats the value until the next evaluation
        if len(points) > 1:
            measured[task.label] = thinned(points).assign(run=task.label)
    if len(measured) < 2:
        return
    points = pd.concat(measured.values()).rename(columns={_DEV_LOSS: metric_label(_DEV_LOSS)})
    st.line_chart(points, x="done", y=metric_label(_DEV_LOSS), color="run", x_label="updates", height=260)


def thinned(points: pd.DataFrame) -> pd.DataFrame:
    """At most `_MOST_POINTS` rows, evenly spaced, the last one among them."""
    step = -(-len(points) // _MOST_POINTS)
    return points.iloc[::-1].iloc[:: max(1, step)].iloc[::-1]


def metric_label(name: str) -> str:
    """What people call a metric."""
    return _LABELS.get(name, name.replace("_", " "))
