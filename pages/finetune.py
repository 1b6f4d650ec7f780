"""Fine-tune: train the model on a target and its family, beside controls."""

import streamlit as st

from pages.components.inputs import current_view
from pages.components.navigation import FAMILIES_PAGE, page_link
from pages.components.states import comparable_or_stop

view = current_view()
st.title("Fine-tune")
st.markdown(
    "A family that looks right need not help. Here the model is trained on your target with its pseudo family, and, as "
    "controls, on the target alone, with its traditional family, and with random languages. Pick the family first."
)
comparable_or_stop(view.workspace)
st.info("No model has been fine-tuned yet.", icon=":material/hourglass_empty:")
page_link(FAMILIES_PAGE, "Pick a family for your target")
