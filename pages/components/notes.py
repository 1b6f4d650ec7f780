"""Names and notes of runs, families and views: shown where these are, written in a small form."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.components.plain import plain
from pages.components.results import cache_root, results
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.jobs.limits import check_allowed, check_room, is_read_only
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.keys import key_of
from pseudofam_core.store.notes import LONGEST_NAME, LONGEST_WORDS, Note, Noted, keep_note, notes_of, remove_note
from pseudofam_core.store.stages import Stage

_ADVICE = "Whoever opens this app sees it."


def known_notes(kind: Noted) -> dict[str, Note]:
    """The notes of a kind by their subject, the newest first."""
    folder = cache_root() / Stage.NOTE
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:  # nobody has written one
        return {}
    return _notes(str(cache_root()), changed, kind)


def note_popover(kind: Noted, subject: str, *, what: str) -> None:
    """A button with the subject's name, which opens its note and the form that changes it.

    Args:
        kind: See `Noted`.
        subject: See `Noted`.
        what: What the form calls it: ``this family``.
    """
    note = known_notes(kind).get(subject)
    with st.popover(plain(note.name) if note else "Name", icon=":material/edit_note:"):
        if note and note.words:
            st.markdown(plain(note.words))
        note_form(kind, subject, what=what)


def note_form(kind: Noted, subject: str, *, what: str) -> None:
    """Ask for name and note of something; see `note_popover`."""
    note = known_notes(kind).get(subject)
    if is_read_only():
        st.caption("Names and notes are only shown here: the app was started with --read-only.")
        return
    # Of what was written last: a form that is made anew begins with it.
    form = f"note-{key_of(kind, 1, [subject, note and note.written])[:12]}"
    with st.form(form, border=False):
        name = st.text_input("Name", value=note.name if note else "", max_chars=LONGEST_NAME, key=f"{form}-name")
        words = st.text_area("Note", value=note.words if note else "", max_chars=LONGEST_WORDS, key=f"{form}-words")
        asked = st.form_submit_button(f"Name {what}", icon=":material/save:", help=_ADVICE)
    if asked:
        _changed(lambda cache: keep_note(cache, Note(kind, subject, name.strip(), words.strip(), time.time())))
    if note and st.button("Remove the name", key=f"{form}-remove", icon=":material/delete:"):
        forget(kind, subject)


def forget(kind: Noted, subject: str) -> None:
    """Remove name and note of something, and run the page again; where that fails, say why."""
    _changed(lambda cache: remove_note(cache, kind, subject))


def _changed(change: Callable[[Cache], None]) -> None:
    """Change the notes and run the page again; where that is refused or fails, say why."""
    try:
        check_allowed()
        check_room(cache_root(), n_active=0)
        change(results())
    except (PseudoFamError, ValueError) as error:
        st.error(plain(error), icon=":material/error:")
    else:
        st.rerun()


@st.cache_data(max_entries=32, ttl=60, show_spinner=False)
def _notes(root: str, changed: int, kind: Noted) -> dict[str, Note]:
    """Kept until the folder changes: some hundred files are read."""
    return notes_of(Cache(Path(root)), kind)
