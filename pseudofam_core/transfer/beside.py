"""What a signal says beside what happened, target by target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.languages import LanguagePair
from pseudofam_core.signals import SignalMatrix
from pseudofam_core.structure.correlation import spearman
from pseudofam_core.transfer.results import TransferMatrix

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Beside:
    """How far a signal agrees with the gains of one target, over the auxiliaries that both know.

    Attributes:
        target: The pair that is adapted to.
        n: Auxiliaries that both know.
        spearman: ρ of signal and mean gain; None where it is not defined.
        best: The auxiliary that gained most.
        best_gain: What it gained.
        first: The auxiliary that the signal names first.
        first_gain: What that one gained: never more than `best_gain`.
    """

    target: LanguagePair
    n: int
    spearman: float | None
    best: LanguagePair
    best_gain: float
    first: LanguagePair
    first_gain: float


def said_of(signal: SignalMatrix, matrix: TransferMatrix) -> FloatArray:
    """The signal over a matrix's targets and auxiliaries, larger for those expected to help more; NaN where it knows nothing."""
    rows, columns = ({pair: i for i, pair in enumerate(pairs)} for pairs in (signal.targets, signal.auxiliaries))
    values = np.full((len(matrix.targets), len(matrix.auxiliaries)), np.nan)
    for i, target in enumerate(matrix.targets):
        for j, auxiliary in enumerate(matrix.auxiliaries):
            if target in rows and auxiliary in columns and target != auxiliary:
                values[i, j] = signal.values[rows[target], columns[auxiliary]]
    return values


def besides(signal: SignalMatrix, matrix: TransferMatrix) -> tuple[Beside, ...]:
    """Each target of which both know an auxiliary, in the matrix's order. Of equal ones the first auxiliary counts."""
    return tuple(
        _beside(target, matrix, gains, said)
        for target, gains, said in zip(matrix.targets, matrix.mean, said_of(signal, matrix), strict=True)
        if np.isfinite(gains + said).any()
    )


def _beside(target: LanguagePair, matrix: TransferMatrix, gains: FloatArray, said: FloatArray) -> Beside:
    known = np.flatnonzero(np.isfinite(gains + said))
    best, first = (int(known[np.argmax(values[known])]) for values in (gains, said))
    return Beside(
        target=target,
        n=len(known),
        spearman=spearman(said[known], gains[known]),
        best=matrix.auxiliaries[best],
        best_gain=float(gains[best]),
        first=matrix.auxiliaries[first],
        first_gain=float(gains[first]),
    )
