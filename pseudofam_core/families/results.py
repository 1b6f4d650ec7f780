"""What selection gives: a target's family, with its neighbours and the reason for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.spec import Scope


@dataclass(frozen=True)
class Neighbour:
    """One auxiliary of a target, at its place in the order of nearness.

    Attributes:
        pair: The auxiliary.
        rank: 1 is the nearest.
        value: The measure's own value, rounded as the rule compared it.
        gap: Step from the neighbour before, in the measure's units, never negative; None for the first.
        radius: The radius that `gap` (by `Rule.RADIUS`, the distance) was held against; None where no test was made.
        member: Whether the rule took it.
        reason: One plain sentence: why it is in or out.
    """

    pair: LanguagePair
    rank: int
    value: float
    gap: float | None
    radius: float | None
    member: bool
    reason: str


@dataclass(frozen=True)
class PseudoFamily:
    """The auxiliaries picked for one target. Directed: another target's family may overlap it.

    Attributes:
        target: The pair to be adapted; not itself a member.
        neighbours: The whole pool but the target, nearest first, each with its reason.
        measure: What ordered them.
        selection: The rule and its parameters.
        top_fraction: K of Overlap, else None.
        scope: Where its top K were taken, else None.
        provenance: As in the matrix it came from.
    """

    target: LanguagePair
    neighbours: tuple[Neighbour, ...]
    measure: Measure
    selection: SelectionSpec
    top_fraction: float | None = None
    scope: Scope | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def members(self) -> tuple[LanguagePair, ...]:
        """The auxiliaries picked, nearest first."""
        return tuple(neighbour.pair for neighbour in self.neighbours if neighbour.member)
