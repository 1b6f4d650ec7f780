"""Colours and names that all figures share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pseudofam_core.languages import LanguagePair

Part = dict[str, Any]  # of a figure: a trace, a shape or a layout, as Plotly names its settings

# Told apart by people of every kind of colour vision (Paul Tol's "muted"); the patterns carry on where colours run out.
COLOURS = ("#88ccee", "#cc6677", "#ddcc77", "#117733", "#aa4499", "#44aa99", "#882255", "#999933", "#6a5acd")
# For points: beside the colour, for those who can't tell colours apart.
MARKS = ("circle", "square", "diamond", "triangle-up", "star", "cross", "x", "pentagon", "hourglass")
PATTERNS = ("", "/", "x", ".", "-")
LINE = "#7d8b95"
FAINT = "rgba(125, 139, 149, 0.25)"
INSIDE = "#1a8fa8"
OUTSIDE = "#d55e00"
CHOSEN = "#e0218a"
NEAR_IS_YELLOW = "Cividis"
LEGEND_ABOVE: Part = {"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "x": 0}


@dataclass(frozen=True)
class Swatch:
    """How a traditional family is drawn: colour, and a Plotly pattern for more families than colours."""

    colour: str
    pattern: str


def family_swatches(pairs: Sequence[LanguagePair]) -> Mapping[str, Swatch]:
    """A swatch per traditional family of the pool, by name: the same ones however the pool is ordered or cut."""
    families = sorted({pair.language.traditional_family for pair in pairs})
    return {
        family: Swatch(COLOURS[i % len(COLOURS)], PATTERNS[i // len(COLOURS) % len(PATTERNS)])
        for i, family in enumerate(families)
    }
