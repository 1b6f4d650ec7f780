"""How a family is picked from a target's neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """How a family is picked from a target's neighbours."""

    PAPER = "paper"
    RADIUS = "radius"
    NEAREST = "nearest"


@dataclass(frozen=True)
class SelectionSpec:
    """How a family is picked (METHOD.md §3). The defaults are the paper's rule.

    Attributes:
        rule: The paper's shrinking radius, a fixed radius, or the nearest k.
        initial_radius: Replaces the rule's own first radius; for `Rule.RADIUS`, the radius itself.
        shrink: What the radius is multiplied with where a step equals it.
        smallest: Fewest members (the paper: 2).
        largest: Most members (the paper: 10); for `Rule.NEAREST`, k.
        decimals: Values and gaps are rounded to so many before they are compared. None is the convention of the
            paper's scripts: 5 for KL and Overlap, no rounding for MSE. 17 rounds nothing.
    """

    rule: Rule = Rule.PAPER
    initial_radius: float | None = None
    shrink: float = 0.5
    smallest: int = 2
    largest: int = 10
    decimals: int | None = None

    def __post_init__(self) -> None:
        """Refuse sizes and radii that can't be."""
        if not 1 <= self.smallest <= self.largest:
            raise ValueError(f"smallest must be in [1, largest={self.largest}]. Got {self.smallest}.")
        if not 0 < self.shrink <= 1:
            raise ValueError(f"shrink must be in (0, 1]. Got {self.shrink}.")
        if self.initial_radius is not None and self.initial_radius < 0:
            raise ValueError(f"initial_radius must not be negative. Got {self.initial_radius}.")
        if self.rule is Rule.RADIUS and self.initial_radius is None:
            raise ValueError("initial_radius must be given for the fixed-radius rule. Got None.")
