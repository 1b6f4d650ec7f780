"""Signals as CSV, in long form: provenance in ``#`` lines, then a row for each signal, target and auxiliary."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pseudofam_core.exchange.tables import comments
from pseudofam_core.signals import SIGNALS, SignalMatrix


def signals_csv(matrices: Mapping[str, SignalMatrix]) -> str:
    """Columns ``signal,target,auxiliary,value``; what nothing is known of has no row. Values are in full precision.

    Larger values always mean: expected to help more. The ``#`` lines say what each signal is.
    """
    lines: dict[str, None] = {}
    for matrix in matrices.values():
        lines |= comments(matrix.provenance)
    lines |= comments({"direction": "larger = expected to help more"})
    lines |= comments({f"signal {name}": SIGNALS[name].words for name in matrices})
    return "".join(lines) + signals_frame(matrices).to_csv(index=False, lineterminator="\n")


def signals_frame(matrices: Mapping[str, SignalMatrix]) -> pd.DataFrame:
    """The same as a table: see `signals_csv`."""
    rows = [
        (name, str(matrix.targets[t]), str(matrix.auxiliaries[a]), float(matrix.values[t, a]))
        for name, matrix in matrices.items()
        for t, a in np.argwhere(np.isfinite(matrix.values))
    ]
    return pd.DataFrame(rows, columns=["signal", "target", "auxiliary", "value"])
