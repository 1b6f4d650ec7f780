"""A pool's comparison for pages: looked up, computed at once where that is quick, or left to a job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from pages.components.inputs import K_STEP, LARGEST_K, LEAST_K, KEnd, current_view, end_k
from pages.components.job_cards import active_cards, duration, running_jobs
from pages.components.loading import Pool
from pages.components.navigation import ESTIMATES_PAGE, page_link
from pages.components.plain import plain
from pages.components.results import cache_root, results
from pseudofam_core import jobs
from pseudofam_core.errors import JobError, PseudoFamError
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity import pools
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.similarity.results import OverlapCurve, PairwiseMatrix
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.store.keys import key_of

# A pass reads about a gigabyte a second: what takes longer than people wait for a page is a job.
_BYTES_A_SECOND = 1e9
_LONGEST_WAIT_S = 10


def similarity_or_stop(pool: Pool) -> PoolSimilarity:
    """The pool's finished estimates compared; where it can't be or would take long, say so and end the page."""
    try:
        key = key_of("page", 1, pools.pool_spec(pool.estimates))
        seconds = pools.pool_similarity_cost(pool.estimates) / _BYTES_A_SECOND
        if seconds > _LONGEST_WAIT_S and not _is_finished(pool):
            _offer_job(pool, seconds)
            st.stop()
        return _comparison(key, str(cache_root()), pool.estimates)
    except (PseudoFamError, ValueError) as error:
        _say(error)
    return st.stop()


def matrix_or_stop(similarities: PoolSimilarity, measure: Measure, top_fraction: float) -> PairwiseMatrix:
    """One matrix of a comparison; where the measure is not defined for the pool, say why and end the page."""
    try:
        return similarities.matrix(measure, top_fraction)
    except ValueError as error:
        _say(error)
    return st.stop()


def largest_k(curve: OverlapCurve) -> float:
    """The largest K that the sidebar offers for a pool: all masks are full up to it. The least where none is."""
    n = int((min(LARGEST_K, curve.last_full_step) - LEAST_K) / K_STEP + 1e-9)
    return round(LEAST_K + max(n, 0) * K_STEP, 3)


def end_k_at_zeros(*curves: OverlapCurve) -> None:
    """End the sidebar's control of K where zeros begin, and say so where the address asks for more.

    To be called once by a page, with all that it compares: an end that is news begins the page anew.
    """
    view, curve = current_view(), min(curves, key=largest_k)
    last = max(largest_k(curve), LEAST_K + K_STEP)
    end = KEnd() if last >= LARGEST_K else KEnd(last, f"Ends at {last:.1%}. {curve.zeros}")
    asked = end_k(view.workspace, end)
    if asked is not None and view.measure.depends_on_k:
        told = f"The address asks for K = {asked:.1%}; here K ends at {last:.1%}. {curve.zeros}"
        st.warning(told, icon=":material/contrast:")


def _is_finished(pool: Pool) -> bool:
    return pools.find_pool_similarity(pool.estimates, cache=results()) is not None


@st.cache_resource(max_entries=8, show_spinner="Comparing the estimates …")
def _comparison(key: str, root: str, _estimates: Mapping[LanguagePair, Artifact]) -> PoolSimilarity:
    return pools.pool_similarity(_estimates, cache=Cache(Path(root)))


def _offer_job(pool: Pool, seconds: float) -> None:
    """Comparing large estimates takes minutes: a job does it, and this page shows how far it is."""
    if running_jobs(("compare",)):
        st.info("The estimates are being compared.", icon=":material/hourglass_top:")
        active_cards(("compare",))
        return
    if pool.outdated:
        st.info(
            f"**Out of date:** {' and '.join(pool.outdated)}. The old estimates were never compared. Compute them again first.",
            icon=":material/update:",
        )
        page_link(ESTIMATES_PAGE, "Recompute them")
        return
    st.info(
        f"The estimates have not been compared yet. With {len(pool.estimates)} pairs of this size it takes about "
        f"{duration(seconds)}.",
        icon=":material/hourglass_empty:",
    )
    if st.button("Compare them", type="primary", icon=":material/play_arrow:"):
        try:
            with st.spinner("Starting the worker …"):
                jobs.submit_similarity(cache_root(), pool.workspace)
        except JobError as error:
            st.error(plain(error), icon=":material/error:")
        else:
            st.rerun()


def _say(error: Exception) -> None:
    st.error(f"**The estimates can't be compared.** {plain(error)}", icon=":material/error:")
    page_link(ESTIMATES_PAGE, "Look at the estimates")
