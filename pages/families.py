"""Families: one target's auxiliaries, why each is in or out, and all targets as a table."""

from math import floor, log10

import numpy as np
import pandas as pd
import streamlit as st

from pages.components.inputs import measure_inputs, measure_words, workspace_inputs
from pages.components.states import content_warning, matrix_or_stop, partial_note, pool_or_stop
from pseudofam_core import selection
from pseudofam_core.languages import LanguagePair
from pseudofam_core.results import PairwiseMatrix, PseudoFamily
from pseudofam_core.specs import Rule, SelectionSpec

_RULES = {
    Rule.PAPER: "Shrinking radius (the paper)",
    Rule.RADIUS: "Fixed radius",
    Rule.NEAREST: "The nearest k",
}


def selection_inputs(matrix: PairwiseMatrix) -> SelectionSpec:
    """The rule and its numbers."""
    rule = st.selectbox("Rule", list(_RULES), format_func=_RULES.__getitem__, key="rule", bind="query-params")
    radius = None if rule is Rule.NEAREST else radius_input(matrix, rule)
    largest = st.number_input(
        "k" if rule is Rule.NEAREST else "Largest family", 2, 50, 10, key="largest", bind="query-params", help="The paper: 10."
    )
    return SelectionSpec(rule=rule, initial_radius=radius, largest=int(largest))


def radius_input(matrix: PairwiseMatrix, rule: Rule) -> float | None:
    """The radius, in the measure's own units, which is why each measure has its own."""
    distances = np.sort(np.abs(matrix.distances)[~np.eye(len(matrix.pairs), dtype=bool)])
    usual = float(np.quantile(distances, 0.2)) or 1e-6
    digits = 1 - floor(log10(usual))
    return st.number_input(
        "Initial radius" if rule is Rule.PAPER else "Radius",
        0.0,
        None,
        None if rule is Rule.PAPER else round(usual, digits),
        10.0**-digits,
        format=f"%.{max(0, digits + 1)}f",
        key=f"{rule.value}_radius_{matrix.measure.value}",
        bind="query-params",
        placeholder="the rule's own",
        help="Empty: the rule's own, which is the first step between neighbours (Overlap: the distance of the nearest)."
        if rule is Rule.PAPER
        else "Everything within this distance of the target is in.",
    )


def family_words(family: PseudoFamily) -> str:
    """The members in one line, those of the target's traditional family in bold."""
    own = family.target.language.traditional_family
    return ", ".join(
        f"**{one.label}**" if one.language.traditional_family == own else one.label for one in family.members
    )


def same_family(family: PseudoFamily, pool: tuple[LanguagePair, ...]) -> str:
    """How many members are of the target's traditional family, and how many could have been."""
    own = family.target.language.traditional_family
    others = [one for one in pool if one != family.target and one.language.traditional_family == own]
    return f"{sum(one in others for one in family.members)} of {len(others)}" if others else "none in the pool"


def overview_table(families: tuple[PseudoFamily, ...], pool: tuple[LanguagePair, ...]) -> pd.DataFrame:
    """A row per target."""
    return pd.DataFrame(
        {
            "Target": [one.target.label for one in families],
            "Traditional family": [one.target.language.traditional_family for one in families],
            "Pseudo family": [[member.label for member in one.members] for one in families],
            "Size": [len(one.members) for one in families],
            "Of its traditional family": [same_family(one, pool) for one in families],
        }
    )


def neighbour_table(family: PseudoFamily) -> pd.DataFrame:
    """A row per neighbour, with the reason."""
    return pd.DataFrame(
        {
            "Rank": [one.rank for one in family.neighbours],
            "Language": [one.pair.label for one in family.neighbours],
            "Traditional family": [one.pair.language.traditional_family for one in family.neighbours],
            "In": [one.member for one in family.neighbours],
            family.measure.label: [one.value for one in family.neighbours],
            "Why": [one.reason for one in family.neighbours],
        }
    )


def odds_words(family: PseudoFamily) -> str:
    """How likely a family so large would be with nothing to find; for the paper's rule, which the odds are made for."""
    size = len(family.members)
    odds = selection.null_size_probability(size, measure=family.measure)
    if size <= 2:
        share = 1 - selection.null_size_probability(3, measure=family.measure)
        return (
            f"The smallest size the rule gives. With nothing to find, {share:.0%} of families would stop here: "
            "take the order of the neighbours seriously rather than the size."
        )
    return f"With nothing to find, {odds:.1%} of families would grow to {size} members or more."


workspace = workspace_inputs()
st.title("Families")
st.markdown(
    "Which languages to train together with a target, as this model sees it: its nearest neighbours, up to where the "
    "distances jump. The family belongs to the target; another target's may overlap it."
)
pool = pool_or_stop(workspace)

with st.container(horizontal=True, vertical_alignment="bottom"):
    target_slot = st.container()
    measure, top_fraction = measure_inputs()
    matrix = matrix_or_stop(pool, measure, top_fraction)
    picked = selection_inputs(matrix)
with target_slot:
    names = {str(pair): pair for pair in matrix.pairs}
    name = st.selectbox(
        "Target", names, format_func=lambda one: names[one].label, key="target", bind="query-params"
    )
st.caption(measure_words(measure))
partial_note(pool)
content_warning(pool)
