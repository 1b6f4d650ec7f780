"""Widgets that become specs. Their values live in the address of the page, so that a link opens the same view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from pages.components import view_state
from pages.components.loading import corpus_notes, corpus_pairs
from pages.components.navigation import menu
from pages.components.plain import plain
from pages.components.themes import light_figures_input
from pseudofam_core.corpora import SPLITS
from pseudofam_core.corpora.choices import source_name
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.estimates.spec import Estimator, Workspace
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.models.hub import SAMPLE
from pseudofam_core.models.parameters import PARAMETER_GROUPS
from pseudofam_core.similarity.measures import USUAL_MEASURE, Measure

_VIEW = "view"
_K_ENDS = "k_ends"
LEAST_K, LARGEST_K, K_STEP = 0.05, 0.95, 0.005
MOST_SENTENCES, LARGEST_SEED = 10**9, 2**32 - 1
WORKSPACE_CONTROLS = ("model", "corpus", "tune", "split", "sentences", "parameters", "estimator", "seed", "pairs")
_ESTIMATORS = {
    Estimator.PER_SENTENCE: "of each sentence by itself, as the formula says. The default.",
    Estimator.PER_BATCH: "of training updates with dropout and label smoothing, as the paper's scripts do: 4,096 tokens × 2 each "
    "(the scripts: 4,800 × 4).",
    Estimator.SAMPLED: "of translations that the model draws itself: the true Fisher, with more noise.",
}


@dataclass(frozen=True)
class KEnd:
    """Where K ends for a pool, and why, where that is before the control would end anyway."""

    value: float = LARGEST_K
    words: str = ""


@dataclass(frozen=True)
class View:
    """What every page looks at.

    Attributes:
        workspace: Model, corpus and estimator.
        tuning_corpus: What is fine-tuned on and scored with, where families are told from the workspace.
        measure: How two pairs are compared.
        top_fraction: K, for the measures that compare masks.
        looked_up: The pair that was looked up in the sidebar, to be pointed out by every page; None where none was.
    """

    workspace: Workspace
    tuning_corpus: str
    measure: Measure
    top_fraction: float
    looked_up: LanguagePair | None = None


def sidebar() -> None:
    """Ask for what every page needs. explorer.py calls it: of widgets that a page makes, other pages lose the values."""
    with st.sidebar:
        links = st.container(gap="xxsmall")
        with st.expander("Workspace", icon=":material/tune:"):
            workspace, pool, tuning_corpus = _workspace()
        st.caption(
            f"**{_short(workspace.model)}** on **{plain(source_name(workspace.corpus) or 'no name')}**, {workspace.split}  \n"
            f"{_at_most(workspace.max_sentences)} sentences per pair · {plain(workspace.parameters)}"
            + (
                f"  \nfine-tuned on **{plain(source_name(tuning_corpus))}**"
                if tuning_corpus != workspace.corpus
                else ""
            )
        )
        measure = st.selectbox(
            "Measure",
            tuple(Measure),
            format_func=_measure_label,
            help="How the estimates of two pairs are compared.\n" + _measures_help(),
            **view_state.choice(
                "measure", tuple(Measure), USUAL_MEASURE, code=lambda measure: measure.value, shared=True
            ),
        )
        top_fraction = _top_fraction_input(measure, _k_end(workspace))
        looked_up = _language_search(workspace.pairs or pool)
        st.button(
            "Reset view",
            icon=":material/restart_alt:",
            on_click=view_state.reset,
            args=(WORKSPACE_CONTROLS,),
            help="Every control of every page back to its default. The workspace stays. Back undoes it for the page that is open.",
        )
        light_figures_input()
        with links:  # last, so that the links carry what was just chosen
            menu()
    st.session_state[_VIEW] = View(workspace, tuning_corpus, measure, top_fraction, looked_up)


def end_k(workspace: Workspace, end: KEnd) -> float | None:
    """Have K end where the masks of a workspace's pool are full.

    The sidebar is drawn before the pool is known: where the end is news, the page begins anew.

    Returns:
        The K that the address asks for, where it lies beyond the end; None elsewhere.
    """
    if _k_end(workspace) != end:
        st.session_state[_K_ENDS] = {**st.session_state.get(_K_ENDS, {}), workspace: end}
        st.rerun()
    asked = view_state.number_of("k", float, low=LEAST_K, high=LARGEST_K)
    return asked if asked is not None and asked > end.value else None


def current_view() -> View:
    """What the sidebar holds. The first call of every page."""
    view: View = st.session_state[_VIEW]
    return view


def target_input(pairs: Sequence[LanguagePair]) -> LanguagePair:
    """Ask whose family it is about. Belarusian is the sample's example of a language with little text."""
    labels = dict(zip(pairs, pair_labels(pairs), strict=True))
    by_label = sorted(pairs, key=labels.__getitem__)
    usual = next((pair for pair in by_label if str(pair) == "be-en"), by_label[0])
    target: LanguagePair = st.selectbox(
        "Target",
        by_label,
        format_func=labels.__getitem__,
        help="The pair that the model is to translate well.",
        **view_state.choice("target", by_label, usual),
    )
    return target


def measure_words(measure: Measure) -> str:
    """One plain sentence: what the measure's numbers mean."""
    return measure.row.words


def _k_end(workspace: Workspace) -> KEnd:
    """Where K ends, as far as this visitor's pages have seen the workspace's pool."""
    ends: dict[Workspace, KEnd] = st.session_state.get(_K_ENDS, {})
    return ends.get(workspace, KEnd())


def _top_fraction_input(measure: Measure, end: KEnd) -> float:
    top_fraction: float = st.slider(
        "Top share K",
        LEAST_K,
        end.value,
        step=K_STEP,
        format="%.3f",
        disabled=not measure.depends_on_k,
        help=f"For {_measures_with_k()}: the share of the parameters that count as important. The paper: 0.40.",
        **view_state.number("k", min(0.4, end.value), low=LEAST_K, high=LARGEST_K, most=end.value, shared=True),
    )
    if measure.depends_on_k and end.words:
        st.caption(end.words)
    return top_fraction


def _workspace() -> tuple[Workspace, tuple[LanguagePair, ...], str]:
    """The workspace, the pairs its corpus has, and the corpus to fine-tune on."""
    model = st.text_input(
        "Model",
        help="`sample`, a folder with a Hugging Face translation model, or its name on the hub.",
        **view_state.control("model", SAMPLE, read=str, shared=True),
    )
    corpus = st.text_input(
        "Corpus",
        help="`sample`, a folder or file of parallel text, or `hf:NAME`. Where it leaves a choice, say it after the name: "
        "`my/corpus#test=devtest,zh=zh-cn`.",
        **view_state.control("corpus", SAMPLE, read=str, shared=True),
    )
    tuned = st.text_input(
        "Fine-tune on",
        placeholder="the same corpus",
        help="Empty: the corpus above. Another one where the text that you train on and score with is not the same in all "
        "languages: families are best told from text that is.",
        **view_state.control("tune", "", read=str, shared=True),
    )
    split = st.selectbox(
        "Split",
        SPLITS,
        help="Which part of the corpus is read. Never the one you will score with.",
        **view_state.choice("split", SPLITS, shared=True),
    )
    sentences = st.number_input(
        "Sentences per pair",
        1,
        MOST_SENTENCES,
        step=50,
        placeholder="all",
        help="Empty: all.",
        **view_state.optional_number("sentences", int, 200, low=1, high=MOST_SENTENCES, shared=True),
    )
    groups = _with_own(PARAMETER_GROUPS)
    parameters = st.selectbox(
        "Parameters",
        groups,
        accept_new_options=True,
        help="The paper looks at `ffn`, the feed-forward layers. A regular expression over parameter names works as well.",
        **view_state.choice("parameters", groups, shared=True),
    )
    estimator = st.selectbox(
        "Estimator",
        tuple(_ESTIMATORS),
        format_func=lambda estimator: estimator.value,
        help="How squared gradients are taken.\n"
        + "\n".join(f"- **{estimator.value}**: {words}" for estimator, words in _ESTIMATORS.items()),
        **view_state.choice("estimator", tuple(_ESTIMATORS), code=lambda estimator: estimator.value, shared=True),
    )
    seed = st.number_input(
        "Seed",
        0,
        LARGEST_SEED,
        step=1,
        help="Decides which sentences are drawn.",
        **view_state.number("seed", 1, low=0, high=LARGEST_SEED, shared=True),
    )
    workspace = Workspace(
        model=model.strip(),
        corpus=corpus.strip(),
        split=split,
        max_sentences=sentences,
        parameters=parameters,
        estimator=estimator,
        seed=seed,
    )
    return *_with_pairs(workspace), tuned.strip() or workspace.corpus


def _with_own(groups: tuple[str, ...]) -> tuple[str, ...]:
    """The groups, and the regular expression that a person has entered."""
    written = view_state.text_of("parameters")
    return groups if written is None or written in groups else (*groups, written)


def _with_pairs(workspace: Workspace) -> tuple[Workspace, tuple[LanguagePair, ...]]:
    """Ask which of the corpus's pairs form the pool; none named means all."""
    try:
        pairs = corpus_pairs(workspace.corpus, workspace.split)
    except PseudoFamError:  # the page says what is wrong with the corpus
        return workspace, ()
    for note in corpus_notes(workspace.corpus):
        st.caption(f":material/info: {plain(note[0].upper() + note[1:])}")
    labels = dict(zip(pairs, pair_labels(pairs), strict=True))
    by_label = sorted(pairs, key=labels.__getitem__)
    chosen = st.multiselect(
        "Pairs",
        by_label,
        format_func=lambda pair: labels.get(pair, str(pair)),
        placeholder=f"All ({len(labels)})",
        help="The pool that is compared. None named: every pair of the corpus.",
        **view_state.several("pairs", by_label, shared=True),
    )
    return replace(workspace, pairs=tuple(chosen) or None), pairs


def _language_search(pool: tuple[LanguagePair, ...]) -> LanguagePair | None:
    """Ask for one pair of the pool, by name or code."""
    labels = dict(zip(pool, pair_labels(pool), strict=True))
    by_label = sorted(pool, key=labels.__getitem__)
    looked_up: LanguagePair | None = st.selectbox(
        "Find a language",
        by_label,
        format_func=lambda pair: labels.get(pair, str(pair)),
        placeholder="Name or code",
        disabled=not pool,
        help="Type a name or a code. Estimates, Similarity, Families, Transfer and Two workspaces point the language out.",
        **view_state.optional("find", by_label, shared=True),
    )
    return looked_up


def _measure_label(measure: Measure) -> str:
    return measure.label


def _short(name: str) -> str:
    return plain(Path(name).name or name or "no name")


def _at_most(n_sentences: int | None) -> str:
    return "all" if n_sentences is None else f"up to {n_sentences}"


def _measures_help() -> str:
    return "\n".join(f"- **{measure.label}**: {measure.row.words}" for measure in Measure)


def _measures_with_k() -> str:
    *most, last = (measure.label for measure in Measure if measure.depends_on_k)
    return f"{', '.join(most)} and {last}"
