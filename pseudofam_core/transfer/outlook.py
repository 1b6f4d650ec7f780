"""What a target may expect of each auxiliary, before anything is trained for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.estimates import pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.signals import SignalMatrix, find_signal_matrices
from pseudofam_core.store.cache import Cache
from pseudofam_core.transfer.forecast import Forecast, fitted
from pseudofam_core.transfer.foresight import Foresight, aligned, foresight_of
from pseudofam_core.transfer.kept import kept_request
from pseudofam_core.transfer.results import TransferMatrix, transfer_matrix

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outlook:
    """Expected gains of one target by single auxiliaries, learned from other targets.

    Attributes:
        target: The pair that is to be adapted to; its own gains, where it has some, were not learned from.
        auxiliaries: The pairs that may help.
        signal: What the gains are foreseen by.
        forecast: The line, and its interval.
        expected: (auxiliaries,) in nats a token of dev; NaN where the signal knows nothing.
        measured: (auxiliaries,) what was measured for this very target; NaN where nothing was.
    """

    target: LanguagePair
    auxiliaries: tuple[LanguagePair, ...]
    signal: str
    forecast: Forecast
    expected: FloatArray
    measured: FloatArray

    def words(self, auxiliary: LanguagePair) -> str:
        """Gain of one auxiliary: the measured one where there is one, else the expected, and what to do."""
        place = self.auxiliaries.index(auxiliary)
        if np.isfinite(self.measured[place]):
            return f"{auxiliary}: measured {self.measured[place]:+.3f} nats a token"
        if not np.isfinite(self.expected[place]):
            return f"{auxiliary}: {self.signal} knows nothing of it"
        gain, width = float(self.expected[place]), self.forecast.half_width
        span = f" ({gain - width:+.3f} to {gain + width:+.3f})" if self.forecast.has_interval else ""
        return f"{auxiliary}: {gain:+.3f} nats a token expected{span}, {self.forecast.words(gain)}"


def outlook(
    target: LanguagePair,
    measured: TransferMatrix,
    signals: Mapping[str, SignalMatrix],
    *,
    signal: str | None = None,
    level: float = 0.1,
) -> Outlook:
    """What the gains of other targets let this one expect.

    Args:
        target: The pair that is to be adapted to.
        measured: Gains of other targets, and perhaps of this one.
        signals: By name, with a row for each of these targets.
        signal: By which one to foresee; by default the one that foresaw the other targets' gains best.
        level: The interval misses with at most this probability.

    Raises:
        ValueError: Fewer than three other targets have gains that can be learned from, or there is no such signal.
    """
    foresight = foresight_of(measured, signals)
    others = _without(foresight, target)
    name = signal or others.best_signal
    if name not in signals:
        raise ValueError(f"signal must be one of {', '.join(signals)}. Got {name!r}.")
    forecast = fitted(others.mean, others.signals[name], level=level)
    (row,) = aligned(signals[name], (target,), measured.auxiliaries)
    gains = (
        foresight.mean[foresight.targets.index(target)] if target in foresight.targets else np.full(len(row), np.nan)
    )
    return Outlook(target, measured.auxiliaries, name, forecast, forecast.expected(row), gains)


def kept_outlook(workspace: Workspace, target: LanguagePair, cache: Cache) -> Outlook | None:
    """The outlook that kept transfer runs of this model and pool give; None where they, or the signals, are too few.

    Nothing is computed and no model is loaded.

    Raises:
        ModelError: There is no such model.
        CorpusError: The corpus can't be read.
    """
    request = kept_request(workspace, cache)
    if request is None or target not in pool_of(workspace):
        return None
    rows = tuple(dict.fromkeys((*request.targets, target)))
    signals = find_signal_matrices(workspace, cache, targets=rows)
    try:
        return outlook(target, transfer_matrix(request, cache), signals)
    except ValueError:
        return None


def _without(foresight: Foresight, target: LanguagePair) -> Foresight:
    """The same without the row of a target."""
    rows = [i for i, pair in enumerate(foresight.targets) if pair != target]
    return Foresight(
        tuple(foresight.targets[i] for i in rows),
        foresight.auxiliaries,
        foresight.seeds,
        foresight.gains[:, rows],
        {name: values[rows] for name, values in foresight.signals.items()},
        foresight.provenance,
    )
