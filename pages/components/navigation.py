"""The menu, and links between pages that take the view along."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlencode

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.components import view_state
from pages.components.job_cards import ESTIMATING, EXPERIMENTS, FINETUNING, TRANSFERRING, running_jobs

OVERVIEW_PAGE = "overview.py"
ESTIMATES_PAGE = "estimates.py"
SIMILARITY_PAGE = "similarity.py"
FAMILIES_PAGE = "families.py"
FINETUNE_PAGE = "finetune.py"
COMPARE_PAGE = "compare.py"
TRANSFER_PAGE = "transfer.py"
BESIDE_PAGE = "beside.py"
LAB_PAGE = "lab.py"
_MENU = {
    OVERVIEW_PAGE: ("Overview", "home"),
    ESTIMATES_PAGE: ("Estimates", "function"),
    SIMILARITY_PAGE: ("Similarity", "grid_on"),
    FAMILIES_PAGE: ("Families", "hub"),
    FINETUNE_PAGE: ("Fine-tune", "model_training"),
    COMPARE_PAGE: ("Compare", "balance"),
    TRANSFER_PAGE: ("Transfer", "swap_horiz"),
    BESIDE_PAGE: ("Two workspaces", "compare"),
    LAB_PAGE: ("Lab", "science"),
}
"""Title and icon of each page. What it is for its own first lines say: a tooltip here would lie over its heading."""

# Streamlit shows the focus of the keyboard as it shows the current page.
_FOCUS = "<style>a[data-testid='stPageLink-NavLink']:focus-visible { outline: 2px solid currentColor; }</style>"
_JOBS_OF = {
    ESTIMATES_PAGE: ESTIMATING,
    FINETUNE_PAGE: FINETUNING,
    TRANSFER_PAGE: TRANSFERRING,
    LAB_PAGE: EXPERIMENTS,
}


def all_pages() -> list[StreamlitPage]:
    """The pages, in the order of the menu."""
    return [
        st.Page(path, title=title, icon=f":material/{icon}:", default=path == OVERVIEW_PAGE)
        for path, (title, icon) in _MENU.items()
    ]


def menu() -> None:
    """Links to all pages. Streamlit's own menu would drop the view on the way: its links carry no parameters."""
    for path, (title, icon) in _MENU.items():
        st.page_link(
            path,
            label=title,
            icon=f":material/{icon}:",
            width="stretch",
            query_params=view_state.parameters(_name(path)),
        )
    st.html(_FOCUS)
    active = bool(running_jobs())
    st.fragment(_running, run_every=2 if active else None)()


def page_link(page: str, label: str, **view: str) -> None:
    """A link to another page; the sidebar's view goes along.

    Args:
        page: One of this module's pages.
        label: Words of the link.
        view: Controls of that page to be set, as the address writes them: ``target="be-en"``.
    """
    st.page_link(
        page,
        label=label,
        icon=":material/arrow_forward:",
        query_params=view_state.parameters(_name(page), **view),
    )


def open_address(page: str, view: dict[str, str], *, label: str, help: str | None) -> None:
    """A link to a page by its name in the address, with these controls alone; where there is no such page, words that say so."""
    path = next((path for path in _MENU if _name(path) == page), None)
    if path is None:
        st.caption(f"{label}: of a page that this version does not have.")
        return
    icon = f":material/{_MENU[path][1]}:"
    if page != view_state.address()[0]:
        st.page_link(path, label=label, icon=icon, help=help, query_params=view)
        return
    # A link from a page to itself is no news to Streamlit: the controls would stay as they are.
    key = f"open-{urlencode(view)}"
    st.button(label, key=key, icon=icon, help=help, type="tertiary", on_click=view_state.open_view, args=(view,))


def go(page: str, **view: str) -> None:
    """Open another page at once, the sidebar's view with it: what a button does."""
    st.switch_page(page, query_params=view_state.parameters(_name(page), **view))


def _running() -> None:
    for page, kinds in _JOBS_OF.items():
        if n := len(running_jobs(kinds)):
            st.page_link(
                page,
                label=f":blue-badge[:material/play_arrow: {n} running]",
                help=f"Jobs at work or waiting. Their cards stand on {_MENU[page][0]}.",
                query_params=view_state.parameters(_name(page)),
            )


def _name(path: str) -> str:
    """The page's name in the address, as `st.Page` makes it of the file's."""
    return "" if path == OVERVIEW_PAGE else PurePosixPath(path).stem
