"""The failure signs of the method as plain warnings: the same on every page."""

from __future__ import annotations

import streamlit as st

from pseudofam_core.outcomes.failure_signs import FailureSign


def show_signs(*signs: FailureSign | None) -> None:
    """Warn of each sign that was found; nothing where none was."""
    for sign in signs:
        if sign is not None:
            st.warning(f"**{sign.title}** {sign.words}  \n**What to do:** {sign.advice}", icon=":material/flag:")
