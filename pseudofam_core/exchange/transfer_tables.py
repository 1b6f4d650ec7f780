"""Transfer matrices as CSV: a row per target, auxiliary and metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pseudofam_core.exchange.tables import comments, escaped
from pseudofam_core.transfer import TransferMatrix

METRIC = "metric"
SUMMARIES = ("gain", "low", "high", "n_seeds", METRIC)
"""Columns beside the gains by seed."""


def transfer_frame(matrix: TransferMatrix) -> pd.DataFrame:
    """A row per target and auxiliary: the mean gain, its interval, the seeds that are there, and the gain by each seed.

    Cells that were not run stand there without numbers; a target with itself has no row.
    """
    rows = []
    for i, target in enumerate(matrix.targets):
        for j, auxiliary in enumerate(matrix.auxiliaries):
            if target != auxiliary:
                rows.append({"target": str(target), "auxiliary": str(auxiliary), **_cells(matrix, i, j)})
    return pd.DataFrame(rows)


def transfer_csv(matrices: Sequence[TransferMatrix]) -> str:
    """The matrices in full precision, a column names the metric, after ``#`` lines that say how each was made."""
    lines: dict[str, None] = {}
    for matrix in matrices:
        made = {**matrix.provenance, "missing": f"{matrix.n_missing} runs", "runs": " ".join(matrix.keys)}
        lines |= comments({f"{name} ({matrix.metric.label})" if name in _OWN else name: v for name, v in made.items()})
    table = pd.concat([transfer_frame(matrix).assign(**{METRIC: matrix.metric.label}) for matrix in matrices])
    return "".join(lines) + table.map(escaped).to_csv(index=False, lineterminator="\n")


# What differs between the metrics of a table.
_OWN = ("gain", "unit", "missing", "runs")


def _cells(matrix: TransferMatrix, i: int, j: int) -> dict[str, Any]:
    by_seed = {
        f"gain_seed_{seed}": gain for seed, gain in zip(matrix.seeds, matrix.gains[:, i, j].tolist(), strict=True)
    }
    n_seeds = int(np.isfinite(matrix.gains[:, i, j]).sum())
    summary = {"gain": matrix.mean[i, j], "low": matrix.low[i, j], "high": matrix.high[i, j]}
    return {**{name: float(value) for name, value in summary.items()}, "n_seeds": n_seeds, **by_seed}
