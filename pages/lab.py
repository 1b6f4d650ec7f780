"""Lab: the questions that the paper leaves open, and how far each can be answered here."""

from dataclasses import dataclass, field

import streamlit as st

from pages.components.inputs import current_view
from pages.components.navigation import COMPARE_PAGE, ESTIMATES_PAGE, FAMILIES_PAGE, SIMILARITY_PAGE, page_link
from pseudofam_core.tasks.translation import TRANSLATION

_HERE = ":green-badge[:material/check: can be tried here]"
_PARTLY = ":orange-badge[:material/rule: in part]"
_NOT_YET = ":gray-badge[:material/hourglass_empty: not in this tool]"


@dataclass(frozen=True)
class Question:
    """One open question.

    Attributes:
        title: The question.
        badge: How far it can be answered here.
        words: What to do and what to look at; where nothing can be done, why.
        links: Page and label of each place to go.
        view: Controls of the first page to be set.
    """

    title: str
    badge: str
    words: str
    links: dict[str, str] = field(default_factory=dict)
    view: dict[str, str] = field(default_factory=dict)


QUESTIONS = (
    Question(
        "How much do families depend on the radius and on K?",
        _HERE,
        "Choose a target, move the radius and K, and see who comes and goes. A family that stays is robust; one that changes at "
        "every step stands on a knife's edge.",
        {FAMILIES_PAGE: "Move the radius"},
        {"measure": "overlap"},
    ),
    Question(
        "Does each measure help alone, and do they help together?",
        _PARTLY,
        "See how far the measures order the neighbours alike. Whether a family by one of them translates better, runs with "
        "each of them tell.",
        {SIMILARITY_PAGE: "Compare the measures", COMPARE_PAGE: "Compare runs"},
    ),
    Question(
        "Are families the same if other sentences are read?",
        _HERE,
        "Each estimate keeps the parts of its sentences apart. Estimates shows how well two halves of them agree; another seed "
        "under Workspace draws other sentences altogether.",
        {ESTIMATES_PAGE: "See how settled they are"},
    ),
    Question(
        "Does it matter whether gradients are squared by sentence or by batch?",
        _HERE,
        "The formula squares them by sentence, the paper's scripts by batch. The link sets the estimator to per-batch: estimate "
        "the pool with it, then look at the same target with both.",
        {ESTIMATES_PAGE: "Estimate by batch"},
        {"estimator": "per-batch"},
    ),
    Question(
        "Do families hold on another corpus?",
        _HERE,
        "Enter another corpus under Workspace, or its test split, and look at the same target. Expect more agreement where all "
        "languages translate the same sentences.",
        {ESTIMATES_PAGE: "Estimate another corpus"},
    ),
    Question(
        "Do families hold for larger models?",
        _HERE,
        "Enter another model under Workspace: M2M100, NLLB, mBART-50, T5, MADLAD or Marian. Time and disk grow with its size.",
        {ESTIMATES_PAGE: "Estimate another model"},
    ),
    Question(
        f"Does similarity predict the gain in {TRANSLATION.tested.label} at all?",
        _PARTLY,
        "Fine-tune a target with families near and far, random ones among them. If nearer ones do not translate better, "
        "similarity does not predict gain.",
        {COMPARE_PAGE: "Compare runs"},
    ),
    Question(
        "What does the diagonal lose against the whole Fisher matrix, and what does it save?",
        _NOT_YET,
        "The whole matrix of a model with n parameters has n² entries. Estimates are diagonals only; blocks and factors (K-FAC) "
        "would take an estimator of their own.",
    ),
    Question(
        "Does it carry over to other tasks, such as classification or summaries?",
        _PARTLY,
        "Estimates also read sequence classifiers and causal language models, with a file per language of text and label, or of "
        "prompt and answer. Choose such a model and corpus under Workspace. Fine-tuning is for translation only.",
        {ESTIMATES_PAGE: "Estimate them"},
    ),
)


def card(question: Question) -> None:
    """One question with its answer so far."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{question.title}**  \n{question.badge}")
        st.markdown(question.words)
        first = True
        with st.container(horizontal=True):
            for page, label in question.links.items():
                page_link(page, label, **(question.view if first else {}))
                first = False


current_view()
st.title("Lab")
st.markdown(
    "The paper leaves questions open. Each stands here as an experiment: what you can try, and where. Start with the first: it "
    "needs nothing but finished estimates."
)
with st.grid(2, min_column_width=340):
    for one in QUESTIONS:
        card(one)
