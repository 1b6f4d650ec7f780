"""How pairs are compared: measures, scopes, and what a comparison's key is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pseudofam_core.languages import LanguagePair


class Measure(StrEnum):
    """How two Fisher diagonals are compared: `FISHER_MEASURES`, and the mean rank by several of them."""

    MSE = "mse"
    KL = "kl"
    KL_NORMALISED = "kl-normalised"
    OVERLAP = "overlap"
    JACCARD = "jaccard"
    COSINE = "cosine"
    CONSENSUS = "consensus"

    @property
    def is_similarity(self) -> bool:
        """Whether larger means nearer: Overlap, Jaccard and the cosine. Their distance is 1 − w."""
        return self in (Measure.OVERLAP, Measure.JACCARD, Measure.COSINE)

    @property
    def has_masks(self) -> bool:
        """Whether it compares masks of the top K of the parameters, and so has a K and a scope."""
        return self in (Measure.OVERLAP, Measure.JACCARD)

    @property
    def label(self) -> str:
        """The name that pages and figures write."""
        names = {"mse": "MSE", "kl": "KL", "kl-normalised": "KL (normalised)"}
        return names.get(self.value, self.value.capitalize())


# Those that are computed from the diagonals themselves.
FISHER_MEASURES = tuple(one for one in Measure if one is not Measure.CONSENSUS)


class Scope(StrEnum):
    """Among which parameters the top K are taken, before the group is looked at."""

    GROUP = "group"
    MODEL = "model"


@dataclass(frozen=True)
class ComparisonSpec:
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
                f"top_fraction and scope are for overlap and jaccard only. Leave them out for {self.measure}."
            )
        if len(self.fishers) != len(self.pairs):
            raise ValueError(f"fishers must align with pairs. Got {len(self.fishers)} for {len(self.pairs)} pairs.")
        if len(self.pairs) < 2:
            raise ValueError(f"pairs must name at least 2 to compare. Got {len(self.pairs)}. Estimate another pair.")
