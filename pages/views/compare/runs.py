"""All finished runs in one table: looked through, put together, written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from pages.components import view_state
from pages.components.notes import known_notes, note_form
from pages.components.plain import plain
from pages.components.states import csv_button
from pseudofam_core.exchange.run_tables import groups_frame, runs_csv, runs_frame
from pseudofam_core.finetuning import Arm, FinetuneRun
from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.run_table import GroupedBy, RunRow, grouped, matching, run_rows
from pseudofam_core.store.notes import Noted
from pseudofam_core.tasks.task import Task

_NUMBER, _TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
_TABLE, _MARKED = "runs_table", "run_marked"
_RUN_COLUMNS = {
    "name": _TEXT("Name"),
    "target": _TEXT("Target"),
    "arm": _TEXT("Arm", width=170, help="Arms that the run is of, by the families of today."),
    "auxiliaries": _TEXT("Auxiliaries"),
    "seed": _TEXT("Seed"),
    "budget": _TEXT("Budget"),
    "updates": _NUMBER("Updates", format="localized", help="Behind the scored weights."),
    "seconds": _NUMBER("Training, s", format="%.0f"),
    "finished": _TEXT("Finished (UTC)"),
    "device": _TEXT("Device"),
    "model": _TEXT("Model"),
    "corpus": _TEXT("Corpus"),
    "note": _TEXT("Note"),
    "key": _TEXT("Key"),
}
_GROUP_COLUMNS = {
    "group": _TEXT(pinned=True),
    "runs": _NUMBER("Runs"),
    "seeds": _NUMBER("Seeds"),
    "differ in": _TEXT("Differ in", help="What forbids to hold the runs of the group against each other."),
}


def named_rows(runs: Sequence[FinetuneRun], arms: Mapping[LanguagePair, Sequence[Arm]]) -> tuple[RunRow, ...]:
    """The runs with the names of their arms and those that people gave them."""
    notes = known_notes(Noted.RUN)
    return run_rows(runs, arms, {key: (note.name, note.words) for key, note in notes.items()})


def runs_view(rows: Sequence[RunRow], task: Task) -> None:
    """The runs, filtered and grouped as the page is asked; a marked one can be named."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Filter",
            placeholder="words of a row",
            help="Every word must occur in a row: a language, an arm, a seed (`seed-2`), a budget, a name or a note.",
            **view_state.control("runs_filter", "", read=str),
        )
        by = st.selectbox(
            "Group by",
            tuple(GroupedBy),
            format_func=lambda grouping: grouping.label,
            placeholder="nothing",
            help="A row for all runs that share it, in place of a row per run.",
            **view_state.optional("runs_by", tuple(GroupedBy), code=lambda grouping: grouping.value),
        )
    shown = matching(rows, words)
    if not shown:
        st.caption(f"None of {len(rows)} runs has all of these words.")
        return
    if by is None:
        _runs_table(shown, task)
    else:
        _groups_table(shown, by, task)
    many = f"{len(shown)} of {len(rows)}" if len(shown) < len(rows) else f"{len(rows)}"
    csv_button(f"Runs as CSV ({many})", partial(runs_csv, shown, task.metrics), "runs.csv")


def _runs_table(rows: Sequence[RunRow], task: Task) -> None:
    table = runs_frame(rows, task.metrics)
    told = [name for name in table if name not in ("name", "note") or table[name].any()]

    def marked() -> None:
        chosen = st.session_state[_TABLE].selection.rows
        st.session_state[_MARKED] = rows[chosen[0]].run.key if chosen else None

    st.dataframe(
        table[told],
        key=_TABLE,
        on_select=marked,
        selection_mode="single-row",
        hide_index=True,
        placeholder="–",
        column_config=_RUN_COLUMNS | _score_columns(task),
        height=min(38 + 35 * len(table), 640),
        alt="Finished runs, the newest first",
    )

    row = next((row for row in rows if row.run.key == st.session_state.get(_MARKED)), None)
    if row is None:
        st.caption("Mark a row to give the run a name and a note.")
        return
    with st.container(border=True):
        st.markdown(f"**{plain(row.run.target.label)}, {plain(row.arm or row.auxiliaries)}, seed {row.seed}**")
        note_form(Noted.RUN, row.run.key, what="this run")


def _groups_table(rows: Sequence[RunRow], by: GroupedBy, task: Task) -> None:
    table = groups_frame(grouped(rows, by), task.metrics)
    told = [name for name in table if name != "differ in" or table[name].any()]
    st.dataframe(
        table[told],
        hide_index=True,
        placeholder="–",
        column_config=_GROUP_COLUMNS | {"group": _TEXT(by.label, pinned=True)} | _score_columns(task),
        height=min(38 + 35 * len(table), 640),
        alt=f"Finished runs by {by.label.lower()}",
    )
    st.caption(
        "A mean and its spread (standard deviation over runs) are told of runs that differ in their seeds alone; the lowest and "
        "the highest score of runs of one target that were trained and tested alike. Whether a difference is more than luck, the "
        "tests above tell."
    )


def _score_columns(task: Task) -> dict[str, Any]:
    ends = ("", " spread", " lowest", " highest")
    return {
        f"{metric.label}{end}": _NUMBER(format=f"%.{metric.decimals + (end == ' spread')}f")
        for metric in task.metrics
        for end in ends
    }
