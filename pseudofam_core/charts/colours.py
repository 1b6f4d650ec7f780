"""Colours and names that all figures share."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pseudofam_core.languages import LanguagePair, languages

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
# From the left edge of the figure: on a phone the toolbar covers its right third.
LEGEND_ABOVE: Part = {"orientation": "h", "xref": "container", "x": 0, "yref": "container", "y": 1, "yanchor": "top"}


@dataclass(frozen=True)
class Swatch:
    """How a traditional family is drawn: colour, a Plotly pattern for more families than colours, and a mark for points."""

    colour: str
    pattern: str
    mark: str


def family_swatches(pairs: Sequence[LanguagePair]) -> Mapping[str, Swatch]:
    """A swatch per traditional family of the pool, by name: each family has the same one in every pool."""
    families = {pair.language.traditional_family for pair in pairs}
    return {name: swatch for name, swatch in _all_swatches().items() if name in families}


@functools.cache
def _all_swatches() -> Mapping[str, Swatch]:
    """Of all families of the language table, in the order of their names. Those with many languages have plain colours."""
    sizes = Counter(language.traditional_family for language in languages().values())
    by_size = sorted(sizes, key=lambda family: (-sizes[family], family))
    swatches = {}
    for place, family in enumerate(by_size):
        turn, colour = divmod(place, len(COLOURS))
        swatches[family] = Swatch(COLOURS[colour], PATTERNS[turn % len(PATTERNS)], MARKS[(colour + turn) % len(MARKS)])
    return dict(sorted(swatches.items()))
