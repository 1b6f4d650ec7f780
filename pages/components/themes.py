"""Whether figures are drawn for the visitor's theme, or dark on white for a paper. Plotly is not imported here."""

from __future__ import annotations

import streamlit as st

from pages.components import view_state

_ON_WHITE = "light_figures"


def is_dark() -> bool:
    """Whether the visitor's theme is dark."""
    return st.context.theme.type == "dark"


def light_figures_input() -> None:
    """Ask, in a dark theme, whether figures are drawn dark on white: as they are drawn they are saved."""
    if is_dark():
        st.toggle(
            "Light figures",
            help="Draws figures dark on white, as a paper wants them. The camera of a figure's toolbar saves them so.",
            **view_state.switch(_ON_WHITE, shared=True),
        )


def on_white() -> bool:
    """Whether figures are asked to be dark on white where the theme is dark."""
    return is_dark() and view_state.text_of(_ON_WHITE) == "yes"
