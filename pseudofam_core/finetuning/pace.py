"""How fast a machine trains and translates: kept with each run, for the cost of the next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How fast one machine trains one model.

    Attributes:
        seconds_per_update: Of training.
        seconds_per_evaluation: Of one evaluation on dev, and of the checkpoint after it.
        seconds_per_sentence: Of the final translation.
        checkpoint_bytes: Weights and optimizer.
        weights_bytes: Of weights that are kept, in half precision, or None where nobody looked.
        is_alike: Whether it evaluated and translated as is asked for; else its times are a guess. `find_pace` says it.
    """

    seconds_per_update: float
    seconds_per_evaluation: float
    seconds_per_sentence: float
    checkpoint_bytes: int
    weights_bytes: int | None = None
    is_alike: bool = True
