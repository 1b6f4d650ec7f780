"""Finished runs, and groups of them, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pseudofam_core.exchange.tables import comments, escaped
from pseudofam_core.outcomes.run_table import RunGroup, RunRow
from pseudofam_core.scoring.metrics import Metric


def runs_frame(rows: Sequence[RunRow], metrics: Sequence[Metric]) -> pd.DataFrame:
    """A row per run: what it is called, what was trained, its test scores (a column per metric, by its label), and how."""
    return pd.DataFrame([_run_row(row, metrics) for row in rows])


def groups_frame(groups: Sequence[RunGroup], metrics: Sequence[Metric]) -> pd.DataFrame:
    """A row per group: its runs, what forbids to hold them against each other, and of each metric mean, spread and ends."""
    return pd.DataFrame([_group_row(group, metrics) for group in groups])


def runs_csv(rows: Sequence[RunRow], metrics: Sequence[Metric]) -> str:
    """The runs in full precision, after ``#`` lines that say what scores are of."""
    made = {"scores": "test set, detokenised", "runs": len(rows)}
    table = runs_frame(rows, metrics).map(escaped)
    return "".join(comments(made)) + table.to_csv(index=False, lineterminator="\n")


def _run_row(row: RunRow, metrics: Sequence[Metric]) -> dict[str, Any]:
    run = row.run
    return {
        "name": row.name,
        "target": run.target.label,
        "arm": row.arm,
        "auxiliaries": row.auxiliaries,
        "seed": row.seed,
        **{metric.label: row.score(metric) for metric in metrics},
        "budget": row.budget,
        "updates": run.scored_update,
        "seconds": run.seconds.get("training", 0.0),
        "finished": run.created[:16].replace("T", " "),
        "device": run.device,
        "model": row.model,
        "corpus": row.corpus,
        "note": row.note,
        "key": run.key,
    }


def _group_row(group: RunGroup, metrics: Sequence[Metric]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "group": group.value,
        "runs": len(group.rows),
        "seeds": len({row.seed for row in group.rows}),
    }
    for metric in metrics:
        scores = group.scores(metric)
        row |= {
            metric.label: group.mean(metric),
            f"{metric.label} spread": group.spread(metric),
            f"{metric.label} lowest": min(scores, default=None),
            f"{metric.label} highest": max(scores, default=None),
        }
    return {**row, "differ in": ", ".join(group.differing)}
