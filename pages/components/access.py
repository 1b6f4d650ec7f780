"""What this server lets its visitors read and do: decided once, when it starts. See docs/security.md."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from pages.components.results import cache_root
from pseudofam_core import places

logger = logging.getLogger(__name__)
_OPEN = (
    "This app listens beyond this machine, and nobody has named the folders that its visitors may read: those below home, "
    f"working folder and cache are open. Name fewer with {places.VARIABLE}, and see docs/security.md."
)


@st.cache_resource(show_spinner=False)
def limit_reading() -> bool:
    """Read below home, working folder and cache only, unless folders are named; whether visitors should be told."""
    by_default = places.limit(Path.home(), Path.cwd(), cache_root())
    is_exposed = by_default and st.get_option("server.address") not in (None, *places.THIS_MACHINE)
    if is_exposed:
        logger.warning(_OPEN)
    return is_exposed


def exposed_note(is_exposed: bool) -> None:
    """Say in the sidebar that the app listens on another address without named folders; nothing where it does not."""
    if is_exposed:
        st.sidebar.warning(_OPEN, icon=":material/lock_open:")
