"""The explorer: ``streamlit run app.py``."""

import streamlit as st

from pages.components.inputs import sidebar

# Drawn here, because the named icons of a browser tab are fetched from a server outside.
_ICON = (
    '<svg viewBox="0 0 32 32"><path d="M16 9L8 23h16z" fill="none" stroke="#0b6b80" stroke-width="3"/>'
    '<g fill="#0b6b80"><circle cx="16" cy="8" r="6"/><circle cx="7" cy="24" r="5"/></g>'
    '<circle cx="25" cy="24" r="5" fill="#d55e00"/></svg>'
)

st.set_page_config(page_title="Pseudo language families", page_icon=_ICON, layout="wide")
page = st.navigation(
    [
        st.Page(
            "pages/overview.py",
            title="Overview",
            icon=":material/home:",
            default=True,
            help="What this is, what has been computed, and what to do next.",
        ),
        st.Page(
            "pages/estimates.py",
            title="Estimates",
            icon=":material/function:",
            help="Measure how each language pair acts on the model's parameters. Everything else builds on it.",
        ),
        st.Page(
            "pages/similarity.py",
            title="Similarity",
            icon=":material/grid_on:",
            help="Which languages the model treats alike: matrix, tree and clusters beside the traditional families.",
        ),
        st.Page(
            "pages/families.py",
            title="Families",
            icon=":material/hub:",
            help="The auxiliary languages for one target: who is in, who is not, and why. Take them away as CSV.",
        ),
    ]
)
sidebar()
page.run()
