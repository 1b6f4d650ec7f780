"""What pages say when something is missing, partial or wrong: always with the way out."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.components.loading import Pool, corpus_splits, load_pool
from pages.components.navigation import ESTIMATES_PAGE, page_link
from pseudofam_core.errors import CorpusError, ModelError, PseudoFamError
from pseudofam_core.specs import Workspace


def csv_button(label: str, make: Callable[[], str], file_name: str) -> None:
    """Offer a table as CSV; it is made when asked for, without a rerun."""
    st.download_button(
        label, data=make, file_name=file_name, mime="text/csv", icon=":material/download:", on_click="ignore"
    )


def pool_or_stop(workspace: Workspace) -> Pool:
    """The workspace's pool; where it can't be resolved, say why and end the page."""
    try:
        return load_pool(workspace)
    except ModelError as error:
        st.warning(f"**The model can't be used.** {error}", icon=":material/deployed_code_alert:")
        st.markdown("Open **Workspace** in the sidebar and enter a model.")
    except CorpusError as error:
        st.warning(f"**The corpus can't be used.** {error}", icon=":material/folder_off:")
        st.markdown(f"Open **Workspace** in the sidebar and enter another corpus or split.{_splits_hint(workspace)}")
    return st.stop()


def comparable_or_stop(workspace: Workspace) -> Pool:
    """The workspace's pool where at least two of its pairs are estimated; else say what to do and end the page."""
    pool = pool_or_stop(workspace)
    if len(pool.estimates) >= 2:
        return pool
    if len(pool.pairs) < 2:
        st.info(
            "One pair alone can't be compared. Choose more pairs under Workspace.", icon=":material/hourglass_empty:"
        )
        st.stop()
    st.info(
        f"Comparing takes two estimated pairs or more. So far it is {len(pool.estimates)} of {len(pool.pairs)}.",
        icon=":material/hourglass_empty:",
    )
    page_link(ESTIMATES_PAGE, "Estimate them")
    return st.stop()


def partial_note(pool: Pool) -> None:
    """Say how many pairs are missing from what is shown, with the way to them; nothing where none is."""
    if len(pool.estimates) < len(pool.pairs):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":orange-badge[{len(pool.estimates)} of {len(pool.pairs)} pairs estimated]", width="content")
            page_link(ESTIMATES_PAGE, "Estimate the others")


def content_warning(pool: Pool) -> None:
    """Warn where the pairs do not translate the same sentences."""
    share = pool.shared_text
    if share is not None and share < 0.5:
        st.warning(
            f"The pairs share only {share:.0%} of their sentences. Similarity will speak of what the texts are about as well "
            "as of the languages. A corpus in which every language translates the same sentences (such as FLORES) avoids that.",
            icon=":material/compare_arrows:",
        )


def _splits_hint(workspace: Workspace) -> str:
    try:
        splits = corpus_splits(workspace.corpus)
    except PseudoFamError:
        return ""
    return "" if workspace.split in splits else f" This corpus has: {', '.join(splits)}."
