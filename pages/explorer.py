"""What runs at every visit: the page's frame, the sidebar, then the page itself. ``app.py`` serves it."""

import threading
from importlib import import_module

import streamlit as st

from pages.components import view_state
from pages.components.access import exposed_note, limit_reading
from pages.components.inputs import sidebar
from pages.components.navigation import all_pages
from pages.components.saved_views import saved_views

# Drawn here, because the named icons of a browser tab are fetched from a server outside.
_ICON = (
    '<svg viewBox="0 0 32 32"><path d="M16 9L8 23h16z" fill="none" stroke="#0b6b80" stroke-width="3"/>'
    '<g fill="#0b6b80"><circle cx="16" cy="8" r="6"/><circle cx="7" cy="24" r="5"/></g>'
    '<circle cx="25" cy="24" r="5" fill="#d55e00"/></svg>'
)


@st.cache_resource(show_spinner=False)
def ready_for_the_next_page() -> None:
    """Import, once and aside, what the charts need: a second that the first page must not wait for, nor the next one."""
    later = threading.Timer(1, import_module, args=("pseudofam_core.charts",))
    later.daemon = True
    later.start()


st.set_page_config(page_title="Pseudo language families", page_icon=_ICON, layout="wide")
page = st.navigation(all_pages(), position="hidden")
view_state.open_page(page.url_path)
is_exposed = limit_reading()
sidebar()
saved_views()
exposed_note(is_exposed)
page.run()
ready_for_the_next_page()
