"""How fast a machine trains and translates: kept with each run, for the cost of the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pseudofam_core.store.restoring import known_of


@dataclass(frozen=True)
class Pace:
    """How fast one machine trains one model.

    Attributes:
        seconds_per_update: Of training.
        seconds_per_evaluation: Of one evaluation on dev, and of the checkpoint after it.
        seconds_per_sentence: Of the final translation.
        checkpoint_bytes: Weights and optimizer.
        weights_bytes: Of weights that are kept, in half precision, or None where nobody looked.
    """

    seconds_per_update: float
    seconds_per_evaluation: float
    seconds_per_sentence: float
    checkpoint_bytes: int
    weights_bytes: int | None = None


class GuessedPace(Pace):
    """A pace of runs that evaluated or translated in another way than is asked for: their times are a guess."""


def of_any_version(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a run or timing without what earlier versions also kept with its pace."""
    pace = summary.get("pace")
    return {**summary, "pace": known_of(Pace, pace)} if isinstance(pace, dict) else dict(summary)
