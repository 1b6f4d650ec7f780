"""The explorer's server: ``streamlit run app.py``."""

from streamlit.starlette import App

from pages.components.serving import middleware

app = App("pages/explorer.py", middleware=middleware())
