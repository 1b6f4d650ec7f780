"""What pages say when something is missing, partial or wrong: always with the way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NoReturn

import streamlit as st

from pages.components import view_state
from pages.components.job_cards import estimating_line, job_cards, last_trouble, pairs_under_way, submit
from pages.components.loading import Pool, before_the_change, corpus_splits, load_outdated, load_pool
from pages.components.navigation import ESTIMATES_PAGE, page_link
from pages.components.plain import plain
from pages.components.results import cache_root
from pseudofam_core import jobs
from pseudofam_core.corpora import SPLITS
from pseudofam_core.errors import CorpusError, ModelError, PseudoFamError
from pseudofam_core.estimates import imported_pairs
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import SAMPLE


def csv_button(label: str, make: Callable[[], str], file_name: str) -> None:
    """Offer a table as CSV; it is made when asked for, without a rerun."""
    st.download_button(
        label, data=make, file_name=file_name, mime="text/csv", icon=":material/download:", on_click="ignore"
    )


def pool_or_stop(workspace: Workspace) -> Pool:
    """The workspace's pool; where it can't be resolved, say why and end the page."""
    try:
        pool = load_pool(workspace)
        _imported_note(pool)
        return pool
    except ModelError as error:
        st.warning(f"**The model can't be used.** {plain(error)}", icon=":material/deployed_code_alert:")
        st.markdown("Open **Workspace** in the sidebar and enter a model.")
    except CorpusError as error:
        st.warning(f"**The corpus can't be used.** {plain(error)}", icon=":material/folder_off:")
        st.markdown("Open **Workspace** in the sidebar and enter another corpus or split.")
        _split_buttons(workspace)
    _sample_button(workspace)
    return _stop()


def comparable_or_stop(workspace: Workspace) -> Pool:
    """The workspace's pool where at least two of its pairs are estimated; else say what to do and end the page."""
    return _comparable(pool_or_stop(workspace))


def visible_or_stop(workspace: Workspace) -> Pool:
    """The same; where fewer than two are estimated but were before something changed, the pool as it was then."""
    pool = pool_or_stop(workspace)
    old = before_the_change(pool) if len(pool.estimates) < 2 else None
    return old or _comparable(pool)


def completeness_note(pool: Pool) -> None:
    """Say what is out of date or missing from what is shown, with a button that has it estimated; nothing where all is there."""
    n_missing = len(pool.pairs) - len(pool.estimates)
    if pool.outdated:
        _imported_note(pool)
        st.warning(
            f"**Out of date:** {plain(' and '.join(pool.outdated))}. What was found before is still shown.",
            icon=":material/update:",
        )
    if not (n_missing or pool.outdated):
        return
    missing = load_pool(pool.workspace).missing if pool.outdated else pool.missing
    with st.container(horizontal=True, vertical_alignment="center"):
        if n_missing:
            st.markdown(f":orange-badge[{n_missing} of {len(pool.pairs)} pairs missing]", width="content")
        pressed = estimate_button(pool.workspace, missing, "Recompute" if pool.outdated else "Estimate")
        page_link(ESTIMATES_PAGE, "See them in Estimates")
    if pressed:
        submit(pool.workspace, pressed, "Starting the worker …")


def absent_note(pool: Pool, *controls: str) -> None:
    """Say which pairs these controls of the address ask for that are not of the pool, or not estimated: others are shown."""
    asked = {words for name in controls for words in (view_state.text_of(name) or "").split()}
    strange = sorted(asked.difference(map(str, pool.pairs)))
    if strange:
        verb = "is" if len(strange) == 1 else "are"
        st.warning(
            f"**{plain(' and '.join(strange))}** {verb} not in this pool, and not shown below. Pairs of the pool are chosen "
            "under **Workspace**.",
            icon=":material/search_off:",
        )
    absent = [pair.label for pair in pool.pairs if str(pair) in asked and pair not in pool.estimates]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        st.warning(
            f"{' and '.join(absent)} {verb} not estimated yet, and not shown below.", icon=":material/search_off:"
        )


def content_warning(pool: Pool) -> None:
    """Warn where the pairs do not translate the same sentences."""
    share = pool.shared_text
    if share is not None and share < 0.5:
        st.warning(
            f"The pairs share only {share:.0%} of their sentences. Similarity may speak of what the texts are about as well "
            "as of the languages. A corpus in which every language translates the same sentences (such as FLORES) avoids that.",
            icon=":material/compare_arrows:",
        )


def estimate_button(
    workspace: Workspace,
    missing: Sequence[LanguagePair],
    verb: str,
    *,
    type: Literal["primary", "secondary"] = "secondary",
    key: str = "estimate_missing",
) -> list[LanguagePair]:
    """A button for the missing pairs that no job has in hand, and how far the others are; the pairs to start on a press."""
    under_way = pairs_under_way(workspace)
    if any(pair in under_way for pair in missing):
        estimating_line(workspace)
    elif trouble := last_trouble(workspace):
        st.caption(f":material/error: {plain(trouble)}", width="content")
    left = [pair for pair in missing if pair not in under_way]
    if not left:
        return []
    words = f"{verb} {left[0].label}" if len(left) == 1 else f"{verb} {len(left)} pairs"
    return left if st.button(words, key=key, type=type, icon=":material/play_arrow:") else []


def _imported_note(pool: Pool) -> None:
    """Say which estimates came in as a file; nothing where none did."""
    if imported := imported_pairs(pool.estimates):
        named = ", ".join(pair.label for pair in imported)
        st.caption(f":material/upload: Imported, not computed here: {named}.")


def _split_buttons(workspace: Workspace) -> None:
    """The splits that the corpus has, where it lacks the one asked for."""
    try:
        splits = corpus_splits(workspace.corpus)
    except PseudoFamError:  # of which the page has told
        return
    if workspace.split in splits:
        return
    with st.container(horizontal=True):
        for split in filter(splits.__contains__, SPLITS):
            st.button(f"Read split {split}", key=f"split_{split}", on_click=view_state.set_value, args=("split", split))


def _comparable(pool: Pool) -> Pool:
    """The pool where it can be compared; else say what to do and end the page."""
    if len(pool.estimates) >= 2:
        return pool
    if len(pool.pairs) < 2:
        st.info(
            "One pair alone can't be compared. Choose more pairs under Workspace.", icon=":material/hourglass_empty:"
        )
        return _stop()
    outdated = len(load_outdated(pool))
    st.info(
        f"Comparing takes two estimated pairs or more. So far it is {len(pool.estimates)} of {len(pool.pairs)}."
        + (f" {outdated} are out of date." if outdated else ""),
        icon=":material/hourglass_empty:",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = estimate_button(pool.workspace, pool.missing, "Estimate", type="primary")
        page_link(ESTIMATES_PAGE, "Choose in Estimates")
        _sample_button(pool.workspace)
    if pressed:
        submit(pool.workspace, pressed, "Starting the worker …")
    return _stop()


def _sample_button(workspace: Workspace) -> None:
    """The way to something that works, for those who look at anything else."""
    if (workspace.model, workspace.corpus) != (SAMPLE, SAMPLE):
        st.button("Open the sample instead", key="open_sample", on_click=view_state.reset, args=((),))


def _stop() -> NoReturn:
    """End the page. Jobs, of any page, can be watched and stopped all the same."""
    if jobs.list_jobs(cache_root()):
        st.subheader("Jobs")
        job_cards()
    st.stop()
