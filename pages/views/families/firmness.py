"""How firm a family is: over the radius, over K, and under another draw of sentences."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from pages.components import view_state
from pages.components.figures import plot
from pages.components.inputs import LARGEST_K, LEAST_K, View
from pages.components.loading import Pool
from pages.components.navigation import ESTIMATES_PAGE, page_link
from pages.components.plain import plain
from pages.components.pool_similarity import largest_k
from pages.views.families import inputs
from pages.views.families.words import RESAMPLED
from pseudofam_core import charts
from pseudofam_core.families.breakpoints import radius_sweep
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.families.selection import neighbour_distances
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.families.stability import FamilyStability, calibration_words, family_stability
from pseudofam_core.languages import LanguagePair
from pseudofam_core.report import N_REPLICATES, Firmness, firmness_of, replicates_of, share_draws, why_unknown
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.similarity.resampling import BootstrapReplicates
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.store.cache import Artifact


def firmness_view(
    view: View, pool: Pool, similarities: PoolSimilarity, matrix: PairwiseMatrix, family: PseudoFamily
) -> None:
    """Where the family changes with the radius and with K, and under another draw of sentences."""
    st.markdown("**If the radius were another**")
    _radius_strip(matrix, family)
    st.markdown("**If K were another**")
    if view.measure.has_masks:
        _k_strip(similarities, family, top_fraction=view.top_fraction)
    else:
        st.caption("The strip over K is for Overlap and Jaccard: choose one of them in the sidebar.")
    st.markdown("**If the sentences were others**")
    if st.toggle(
        "Resample the sentences",
        help=f"Draws the shards of the estimates' sentences again, {N_REPLICATES} times with replacement. Takes a few seconds.",
        **view_state.switch("resample"),
    ):
        _resampled(pool, matrix, family)


def asked_firmness(pool: Pool, matrix: PairwiseMatrix, family: PseudoFamily) -> Firmness | None:
    """How firm the families are, where the page is asked to resample and can."""
    if view_state.text_of("resample") != "yes" or matrix.measure.combined:
        return None
    firm = known_firmness(pool, matrix, family)
    return None if isinstance(firm, str) else firm  # the tab "How firm?" says why


def known_firmness(pool: Pool, matrix: PairwiseMatrix, family: PseudoFamily) -> Firmness | str:
    """How firm the families are, whether the page was asked or not; where that can't be told, why."""
    try:
        return _firmness(pool, matrix, family)
    except (OSError, ValueError) as error:
        return why_unknown(error)


def _firmness(pool: Pool, matrix: PairwiseMatrix, family: PseudoFamily) -> Firmness:
    """How firm the families are.

    Raises:
        OSError, ValueError: See `pseudofam_core.report.resampled`.
    """
    asked = (*_sketch_key(pool), matrix.measure, matrix.top_fraction)
    stability = _stability(*asked, family.selection, pool.estimates)
    _, sketched = _replicates(*asked, pool.estimates)
    return firmness_of(stability, sketched, matrix, selection=family.selection)


def _radius_strip(matrix: PairwiseMatrix, family: PseudoFamily) -> None:
    now = inputs.radius_now(family)
    if family.selection.rule is Rule.NEAREST or now is None:
        st.caption("This rule has no radius.")
        return
    sweep = radius_sweep(matrix, family.target, selection=family.selection)
    distances = neighbour_distances(matrix, family.target, selection=family.selection)
    last = max((step.value for step in sweep.breakpoints), default=now)
    end = 1.3 * max(now, last) or distances[-1]
    plot(
        charts.strip_figure(
            sweep,
            order=[neighbour.pair for neighbour in family.neighbours],
            now=now,
            end=end,
            title="initial radius" if family.selection.rule is Rule.PAPER else "radius",
        ),
        key="radius_strip",
        alt="Members of the family over the radius",
    )
    if family.selection.rule is Rule.PAPER:
        st.caption(
            "With the paper's rule the family changes at one radius at most: below the first step tested the rule stops there, "
            "above it the steps themselves decide."
        )


def _k_strip(similarities: PoolSimilarity, family: PseudoFamily, *, top_fraction: float) -> None:
    curve = similarities.curve
    sweep, last = inputs.k_sweep(curve, family), largest_k(curve)
    plot(
        charts.strip_figure(
            sweep,
            order=[neighbour.pair for neighbour in family.neighbours],
            now=top_fraction,
            end=last,
            title="top share K",
            is_share=True,
        ),
        key="k_strip",
        alt="Members of the family over K",
    )
    st.caption(
        f"The family changes {len(sweep.breakpoints)} times between K = {LEAST_K:.0%} and "
        f"{last:.1%}. Long bars are firm members; a comb of short ones is a knife edge."
        + ("" if last == LARGEST_K else f" K ends there: {curve.zeros[0].lower()}{curve.zeros[1:]}")
    )


def _resampled(pool: Pool, matrix: PairwiseMatrix, family: PseudoFamily) -> None:
    if matrix.measure.combined:
        st.caption(f"{matrix.measure.label} can't be resampled. Choose one of its measures in the sidebar.")
        return
    try:
        firm = _firmness(pool, matrix, family)
    except OSError as error:
        st.info(why_unknown(error), icon=":material/history:")
        page_link(ESTIMATES_PAGE, "Estimate them again")
        return
    except ValueError as error:
        st.warning(f"**The sentences can't be resampled.** {plain(error)}", icon=":material/casino:")
        return
    here, usual = st.columns(2)
    here.metric(
        "This family unchanged",
        f"{firm.unchanged(family.target):.0%}",
        help="Share of resamples that give exactly the family that all sentences give on the same part of the parameters.",
    )
    usual.metric("Families unchanged, on average", f"{firm.stability.unchanged.mean():.0%}")
    shares = firm.shares(family.target)
    near = [neighbour for neighbour in family.neighbours if neighbour.member or shares[neighbour.pair] >= 0.05]
    near.sort(key=lambda neighbour: -shares[neighbour.pair])
    st.dataframe(
        pd.DataFrame(
            {
                "Language": [neighbour.pair.label for neighbour in near],
                "In now": [neighbour.member for neighbour in near],
                RESAMPLED: [shares[neighbour.pair] for neighbour in near],
            }
        ),
        hide_index=True,
        column_config={RESAMPLED: st.column_config.ProgressColumn(format="percent")},
        alt=f"How often resamples choose each neighbour of {family.target.label}",
    )
    st.caption(_resampled_words(firm, family))


def _resampled_words(firm: Firmness, family: PseudoFamily) -> str:
    """What the resamples are, what their part of the parameters loses, and what their shares are worth."""
    alike, correlation = firm.alike, firm.correlation
    told = (
        f"{firm.stability.n_replicates} resamples of the sentences, on a random part of the parameters, which from all "
        f"sentences gives {int(alike.same.sum())} of the {len(alike.pairs)} families exactly and {alike.shared:.0%} of their "
        "members"
    )
    told += "" if correlation is None else f" (the matrices agree at ρ = {correlation:.2f})"
    if not alike.same[alike.pairs.index(family.target)]:
        told += f". Of {family.target.label} it gives {', '.join(pair.label for pair in alike.family(family.target))}"
    return (
        f"{told}. Shares tell how far families move when these sentences are drawn again. "
        f"{calibration_words(family.measure)}"
    )


def _sketch_key(pool: Pool) -> tuple[tuple[str, ...], bool]:
    """What the resamples depend on: the estimates, and whether their shards hold the same sentences."""
    keys = tuple(pool.estimates[pair].key for pair in sorted(pool.estimates))
    return keys, share_draws(pool.workspace, pool.shared_text)


@st.cache_data(max_entries=8, show_spinner="Resampling the sentences …")
def _replicates(
    keys: tuple[str, ...],
    together: bool,
    measure: Measure,
    top_fraction: float | None,
    _artifacts: Mapping[LanguagePair, Artifact],
) -> tuple[BootstrapReplicates, PairwiseMatrix]:
    """The resampled matrices, and the one of all shards on the same parameters."""
    return replicates_of(_artifacts, measure=measure, top_fraction=top_fraction, together=together)


@st.cache_data(max_entries=64, show_spinner="Choosing the families of the resamples …")
def _stability(
    keys: tuple[str, ...],
    together: bool,
    measure: Measure,
    top_fraction: float | None,
    selection: SelectionSpec,
    _artifacts: Mapping[LanguagePair, Artifact],
) -> FamilyStability:
    replicates, sketched = _replicates(keys, together, measure, top_fraction, _artifacts)
    return family_stability(replicates, sketched, selection=selection)
