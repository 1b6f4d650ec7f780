"""The table of signals: one row for each thing that may foresee how much an auxiliary helps a target.

Values are always turned so that larger means: expected to help more. A new signal is a row here, and, where it needs what
no other one does, its kind of evidence in `pseudofam_core.signals.evidence`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pseudofam_core.signals import gradients, kinship, states, texts
from pseudofam_core.similarity.measures import Measure


class Need(StrEnum):
    """What a signal is computed from, in the order of what it costs."""

    LANGUAGES = "languages"
    TEXT = "text"
    STATES = "encoder states"
    GRADIENTS = "gradients"
    WEIGHTED_GRADIENTS = "gradients and estimates"
    FISHER = "estimates"


@dataclass(frozen=True)
class Signal:
    """What is known of a signal.

    Attributes:
        name: How commands, tables and results call it.
        label: The name that pages and figures write.
        words: A plain sentence or two: what a large value means.
        needs: What it is computed from.
        value: From a target's evidence and an auxiliary's to a number, larger = expected to help more; of estimates, the
            measure that is turned.
        is_signed: Whether its sign tells help from harm: above 0, the auxiliary is expected to help.
    """

    name: str
    label: str
    words: str
    needs: Need
    value: Callable[[Any, Any], float] | Measure
    is_signed: bool = False

    def __post_init__(self) -> None:
        """Refuse a row that leaves something out."""
        if not self.label or not self.words.endswith("."):
            raise ValueError(f"A signal must have a label and a sentence. Got {self!r}.")


def _of_measure(measure: Measure) -> Signal:
    turned = "" if measure.is_similarity else " Turned: large is near."
    return Signal(measure.value, measure.label, f"{measure.row.words}{turned}", Need.FISHER, measure)


_ROWS = (
    Signal(
        "kinship",
        "Kinship",
        "Groups of Glottolog's tree that both languages stand in. Many is near.",
        Need.LANGUAGES,
        kinship.shared_groups,
    ),
    Signal(
        "script",
        "Script",
        "Share of letters that both source texts write in the same scripts. 1 is the same script.",
        Need.TEXT,
        texts.shared_scripts,
    ),
    Signal(
        "amount",
        "Amount of text",
        "Logarithm of the auxiliary's sentence pairs: the same for every target.",
        Need.TEXT,
        texts.log_amount,
    ),
    Signal(
        "subword-types",
        "Subwords (types)",
        "Share of the target's distinct subwords that the auxiliary's source text holds.",
        Need.TEXT,
        texts.covered_types,
    ),
    Signal(
        "subword-tokens",
        "Subwords (tokens)",
        "Share of the target's running subwords that the auxiliary's source text holds.",
        Need.TEXT,
        texts.covered_tokens,
    ),
    Signal(
        "subword-kl",
        "Subword KL",
        "Kullback-Leibler divergence of the two texts' subword distributions, the target against the auxiliary, smoothed. "
        "Turned: large is near.",
        Need.TEXT,
        texts.nearness_of_distributions,
    ),
    Signal(
        "character-trigrams",
        "Character 3-grams",
        "Cosine of how often each sequence of three characters occurs in the two source texts. Large is near.",
        Need.TEXT,
        texts.trigram_cosine,
    ),
    Signal(
        "encoder-states",
        "Encoder states",
        "Cosine of the encoder's mean states: over the sentences that both texts translate where there are at least "
        f"{states.FEWEST_SHARED}, else over each text's own. Large is near.",
        Need.STATES,
        states.state_cosine,
    ),
    Signal(
        "gradient-cosine",
        "Gradient cosine",
        "Cosine of the gradients of the target's dev loss and of the auxiliary's training loss. Above 0, a small step of training "
        "on the auxiliary lowers the target's loss; below 0, it harms.",
        Need.GRADIENTS,
        gradients.cosine,
        is_signed=True,
    ),
    Signal(
        "gradient-fisher",
        "Gradient product",
        "First-order change of the target's dev loss by a step along the auxiliary's gradient, damped where the target's Fisher "
        "information is large. It grows with the auxiliary's gradient: with what is left to learn there.",
        Need.WEIGHTED_GRADIENTS,
        gradients.fisher_weighted,
        is_signed=True,
    ),
    Signal(
        "gradient-fisher-cosine",
        "Gradient cosine (Fisher)",
        "The same for steps of equal length: the cosine of both gradients in the metric of the target's Fisher information.",
        Need.WEIGHTED_GRADIENTS,
        gradients.fisher_weighted_cosine,
        is_signed=True,
    ),
    *map(_of_measure, Measure),
)
SIGNALS: Mapping[str, Signal] = {row.name: row for row in _ROWS}
"""Every signal by its name."""


def signals_of(names: tuple[str, ...] | None) -> tuple[Signal, ...]:
    """Rows by name, in the table's order; all for None.

    Raises:
        ValueError: There is none of that name.
    """
    if unknown := [name for name in names or () if name not in SIGNALS]:
        raise ValueError(f"signals must be of {', '.join(SIGNALS)}. Got {unknown[0]!r}.")
    return tuple(row for row in _ROWS if names is None or row.name in names)
