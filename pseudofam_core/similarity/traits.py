"""What the table of measures says of each: the kinds of values that its rows hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pseudofam_core.similarity.replicates import ShardSketches, Weights
from pseudofam_core.similarity.sums import FloatMatrix, SumKernel


class Geometry(Enum):
    """What trees and maps may take for granted of a measure's distances."""

    EUCLIDEAN = "distances between points"
    SQUARED_EUCLIDEAN = "squares of distances between points"
    UNKNOWN = "nothing: they are averaged over both directions, and may break the triangle inequality"


@dataclass(frozen=True)
class Style:
    """How charts draw the measure's family: a colour, and a Plotly symbol for those who can't tell colours apart."""

    colour: str
    symbol: str


@dataclass(frozen=True)
class FromSums:
    """Computed from sums over all parameters.

    Attributes:
        kernel: From the diagonals' files, block by block.
        resampled: (n_replicates, n, n) values on resampled shards.
    """

    kernel: SumKernel
    resampled: Callable[[ShardSketches, Weights], FloatMatrix]


@dataclass(frozen=True)
class FromMasks:
    """Computed from masks of the top K of the parameters, and so it has a K and a scope.

    Attributes:
        values: From (…, n, n) counts of parameters that two masks share, on the diagonal what each marks: read from
            files, kept in a curve, or resampled.
    """

    values: Callable[[FloatMatrix], FloatMatrix]


@dataclass(frozen=True)
class FromRanks:
    """The mean rank by other measures. Not kept, and not resampled.

    Attributes:
        measures: Their names.
    """

    measures: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """What is known of a measure.

    Attributes:
        label: The name that pages and figures write.
        words: One plain sentence or two: what its numbers mean.
        computed: How its values come about.
        style: How charts draw its family.
        is_similarity: Whether larger means nearer. Its distance is then 1 − w.
        is_directed: Whether row t, column a may differ from row a, column t.
        geometry: What trees and maps may take for granted.
        decimals: What the paper's rule rounds values to before it compares them; None rounds nothing.
        is_usual_arm: Whether its families are fine-tuned where nothing else is said.
        is_side_by_side: Whether pages show it beside the others and hold it against them: variants would repeat them.
        version: Of its values: raise it when the same diagonals would give others. Kept comparisons are then computed
            again.
        resampled_against: Share of families that resamples left unchanged, and that as many other sentences gave again: on the
            sample (80 sentences a pair), FLORES-101 (160) and Tatoeba (200), by the sample's model, with eight shards, 17
            targets, 20 splits (``python -m benchmarks.stability``; docs/measured.md). Empty where it was not measured.
    """

    label: str
    words: str
    computed: FromSums | FromMasks | FromRanks
    style: Style
    is_similarity: bool
    is_directed: bool
    geometry: Geometry
    decimals: int | None
    is_usual_arm: bool
    is_side_by_side: bool
    version: int
    resampled_against: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Refuse a row that leaves something out."""
        if not self.label or not self.words.endswith(".") or not self.style.colour or not self.style.symbol:
            raise ValueError(f"A measure must have a label, a sentence, a colour and a symbol. Got {self!r}.")
        if self.version < 1:
            raise ValueError(f"version must be at least 1. Got {self.version} for {self.label}.")
