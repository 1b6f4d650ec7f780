"""Other distances over a pool, to hold a measure against: does it follow language, script or data?

A yardstick is a symmetric distance with NaN where it knows nothing. Each is optional.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pseudofam_core.languages import Language, LanguagePair
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix, measure_name
from pseudofam_core.structure.correlation import N_PERMUTATIONS, mantel
from pseudofam_core.structure.uriel import UrielKind, uriel_distances


@dataclass(frozen=True, eq=False)
class Yardstick:
    """A distance over a pool that does not come from a model.

    Attributes:
        name: What pages write.
        pairs: Labels of rows and columns.
        distances: (n, n), symmetric; NaN where unknown, 0 on the diagonal.
        source: Where it comes from, and its units.
    """

    name: str
    pairs: tuple[LanguagePair, ...]
    distances: FloatMatrix
    source: str


@dataclass(frozen=True)
class YardstickCorrelation:
    """How far a measure follows a yardstick.

    Attributes:
        measure: The measure, with its K.
        yardstick: The yardstick's name.
        spearman: Spearman's ρ between both distances over the pool's two-by-twos; None where either is constant.
        p_value: Of a one-sided Mantel test; None likewise.
        n_entries: Two-by-twos that the yardstick knows.
        n_permutations: Permutations behind `p_value`.
    """

    measure: str
    yardstick: str
    spearman: float | None
    p_value: float | None
    n_entries: int
    n_permutations: int = N_PERMUTATIONS


def genealogical(pairs: Sequence[LanguagePair]) -> Yardstick:
    """Steps up the family tree to a common ancestor, by the family and branch of `languages.tsv`.

    0 for one language in two scripts, 1 within a branch, 2 within a family, 3 across families. Where either language
    has no branch in the table, two of one family are 2 apart.
    """

    def steps(first: Language, second: Language) -> float:
        if first.iso639_3 == second.iso639_3:
            return 0
        if first.family != second.family:
            return 3
        return 1 if first.branch and first.branch == second.branch else 2

    return Yardstick(
        "Genealogy", tuple(pairs), _by_language(pairs, steps), "Steps to a common group, 0 to 3: languages.tsv"
    )


def script(pairs: Sequence[LanguagePair]) -> Yardstick:
    """0 where two languages share their script, 1 where not."""

    def differs(first: Language, second: Language) -> float:
        return float(first.script != second.script)

    return Yardstick("Script", tuple(pairs), _by_language(pairs, differs), "0 same, 1 different: languages.tsv")


def corpus_size(pairs: Sequence[LanguagePair], n_sentences: Mapping[LanguagePair, int]) -> Yardstick:
    """|log ratio| of the pairs' numbers of sentences; NaN for a pair whose number is not given.

    Raises:
        ValueError: A number below 1.
    """
    if bad := {pair: count for pair, count in n_sentences.items() if count < 1}:
        pair, count = next(iter(bad.items()))
        raise ValueError(f"n_sentences must be at least 1. Got {count} for {pair}. Leave the pair out.")
    logs = np.array([math.log(n_sentences[pair]) if pair in n_sentences else math.nan for pair in pairs])
    distances = np.abs(logs[:, None] - logs)
    np.fill_diagonal(distances, 0)
    return Yardstick("Corpus size", tuple(pairs), distances, "|log ratio| of numbers of sentences")


def uriel(pairs: Sequence[LanguagePair], kind: UrielKind) -> Yardstick:
    """A URIEL+ distance; needs the optional package urielplus, and no network.

    Raises:
        UrielMissing: The package is not installed.
    """
    distances = uriel_distances([pair.language.iso639_3 for pair in pairs], kind)
    return Yardstick(f"URIEL+ {kind}", tuple(pairs), distances, "Angular distance, 0 to 1: urielplus")


def yardstick_correlations(
    matrices: Sequence[PairwiseMatrix],
    yardsticks: Sequence[Yardstick],
    *,
    n_permutations: int = N_PERMUTATIONS,
    seed: int,
) -> tuple[YardstickCorrelation, ...]:
    """Each measure against each yardstick, by ranks: distances averaged over both directions, Mantel's p.

    Raises:
        ValueError: A yardstick over another pool than a matrix.
    """
    return tuple(
        _correlation(matrix, yardstick, n_permutations=n_permutations, seed=seed)
        for matrix in matrices
        for yardstick in yardsticks
    )


def _correlation(
    matrix: PairwiseMatrix, yardstick: Yardstick, *, n_permutations: int, seed: int
) -> YardstickCorrelation:
    if matrix.pairs != yardstick.pairs:
        raise ValueError(f"{yardstick.name} must be over the matrix's pool, in its order. Make it from matrix.pairs.")
    test = mantel(matrix.symmetric_distances(), yardstick.distances, n_permutations=n_permutations, seed=seed)
    return YardstickCorrelation(
        measure_name(matrix), yardstick.name, test.correlation, test.p_value, test.n_entries, n_permutations
    )


def _by_language(pairs: Sequence[LanguagePair], distance: Callable[[Language, Language], float]) -> FloatMatrix:
    spoken = [pair.language for pair in pairs]
    return np.array([[distance(first, second) for second in spoken] for first in spoken], dtype=np.float64)
