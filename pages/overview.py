"""Overview: what this is, what exists, and the next step."""

import streamlit as st

from pages.components.inputs import current_view
from pages.components.job_cards import active_cards, estimate_sample_once, running_jobs
from pages.components.states import ESTIMATES_PAGE, FAMILIES_PAGE, SIMILARITY_PAGE, page_link, pool_or_stop
from pseudofam_core.cache import default_root

view = current_view()

st.title("Pseudo language families")
st.markdown(
    "A translation model that must learn a language from little text learns it better together with a few other languages, "
    "if they are the right ones. This explorer asks the model itself: it measures how strongly each language acts on each "
    "of the model's parameters, and languages that act on the same ones form a *pseudo family*. You see which languages the "
    "model treats alike, pick a family for your target, and see why each member is in it."
)
with st.expander("How it works, and what it can't tell", icon=":material/help:"):
    st.markdown(
        """
1. **Estimates.** For every language pair the model reads a few hundred sentences. The squared gradients, averaged, are the
   diagonal of the *Fisher information*: one number per parameter, large where the pair depends on it.
2. **Similarity.** Every two diagonals are compared, by their difference (MSE, KL) or by how many of their most important
   parameters they share (Overlap).
3. **Families.** A target's neighbours are added from the nearest on, as long as each step outwards is shorter than a
   shrinking radius.

**Limits.**
- The answer is this model's and this text's, not linguistics. Another model may answer otherwise.
- Where the pairs do not translate the same sentences, similarity speaks of content as well as of language.
- The diagonal ignores how parameters act together.
- Half of all families would have two members even if there were nothing to find. Families gives the odds.
- Whether a family pays in translation quality only fine-tuning shows.

After Ma, Liu and Zhang, *Clustering Pseudo Language Family in Multilingual Translation Models with Fisher Information
Matrix* (EMNLP 2023).
"""
    )

pool = pool_or_stop(view.workspace)
estimate_sample_once(default_root(), pool.workspace, pool.missing)
active = running_jobs(default_root())
summaries = pool.summaries
n, n_all = len(summaries), len(pool.pairs)

with st.grid(4, min_column_width=160):
    st.metric("Pairs estimated", f"{n} of {n_all}", border=True)
    st.metric("Sentences read", f"{sum(one.n_sentences for one in summaries.values()):,}" if n else "–", border=True)
    st.metric("Latest estimate", max(one.created for one in summaries.values())[:10] if n else "–", border=True)
    st.metric("Jobs running", len(active), border=True)

st.subheader("Next step")
if active:
    words = (
        f"{len(active)} job{'s are' if len(active) > 1 else ' is'} at work. What is finished can be explored meanwhile."
    )
    links = {ESTIMATES_PAGE: "See the estimates"}
elif n < 2:
    words = f"Estimate the language pairs of the workspace: {len(pool.missing)} are to be done."
    links = {ESTIMATES_PAGE: "Go to Estimates"}
else:
    words = f"All {n} pairs are estimated. See which ones the model treats alike, then pick a family for your target."
    links = {SIMILARITY_PAGE: "See the similarities", FAMILIES_PAGE: "Pick a family"}
    if n < n_all:
        words = f"The {n} estimated pairs are ready to explore. The other {n_all - n} can follow at any time."
        links[ESTIMATES_PAGE] = "Estimate the rest"
with st.container(border=True):
    st.markdown(words)
    with st.container(horizontal=True):
        for page, label in links.items():
            page_link(page, f"**{label}**")
active_cards(default_root())
