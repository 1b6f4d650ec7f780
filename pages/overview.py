"""Overview: what this is, what exists, and the next step."""

import streamlit as st

from pages.components.inputs import View, current_view
from pages.components.job_cards import active_cards, estimate_sample_once, first_start_note, running_jobs
from pages.components.loading import Pool, load_outdated
from pages.components.navigation import (
    COMPARE_PAGE,
    ESTIMATES_PAGE,
    FAMILIES_PAGE,
    FINETUNE_PAGE,
    LAB_PAGE,
    SIMILARITY_PAGE,
    page_link,
)
from pages.components.states import pool_or_stop
from pages.views import schematic
from pseudofam_core.languages import pair

# The first that the pool has. Indonesian's only relative is near by Overlap, and lost by MSE.
_TOUR_TARGETS = (pair("id-en"), pair("be-en"))
_LIMITS = """
- The answer is this model's and this text's, not linguistics. Another model may answer otherwise.
- Where the pairs do not translate the same sentences, similarity may speak of content as well as of language.
- The diagonal ignores how parameters act together.
- Many families would have three members or more even if there were nothing to find. Families gives your pool's odds.
- Whether a family pays in translation quality only fine-tuning shows, against random families of the same size.

After Ma, Liu and Zhang, *Clustering Pseudo Language Family in Multilingual Translation Models with Fisher Information
Matrix* (EMNLP 2023). The **Lab** lists what the paper leaves open.
"""


def next_step(pool: Pool, n_active: int, n_outdated: int) -> tuple[str, dict[str, str]]:
    """What to do now, in words, and the links to it."""
    n, n_all = len(pool.estimates), len(pool.pairs)
    if n_active:
        verb = "jobs are" if n_active > 1 else "job is"
        return f"{n_active} {verb} at work. What is finished can be explored meanwhile.", {
            ESTIMATES_PAGE: "See the estimates"
        }
    if n_outdated:
        changed = "the model, the text or the estimator has changed since"
        words = f"Out of date: {n_outdated} of {n_all} pairs, for {changed}. Run them again."
        return words, {ESTIMATES_PAGE: "Recompute them"}
    if n < 2:
        return f"Estimate the language pairs of the workspace: {len(pool.missing)} are to be done.", {
            ESTIMATES_PAGE: "Go to Estimates"
        }
    links = {SIMILARITY_PAGE: "See the similarities", FAMILIES_PAGE: "Pick a family"}
    if n < n_all:
        links[ESTIMATES_PAGE] = "Estimate the rest"
        return f"The {n} estimated pairs are ready to explore. The other {n_all - n} can follow at any time.", links
    words = f"All {n} pairs are estimated. See which ones the model treats alike, then pick a family for your target."
    return words, links


def tour(pool: Pool) -> None:
    """Three stops that show what the tool is for."""
    example = next((target for target in _TOUR_TARGETS if target in pool.pairs), None)
    target = {} if example is None else {"target": str(example)}
    name = "your target" if example is None else example.label
    st.subheader("A tour in five minutes")
    with st.grid(3, min_column_width=220):
        with st.container(border=True, height="stretch"):
            st.markdown(
                "**1 · Which languages go together?** Each cell compares two languages; the tree joins the nearest first."
            )
            page_link(SIMILARITY_PAGE, "Similarity")
        with st.container(border=True, height="stretch"):
            st.markdown(
                f"**2 · Who helps {name}?** See its neighbours, the radius, and why the family ends where it does."
            )
            page_link(FAMILIES_PAGE, "Families", **target)
        with st.container(border=True, height="stretch"):
            st.markdown("**3 · Does it pay?** Train with that family, beside the target alone and random languages.")
            page_link(FINETUNE_PAGE, "Fine-tune", **target)


def show(picture: schematic.Picture) -> None:
    """Draw one of the method's pictures."""
    st.image(picture.svg, alt=picture.alt)


def how_it_works() -> None:
    """The method as three pictures, and what it can't tell."""
    st.subheader("How it works")
    with st.grid(3, min_column_width=220):
        with st.container():
            show(schematic.estimates_picture())
            st.markdown(
                "**Estimates.** The model reads sentences of each pair. The squared gradients, averaged, tell how "
                "strongly the pair acts on each parameter.",
                help="The diagonal of the Fisher information: F = 1/N Σ (∂ log p(y|x) / ∂θ)², one gradient per sentence pair.",
            )
        with st.container():
            show(schematic.similarity_picture())
            st.markdown(
                "**Similarity.** Every two pairs are compared: do they act on the same parameters? Yellow is near.",
                help="By their difference (MSE, KL), or by how many of their most important parameters they share (Overlap).",
            )
        with st.container():
            show(schematic.family_picture())
            st.markdown(
                "**Family.** A target's neighbours are added from the nearest on, as long as each step outwards is no longer "
                "than a radius that shrinks.",
                help="Two to ten members. Another target's family may overlap this one; a cut of the tree may not.",
            )
    with st.expander("What it can't tell", icon=":material/help:"):
        st.markdown(_LIMITS)


def state_of(view: View) -> None:
    """What exists, what is out of date, what is at work, and the next step."""
    pool = pool_or_stop(view.workspace)
    estimate_sample_once(pool.workspace, pool.missing)
    active = running_jobs()
    outdated = load_outdated(pool)
    summaries = pool.summaries
    n, n_all = len(summaries), len(pool.pairs)
    with st.grid(4, min_column_width=150):
        st.metric(
            "Pairs estimated",
            f"{n} of {n_all}",
            border=True,
            height="stretch",
            delta=f"{len(outdated)} out of date" if outdated else None,
            delta_color="off",
            delta_arrow="off",
        )
        n_sentences = sum(summary.n_sentences for summary in summaries.values())
        n_sentences = sum(summary.n_sentences for summary in summaries.values())
        st.metric("Sentences read", f"{n_sentences:,}" if n else "–", border=True, height="stretch")
        latest = max(summary.created for summary in summaries.values())[:10] if n else "–"
        st.metric("Latest estimate", latest, border=True, height="stretch")
        st.metric("Jobs running", len(active), border=True, height="stretch")
    words, links = next_step(pool, len(active), len(outdated))
    with st.container(border=True):
        st.markdown(f"**Next step.** {words}")
        with st.container(horizontal=True):
            for page, label in links.items():
                page_link(page, f"**{label}**")
    first_start_note()
    active_cards()
    tour(pool)


view = current_view()
st.title("Pseudo language families")
st.markdown(
    "A translation model that must learn a language from little text may learn it better together with a few other languages. "
    "Which ones? This explorer asks the model itself: languages that act on the same of its parameters form "
    "a *pseudo family*. You see which languages the model treats alike, pick a family for your target, and find out whether it "
    "pays."
)
state_of(view)
how_it_works()
with st.container(horizontal=True):
    page_link(COMPARE_PAGE, "Compare runs")
    page_link(LAB_PAGE, "Open questions")
