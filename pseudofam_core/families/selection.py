"""Pick a pseudo family for each target: the shrinking search radius and its alternatives (METHOD.md §3).

A family is directed and belongs to one target; the families of two targets may overlap. It is not a cluster of
`clustering`, which partitions the pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from pseudofam_core.families.results import Neighbour, PseudoFamily
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix

FAMILY_COLUMNS = (
    "target",
    "member",
    "rank",
    "distance",
    "gap",
    "radius",
    "measure",
    "top_fraction",
    "rule",
    "family_pseudo_size",
    "member_traditional_family",
    "same_traditional_family",
)


def select_families(matrix: PairwiseMatrix, *, selection: SelectionSpec) -> tuple[PseudoFamily, ...]:
    """One family per pair of the matrix, in its order. See `select_family`."""
    return tuple(select_family(matrix, target, selection=selection) for target in matrix.pairs)


def select_family(matrix: PairwiseMatrix, target: LanguagePair, *, selection: SelectionSpec) -> PseudoFamily:
    """Order the pool by nearness to `target` and pick its family.

    Values are taken from the target's row: MSE, |KL| or Overlap, rounded to `selection.decimals`, or where that is None
    by the paper's convention (KL and Overlap to 5 decimals, MSE not at all; a number as high as 17 rounds nothing that
    a float can tell apart near 1). Equal values stand in the order of the pairs' names. Gaps of rounded values are
    rounded as well, so that steps that are equal in decimals are equal; the paper's scripts subtract binary floats, in
    which such ties fall either way.

    `Rule.PAPER`, with distances d_1 ≤ d_2 ≤ … (Overlap: gaps are w_{i−1} − w_i)::

        members = 1, 2; radius = d_2 − d_1         (Overlap: radius = 1 − w_1, and the test starts at i = 2,
        for i = 3 … largest: step = d_i − d_{i−1}   where a failure stops with members 1 and 2)
            step = radius → add i, radius = radius · shrink
            step < radius → add i, radius = step
            otherwise     → stop, though not below the smallest size

    `selection.initial_radius` replaces the first radius; the test starts where it did. `Rule.RADIUS` takes all within
    `initial_radius` of the target (Overlap: w ≥ 1 − radius), but no fewer than `smallest` and no more than `largest`.
    `Rule.NEAREST` takes the nearest `largest`. A pool too small for a size gives all that it has.

    Raises:
        ValueError: The target is not in the matrix, or alone in it.
    """
    ranking = _ranking(matrix, target, selection)
    verdicts = _verdicts(ranking, measure=matrix.measure, selection=selection)
    neighbours = tuple(
        Neighbour(matrix.pairs[position], rank, value, gap, verdict.radius, verdict.member, verdict.reason)
        for rank, (position, value, gap, verdict) in enumerate(
            zip(ranking.order, ranking.values, [None, *ranking.gaps], verdicts, strict=True), start=1
        )
    )
    return PseudoFamily(
        target, neighbours, matrix.measure, selection, matrix.top_fraction, matrix.scope, matrix.provenance
    )


def usual_radius(matrix: PairwiseMatrix) -> float:
    """A radius to begin with: a fifth of all distances lie within it. Never 0, which would be no radius."""
    distances = matrix.ordering_distances()[~np.eye(len(matrix.pairs), dtype=bool)]
    return float(np.quantile(distances, 0.2)) or 1e-6


def paper_family(matrix: PairwiseMatrix, target: LanguagePair) -> tuple[LanguagePair, ...]:
    """The auxiliaries of a target by the paper's rule with its own settings, nearest first.

    Raises:
        ValueError: See `select_family`.
    """
    return usual_family(matrix, target).members


def usual_family(matrix: PairwiseMatrix, target: LanguagePair) -> PseudoFamily:
    """The target's family by the paper's rule with its own settings, which is how measures are held beside one another.

    Raises:
        ValueError: See `select_family`.
    """
    return select_family(matrix, target, selection=SelectionSpec())


def first_step(matrix: PairwiseMatrix, target: LanguagePair, *, selection: SelectionSpec) -> float | None:
    """The step that `Rule.PAPER` holds against the initial radius, or None in a pool too small for a test.

    As a function of the initial radius the family changes nowhere else: below the step the rule stops, at it the radius
    shrinks, and above it the step becomes the radius, however large the initial one was.
    """
    gaps = _ranking(matrix, target, selection).gaps
    tested = first_test(matrix.measure)
    return gaps[tested - 2] if len(gaps) > tested - 2 else None


def neighbour_distances(matrix: PairwiseMatrix, target: LanguagePair, *, selection: SelectionSpec) -> tuple[float, ...]:
    """The distances that `Rule.RADIUS` holds against its radius, nearest first, rounded as it rounds them."""
    return tuple(_ranking(matrix, target, selection).distances)


def mutual_choices(families: Iterable[PseudoFamily]) -> Mapping[LanguagePair, tuple[LanguagePair, ...]]:
    """By target, the members whose own family holds the target, nearest first.

    A member that is no target among `families` chooses nobody.
    """
    members = {family.target: family.members for family in families}
    return {
        target: tuple(member for member in chosen if target in members.get(member, ()))
        for target, chosen in members.items()
    }


def families_frame(families: Iterable[PseudoFamily]) -> pd.DataFrame:
    """The members of families as a table: a row per target and member, columns `FAMILY_COLUMNS`.

    ``distance`` is 1 − w for Overlap; ``family_pseudo_size`` counts the members, without the target; ``gap`` and
    ``radius`` are missing where there was none.
    """
    rows = [_row(family, neighbour) for family in families for neighbour in family.neighbours if neighbour.member]
    return pd.DataFrame(rows, columns=list(FAMILY_COLUMNS))


def compared_decimals(measure: Measure, selection: SelectionSpec) -> int | None:
    """Decimals that values and gaps are rounded to before the rule compares them; None where they are not."""
    return measure.row.decimals if selection.decimals is None else selection.decimals


def first_test(measure: Measure) -> int:
    """The rank at which the paper's rule first holds a step against the radius."""
    return 2 if measure.is_similarity else 3


@dataclass(frozen=True)
class _Verdict:
    """Whether a neighbour is in, the radius it was held against, and why."""

    member: bool
    radius: float | None
    reason: str


@dataclass(frozen=True)
class _Ranking:
    """A target's neighbours, nearest first: positions in the pairs, values, distances, and steps between them."""

    order: Sequence[int]
    values: Sequence[float]
    distances: Sequence[float]
    gaps: Sequence[float]


def _ranking(matrix: PairwiseMatrix, target: LanguagePair, selection: SelectionSpec) -> _Ranking:
    """Rounded as `select_family` says; positions instead of pairs, which are slow to hash."""
    if target not in matrix.pairs:
        raise ValueError(f"target must be a pair of the matrix. Got {target}. Estimate it and compare again.")
    if len(matrix.pairs) < 2:
        raise ValueError(f"A family needs a pool of at least 2 pairs. Got {target} alone. Estimate another pair.")
    decimals = compared_decimals(matrix.measure, selection)
    target_position = matrix.pairs.index(target)
    row = [_rounded(abs(value), decimals) for value in matrix.values[target_position].tolist()]
    sign = -1 if matrix.measure.is_similarity else 1
    order = sorted(range(len(row)), key=matrix.pairs.__getitem__)
    order.remove(target_position)
    # Sorting is stable: equal values stay in the order of the names.
    order.sort(key=lambda position: sign * row[position])
    values = [row[position] for position in order]
    return _Ranking(
        order,
        values,
        [_distance(value, matrix.measure, decimals) for value in values],
        [_rounded(sign * (far - near), decimals) for near, far in pairwise(values)],
    )


def _rounded(value: float, decimals: int | None) -> float:
    return value if decimals is None else round(value, decimals)


def _distance(value: float, measure: Measure, decimals: int | None) -> float:
    return _rounded(1 - value, decimals) if measure.is_similarity else value


def _verdicts(ranking: _Ranking, *, measure: Measure, selection: SelectionSpec) -> list[_Verdict]:
    """One verdict per neighbour, nearest first, by the rule asked for."""
    distances, gaps = ranking.distances, ranking.gaps
    match selection.rule:
        case Rule.NEAREST:
            return [_by_rank(rank, selection.largest) for rank in range(1, len(distances) + 1)]
        case Rule.RADIUS:
            return [_by_radius(rank, distance, selection) for rank, distance in enumerate(distances, start=1)]
        case Rule.PAPER:
            radius = distances[0] if measure.is_similarity else next(iter(gaps), 0)
            tested_from = first_test(measure)
            return _by_shrinking_radius(gaps, first_radius=radius, tested_from=tested_from, selection=selection)


def _by_rank(rank: int, largest: int) -> _Verdict:
    member = rank <= largest
    return _Verdict(member, None, f"{'One' if member else 'Not one'} of the nearest {largest}.")


def _by_radius(rank: int, distance: float, selection: SelectionSpec) -> _Verdict:
    radius = selection.initial_radius
    assert radius is not None  # SelectionSpec demands it
    inside = distance <= radius
    where = f"Distance {distance:.6g} is {'within' if inside else 'beyond'} the radius {radius:.6g}"
    if inside and rank > selection.largest:
        return _Verdict(False, radius, f"{where}, but the family is full with {selection.largest}.")
    if not inside and rank <= selection.smallest:
        return _Verdict(True, radius, f"{where}: added, for a family has at least {selection.smallest}.")
    return _Verdict(inside, radius, f"{where}: {'added' if inside else 'not in the family'}.")


def _by_shrinking_radius(
    gaps: Sequence[float], *, first_radius: float, tested_from: int, selection: SelectionSpec
) -> list[_Verdict]:
    """The paper's rule; ``gaps[rank - 2]`` is the step to the neighbour of that rank."""
    radius = first_radius if selection.initial_radius is None else selection.initial_radius
    verdicts = []
    ended = False
    for rank in range(1, len(gaps) + 2):
        if ended:
            verdicts.append(_after_the_end(rank, selection))
        elif rank > selection.largest:
            verdicts.append(_Verdict(False, None, f"The family is full with {selection.largest}."))
        elif rank < tested_from:
            place = "Nearest" if rank == 1 else "Second nearest"
            verdicts.append(_Verdict(True, None, f"{place}: always in the family."))
        else:
            step, tested = gaps[rank - 2], radius
            ended = step > tested
            radius = step if step < tested else tested * selection.shrink
            verdicts.append(_tested(rank, step, tested, radius, selection))
    return verdicts


def _tested(rank: int, step: float, tested: float, shrunk: float, selection: SelectionSpec) -> _Verdict:
    """The verdict on a neighbour whose step was held against a radius."""
    if step < tested:
        reason = f"Step {step:.6g} < radius {tested:.6g}: added, the radius shrinks to it."
    elif step == tested:
        reason = f"Step {step:.6g} = radius: added, the radius shrinks to {shrunk:.6g}."
    elif rank <= selection.smallest:
        reason = f"Step {step:.6g} > radius {tested:.6g}: the family ends at its smallest size, {selection.smallest}."
    else:
        reason = f"Step {step:.6g} > radius {tested:.6g}: the family ends before it."
    return _Verdict(step <= tested or rank <= selection.smallest, tested, reason)


def _after_the_end(rank: int, selection: SelectionSpec) -> _Verdict:
    if rank <= selection.smallest:
        return _Verdict(True, None, f"Added untested, for a family has at least {selection.smallest}.")
    return _Verdict(False, None, "After the family's end.")


def _row(family: PseudoFamily, neighbour: Neighbour) -> dict[str, object]:
    theirs, ours = (pair.language.traditional_family for pair in (neighbour.pair, family.target))
    return {
        "target": str(family.target),
        "member": str(neighbour.pair),
        "rank": neighbour.rank,
        "distance": _distance(neighbour.value, family.measure, compared_decimals(family.measure, family.selection)),
        "gap": neighbour.gap,
        "radius": neighbour.radius,
        "measure": family.measure.value,
        "top_fraction": family.top_fraction,
        "rule": family.selection.rule.value,
        "family_pseudo_size": len(family.members),
        "member_traditional_family": theirs,
        "same_traditional_family": theirs == ours,
    }
