"""Test sentences as several arms translate them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import view_state
from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.results import Comparison
from pseudofam_core.outcomes.translations import Span, Translated, marked_html, side_by_side

_PER_PAGE = 5
_SAMPLED = 50
_USUALLY_BESIDE = ("traditional", "overlap")


def translation_view(comparison: Comparison, target: LanguagePair) -> None:
    """Test sentences as several arms translate them, those first on which the arms differ most."""
    others = [
        outcome.arm for outcome in comparison.outcomes if outcome.target == target and outcome.arm != comparison.pinned
    ]
    usual = [arm for arm in _USUALLY_BESIDE if arm in others] or others[:2]
    chosen = st.multiselect(
        f"Beside {comparison.pinned}",
        others,
        placeholder=", ".join(usual),
        wrap=True,
        help="Words that differ from the pinned arm's are marked.",
        **view_state.several("beside", others, code=lambda arm: arm.replace(" ", "+")),
    )
    shown = [comparison.pinned, *(chosen or usual)]
    sentences = _translated(tuple(_keys(comparison)), comparison.pinned, str(target), comparison)
    shown_sentences = sorted(sentences, key=lambda sentence: -sentence.disagreement_of(shown))[:_SAMPLED]
    n_pages = -(-len(shown_sentences) // _PER_PAGE)
    page = 1
    if n_pages > 1:
        page = st.number_input(
            f"Page of {n_pages}",
            1,
            n_pages,
            width=140,
            help="The sentences on which the arms differ most stand on page 1.",
            **view_state.number("page", 1, low=1, high=n_pages),
        )
    for sentence in shown_sentences[(page - 1) * _PER_PAGE : page * _PER_PAGE]:
        with st.container(border=True):
            st.html(_sentence_html(sentence, shown, comparison.pinned))
    st.caption(
        f"The {len(shown_sentences)} test sentences on which these arms differ most. The number beside each arm is sentence "
        f"{comparison.task.sentence_metric.label}. Of an arm with several runs, the first seed speaks. Single sentences "
        "prove nothing; the test above does."
    )


@st.cache_resource(max_entries=16, show_spinner="Reading the translations …")
def _translated(keys: tuple[str, ...], pinned: str, target: str, _comparison: Comparison) -> Sequence[Translated]:
    """Kept by the runs' keys: scoring each sentence of each arm takes seconds."""
    (pair,) = (pair for pair in _comparison.targets if str(pair) == target)
    return side_by_side(_comparison, pair, n=None)


def _keys(comparison: Comparison) -> list[str]:
    return [f"{outcome.arm} {run.key}" for outcome in comparison.outcomes for draw in outcome.runs for run in draw]


def _sentence_html(sentence: Translated, arms: Sequence[str], pinned: str) -> str:
    """Source, reference, and the arms' translations below one another, so that the differing words meet the eye."""
    lines = [("source", _text(sentence.source), ""), ("reference", _text(sentence.reference), "")]
    for arm in arms:
        lines.append((arm, marked_html(sentence.spans[arm]), f" · {sentence.scores[arm]:.0f}"))
    rows = "".join(
        f'<div style="opacity:0.7">{_text(name)}{" (pinned)" if name == pinned else ""}{score}</div><div dir="auto">{words}</div>'
        for name, words, score in lines
    )
    grid = "display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:0.25rem 1rem;overflow-wrap:anywhere"
    return f'<div style="{grid}">{rows}</div>'


def _text(words: str) -> str:
    return marked_html([Span(words, differs=False)])
