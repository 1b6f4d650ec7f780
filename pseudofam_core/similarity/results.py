"""What was computed: frozen values that carry their labels, units and provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import MASKED, Measure
from pseudofam_core.similarity.spec import Scope
from pseudofam_core.similarity.traits import FromMasks

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

    def ordering_distances(self) -> FloatMatrix:
        """What a target's neighbours are ordered by: `distances`, of KL (which may be negative) the size, as the paper takes it."""
        return np.abs(self.distances)

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
            mask marks among the compared ones: by the group scope the same for all up to `last_full_step`, by the model
            scope not.
        scope: Where the top K were taken.
        nonzero: Of each pair the share of the parameters in the scope that are not exactly zero. Zeros are in no mask.
        provenance: As in `PairwiseMatrix`.

    Raises:
        ValueError: The shape does not fit.
    """

    pairs: tuple[LanguagePair, ...]
    steps: tuple[float, ...]
    shared: npt.NDArray[np.unsignedinteger]
    scope: Scope
    nonzero: tuple[float, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse counts that belong to other pairs or steps."""
        expected = (len(self.pairs), len(self.pairs), len(self.steps))
        if self.shared.shape != expected:
            raise ValueError(f"shared must be {expected}: pairs x pairs x steps. Got {self.shared.shape}.")
        if len(self.nonzero) != len(self.pairs):
            raise ValueError(f"nonzero must be one share per pair, {len(self.pairs)}. Got {len(self.nonzero)}.")
        self.shared.setflags(write=False)

    @property
    def marked(self) -> npt.NDArray[np.unsignedinteger]:
        """(n, n_steps) compared parameters that each pair's mask marks."""
        return self.shared[np.arange(len(self.pairs)), np.arange(len(self.pairs))]

    @property
    def fewest_nonzero(self) -> LanguagePair:
        """The pair whose mask is the first that can't grow with K."""
        return self.pairs[int(np.argmin(self.nonzero))]

    @property
    def last_full_step(self) -> float:
        """The largest K at which all masks mark as many parameters as K asks for; the first step where none does."""
        return max((step for step in self.steps if step <= min(self.nonzero) + 1e-12), default=self.steps[0])

    @property
    def zeros(self) -> str:
        """Why K ends where it does."""
        least, pair = min(self.nonzero), self.fewest_nonzero
        return f"Only {least:.1%} of the parameters of {pair.label} differ from zero, and zeros are in no mask."

    def zeros_reached(self, top_fraction: float) -> str | None:
        """What a K says less for: it asks for more parameters than a mask can hold; None where all masks are full."""
        if top_fraction <= min(self.nonzero) + 1e-12:
            return None
        return f"{self.zeros} With this K masks are of different sizes, and say less; take at most {self.last_full_step:.1%}."

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
        if not isinstance(measure.computed, FromMasks):
            raise ValueError(f"measure must be {' or '.join(MASKED)}: a curve holds no other. Got {measure}.")
        step = self._nearest(top_fraction)
        shared = self.shared[:, :, step].astype(np.float64)
        marked = shared.diagonal()
        if not marked.all():
            raise _empty_mask(self.pairs[int(marked.argmin())], self.scope, top_fraction)
        values = measure.computed.values(shared)
        least = {"smallest_nonzero_share": f"{min(self.nonzero):.4g} ({self.fewest_nonzero})"}
        return PairwiseMatrix(self.pairs, values, measure, self.steps[step], self.scope, {**self.provenance, **least})

    def between(self, target: LanguagePair, auxiliary: LanguagePair) -> npt.NDArray[np.float64]:
        """(n_steps,) Overlap of two pairs over all K; NaN where the target's mask marks nothing that is compared.

        Raises:
            ValueError: A pair that is not in the curve.
        """
        if missing := [pair for pair in (target, auxiliary) if pair not in self.pairs]:
            raise ValueError(f"Both pairs must be in the curve. Got {missing[0]}. Estimate it and compare again.")
        t, a = self.pairs.index(target), self.pairs.index(auxiliary)
        marked = self.shared[t, t].astype(np.float64)
        return np.divide(self.shared[t, a], marked, out=np.full(len(self.steps), np.nan), where=marked > 0)

    def _nearest(self, top_fraction: float) -> int:
        return int(np.argmin(np.abs(np.asarray(self.steps) - top_fraction)))


def _empty_mask(pair: LanguagePair, scope: Scope, top_fraction: float) -> ValueError:
    why = "its parameters are all zero there. Estimate it with more sentences, or leave it out of the pool."
    if scope is Scope.MODEL:
        why = f"the top {top_fraction:g} of its model lies elsewhere. Raise top_fraction, or take scope=group."
    return ValueError(f"A mask must mark at least one compared parameter. Got none for {pair}: {why}")


def measure_name(matrix: PairwiseMatrix) -> str:
    """``MSE``, or with its K ``Overlap (K = 40%)``."""
    fraction = matrix.top_fraction
    return matrix.measure.label + ("" if fraction is None else f" (K = {100 * fraction:g}%)")


def common_pool(matrices: Sequence[PairwiseMatrix]) -> tuple[LanguagePair, ...]:
    """The pool that all of `matrices` are over.

    Raises:
        ValueError: Fewer than two matrices, or matrices over different pools.
    """
    if len(matrices) < 2:
        raise ValueError(f"matrices must be at least 2 to be held against each other. Got {len(matrices)}.")
    if len({matrix.pairs for matrix in matrices}) > 1:
        raise ValueError("matrices must be over the same pool, in the same order. Got different ones.")
    return matrices[0].pairs
