"""Widgets that become specs. Their values live in the address of the page, so that a link opens the same view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages.components.loading import corpus_pairs
from pseudofam_core.charts import pair_labels
from pseudofam_core.corpora import SPLITS
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.hub import SAMPLE
from pseudofam_core.specs import PARAMETER_GROUPS, Measure, Workspace

_VIEW = "view"
_MEASURES = {
    Measure.MSE: "Mean squared difference of the two Fisher diagonals. Small: the two excite the same parameters as strongly.",
    Measure.KL: (
        "Kullback-Leibler divergence of the raw Fisher values, as the paper's scripts compute it. It may be negative; its "
        "size decides. It mixes how strongly a pair excites the model with where."
    ),
    Measure.KL_NORMALISED: "Kullback-Leibler divergence after each diagonal is divided by its sum: only where, not how strongly.",
    Measure.OVERLAP: "Share of each pair's most important parameters that the other one has among its own. Large is near.",
}


@dataclass(frozen=True)
class View:
    """What every page looks at.

    Attributes:
        workspace: Model, corpus and estimator.
        measure: How two pairs are compared.
        top_fraction: K, for Overlap.
    """

    workspace: Workspace
    measure: Measure
    top_fraction: float


def sidebar() -> None:
    """Ask for what every page needs. app.py calls it: of widgets that a page makes, other pages lose the values."""
    with st.sidebar:
        with st.expander("Workspace", icon=":material/tune:"):
            workspace = _workspace()
        st.caption(
            f"**{_short(workspace.model)}** on **{_short(workspace.corpus)}**, {workspace.split}  \n"
            f"{workspace.max_sentences or 'all'} sentences per pair · {workspace.parameters}"
        )
        measure = st.selectbox(
            "Measure",
            tuple(_MEASURES),
            format_func=_measure_label,
            key="measure",
            bind="query-params",
            help="How the estimates of two pairs are compared.\n" + _measures_help(),
        )
        top_fraction = st.slider(
            "Top share K",
            0.05,
            0.95,
            0.4,
            0.05,
            key="k",
            bind="query-params",
            disabled=measure is not Measure.OVERLAP,
            help="For Overlap: the share of the parameters that count as important. The paper takes 0.40. A new value reads "
            "the estimates again, for about a second with a small model.",
        )
    st.session_state[_VIEW] = View(workspace, measure, top_fraction)


def current_view() -> View:
    """What the sidebar holds. The first call of every page."""
    _through_the_front_door()
    view: View = st.session_state[_VIEW]
    return view


def measure_words(measure: Measure) -> str:
    """One plain sentence: what the measure's numbers mean."""
    return _MEASURES[measure]


def _through_the_front_door() -> None:
    """Have app.py run first where a link leads straight to a page of a server that has just started.

    Until app.py has called `st.navigation` once, Streamlit takes a folder named pages for its older kind of app and
    serves the page alone: narrow, and with file names for a menu.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def _workspace() -> Workspace:
    model = st.text_input(
        "Model",
        SAMPLE,
        key="model",
        bind="query-params",
        help="`sample`, a folder with a Hugging Face translation model, or its name on the hub.",
    )
    corpus = st.text_input(
        "Corpus",
        SAMPLE,
        key="corpus",
        bind="query-params",
        help="`sample`, a folder or file of parallel text, or `hf:NAME`.",
    )
    split = st.selectbox(
        "Split",
        SPLITS,
        key="split",
        bind="query-params",
        help="Which part of the corpus is read. Never the one you will score with.",
    )
    sentences = st.number_input(
        "Sentences per pair",
        1,
        None,
        200,
        50,
        key="sentences",
        bind="query-params",
        placeholder="all",
        help="Empty: all.",
    )
    parameters = st.selectbox(
        "Parameters",
        PARAMETER_GROUPS,
        key="parameters",
        bind="query-params",
        accept_new_options=True,
        help="The paper looks at `ffn`, the feed-forward layers. A regular expression over parameter names works as well.",
    )
    seed = st.number_input(
        "Seed", 0, None, 1, key="seed", bind="query-params", help="Decides which sentences are drawn."
    )
    workspace = Workspace(
        model=model.strip() or SAMPLE,
        corpus=corpus.strip() or SAMPLE,
        split=split,
        max_sentences=sentences,
        parameters=parameters,
        seed=int(seed or 0),
    )
    return _with_pairs(workspace)


def _with_pairs(workspace: Workspace) -> Workspace:
    """Ask which of the corpus's pairs form the pool; none named means all."""
    try:
        pairs = corpus_pairs(workspace.corpus, workspace.split)
    except PseudoFamError:  # the page says what is wrong with the corpus
        return workspace
    labels = dict(zip(pairs, pair_labels(pairs), strict=True))
    chosen = st.multiselect(
        "Pairs",
        sorted(pairs, key=labels.__getitem__),
        format_func=lambda pair: labels.get(pair, str(pair)),
        key="pairs",
        bind="query-params",
        placeholder=f"All {len(labels)} pairs",
        help="The pool that is compared. None named: every pair of the corpus.",
    )
    return replace(workspace, pairs=tuple(one for one in chosen if one in labels) or None)


def _measure_label(measure: Measure) -> str:
    return measure.label


def _short(name: str) -> str:
    return Path(name).name or name


def _measures_help() -> str:
    return "\n".join(f"- **{measure.label}**: {words}" for measure, words in _MEASURES.items())
