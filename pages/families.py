"""Families: one target's auxiliaries, why each is in or out, and all targets as a table."""

from functools import partial
from math import floor, log10

import numpy as np
import pandas as pd
import streamlit as st

from pages.components.family_views import family_words, neighbour_table, odds_words, overview_table, same_family
from pages.components.inputs import current_view, measure_words
from pages.components.states import comparable_or_stop, content_warning, csv_button, matrix_or_stop, partial_note
from pseudofam_core import charts
from pseudofam_core.results import PairwiseMatrix
from pseudofam_core.selection import select_families, select_family
from pseudofam_core.specs import Measure, Rule, SelectionSpec
from pseudofam_core.tables import families_csv

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
        "k" if rule is Rule.NEAREST else "Largest family",
        2,
        50,
        10,
        key="largest",
        bind="query-params",
        help="The paper: 10.",
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


view = current_view()
st.title("Families")
st.markdown(
    "Which languages to train together with a target, as this model sees it: its nearest neighbours, up to where the "
    "distances jump. The family belongs to the target; another target's may overlap it."
)
pool = comparable_or_stop(view.workspace)

measure = view.measure
matrix = matrix_or_stop(pool, measure, view.top_fraction)
labels = dict(zip(matrix.pairs, charts.pair_labels(matrix.pairs), strict=True))
with st.container(horizontal=True, vertical_alignment="bottom"):
    target = st.selectbox(
        "Target",
        sorted(matrix.pairs, key=labels.__getitem__),
        format_func=labels.__getitem__,
        key="target",
        bind="query-params",
    )
    picked = selection_inputs(matrix)
st.caption(f"**{measure.label}.** {measure_words(measure)}")
partial_note(pool)
content_warning(pool)

family = select_family(matrix, target, selection=picked)
families = select_families(matrix, selection=picked)

st.subheader(f"{target.label}: {len(family.members)} auxiliaries")
st.markdown(family_words(family))
n_same = same_family(family, matrix.pairs)
st.caption(f"Of its traditional family, {target.language.traditional_family}: {n_same}.")
if end := next((one for one in family.neighbours if not one.member), None):
    st.markdown(f"{end.pair.label} is the first one out. {end.reason}")
st.plotly_chart(
    charts.gap_figure(family),
    key="gap_figure",
    config={"displaylogo": False},
    alt=f"Neighbours of {target.label} by distance; members: {', '.join(one.label for one in family.members)}",
)
if picked.rule is Rule.PAPER:
    st.caption(
        "How to read it, nearest at the top: each bar is the step from the neighbour before; the pale "
        "band is how far the radius reached. "
        "A step that ends inside its band adds the language and becomes the next radius; the first that ends beyond it "
        "(orange) ends the family."
    )
    st.info(odds_words(family), icon=":material/casino:")
elif picked.rule is Rule.RADIUS:
    st.caption("How to read it: all neighbours left of the dashed line are in the family.")
with st.expander("Every neighbour, and why it is in or out", icon=":material/table_rows:"):
    st.dataframe(
        neighbour_table(family),
        hide_index=True,
        column_config={measure.label: st.column_config.NumberColumn(format="%.5g")},
        alt=f"Neighbours of {target.label} with reasons",
    )
by_measure = st.expander("The same target by every measure", icon=":material/balance:", on_change="rerun")
if by_measure.open:
    with by_measure:
        rows = []
        for one in Measure:
            other = select_family(
                matrix_or_stop(pool, one, view.top_fraction), target, selection=SelectionSpec(rule=Rule.PAPER)
            )
            rows.append(
                {"Measure": one.label, "Family": [member.label for member in other.members], "Size": len(other.members)}
            )
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt=f"Families of {target.label} by measure")
        st.caption("By the paper's rule with its own radius. Measures that disagree are a reason for doubt.")

st.subheader("All targets")
st.dataframe(
    overview_table(families, matrix.pairs),
    hide_index=True,
    column_config={
        "Pseudo family": st.column_config.ListColumn(width=430),
        "Size": st.column_config.NumberColumn(width=50),
    },
    alt="The family of every target, its size, and how traditional it is",
    height=min(38 + 35 * len(families), 700),
)
with st.container(horizontal=True):
    csv_button(
        f"Family of {target.label} as CSV", partial(families_csv, [family]), f"family-{target}-{measure.value}.csv"
    )
    csv_button("All families as CSV", partial(families_csv, families), f"families-{measure.value}.csv")
