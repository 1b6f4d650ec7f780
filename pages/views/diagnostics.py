"""What the estimates tell of themselves: where the mass lies, how few hold it, whether it has settled."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.components import view_state
from pages.components.figures import plot
from pages.components.warnings import show_signs
from pseudofam_core.charts.estimates import (
    convergence_figure,
    lorenz_figure,
    mass_by_layer,
    mass_figure,
    mean_mass,
    zeros_figure,
)
from pseudofam_core.estimates import FisherSummary, summarise
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.outcomes.failure_signs import dominated_by_few, few_gradients
from pseudofam_core.store.cache import Artifact

_AGAIN = "These estimates were made before this was recorded. Estimate them again to see it."


def diagnostics(estimates: Mapping[LanguagePair, Artifact], looked_up: LanguagePair | None) -> None:
    """Show the diagnostics of one pair before all others, or of the pool as a whole.

    Args:
        estimates: Finished or outdated estimates, at least one.
        looked_up: The pair that the sidebar points out, chosen unless another is named.
    """
    summaries = {pair: summarise(estimate) for pair, estimate in estimates.items()}
    labels = dict(zip(estimates, pair_labels(tuple(estimates)), strict=True))
    by_label: list[LanguagePair] = sorted(estimates, key=labels.__getitem__)
    asked: LanguagePair | None = st.selectbox(
        "Look at",
        by_label,
        format_func=lambda pair: labels.get(pair, str(pair)),
        placeholder="All pairs",
        help="One pair in colour, the others behind it. None named: the mean of all.",
        width=340,
        **view_state.optional("of", by_label),
    )
    chosen = asked or (looked_up if looked_up in estimates else None)
    gradients = {pair: summary.n_gradients for pair, summary in summaries.items() if summary.n_gradients is not None}
    show_signs(few_gradients(gradients))
    _mass(summaries, chosen, labels)
    with st.grid(2, min_column_width=340):
        with st.container():
            _concentration(summaries, chosen, labels)
        with st.container():
            _convergence(summaries, chosen, labels)
    _zeros(summaries, chosen, labels)


def _mass(
    summaries: Mapping[LanguagePair, FisherSummary], chosen: LanguagePair | None, labels: Mapping[LanguagePair, str]
) -> None:
    masses = {pair: summary.layer_mass for pair, summary in summaries.items()}
    mass = masses[chosen] if chosen else mean_mass(list(masses.values()))
    table, outside = mass_by_layer(mass)
    name = labels[chosen] if chosen else f"mean of {len(masses)}"
    st.markdown(
        f"**Which layers hold the mass** ({name})",
        help="The Fisher mass is the sum of the diagonal: how strongly the pair acts on a group of parameters, all in all.",
    )
    if not table:
        st.caption(f"All of the mass ({outside:.0%}) lies outside the layers.")
        return
    plot(
        mass_figure(mass),
        key="mass_figure",
        alt=f"Share of the Fisher mass by layer and kind of parameter, {name}. {_mass_words(table, outside)}",
    )
    st.caption(_mass_words(table, outside))


def _mass_words(table: Mapping[str, Mapping[int, float]], outside: float) -> str:
    decoder = sum(sum(shares.values()) for row, shares in table.items() if row.startswith("decoder"))
    layers: dict[tuple[str, int], float] = {}
    for row, row_shares in table.items():
        for layer, share in row_shares.items():
            side = row.split()[0], layer
            layers[side] = layers.get(side, 0.0) + share
    (side_name, layer), most = max(layers.items(), key=lambda item: item[1])
    words = (
        f"The decoder holds {decoder:.0%} of the mass; the fullest layer is {side_name} layer {layer} with {most:.0%}."
    )
    return words + (f" {outside:.0%} lies outside the layers." if outside >= 0.005 else "")


def _zeros(
    summaries: Mapping[LanguagePair, FisherSummary], chosen: LanguagePair | None, labels: Mapping[LanguagePair, str]
) -> None:
    st.markdown(
        "**Which parameters never act**",
        help="Parameters whose Fisher value is exactly zero: no sentence of the pair has a gradient there. In feed-forward layers "
        "with ReLU, units that are off for every token that was read have such parameters.",
    )
    zeros = {pair: summary.layer_zeros for pair, summary in summaries.items() if summary.layer_zeros is not None}
    sizes = next((summary.layer_sizes for summary in summaries.values() if summary.layer_sizes is not None), {})
    if not zeros or (chosen is not None and chosen not in zeros):
        st.info(_AGAIN, icon=":material/history:")
        return
    n = sum(sizes.values())
    shares = {pair: sum(zeros_of.values()) / n for pair, zeros_of in zeros.items()}
    name = labels[chosen] if chosen else f"mean of {len(zeros)}"
    most = chosen or max(shares, key=shares.__getitem__)
    words = (
        f"Of the parameters of {labels[most]}{'' if chosen else ', the most,'} {shares[most]:.1%} are exactly zero. Zeros are in "
        "no mask of Overlap, so that its K ends where they begin."
    )
    if any(shares.values()):
        plot(
            zeros_figure(zeros[chosen] if chosen else mean_mass(list(zeros.values())), sizes),
            key="zeros_figure",
            alt=f"Share of exact zeros by layer and kind of parameter, {name}. {words}",
        )
    else:
        words = "No parameter is exactly zero."
    st.caption(words)


def _concentration(
    summaries: Mapping[LanguagePair, FisherSummary], chosen: LanguagePair | None, labels: Mapping[LanguagePair, str]
) -> None:
    st.markdown(
        "**How few parameters dominate**",
        help="A Lorenz curve: parameters in falling order of importance. The further it bends from the dotted "
        "line, the fewer count.",
    )
    curves = {labels[pair]: summary.lorenz for pair, summary in summaries.items() if summary.lorenz is not None}
    if not curves:
        st.info(_AGAIN, icon=":material/history:")
        return
    shares = {
        pair: summary.top_percent_share for pair, summary in summaries.items() if summary.top_percent_share is not None
    }
    name = labels[chosen] if chosen else None
    if chosen is not None and chosen in shares:
        words = f"In {labels[chosen]} the largest 1% of the parameters hold {shares[chosen]:.0%} of the mass."
    else:
        least, most = (f"{end(shares.values()):.0%}" for end in (min, max))
        span = most if least == most else f"{least} to {most}"
        words = f"The largest 1% of the parameters hold {span} of the mass."
    plot(lorenz_figure(curves, name), key="lorenz_figure", alt=words)
    st.caption(words)
    show_signs(dominated_by_few(shares))


def _convergence(
    summaries: Mapping[LanguagePair, FisherSummary], chosen: LanguagePair | None, labels: Mapping[LanguagePair, str]
) -> None:
    st.markdown(
        "**Whether enough sentences were read**",
        help="How far the estimate after the first sentences was from the one after all. It ends at 0 by construction: what "
        "counts is how early it gets low.",
    )
    convergences = {pair: summary.convergence for pair, summary in summaries.items() if summary.convergence is not None}
    curves = {labels[pair]: (convergence.counts, convergence.distance) for pair, convergence in convergences.items()}
    if not curves:
        st.info(_AGAIN, icon=":material/history:")
        return
    correlations = {
        pair: convergence.split_half_correlation
        for pair, convergence in convergences.items()
        if convergence.split_half_correlation is not None
    }
    words = _convergence_words(correlations, chosen, labels)
    plot(
        convergence_figure(curves, labels[chosen] if chosen else None),
        key="convergence_figure",
        alt=f"Distance from the final estimate by sentences read. {words}",
    )
    st.caption(words)


def _convergence_words(
    correlations: Mapping[LanguagePair, float], chosen: LanguagePair | None, labels: Mapping[LanguagePair, str]
) -> str:
    """What two halves of the sentences, estimated apart, have in common: the plain test of enough."""
    if chosen is not None and chosen in correlations:
        name, value = labels[chosen], correlations[chosen]
    elif correlations:
        worst = min(correlations, key=correlations.__getitem__)
        name, value = f"{labels[worst]}, the least settled", correlations[worst]
    else:
        return "There are too few sentences to compare two halves of them."
    verdict = "the estimate has settled" if value >= 0.9 else "more sentences would make it steadier"
    return f"Two halves of the sentences, estimated apart, correlate with r = {value:.2f} for {name}: {verdict}."
