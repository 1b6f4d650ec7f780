"""The measures by which pairs are compared: one table of all that the package and the pages need to know of each.

With F_i the diagonal of pair i over P parameters, rows are targets t and columns auxiliaries a:

=====================  =========================================================  =====================
measure                formula                                                    direction
=====================  =========================================================  =====================
mse                    1/P Σ_p (F_t − F_a)²                                       symmetric distance
kl                     Σ_p F_a (log(F_a + ε) − log(F_t + ε)), ε = 1e-16           directed, may be < 0
kl-normalised          the same after each F is divided by its own sum            directed distance
overlap                #(M_t ∧ M_a) / #M_t, M the top K of the parameters by F,   similarity in [0, 1]
                       zeros left out
jaccard                #(M_t ∧ M_a) / #(M_t ∨ M_a)                                symmetric similarity
cosine                 Σ_p F_t F_a / (|F_t| |F_a|)                                symmetric similarity
hellinger              1/√2 ‖√(F_t/ΣF_t) − √(F_a/ΣF_a)‖₂                          symmetric distance, ≤ 1
kl-reverse             Σ_p F_t (log(F_t + ε) − log(F_a + ε))                      directed, may be < 0
kl-normalised-reverse  the same after each F is divided by its own sum            directed distance
consensus              mean rank of a among t's neighbours by several             directed distance
=====================  =========================================================  =====================

Where more parameters are zero than a mask leaves out, it marks all others, so that masks may differ in size and Overlap
in its two directions. The direction of kl is that in which the paper's scripts fill row t, column a: the auxiliary's
values against the target's.

A new measure is a member here with its row, its sums in `sums`, and their resampled twin in `replicates`.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from pseudofam_core.similarity import replicates, sums
from pseudofam_core.similarity.sums import FloatMatrix, Product, SumKernel
from pseudofam_core.similarity.traits import FromMasks, FromRanks, FromSums, Geometry, Row, Style


def _overlaps(shared: FloatMatrix) -> FloatMatrix:
    return shared / _marked(shared)[..., :, None]


def _jaccards(shared: FloatMatrix) -> FloatMatrix:
    marked = _marked(shared)
    return shared / (marked[..., :, None] + marked[..., None, :] - shared)


def _marked(shared: FloatMatrix) -> FloatMatrix:
    return np.diagonal(shared, axis1=-2, axis2=-1)


class Measure(StrEnum):
    """How two Fisher diagonals are compared. A member is its name and its row of the table."""

    row: Row

    def __new__(cls, name: str, row: Row | None = None) -> Measure:
        """A string that knows its row; a member without one can't be made, and ends the import."""
        if row is None:
            raise TypeError(f"A measure must have a row. Got none for {name}.")
        member = str.__new__(cls, name)
        member._value_ = name
        member.row = row
        return member

    MSE = (
        "mse",
        Row(
            label="MSE",
            words="Mean squared difference of the two Fisher diagonals. Small: the two excite the same parameters as strongly.",
            computed=FromSums(
                SumKernel(Product.SQUARES, sums.mean_squared_differences), replicates.mean_squared_differences
            ),
            style=Style("#3b8ed0", "triangle-up"),
            is_similarity=False,
            is_directed=False,
            geometry=Geometry.SQUARED_EUCLIDEAN,
            decimals=None,
            is_usual_arm=True,
            is_side_by_side=True,
            resampled_against=((0.125, 0.029), (0.570, 0.606), (0.148, 0.050)),
            version=1,
        ),
    )
    KL = (
        "kl",
        Row(
            label="KL",
            words="Kullback-Leibler divergence of the raw Fisher values, the auxiliary's against the target's, as the "
            "paper's scripts compute it. It may be negative; its size decides. It mixes how strongly a pair excites the "
            "model with where.",
            computed=FromSums(SumKernel(Product.LOGS, sums.divergences), replicates.divergences),
            style=Style("#0f9d76", "triangle-down"),
            is_similarity=False,
            is_directed=True,
            geometry=Geometry.UNKNOWN,
            decimals=5,
            is_usual_arm=True,
            is_side_by_side=True,
            resampled_against=((0.149, 0.124), (0.440, 0.579), (0.204, 0.156)),
            version=2,
        ),
    )
    KL_NORMALISED = (
        "kl-normalised",
        Row(
            label="KL (normalised)",
            words="Kullback-Leibler divergence, the auxiliary against the target, after each diagonal is divided by its sum: "
            "only where, not how strongly.",
            computed=FromSums(
                SumKernel(Product.LOGS, sums.divergences, normalised=True, needs_positive_sum=True),
                replicates.normalised_divergences,
            ),
            style=Style("#0f9d76", "triangle-down-open"),
            is_similarity=False,
            is_directed=True,
            geometry=Geometry.UNKNOWN,
            decimals=5,
            is_usual_arm=True,
            is_side_by_side=True,
            resampled_against=((0.323, 0.306), (0.633, 0.674), (0.087, 0.182)),
            version=2,
        ),
    )
    OVERLAP = (
        "overlap",
        Row(
            label="Overlap",
            words="Share of each pair's most important parameters that the other one has among its own. Large is near.",
            computed=FromMasks(_overlaps),
            style=Style("#aa4499", "diamond"),
            is_similarity=True,
            is_directed=True,
            geometry=Geometry.UNKNOWN,
            decimals=5,
            is_usual_arm=True,
            is_side_by_side=True,
            resampled_against=((0.359, 0.271), (0.542, 0.441), (0.147, 0.135)),
            version=3,
        ),
    )
    JACCARD = (
        "jaccard",
        Row(
            label="Jaccard",
            words="As Overlap, but of all parameters that either pair counts as important: the same in both directions.",
            computed=FromMasks(_jaccards),
            style=Style("#aa4499", "diamond-open"),
            is_similarity=True,
            is_directed=False,
            geometry=Geometry.UNKNOWN,
            decimals=None,
            is_usual_arm=False,
            is_side_by_side=False,
            resampled_against=(),
            version=3,
        ),
    )
    COSINE = (
        "cosine",
        Row(
            label="Cosine",
            words="Cosine of the angle between the two diagonals: only where they lie, not how strong they are. Large is near.",
            computed=FromSums(
                SumKernel(Product.SQUARES, sums.cosines, needs_positive_sum=True),
                replicates.cosines,
            ),
            style=Style("#8a5a44", "pentagon"),
            is_similarity=True,
            is_directed=False,
            geometry=Geometry.UNKNOWN,
            decimals=None,
            is_usual_arm=False,
            is_side_by_side=False,
            resampled_against=(),
            version=1,
        ),
    )
    HELLINGER = (
        "hellinger",
        Row(
            label="Hellinger",
            words="Distance between the roots of the two diagonals, each divided by its sum: only where they lie, not how "
            "strong they are, and the same in both directions. 0 is the same place, 1 no parameter in common.",
            computed=FromSums(
                SumKernel(Product.ROOTS, sums.hellinger_distances, normalised=True, needs_positive_sum=True),
                replicates.hellinger_distances,
            ),
            style=Style("#b5651d", "hourglass"),
            is_similarity=False,
            is_directed=False,
            geometry=Geometry.EUCLIDEAN,
            decimals=None,
            is_usual_arm=False,
            is_side_by_side=False,
            resampled_against=((0.327, 0.338), (0.613, 0.591), (0.087, 0.176)),
            version=1,
        ),
    )
    KL_REVERSE = (
        "kl-reverse",
        Row(
            label="KL (reverse)",
            words="As KL, in the other direction: the target's values against the auxiliary's. It may be negative; its size "
            "decides.",
            computed=FromSums(SumKernel(Product.LOGS, sums.reverse_divergences), replicates.reverse_divergences),
            style=Style("#2e8b57", "triangle-left"),
            is_similarity=False,
            is_directed=True,
            geometry=Geometry.UNKNOWN,
            decimals=5,
            is_usual_arm=False,
            is_side_by_side=False,
            resampled_against=(),
            version=1,
        ),
    )
    KL_NORMALISED_REVERSE = (
        "kl-normalised-reverse",
        Row(
            label="KL (normalised, reverse)",
            words="As KL (normalised), in the other direction: the target against the auxiliary.",
            computed=FromSums(
                SumKernel(Product.LOGS, sums.reverse_divergences, normalised=True, needs_positive_sum=True),
                replicates.reverse_normalised_divergences,
            ),
            style=Style("#2e8b57", "triangle-left-open"),
            is_similarity=False,
            is_directed=True,
            geometry=Geometry.UNKNOWN,
            decimals=5,
            is_usual_arm=False,
            is_side_by_side=False,
            resampled_against=(),
            version=1,
        ),
    )
    CONSENSUS = (
        "consensus",
        Row(
            label="Consensus",
            words="Mean rank among a target's neighbours by Hellinger, KL (normalised) and Overlap: what the measures agree on.",
            # The paper's three measures, each with one vote. Its MSE and raw KL tell how strong a diagonal is rather
            # than where it lies, so that Hellinger and the normalised KL vote in their place.
            computed=FromRanks(("hellinger", "kl-normalised", "overlap")),
            style=Style("#6a5acd", "star"),
            is_similarity=False,
            is_directed=True,
            geometry=Geometry.UNKNOWN,
            decimals=None,
            is_usual_arm=True,
            is_side_by_side=False,
            resampled_against=(),
            version=1,
        ),
    )

    @property
    def label(self) -> str:
        """The name that pages and figures write."""
        return self.row.label

    @property
    def is_similarity(self) -> bool:
        """Whether larger means nearer. Its distance is then 1 − w."""
        return self.row.is_similarity

    @property
    def computed(self) -> FromSums | FromMasks | FromRanks:
        """How its values come about."""
        return self.row.computed

    @property
    def has_masks(self) -> bool:
        """Whether it compares masks of the top K of the parameters, and so has a K and a scope."""
        return isinstance(self.computed, FromMasks)

    @property
    def depends_on_k(self) -> bool:
        """Whether K changes its values: that of its own masks, or of a measure whose ranks it combines."""
        return self.has_masks or any(measure.has_masks for measure in self.combined)

    @property
    def combined(self) -> tuple[Measure, ...]:
        """The measures whose ranks it is the mean of; none for those that are computed from diagonals."""
        return tuple(map(Measure, self.computed.measures)) if isinstance(self.computed, FromRanks) else ()


# Those that are computed from the diagonals themselves, those of them that do without masks, and those with masks.
USUAL_MEASURE = Measure.OVERLAP
"""What pages and commands compare by unless told otherwise: it follows kinship, where MSE follows how hard a pair is."""
FISHER_MEASURES = tuple(measure for measure in Measure if not measure.combined)
SUMMED = tuple(measure for measure in FISHER_MEASURES if not measure.has_masks)
MASKED = tuple(measure for measure in FISHER_MEASURES if measure.has_masks)
