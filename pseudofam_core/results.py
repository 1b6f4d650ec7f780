"""What was computed: frozen values that carry their labels, units and provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
        values: (n, n) float64. Distances by MSE (nats⁴) and KL (nats² × nats; nats where normalised), similarities in
            [0, 1] by Overlap, Jaccard and cosine.
        measure: What the numbers are; `Measure.is_similarity` gives their direction.
        top_fraction: K of Overlap and Jaccard, else None.
        scope: Scope of their masks, else None.
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


@dataclass(frozen=True, eq=False)
class OverlapCurve:
    """What the masks of each two pairs share, at every K of a grid. A look-up: nothing is read or computed anew.

    Attributes:
        pairs: Labels of rows and columns.
        steps: The values of K, rising.
        shared: (n, n, n_steps) counts of parameters that both masks mark. Those of a pair with itself are all that its
            mask marks among the compared ones: by the group scope the same for all, by the model scope not.
        scope: Where the top K were taken.
        provenance: As in `PairwiseMatrix`.

    Raises:
        ValueError: The shape does not fit.
    """

    pairs: tuple[LanguagePair, ...]
    steps: tuple[float, ...]
    shared: npt.NDArray[np.unsignedinteger]
    scope: Scope
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse counts that belong to other pairs or steps."""
        expected = (len(self.pairs), len(self.pairs), len(self.steps))
        if self.shared.shape != expected:
            raise ValueError(f"shared must be {expected}: pairs x pairs x steps. Got {self.shared.shape}.")
        self.shared.setflags(write=False)

    @property
    def marked(self) -> npt.NDArray[np.unsignedinteger]:
        """(n, n_steps) compared parameters that each pair's mask marks."""
        return self.shared[np.arange(len(self.pairs)), np.arange(len(self.pairs))]

    def has_step(self, top_fraction: float) -> bool:
        """Whether K is one of the steps, so that its values are exact."""
        return abs(self.steps[self._nearest(top_fraction)] - top_fraction) < 1e-9

    def matrix(self, top_fraction: float, *, measure: Measure = Measure.OVERLAP) -> PairwiseMatrix:
        """Overlap or Jaccard at one K: exact, and equal to the last bit to what `similarity_matrix` finds there.

        Raises:
            ValueError: K is not a step, another measure, or a mask that marks nothing that is compared.
        """
        if not self.has_step(top_fraction):
            nearest = self.steps[self._nearest(top_fraction)]
            raise ValueError(
                f"top_fraction must be a step of the curve. Got {top_fraction}. Take {nearest:g}, the nearest, or ask "
                "similarity_matrix for the exact value at any K."
            )
        if not measure.has_masks:
            raise ValueError(f"measure must be overlap or jaccard: a curve holds no other. Got {measure}.")
        step = self._nearest(top_fraction)
        shared = self.shared[:, :, step].astype(np.float64)
        marked = shared.diagonal()
        if not marked.all():
            raise ValueError(
                f"A mask must mark at least one compared parameter. Got none for {self.pairs[int(marked.argmin())]}: "
                f"the top {top_fraction:g} of its model lies elsewhere. Raise top_fraction, or take scope=group."
            )
        whole = marked[:, None] if measure is Measure.OVERLAP else marked[:, None] + marked - shared
        return PairwiseMatrix(self.pairs, shared / whole, measure, self.steps[step], self.scope, self.provenance)

    def between(self, target: LanguagePair, auxiliary: LanguagePair) -> npt.NDArray[np.float64]:
        """(n_steps,) Overlap of two pairs over all K; NaN where the target's mask marks nothing that is compared.

        Raises:
            ValueError: A pair that is not in the curve.
        """
        if missing := [one for one in (target, auxiliary) if one not in self.pairs]:
            raise ValueError(f"Both pairs must be in the curve. Got {missing[0]}. Estimate it and compare again.")
        t, a = self.pairs.index(target), self.pairs.index(auxiliary)
        marked = self.shared[t, t].astype(np.float64)
        return np.divide(self.shared[t, a], marked, out=np.full(len(self.steps), np.nan), where=marked > 0)

    def _nearest(self, top_fraction: float) -> int:
        return int(np.argmin(np.abs(np.asarray(self.steps) - top_fraction)))


@dataclass(frozen=True, eq=False)
class ShardSketches:
    """A pool's Fisher diagonals in disjoint random shards of sentences, on a random subset of the parameters.

    Attributes:
        pairs: The pool.
        sums: (n_pairs, n_shards, n_sketched) float32: squared gradients summed over the sentences of a shard, nats².
            The same parameters for all pairs.
        counts: (n_pairs, n_shards): sentences of each shard.
        n_parameters: Parameters that the subset was drawn from: what sums over parameters are scaled to.
        shared_sentences: Whether shard s holds the same sentences for all pairs (multi-parallel text), so that pairs
            are resampled together.

    Raises:
        ValueError: Shapes that don't fit, or a shard without a sentence.
    """

    pairs: tuple[LanguagePair, ...]
    sums: npt.NDArray[np.float32]
    counts: npt.NDArray[np.int64]
    n_parameters: int
    shared_sentences: bool

    def __post_init__(self) -> None:
        """Refuse what can't be averaged."""
        if self.sums.ndim != 3 or self.counts.shape != self.sums.shape[:2] or len(self.pairs) != len(self.sums):
            raise ValueError(
                f"sums must be (pairs, shards, parameters) and counts (pairs, shards) for {len(self.pairs)} pairs. "
                f"Got {self.sums.shape} and {self.counts.shape}."
            )
        if not (self.counts > 0).all():
            pair = self.pairs[int(np.argwhere(self.counts <= 0)[0, 0])]
            raise ValueError(
                f"Every shard must hold a sentence to be resampled. Got one without for {pair}. "
                f"Estimate it with at least {self.counts.shape[1]} sentences."
            )


@dataclass(frozen=True, eq=False)
class BootstrapReplicates:
    """A pool's matrix as it comes out of resampled shards, many times.

    Attributes:
        pairs: Labels of rows and columns.
        values: (n_replicates, n, n) float64, as in `PairwiseMatrix`.
        measure: What the numbers are.
        top_fraction: K of Overlap, else None.
        seed: Of the draws.
    """

    pairs: tuple[LanguagePair, ...]
    values: FloatMatrix
    measure: Measure
    top_fraction: float | None
    seed: int

    def matrices(self) -> Iterator[PairwiseMatrix]:
        """One matrix per replicate."""
        for values in self.values:
            yield PairwiseMatrix(self.pairs, values, self.measure, self.top_fraction)


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
