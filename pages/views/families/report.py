"""The decision in one place: what is known of a target's family, part by part, and as one file to be kept or sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from pages.components.figures import plot
from pages.components.inputs import View
from pages.components.loading import Pool
from pages.components.results import cache_root, results
from pages.views.families.firmness import known_firmness
from pseudofam_core import report
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.finetuning import tuned_workspace
from pseudofam_core.report import Basis, Firmness, Material
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.store.stages import Stage


def report_view(
    view: View, pool: Pool, similarities: PoolSimilarity, matrix: PairwiseMatrix, family: PseudoFamily
) -> None:
    """The report's parts, and the file. The figure of the steps stands above already."""
    firmness = known_firmness(pool, matrix, family)
    tuned = tuned_workspace(view.workspace, view.tuning_corpus)
    missing = tuple(pair for pair in pool.pairs if pair not in pool.estimates)
    basis = Basis(pool.workspace, tuned, pool.estimates, missing, pool.shared_text, pool.outdated)
    estimated = tuple(sorted(estimate.key for estimate in pool.estimates.values()))
    asked = (
        str(cache_root()),
        estimated,
        repr(replace(basis, estimates={})),
        matrix.measure,
        view.top_fraction,
        family.target,
    )
    kept = tuple(sorted(key for stage in Stage for key in results().keys(stage)))
    made = report.report_of(
        _material((*asked, family.selection, kept), basis, similarities, matrix, family, firmness, view.top_fraction),
        made=datetime.now(UTC),
    )
    _file_button(lambda: report.report_html(made), f"family-{family.target}-{family.measure.value}.html")
    st.html(f'<style>{report.STYLE}</style><div class="report">{report.quote_html(made)}</div>')
    for part in made.parts:
        st.html(f'<div class="report">{report.part_html(part, with_figure=False)}</div>')
        if part.figure is not None and part.name != "members":
            plot(part.figure, key=f"report_{part.name}", alt=part.alt)


def _file_button(make: Callable[[], str], file_name: str) -> None:
    st.download_button(
        "Summary as one file (HTML)",
        data=make,
        file_name=file_name,
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
        help="All of this with its figures, for a colleague or for print: nothing is fetched, and no script runs.",
    )


@st.cache_resource(max_entries=16, ttl=60, show_spinner="Looking up runs, gains and odds …")
def _material(
    asked: tuple[object, ...],
    _basis: Basis,
    _similarities: PoolSimilarity,
    _matrix: PairwiseMatrix,
    _family: PseudoFamily,
    _firmness: Firmness | str,
    _top_fraction: float,
) -> Material:
    """What is kept of a target; anew where what the cache holds has changed."""
    return report.gathered(_basis, _similarities, _matrix, _family, _firmness, results(), top_fraction=_top_fraction)
