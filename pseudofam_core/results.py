"""What was computed: frozen values that carry their labels, units and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pseudofam_core.languages import LanguagePair
from pseudofam_core.specs import Measure, Scope, SelectionSpec

FloatMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairwiseMatrix:
    """One number for every ordered pair of language pairs: rows are targets, columns auxiliaries.

    Attributes:
        pairs: Labels of rows and columns.
        values: (n, n) float64. Distances by MSE (nats⁴) and KL (nats² × nats; nats where normalised), shares in [0, 1] by Overlap.
        measure: What the numbers are; `Measure.is_similarity` gives their direction.
        top_fraction: K of Overlap, else None.
        scope: Scope of Overlap's masks, else None.
        provenance: Model, corpus, estimator, counts, key: what the CSV carries.

    Raises:
        ValueError: The shape does not fit, or a value is not finite.
    """

    pairs: tuple[LanguagePair, ...]
    values: FloatMatrix
    measure: Measure
    top_fraction: float | None = None
    scope: Scope | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is not a full square of finite numbers."""
        n = len(self.pairs)
        if self.values.shape != (n, n):
            raise ValueError(f"values must be {n} x {n}, one row and column per pair. Got {self.values.shape}.")
        if not np.isfinite(self.values).all():
            row, column = np.argwhere(~np.isfinite(self.values))[0]
            raise ValueError(
                f"values must be finite. Got {self.values[row, column]} for {self.pairs[row]} and "
                f"{self.pairs[column]}. Estimate the two again."
            )
        self.values.setflags(write=False)

    @property
    def distances(self) -> FloatMatrix:
        """The values as distances: 1 - w for a similarity, unchanged otherwise. Not symmetrised."""
        return 1 - self.values if self.measure.is_similarity else self.values

    def symmetric_distances(self) -> FloatMatrix:
        """`distances` averaged over both directions, diagonal 0: what linkage and maps take."""
        symmetric = (self.distances + self.distances.T) / 2
        np.fill_diagonal(symmetric, 0)
        return symmetric

    def frame(self) -> pd.DataFrame:
        """The values as a table with the pairs' names."""
        names = [str(pair) for pair in self.pairs]
        return pd.DataFrame(self.values, index=pd.Index(names, name="target"), columns=names)


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
        provenance: As in the matrix it came from.
    """

    target: LanguagePair
    neighbours: tuple[Neighbour, ...]
    measure: Measure
    selection: SelectionSpec
    top_fraction: float | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def members(self) -> tuple[LanguagePair, ...]:
        """The auxiliaries picked, nearest first."""
        return tuple(one.pair for one in self.neighbours if one.member)


@dataclass(frozen=True)
class FisherSummary:
    """What a page may know of a finished estimate without opening its tensors.

    Attributes:
        pair: The direction.
        key: The artifact's key.
        n_sentences: Sentences read.
        n_source_tokens: Tokens of the source side, special tokens included.
        n_target_tokens: Tokens of the target side, special tokens included.
        n_parameters: Numbers in the diagonal.
        mean_loss: Mean negative log-likelihood per target token, nats.
        total: Sum of the diagonal, nats².
        layer_mass: Share of `total` by parameter tensor name; sums to 1 where `total` is positive.
        seconds: Computing time.
        created: ISO 8601, UTC.
    """

    pair: LanguagePair
    key: str
    n_sentences: int
    n_source_tokens: int
    n_target_tokens: int
    n_parameters: int
    mean_loss: float
    total: float
    layer_mass: Mapping[str, float]
    seconds: float
    created: str


@dataclass(frozen=True)
class ScoreReport:
    """How well a model translates one pair's split, by sacreBLEU on detokenised text.

    Attributes:
        pair: The direction.
        split: The split scored.
        n_sentences: Sentences translated.
        bleu: Corpus BLEU, 0 to 100.
        chrf: Corpus chrF++, 0 to 100.
        bleu_signature: sacreBLEU's signature of the BLEU setting.
        chrf_signature: sacreBLEU's signature of the chrF++ setting.
        hypotheses: The translations, in the order of the split.
    """

    pair: LanguagePair
    split: str
    n_sentences: int
    bleu: float
    chrf: float
    bleu_signature: str
    chrf_signature: str
    hypotheses: tuple[str, ...] = field(repr=False, default=())
