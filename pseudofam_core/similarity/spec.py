"""What a comparison's key is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import FISHER_MEASURES, MASKED, Measure


class Scope(StrEnum):
    """Among which parameters the top K are taken, before the group is looked at."""

    GROUP = "group"
    MODEL = "model"


@dataclass(frozen=True)
class PoolSpec:
    """A pool's comparison by all measures and at every K, over finished estimates.

    Attributes:
        fishers: Keys of the estimates, in the order of `pairs`.
        pairs: The pool, sorted.
        scope: Where the top K of masks are taken.
        group: The parameters compared: a name of `PARAMETER_GROUPS` or a regular expression.
    """

    fishers: tuple[str, ...]
    pairs: tuple[LanguagePair, ...]
    scope: Scope
    group: str

    def __post_init__(self) -> None:
        """Refuse a pool that is none."""
        if len(self.fishers) != len(self.pairs):
            raise ValueError(f"fishers must align with pairs. Got {len(self.fishers)} for {len(self.pairs)} pairs.")
        if len(self.pairs) < 2:
            raise ValueError(f"pairs must name at least 2 to compare. Got {len(self.pairs)}. Estimate another pair.")


@dataclass(frozen=True)
class SimilaritySpec:
    """A pool's matrix by one measure, over finished estimates.

    Attributes:
        fishers: Keys of the estimates, in the order of `pairs`.
        pairs: The pool, sorted.
        measure: How two diagonals are compared.
        top_fraction: Share K of the parameters in a mask. Overlap and Jaccard only; None elsewhere.
        scope: Where the top K are taken. Overlap and Jaccard only; None elsewhere.
        group: The parameters compared: a name of `PARAMETER_GROUPS` or a regular expression.
    """

    fishers: tuple[str, ...]
    pairs: tuple[LanguagePair, ...]
    measure: Measure
    top_fraction: float | None = None
    scope: Scope | None = None
    group: str = "ffn"

    def __post_init__(self) -> None:
        """Refuse a K that is missing, out of range or without meaning."""
        if self.measure not in FISHER_MEASURES:
            raise ValueError(f"measure must be one of diagonals. Got {self.measure}. Make it of several matrices.")
        if self.measure.has_masks:
            if self.top_fraction is None or not 0 < self.top_fraction <= 1:
                raise ValueError(f"top_fraction must be in (0, 1] for {self.measure}. Got {self.top_fraction}.")
            if self.scope is None:
                raise ValueError(f"scope must be group or model for {self.measure}. Got None.")
        elif self.top_fraction is not None or self.scope is not None:
            raise ValueError(
                f"top_fraction and scope are for {' and '.join(MASKED)} only. Leave them out for {self.measure}."
            )
        if len(self.fishers) != len(self.pairs):
            raise ValueError(f"fishers must align with pairs. Got {len(self.fishers)} for {len(self.pairs)} pairs.")
        if len(self.pairs) < 2:
            raise ValueError(f"pairs must name at least 2 to compare. Got {len(self.pairs)}. Estimate another pair.")
