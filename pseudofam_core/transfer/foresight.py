"""Gains and signals side by side: what was measured, and what each signal had said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from pseudofam_core.languages import LanguagePair
from pseudofam_core.signals import SignalMatrix, is_itself
from pseudofam_core.transfer.forecast import Forecast, coverage, fitted
from pseudofam_core.transfer.judge import Judgement, judged, seed_mean
from pseudofam_core.transfer.learned import ELSEWHERE, LEARNED, gain_elsewhere, learned_signal
from pseudofam_core.transfer.results import TransferMatrix

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Foresight:
    """Signals beside the gains that they are to foresee, over the same targets and auxiliaries.

    Attributes:
        targets: Rows.
        auxiliaries: Columns.
        seeds: Of the runs.
        gains: (seeds, targets, auxiliaries) dev loss of the target alone minus that with the auxiliary, in nats a token;
            positive helps; NaN where not run, or the auxiliary is the target.
        signals: (targets, auxiliaries) by name, larger for those expected to help more; NaN where nothing is known.
        provenance: Model, corpus, budget, keys.
    """

    targets: tuple[LanguagePair, ...]
    auxiliaries: tuple[LanguagePair, ...]
    seeds: tuple[int, ...]
    gains: FloatArray
    signals: Mapping[str, FloatArray]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrays of other shapes than the labels say."""
        shape = (len(self.targets), len(self.auxiliaries))
        if self.gains.shape != (len(self.seeds), *shape):
            raise ValueError(f"gains must be {(len(self.seeds), *shape)}, by the labels. Got {self.gains.shape}.")
        if bad := [name for name, values in self.signals.items() if values.shape != shape]:
            raise ValueError(f"signals must be {shape}, by the labels. Got {self.signals[bad[0]].shape} for {bad[0]}.")

    @cached_property
    def mean(self) -> FloatArray:
        """(targets, auxiliaries) gain, the mean over the seeds that are there."""
        return seed_mean(self.gains)

    @cached_property
    def all_signals(self) -> Mapping[str, FloatArray]:
        """The signals, what they teach together of a target that was left out, and what helps everybody else.

        None says anything of a target as its own auxiliary: that is NaN.
        """
        every = {
            **self.signals,
            LEARNED: learned_signal(self.mean, self.signals),
            ELSEWHERE: gain_elsewhere(self.mean),
        }
        itself = is_itself(self.targets, self.auxiliaries)
        return {name: np.where(itself, np.nan, values) for name, values in every.items()}

    @cached_property
    def judgement(self) -> Judgement:
        """How well each signal, and all together, foresees the gains."""
        return judged(self.gains, self.all_signals)

    @cached_property
    def peculiar(self) -> Judgement:
        """How well each signal foresees what is peculiar to a target: its gain less that of the same auxiliary elsewhere."""
        return judged(self.gains - gain_elsewhere(self.mean), self.signals)

    def forecast(self, signal: str | None = None, *, level: float = 0.1) -> Forecast:
        """What gain to expect by a signal; by default the best that needs no measured gains."""
        return fitted(self.mean, self.signals[signal or self.best_signal], level=level)

    def coverage(self, signal: str | None = None, *, level: float = 0.1) -> float:
        """Share of gains within their interval, each target foretold from the others."""
        return coverage(self.mean, self.signals[signal or self.best_signal], level=level)

    @cached_property
    def best_signal(self) -> str:
        """The signal with the highest mean ρ among those that need no measured gains."""
        return judged(self.gains, self.signals).best.signal


def foresight_of(measured: TransferMatrix, signals: Mapping[str, SignalMatrix]) -> Foresight:
    """What was measured, and what each signal says of the same targets and auxiliaries; NaN where it has no such pair."""
    rows, columns = measured.targets, measured.auxiliaries
    return Foresight(
        targets=rows,
        auxiliaries=columns,
        seeds=measured.seeds,
        gains=measured.gains,
        signals={name: aligned(signal, rows, columns) for name, signal in signals.items()},
        provenance=measured.provenance,
    )


def aligned(matrix: SignalMatrix, rows: tuple[LanguagePair, ...], columns: tuple[LanguagePair, ...]) -> FloatArray:
    """(rows, columns) the values of a matrix for these targets and auxiliaries; NaN for those that it has not."""
    values = np.full((len(rows), len(columns)), np.nan)
    for i, target in enumerate(rows):
        for j, auxiliary in enumerate(columns):
            if target in matrix.targets and auxiliary in matrix.auxiliaries:
                values[i, j] = matrix.values[matrix.targets.index(target), matrix.auxiliaries.index(auxiliary)]
    return values
