"""What Families asks: the target, the rule with its radius, and steps to where the family changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, inf, log10

import streamlit as st

from pages.components import view_state
from pages.components.inputs import K_STEP, LEAST_K
from pages.components.pool_similarity import largest_k
from pseudofam_core.families.breakpoints import Breakpoint, Span, Sweep, radius_sweep, top_fraction_sweep
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.families.selection import usual_radius
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.similarity.results import OverlapCurve, PairwiseMatrix

RULES = {
    Rule.PAPER: "Shrinking radius",
    Rule.RADIUS: "Fixed radius",
    Rule.NEAREST: "Nearest k",
}
_MOST_LETTERS = 32


@dataclass(frozen=True)
class Step:
    """A change of the family within reach of a button.

    Attributes:
        value: Where the control must go.
        change: ``adds be, drops sk``.
    """

    value: float
    change: str


_LARGEST_RADIUS = 1e12


def selection_inputs(matrix: PairwiseMatrix) -> SelectionSpec:
    """The rule and its numbers."""
    rule = st.selectbox(
        "Rule",
        list(RULES),
        format_func=RULES.__getitem__,
        help="The shrinking radius is the paper's: it goes on while the steps between neighbours shrink. A fixed radius takes all "
        "within it.",
        **view_state.choice("rule", list(RULES), code=lambda rule: rule.value),
    )
    radius = None if rule is Rule.NEAREST else _radius_input(matrix, rule)
    largest = st.number_input(
        "k" if rule is Rule.NEAREST else "Largest family",
        2,
        50,
        help="How many auxiliaries are taken." if rule is Rule.NEAREST else "The paper: 10.",
        **view_state.number("largest", 10, low=2, high=50),
    )
    shrink = SelectionSpec().shrink
    if rule is Rule.PAPER:
        with st.popover("Ties", help="What becomes of the radius where a step equals it."):
            shrink = _shrink_input()
    return SelectionSpec(rule=rule, initial_radius=radius, largest=largest, shrink=shrink)


def radius_name(matrix: PairwiseMatrix, rule: Rule) -> str:
    """The radius in the address: in the measure's own units, which is why each measure and rule has its own."""
    return f"{rule.value}_radius_{matrix.measure.value}"


def radius_now(family: PseudoFamily) -> float | None:
    """The initial radius, the rule's own where none was given; None where there was no test."""
    if family.selection.initial_radius is not None:
        return family.selection.initial_radius
    return next((neighbour.radius for neighbour in family.neighbours if neighbour.radius is not None), None)


def radius_buttons(matrix: PairwiseMatrix, family: PseudoFamily) -> None:
    """Buttons to the nearest radii at which the family is another; nothing where the rule has no radius."""
    now = radius_now(family)
    if family.selection.rule is Rule.NEAREST or now is None:
        return
    sweep = radius_sweep(matrix, family.target, selection=family.selection)
    _buttons("radius", radius_name(matrix, family.selection.rule), steps_around(sweep, now, roundest))


def k_buttons(curve: OverlapCurve, family: PseudoFamily, *, top_fraction: float) -> None:
    """Buttons to the nearest K at which the family is another. They move the sidebar's slider."""
    sweep = k_sweep(curve, family)

    def first_or_last(span: Span) -> float:
        return span.start if span.start > top_fraction else round(span.end - K_STEP, 3)

    _buttons("K", "k", steps_around(sweep, top_fraction, first_or_last), whole_page=True)


def k_sweep(curve: OverlapCurve, family: PseudoFamily) -> Sweep:
    """The family over every K that the sidebar offers, up to `largest_k`."""
    n = round((largest_k(curve) - LEAST_K) / K_STEP)
    steps = tuple(round(LEAST_K + place * K_STEP, 3) for place in range(n + 1))
    return top_fraction_sweep(
        curve, family.target, selection=family.selection, measure=family.measure, top_fractions=steps
    )


def steps_around(sweep: Sweep, now: float, value_in: Callable[[Span], float]) -> tuple[Step | None, Step | None]:
    """The changes before and after the present value; None at the ends.

    Args:
        sweep: The families over the control.
        now: Its present value.
        value_in: The value to take in a span that is stepped to.
    """
    place = next((i for i, span in enumerate(sweep.spans) if span.start <= now < span.end), 0)
    steps: list[Step | None] = []
    for there in (place - 1, place + 1):
        if not 0 <= there < len(sweep.spans):
            steps.append(None)
            continue
        here, other = sweep.spans[place].members, sweep.spans[there].members
        value = value_in(sweep.spans[there])
        steps.append(Step(value, Breakpoint(value, here, other, other).change))
    return steps[0], steps[1]


def roundest(span: Span) -> float:
    """The value of a span that takes the fewest digits: what a person would have typed."""
    end = span.end if span.end < inf else span.start * 1.5 or 1.0
    first = -floor(log10(end))
    for digits in range(first, first + 17):
        value = round(ceil(span.start * 10.0**digits) / 10.0**digits, max(digits, 0))
        if span.start <= value < end:
            return value
    return span.start


def _buttons(what: str, name: str, steps: tuple[Step | None, Step | None], *, whole_page: bool = False) -> None:
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        st.markdown(f"Change {what}:", width="content")
        for step, words, side in zip(steps, ("‹ {}", "{} ›"), ("before", "after"), strict=True):
            pressed = st.button(
                words.format(_shortened(step.change) if step else "no change"),
                key=f"{name}_{side}",
                disabled=step is None,
                help=f"{step.change} at {what} = {step.value:g}"
                if step
                else "The family stays the same to the end of the range.",
                on_click=view_state.set_value,
                args=(name, repr(step.value) if step else None),
            )
            if pressed and whole_page:  # the sidebar stands outside the fragment
                st.rerun()


def _shortened(words: str) -> str:
    return words if len(words) <= _MOST_LETTERS else f"{words[:_MOST_LETTERS]}…"


def _radius_input(matrix: PairwiseMatrix, rule: Rule) -> float | None:
    usual = usual_radius(matrix)
    digits = 1 - floor(log10(usual))
    paper = rule is Rule.PAPER
    name = radius_name(matrix, rule)
    tied = (
        view_state.optional_number(name, float, low=0.0, high=_LARGEST_RADIUS)
        if paper
        else view_state.number(name, round(usual, digits), low=0.0, high=_LARGEST_RADIUS)
    )
    radius: float | None = st.number_input(
        "Initial radius" if paper else "Radius",
        0.0,
        _LARGEST_RADIUS,
        step=10.0**-digits,
        format="%.5g",
        placeholder="own" if paper else None,
        help="Empty: the rule's own, which is the first step between neighbours (Overlap: the distance of the nearest)."
        if paper
        else "Everything within this distance of the target is in.",
        **tied,
    )
    return radius


def _shrink_input() -> float:
    shrink: float = st.number_input(
        "Shrink",
        0.05,
        1.0,
        step=0.05,
        help="What the radius is multiplied with where a step equals it. The paper: 0.5.",
        **view_state.number("shrink", SelectionSpec().shrink, low=0.05, high=1.0),
    )
    return shrink
