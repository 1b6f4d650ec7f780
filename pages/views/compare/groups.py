"""Which of several groups of runs is shown: those of other settings are never mixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import view_state
from pseudofam_core.finetuning import FinetuneRun
from pseudofam_core.outcomes.run_settings import compared_settings, settings_that_differ

_SHORT = 24


def group_input(groups: Sequence[Sequence[FinetuneRun]]) -> Sequence[FinetuneRun]:
    """Ask for one of the groups of runs that may be held against each other; the only one where there is no other."""
    if len(groups) == 1:
        return groups[0]
    differing = settings_that_differ([run for group in groups for run in group])
    numbers = list(range(1, len(groups) + 1))
    number = st.selectbox(
        "Runs",
        numbers,
        format_func=lambda number: _group_label(number, groups[number - 1]),
        help="Runs of other settings are never mixed: their difference might be that of the settings.",
        **view_state.choice("group", numbers),
    )
    with st.expander(
        f"{len(groups)} groups of runs; settings in which they differ: {len(differing)}", icon=":material/rule:"
    ):
        columns = {str(number): _values_of(groups[number - 1], differing) for number in numbers}
        table = pd.DataFrame({"Setting": list(differing)} | columns)
        st.dataframe(table, hide_index=True, alt="Settings in which the groups of runs differ")
        st.caption("Group 1 has the newest run. A long value is a digest of a text or model, by its first digits.")
    return groups[number - 1]


def _group_label(number: int, group: Sequence[FinetuneRun]) -> str:
    modes = dict.fromkeys(run.budget.mode.value for run in group if run.budget)
    updates = dict.fromkeys(f"{run.budget.updates:,} updates" for run in group if run.budget)
    trained = [run for run in group if run.budget] or group
    cuts = dict.fromkeys(n for run in trained if (n := run.cut.target_sentences))
    updates |= dict.fromkeys(f"{n:,} sentences of the target" for n in cuts)
    targets = ", ".join(dict.fromkeys(str(run.target) for run in trained))
    made = max(run.created for run in group)[:16].replace("T", " ")
    told = ", ".join((*modes, *updates)) or "not trained"
    return f"{number}: {told} · {targets} · {len(group)} run{'s' if len(group) > 1 else ''}, the last {made} UTC"


def _values_of(group: Sequence[FinetuneRun], names: Mapping[str, Any]) -> list[str]:
    """The group's values of the settings."""
    settings = {name: value for run in group for name, value in compared_settings(run).items()}
    return [_shortened(settings.get(name, "–")) for name in names]


def _shortened(value: str) -> str:
    return value if len(value) <= _SHORT else f"{value[:12]}…"
