"""Two workspaces: the same pairs by another model, corpus or estimator, and what of it all stays."""

import streamlit as st

from pages.components.inputs import current_view
from pages.components.pool_similarity import end_k_at_zeros, matrix_or_stop, similarity_or_stop
from pages.components.states import comparable_or_stop
from pages.views import beside as views

view = current_view()
st.title("Two workspaces")
st.markdown(
    "Do similarities and families hold with another model, another text or another estimator? The workspace of the sidebar "
    "stands at the left, the other one at the right, both over the pairs that both have."
)
pool = comparable_or_stop(view.workspace)
asked = views.other_input(view.workspace)
if asked == view.workspace:
    views.nothing_named()
    st.stop()
here, there = views.both_or_stop(pool, asked)
both = [similarity_or_stop(shared) for shared in (here, there)]
end_k_at_zeros(*(similarities.curve for similarities in both))
first, second = (matrix_or_stop(similarities, view.measure, view.top_fraction) for similarities in both)
told = views.names_of(here.workspace, there.workspace)
st.subheader("What of it stays")
views.agreement_view(first, second)
st.subheader("Both matrices")
views.matrices_view(first, second, told, looked_up=view.looked_up)
st.subheader("Families, target by target")
views.families_view(first, second, told, looked_up=view.looked_up)
