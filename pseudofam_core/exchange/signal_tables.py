"""Signals, and what they answer when asked what nobody doubts, as CSV: provenance in ``#`` lines, then rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.exchange.tables import comments
from pseudofam_core.signals import SIGNALS, SignalMatrix
from pseudofam_core.signals.selfcheck import Answer, fewest_sentences


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


def self_check_csv(answers: Sequence[Answer], workspace: Workspace) -> str:
    """A row for each signal and number of sentences: how many pairs, those it is wrong of, and the verdict.

    The ``#`` lines name the workspace, and for each signal the sentences from which on all of it is right.
    """
    signals = list(dict.fromkeys(answer.signal for answer in answers))
    told = {name: getattr(workspace, name) for name in ("model", "corpus", "split", "parameters", "max_length", "seed")}
    fewest = {f"sentences for {name}": fewest_sentences(answers, name) or "not enough" for name in signals}
    rows = [
        {
            "signal": answer.signal,
            "sentences": answer.n_sentences,
            "pairs": len(answer.pairs),
            "not_nearest": " ".join(map(str, answer.not_nearest)),
            "out_of_order": " ".join(map(str, answer.out_of_order)),
            "verdict": "passes" if answer.is_right else "fails",
        }
        for answer in sorted(answers, key=lambda answer: signals.index(answer.signal))
    ]
    return "".join(comments(told | fewest)) + pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
