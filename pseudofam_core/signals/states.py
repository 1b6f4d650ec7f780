"""How near the encoder's states of two texts are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FEWEST_SHARED = 20


@dataclass(frozen=True, eq=False)
class EncoderStates:
    """The encoder's states of a text's source side.

    Attributes:
        states: (n, d) float32: of each sentence, the mean over its subwords of the last layer's output.
        meanings: (n,) a number for each sentence's target side: equal where two sentences translate the same one.
    """

    states: npt.NDArray[np.float32]
    meanings: npt.NDArray[np.int64]


def state_cosine(target: EncoderStates, auxiliary: EncoderStates) -> float:
    """Cosine of the two texts' mean states.

    Over the sentences that both texts translate, where these are at least `FEWEST_SHARED`; else over each text's own, and
    then it speaks of content too.
    """
    _, mine, theirs = np.intersect1d(target.meanings, auxiliary.meanings, return_indices=True)
    if len(mine) < FEWEST_SHARED:
        mine, theirs = np.arange(len(target.states)), np.arange(len(auxiliary.states))
    t, a = target.states[mine].mean(0, dtype=np.float64), auxiliary.states[theirs].mean(0, dtype=np.float64)
    lengths = math.sqrt((t @ t) * (a @ a))
    return float(t @ a / lengths) if lengths else math.nan
