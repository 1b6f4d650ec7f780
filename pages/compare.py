"""Compare: whether the family paid, and whether it is more than luck."""

import streamlit as st

from pages.components.inputs import current_view
from pages.components.navigation import FINETUNE_PAGE, page_link

current_view()
st.title("Compare")
st.markdown(
    "Whether a family paid: translation quality (BLEU and chrF) of the same target trained with different languages, with "
    "intervals, so that luck can be told from gain. There is something to compare once two runs of one target are done."
)
st.info("No fine-tuned model has been scored yet.", icon=":material/hourglass_empty:")
page_link(FINETUNE_PAGE, "Go to Fine-tune")
