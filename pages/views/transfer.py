"""What Transfer shows of kept runs: gains beside a signal, target by target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import view_state
from pages.components.brushing import clicked_values
from pages.components.figures import plot, vector_config
from pages.components.states import csv_button
from pseudofam_core.charts.transfer import gain_figure, said_figure, scatter_figure
from pseudofam_core.exchange.transfer_tables import transfer_csv
from pseudofam_core.languages import LanguagePair
from pseudofam_core.signals import SIGNALS, SignalMatrix
from pseudofam_core.transfer import TransferMatrix, TransferRequest, besides, said_of

_NUMBER = st.column_config.NumberColumn


def nothing_yet() -> None:
    """Say what will stand here."""
    st.info("No gain of this model on this text is known yet.", icon=":material/hourglass_empty:")
    st.markdown(
        "Once a target was run alone and with an auxiliary, you will see here:\n"
        "- what each target gained by each auxiliary, with intervals, as far as it is run;\n"
        "- what similarity, or any other signal, had said of it, side by side, and how well the two agree;\n"
        "- the table as CSV."
    )


def kept_input(requests: Sequence[TransferRequest]) -> int:
    """Ask which of several kept matrices is shown; returns its place. Of one it is only told how it was trained."""
    if len(requests) == 1:
        st.caption(f"Trained as: {_settings_words(requests[0])}.")
        return 0
    names = [_settings_words(request) for request in requests]
    place: int = st.selectbox(
        "Trained as",
        range(len(requests)),
        format_func=names.__getitem__,
        help="Runs that were trained in different ways are never put into one matrix.",
        **view_state.choice("matrix", range(len(requests))),
    )
    return place


def missing_button(matrix: TransferMatrix) -> bool:
    """Say how much of a matrix is not run, and whether the button was pressed that has it run; nothing where all is there."""
    if not matrix.n_missing:
        return False
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":orange-badge[{matrix.n_missing} of {matrix.n_cells} gains missing]", width="content")
        return bool(st.button("Run what is missing", icon=":material/play_arrow:", key="missing"))


def gains_beside(
    matrices: Sequence[TransferMatrix],
    signals: Mapping[str, SignalMatrix],
    *,
    usual: str,
    looked_up: LanguagePair | None,
) -> None:
    """The gains beside a signal, the agreement of the two by target, one target closely, and the table.

    Args:
        matrices: By each metric that runs are kept of, the loss first.
        signals: What is known before anything is trained, by name.
        usual: The signal to begin with.
        looked_up: The pair that was looked up in the sidebar.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        matrix = _metric_input(matrices)
        signal = _signal_input(signals, usual)
        target = _target_input(matrix, looked_up)
    if signal is None:
        _gains(matrix, target)
        return
    said, label = said_of(signal, matrix), SIGNALS[signal.signal].label
    left, right = st.columns(2)
    with left:
        st.markdown(f"**What it says** · {label}")
        plot(
            said_figure(said, matrix, label=label, chosen=target),
            key="said",
            on_select=partial(_choose_row, "said"),
            selection_mode="points",
            config=vector_config("signal"),
            alt=f"Heatmap of {label}: rows are targets, columns auxiliaries, ranked in each row",
        )
    with right:
        st.markdown("**What happened**")
        _gains(matrix, target)
    st.caption(
        f"**{label}.** {SIGNALS[signal.signal].words} Where it foresees the gain, yellow at the left stands where blue stands "
        "at the right, row by row."
    )
    _agreement(signal, matrix)
    st.markdown(f"**{target.label} closely**")
    plot(
        scatter_figure(said, matrix, target, label=label),
        key="closely",
        config=vector_config("target"),
        alt=f"{label} against gain, a point for each auxiliary of {target.label}",
    )
    csv_button("Gains as CSV", partial(transfer_csv, matrices), "transfer.csv")


def _gains(matrix: TransferMatrix, target: LanguagePair) -> None:
    plot(
        gain_figure(matrix, chosen=target),
        key="gains",
        on_select=partial(_choose_row, "gains"),
        selection_mode="points",
        config=vector_config("gains"),
        alt=f"Heatmap of gains in {matrix.metric.label}: rows are targets, columns auxiliaries",
    )
    alone = len(matrix.seeds) == 1
    seeds = "one seed, whose luck no interval counts" if alone else f"{len(matrix.seeds)} seeds"
    st.caption(
        f"Blue helps, orange harms; a ring: the 95 % interval leaves 0 out (of {int(np.isfinite(matrix.mean).sum())} cells, by "
        f"chance one in twenty would{' or more' if alone else ''}); a cross: not run yet. Over dev sentences and {seeds}."
    )


def _choose_row(figure: str) -> None:
    """A click on a cell chooses its target."""
    if values := clicked_values(figure):
        view_state.set_value("target", str(values[0]))


def _agreement(signal: SignalMatrix, matrix: TransferMatrix) -> None:
    """By target: how far signal and gain agree, and what following the signal would have cost."""
    rows = besides(signal, matrix)
    known = [row.spearman for row in rows if row.spearman is not None and row.n > 2]
    if known:
        st.markdown(
            f"Mean Spearman ρ of signal and gain over {len(known)} target{'s' if len(known) > 1 else ''}: "
            f"**{np.mean(known):.2f}** (1: the same order, 0: none)."
        )
    st.dataframe(
        pd.DataFrame(
            {
                "Target": row.target.label,
                "Auxiliaries": row.n,
                "ρ": row.spearman,
                "Helped most": row.best.label,
                "by": row.best_gain,
                "It says": row.first.label,
                "which gave": row.first_gain,
            }
            for row in rows
        ),
        hide_index=True,
        placeholder="–",
        column_config={
            "Target": st.column_config.TextColumn(pinned=True),
            "Auxiliaries": _NUMBER(help="Those that signal and runs both know.", width="small"),
            "ρ": _NUMBER(format="%.2f", help="Spearman's rank correlation of signal and gain.", width="small"),
            "by": _NUMBER(format="%+.3f", help="Its gain. The largest of many is flattered by luck.", width="small"),
            "It says": st.column_config.TextColumn(help="The auxiliary that the signal names first."),
            "which gave": _NUMBER(format="%+.3f", width="small"),
        },
        alt="Agreement of signal and gain by target",
    )


def _metric_input(matrices: Sequence[TransferMatrix]) -> TransferMatrix:
    by_name = {matrix.metric.name: matrix for matrix in matrices}
    names = list(by_name)
    name = st.selectbox(
        "Gain in",
        names,
        format_func=lambda name: "loss on dev" if name == "loss" else f"{by_name[name].metric.label} on test",
        help="What a gain is counted in: what the auxiliary takes off the loss, or adds to a score where runs were scored.",
        **view_state.choice("gain", names),
    )
    return by_name[name]


def _signal_input(signals: Mapping[str, SignalMatrix], usual: str) -> SignalMatrix | None:
    if not signals:
        st.caption("Nothing is known of the pool beforehand yet: estimate it, or run `pseudofam signals`.")
        return None
    names = list(signals)
    name = st.selectbox(
        "Beside",
        names,
        format_func=lambda signal: SIGNALS[signal].label,
        help="What was to be expected: every signal that is known of this pool. Estimates give the measures; `pseudofam "
        "signals` gives the others.",
        **view_state.choice("signal", names, usual if usual in names else None),
    )
    return signals[name]


def _target_input(matrix: TransferMatrix, looked_up: LanguagePair | None) -> LanguagePair:
    by_label = sorted(matrix.targets, key=lambda pair: pair.label)
    target: LanguagePair = st.selectbox(
        "Target closely",
        by_label,
        format_func=lambda pair: pair.label,
        help="Framed in both figures, and drawn by itself below. A click on a cell chooses its row.",
        **view_state.choice("target", by_label, looked_up if looked_up in by_label else None),
    )
    return target


def _settings_words(request: TransferRequest) -> str:
    recipe, cut = request.recipe, request.cut
    amounts = f"{len(request.targets)} × {len(request.auxiliaries)}"
    words = [amounts, f"{request.updates} updates", f"rate {recipe.learning_rate:g}", recipe.precision]
    words += [f"{cut.target_sentences} target sentences"] if cut.target_sentences else []
    words += [f"{cut.auxiliary_sentences} per auxiliary"] if cut.auxiliary_sentences else []
    return ", ".join(words)
