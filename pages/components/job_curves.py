"""Loss and dev score of a task while it trains."""

from __future__ import annotations

from collections.abc import Mapping

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
            _draw(
                {metric_label(name): points[["done", name]].dropna() for name in names},
                across=unit,
                height=180,
                key=f"curves-{job.id}-{task.name}-{names[0]}",
            )


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
            measured[task.label] = thinned(points)
    if len(measured) > 1:
        st.markdown(f"**{metric_label(_DEV_LOSS).capitalize()} of all runs**")
        _draw(measured, across="updates", height=260, key=f"curves-{job.id}")


def _draw(measured: Mapping[str, pd.DataFrame], *, across: str, height: int, key: str) -> None:
    """Draw tables of two columns, work done and value, as lines with their names."""
    # Every page can show a card; those without a figure need not wait for Plotly.
    from pages.components.figures import plot
    from pseudofam_core.charts.training import curves_figure

    curves = {name: (points.iloc[:, 0].tolist(), points.iloc[:, 1].tolist()) for name, points in measured.items()}
    plot(curves_figure(curves, across=across, height=height), key=key, alt=f"{', '.join(curves)} over {across}")


def thinned(points: pd.DataFrame) -> pd.DataFrame:
    """At most `_MOST_POINTS` rows, evenly spaced, the last one among them."""
    step = -(-len(points) // _MOST_POINTS)
    return points.iloc[::-1].iloc[:: max(1, step)].iloc[::-1]


def metric_label(name: str) -> str:
    """What people call a metric."""
    return _LABELS.get(name, name.replace("_", " "))
