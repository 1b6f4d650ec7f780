"""What Families shows below its main figure: reasons, the target in the centre, all measures, all targets."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st

from pages.components import view_state
from pages.components.figures import plot
from pages.components.warnings import show_signs
from pages.views.families.words import (
    RESAMPLED,
    chance_of,
    left_out_words,
    neighbour_table,
    overview_table,
    pointed_out,
)
from pseudofam_core import charts
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.families.selection import usual_family
from pseudofam_core.families.spec import Rule
from pseudofam_core.families.stability import FamilyStability
from pseudofam_core.families.tradition import kin_by_chance
from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.failure_signs import measures_that_disagree, stopping_at_two
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.structure.agreement import orders_alike

_NUMBER = st.column_config.NumberColumn


def reasons_view(
    family: PseudoFamily,
    mutual: tuple[LanguagePair, ...],
    *,
    looked_up: LanguagePair | None,
    stability: FamilyStability | None,
) -> None:
    """Every neighbour, and why it is in or out."""
    st.dataframe(
        pointed_out(neighbour_table(family, mutual, stability), "Language", looked_up),
        hide_index=True,
        column_config={
            "Rank": _NUMBER(width=45),
            "Language": st.column_config.TextColumn(width=125),
            "Traditional family": st.column_config.TextColumn(width=115),
            "In": st.column_config.CheckboxColumn(width=35),
            family.measure.label: _NUMBER(format="%.5g", width=85),
            "Why": st.column_config.TextColumn(width=460),
            "Mutual": st.column_config.TextColumn(
                width=60, help="⇄: its own family, by the same rule, has the target."
            ),
            RESAMPLED: st.column_config.ProgressColumn(
                width=110,
                format="percent",
                help="Share of resamples of these sentences in which it is in the family. **How firm?** tells what such shares "
                "were worth on other sentences.",
            ),
        },
        alt=f"Neighbours of {family.target.label} with reasons",
    )


def around_view(family: PseudoFamily, *, looked_up: LanguagePair | None) -> None:
    """The target in the centre."""
    plot(
        charts.polar_figure(family, looked_up=looked_up),
        key="polar_figure",
        alt=f"{family.target.label} in the centre of its neighbours; in the family are "
        + ", ".join(member.label for member in family.members),
    )
    ring = "the radius" if family.selection.rule is Rule.RADIUS else "where the family ends"
    st.caption(
        f"How to read it: the way from the centre is the distance from the target, and the ring is {ring}. The "
        f"angle says nothing but the order: clockwise from the top, nearest first.{left_out_words(family)}"
    )


def measures_view(similarities: PoolSimilarity, target: LanguagePair, *, top_fraction: float) -> None:
    """The same target by every measure, by the paper's rule."""
    matrices = similarities.defined(top_fraction)  # of what is not, the page's own measure says why
    families = {measure: usual_family(matrix, target) for measure, matrix in matrices.items()}
    votes = Counter(member.label for family in families.values() for member in family.members)
    st.dataframe(
        pd.DataFrame(
            {
                "Measure": [measure.label for measure in families],
                "Family": [[member.label for member in family.members] for family in families.values()],
                "Size": [len(family.members) for family in families.values()],
            }
        ),
        hide_index=True,
        alt=f"Families of {target.label} by measure",
    )
    most = ", ".join(f"{label} ({n} of {len(families)})" for label, n in votes.most_common(5))
    st.caption(f"By the paper's rule with its own radius. Chosen most often: {most}.")
    show_signs(measures_that_disagree(orders_alike(matrices)))


def targets_view(families: tuple[PseudoFamily, ...], matrix: PairwiseMatrix, *, looked_up: LanguagePair | None) -> None:
    """A row per target; a click makes it the page's target."""
    table = overview_table(families, matrix.pairs)

    def chosen() -> None:
        if rows := st.session_state["all_targets"].selection.rows:
            view_state.set_value("target", str(families[rows[0]].target))

    st.dataframe(
        pointed_out(table, "Target", looked_up),
        hide_index=True,
        key="all_targets",
        on_select=chosen,
        selection_mode="single-row",
        column_config={
            "Pseudo family": st.column_config.ListColumn(width=430),
            "Size": _NUMBER(width=50),
            "Mutual": _NUMBER(width=60, help="Members whose own families hold the target."),
        },
        alt="The family of every target, its size, and how traditional it is",
        height=min(38 + 35 * len(families), 700),
    )
    st.caption("Mark a row to make it the target above.")
    if families[0].selection.rule is Rule.PAPER:
        chance = chance_of(matrix.measure, matrix.values.tobytes(), families[0].selection, matrix)
        show_signs(stopping_at_two([len(family.members) for family in families], by_chance=1 - chance.at_least(3)))


def flow_view(families: tuple[PseudoFamily, ...]) -> None:
    """From traditional to pseudo families."""
    table = charts.flow_table(families)
    within = sum(table.loc[name, name] for name in table.index)
    plot(
        charts.flow_figure(families),
        key="flow_figure",
        alt="Which traditional families' targets choose auxiliaries from which",
    )
    n = int(table.to_numpy().sum())
    st.caption(
        f"How to read it: a row is the targets of one traditional family (their number in brackets), a cell counts how many of "
        f"their auxiliaries come from the column's. Boxed: their own. Of all {n} choices {within} ({within / n:.0%}) stay in the "
        f"target's traditional family; chosen at random it would be {kin_by_chance(families):.0%}."
    )
