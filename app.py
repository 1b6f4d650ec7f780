"""The explorer: ``streamlit run app.py``."""

import streamlit as st

st.set_page_config(page_title="Pseudo language families", page_icon=":material/hub:", layout="wide")
st.navigation(
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
).run()
