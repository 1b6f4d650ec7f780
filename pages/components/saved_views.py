"""Views that people keep under a name: a page's address, for all who open the app."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import streamlit as st

from pages.components import view_state
from pages.components.navigation import open_address
from pages.components.notes import forget, known_notes, note_form
from pages.components.plain import plain
from pseudofam_core.jobs.limits import is_read_only
from pseudofam_core.store.notes import Note, Noted


def saved_views() -> None:
    """In the sidebar: the views that were kept, and a form that keeps the present one."""
    kept = known_notes(Noted.VIEW)
    label = f"Saved views ({len(kept)})" if kept else "Saved views"
    with st.sidebar.popover(label, icon=":material/bookmark:"):
        for subject, note in kept.items():
            _line(subject, note)
        if not kept:
            st.caption("None yet. A view is this page with every control as it stands.")
        st.markdown("**Save this view**")
        note_form(Noted.VIEW, subject_of(*view_state.address()), what="this view")


def subject_of(page: str, values: dict[str, str]) -> str:
    """How a view is kept: ``families?k=0.3&target=be-en``."""
    return f"{page}?{urlencode(sorted(values.items()))}"


def view_of(subject: str) -> tuple[str, dict[str, str]]:
    """The page and its controls, of what `subject_of` makes."""
    page, _, query = subject.partition("?")
    return page, dict(parse_qsl(query, keep_blank_values=True))


def _line(subject: str, note: Note) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        open_address(*view_of(subject), label=plain(note.name), help=plain(note.words) or None)
        if not is_read_only() and st.button(
            "", key=f"forget-{subject}", icon=":material/delete:", help="Remove this view", type="tertiary"
        ):
            forget(Noted.VIEW, subject)
