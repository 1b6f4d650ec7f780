"""Where a target's family changes while one control moves: the radius, the count or K.

A page steps through these values and draws them as a strip. They are exact: the values at which a rule can change are
known from its steps and distances, and the rule itself is asked at each of them and at the floats beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pseudofam_core.families.selection import first_step, neighbour_distances, select_family
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import OverlapCurve, PairwiseMatrix

Members = tuple[LanguagePair, ...]


@dataclass(frozen=True)
class Span:
    """A stretch of the control in which the family stays the same.

    Attributes:
        start: First value, included.
        end: First value after it: excluded, and the start of the next span; infinite for the last.
        members: The family there, nearest first. The order among them may change within the span.
    """

    start: float
    end: float
    members: Members


@dataclass(frozen=True)
class Breakpoint:
    """A value of the control at which membership changes.

    Attributes:
        value: Where. For K and for counts, the first value with the new family.
        before: The family just below `value`.
        members: The family at `value` itself. The paper's rule treats a step that equals the radius unlike one that is
            smaller, so that a family may differ from both sides at this one value.
        after: The family just above `value`. For K and for counts, that at `value`.
    """

    value: float
    before: Members
    members: Members
    after: Members

    @property
    def adds(self) -> Members:
        """Members above that are not below."""
        return tuple(pair for pair in self.after if pair not in self.before)

    @property
    def drops(self) -> Members:
        """Members below that are not above."""
        return tuple(pair for pair in self.before if pair not in self.after)

    @property
    def change(self) -> str:
        """In words: ``adds be, drops sk``."""
        words = [
            f"{verb} {' '.join(pair.language.code for pair in pairs)}"
            for verb, pairs in (("adds", self.adds), ("drops", self.drops))
            if pairs
        ]
        if set(self.members) not in (set(self.before), set(self.after)):
            words.append(f"exactly there {' '.join(pair.language.code for pair in self.members)}")
        return ", ".join(words)


@dataclass(frozen=True)
class Sweep:
    """A target's families over the whole range of a control.

    Attributes:
        target: The pair whose family it is.
        spans: Stretches without a change, in order, without a gap; the first starts at the control's least value.
        breakpoints: Where membership changes, in order.
    """

    target: LanguagePair
    spans: tuple[Span, ...]
    breakpoints: tuple[Breakpoint, ...]

    def members(self, value: float) -> Members:
        """The family at a value of the control; for a K between two steps, that of the step below.

        Raises:
            ValueError: A value below the control's range.
        """
        for span in self.spans:
            if span.start <= value < span.end:
                return span.members
        raise ValueError(f"value must be at least {self.spans[0].start:g}. Got {value}.")

    def next_above(self, value: float) -> Breakpoint | None:
        """The nearest breakpoint above `value`, or None."""
        return next((point for point in self.breakpoints if point.value > value), None)

    def next_below(self, value: float) -> Breakpoint | None:
        """The nearest breakpoint below `value`, or None."""
        return next((point for point in reversed(self.breakpoints) if point.value < value), None)


def radius_sweep(matrix: PairwiseMatrix, target: LanguagePair, *, selection: SelectionSpec) -> Sweep:
    """The family of `target` over every initial radius from 0 up.

    `Rule.PAPER` changes at one radius at most (`selection.first_step`), where three families may meet: below, at, and
    above it. `Rule.RADIUS` changes at the neighbours' distances, and takes each from its distance on.

    Raises:
        ValueError: As `select_family`, or `Rule.NEAREST`, which has no radius.
    """
    if selection.rule is Rule.NEAREST:
        raise ValueError("rule must be paper or radius to be swept over radii. Got nearest. Take count_sweep.")

    def family(radius: float) -> Members:
        return select_family(matrix, target, selection=replace(selection, initial_radius=radius)).members

    if selection.rule is Rule.RADIUS:
        candidates = neighbour_distances(matrix, target, selection=selection)
    else:
        step = first_step(matrix, target, selection=selection)
        candidates = () if step is None else (step,)
    changes = [_change(value, family) for value in sorted(set(candidates))]
    starts = {0.0, *candidates, *(math.nextafter(value, math.inf) for value in candidates)}
    return Sweep(
        target,
        _spans([(start, family(start)) for start in sorted(starts)]),
        tuple(
            change
            for change in changes
            if len({frozenset(change.before), frozenset(change.members), frozenset(change.after)}) > 1
        ),
    )


def count_sweep(matrix: PairwiseMatrix, target: LanguagePair, *, selection: SelectionSpec) -> Sweep:
    """The family of `target` over k, the `largest` of `Rule.NEAREST`, from `smallest` to the whole pool.

    Raises:
        ValueError: As `select_family`, or a rule other than nearest.
    """
    if selection.rule is not Rule.NEAREST:
        raise ValueError(f"rule must be nearest to be swept over counts. Got {selection.rule}. Take radius_sweep.")
    counts = range(selection.smallest, max(selection.smallest, len(matrix.pairs) - 1) + 1)
    return _stepwise(
        target, ((k, select_family(matrix, target, selection=replace(selection, largest=k)).members) for k in counts)
    )


def top_fraction_sweep(
    curve: OverlapCurve,
    target: LanguagePair,
    *,
    selection: SelectionSpec,
    measure: Measure = Measure.OVERLAP,
    top_fractions: Sequence[float] | None = None,
) -> Sweep:
    """The family of `target` over K, the share of parameters that a mask marks.

    Args:
        curve: The pool's Overlap at every step of K.
        target: A pair of the curve.
        selection: The rule, the same at every K.
        measure: Overlap or Jaccard.
        top_fractions: The steps of K looked at, ascending. By default those of the curve at which all masks are full.

    Raises:
        ValueError: As `select_family` and `OverlapCurve.matrix`: for the model scope, leave out steps of K so small
            that a mask marks nothing that is compared.
    """
    full = [float(K) for K in curve.steps if curve.last_full_step >= K]
    steps = full if top_fractions is None else top_fractions

    def family(top_fraction: float) -> Members:
        return select_family(curve.matrix(top_fraction, measure=measure), target, selection=selection).members

    return _stepwise(target, ((K, family(K)) for K in steps))


def _change(value: float, family: Callable[[float], Members]) -> Breakpoint:
    """The rule asked at `value` and at the floats beside it; there is no radius below 0."""
    below, above = (max(0.0, math.nextafter(value, way)) for way in (-math.inf, math.inf))
    return Breakpoint(value, family(below), family(value), family(above))


def _spans(families: Sequence[tuple[float, Members]]) -> tuple[Span, ...]:
    """Neighbouring starts with the same members, in whatever order, joined."""
    joined: list[tuple[float, Members]] = []
    for start, members in families:
        if not joined or set(joined[-1][1]) != set(members):
            joined.append((start, members))
    ends = [start for start, _ in joined[1:]] + [math.inf]
    return tuple(Span(start, end, members) for (start, members), end in zip(joined, ends, strict=True))


def _stepwise(target: LanguagePair, families: Iterable[tuple[float, Members]]) -> Sweep:
    """A control that takes single values only: each change is at the first value with the new family."""
    spans = _spans(list(families))
    return Sweep(
        target,
        spans,
        tuple(Breakpoint(new.start, old.members, new.members, new.members) for old, new in pairwise(spans)),
    )
