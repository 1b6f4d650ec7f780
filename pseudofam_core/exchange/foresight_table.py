"""Gains beside signals as CSV, written and read: a row per target and auxiliary, provenance in ``#`` lines."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from pseudofam_core.errors import MalformedValue
from pseudofam_core.exchange.tables import comments
from pseudofam_core.exchange.transfer_tables import METRIC, SUMMARIES
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.scoring.metrics import LOSS
from pseudofam_core.transfer.foresight import FloatArray, Foresight
from pseudofam_core.transfer.judge import Judgement, Standing

_GAIN = "gain_seed_"


def foresight_csv(table: Foresight) -> str:
    """A row per target and auxiliary that differs from it, in full precision: gains by seed, then signals by name."""
    rows, columns = np.nonzero([[target != auxiliary for auxiliary in table.auxiliaries] for target in table.targets])
    frame = pd.DataFrame(
        {"target": [str(table.targets[i]) for i in rows], "auxiliary": [str(table.auxiliaries[i]) for i in columns]}
        | {f"{_GAIN}{seed}": table.gains[i, rows, columns] for i, seed in enumerate(table.seeds)}
        | {name: values[rows, columns] for name, values in table.signals.items()}
    )
    return "".join(comments(table.provenance)) + frame.to_csv(index=False, lineterminator="\n")


def read_foresight(text: str) -> Foresight:
    """Read what `foresight_csv` wrote, or the gains in dev loss of what `transfer_csv` did; provenance comes back as text.

    Raises:
        MalformedValue: It is no such table.
    """
    lines = text.splitlines(keepends=True)
    notes = [line[1:].strip() for line in lines if line.startswith("#")]
    frame = pd.read_csv(io.StringIO("".join(line for line in lines if not line.startswith("#"))))
    if METRIC in frame:
        frame = frame[frame[METRIC] == LOSS.label]
    gains = [name for name in frame.columns if name.startswith(_GAIN)]
    # What `transfer_csv` tells of the gains beside them is no signal.
    signals = [name for name in frame.columns[2:] if name not in (*gains, *SUMMARIES)]
    if list(frame.columns[:2]) != ["target", "auxiliary"] or not gains:
        raise MalformedValue(
            f"A table of gains must have the columns target, auxiliary and {_GAIN}1, …. Got {', '.join(frame.columns)}. "
            "Write it with `pseudofam transfer --out`."
        )
    targets = tuple(pair(code) for code in frame["target"].unique())
    auxiliaries = tuple(sorted({pair(code) for code in frame["auxiliary"].unique()}))
    return Foresight(
        targets=targets,
        auxiliaries=auxiliaries,
        seeds=tuple(int(name.removeprefix(_GAIN)) for name in gains),
        gains=np.stack([_spread(frame, name, targets, auxiliaries) for name in gains]),
        signals={name: _spread(frame, name, targets, auxiliaries) for name in signals},
        provenance=dict(note.partition(": ")[::2] for note in notes),
    )


def judgement_frame(judgement: Judgement) -> pd.DataFrame:
    """A row per signal, the best first, then blind choice: mean ρ with interval and p, NDCG@3, regret by number taken."""
    return pd.DataFrame([_standing_row(standing) for standing in (*judgement.standings, judgement.blind)])


def _standing_row(standing: Standing) -> dict[str, str | float]:
    return {
        "signal": standing.signal,
        "spearman": standing.spearman.value,
        "low": standing.spearman.low,
        "high": standing.spearman.high,
        "p_blind": standing.spearman.p,
        "p_best": standing.p_against_best,
        "ndcg_3": standing.ndcg.value,
        **{f"regret_{size}": regret.value for size, regret in standing.regret.items()},
        "p_regret_2": standing.regret[2].p,
    }


def _spread(
    frame: pd.DataFrame, column: str, targets: tuple[LanguagePair, ...], auxiliaries: tuple[LanguagePair, ...]
) -> FloatArray:
    """A column as (targets, auxiliaries), NaN where it has no row."""
    values = frame.pivot(index="target", columns="auxiliary", values=column)
    return values.reindex(index=list(map(str, targets)), columns=list(map(str, auxiliaries))).to_numpy(np.float64)
