"""The figures of Compare, and the words beneath them."""

from __future__ import annotations

import streamlit as st

from pages.components import view_state
from pages.components.figures import plot, vector_config
from pages.components.warnings import show_signs
from pages.views.compare.words import no_gain_sign, power_words, verdict_words
from pseudofam_core.charts.outcomes import control_figure, difference_figure, score_figure, verdict_figure
from pseudofam_core.outcomes.results import Comparison, Question
from pseudofam_core.similarity.measures import Measure


def score_view(comparison: Comparison) -> None:
    """The tested metric of every arm: a dumbbell per target."""
    arms = st.multiselect(
        "Arms shown",
        comparison.arms,
        placeholder="All",
        wrap=True,
        help="Leave it empty for all.",
        **view_state.several("show_arms", comparison.arms, code=lambda arm: arm.replace(" ", "+")),
    )
    plot(
        score_figure(comparison, arms=arms or None),
        key="scores",
        config=vector_config("scores"),
        alt=f"{comparison.task.tested.label} of each arm, a line per target",
    )
    lines = "a line per target, a mark per arm" if len(comparison.targets) > 1 else "a line per arm, with its interval"
    st.caption(
        f"How to read it: {lines}; further right is a higher score. How far apart two marks must be to mean something, the next "
        "figure tells: intervals of two arms may overlap though their difference is sure."
    )


def difference_view(comparison: Comparison) -> None:
    """Differences from the pinned arm with their intervals, and what may be said of them."""
    st.markdown(
        verdict_words(comparison, Question.PINNED, against=f"`{comparison.pinned}`")
        or f"There is nothing to hold against `{comparison.pinned}` yet."
    )
    plot(
        difference_figure(comparison),
        key="differences",
        config=vector_config("differences"),
        alt=f"{comparison.task.tested.label} of each arm minus that of {comparison.pinned}, with intervals",
    )
    if told := power_words(comparison, Question.PINNED):
        st.markdown(told)
    st.caption(
        f"Right of zero: more {comparison.task.tested.label} than {comparison.pinned}. Colour and shape tell the verdict of the "
        "test, corrected for the number of comparisons; point at a mark for its p and its caveats."
    )
    if len(comparison.targets) > 1:
        plot(
            verdict_figure(comparison),
            key="verdicts",
            config=vector_config("verdicts"),
            alt=f"Targets on which each arm is better than {comparison.pinned}, ties, or is worse",
        )


def control_view(comparison: Comparison) -> None:
    """The same differences from random families: whether the right languages matter, or any would have done."""
    words = verdict_words(comparison, Question.RANDOM, against="random families of the same size")
    if not words:
        st.caption(
            "More text of any kind may help a target. Train the arm `random` as well: random families of the same size tell "
            "the right languages from merely more text."
        )
        return
    st.markdown(words)
    plot(
        control_figure(comparison),
        key="controls",
        config=vector_config("against-random"),
        alt=f"{comparison.task.tested.label} of each arm minus that of random families of the same size, with intervals",
    )
    st.caption(
        f"Right of zero: these languages gave more {comparison.task.tested.label} than as many drawn blindly. Only a verdict "
        "of better says that it is more than luck. With one draw none does: the luck of the draw is not known."
    )


def no_gain_view(comparison: Comparison) -> None:
    """Warn of the targets on which not even the best pseudo family is better than the pinned arm."""
    if comparison.pinned in tuple(Measure):
        return
    signs = [sign for target in comparison.targets if (sign := no_gain_sign(comparison, target))]
    if len(comparison.targets) == 1:
        show_signs(*signs)
    elif signs:
        n = len(comparison.targets)
        with st.expander(
            f"No gain in {comparison.task.tested.label} shown on {len(signs)} of {n} targets", icon=":material/flag:"
        ):
            show_signs(*signs)


def claim_view(comparison: Comparison) -> None:
    """The paper's claim, as its claim, and what else it was measured with."""
    claim = comparison.task.claim
    if claim is None:
        return
    words = claim.words
    if comparison.pinned != claim.over and all(comparison.of(target, claim.over) for target in comparison.targets):
        words += f" Pin `{claim.over}` to hold your pseudo families against it."
    st.info(words, icon=":material/format_quote:")
