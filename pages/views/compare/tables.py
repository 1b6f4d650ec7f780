"""The tables of Compare: outcomes, what each pair contributed, settings."""

from __future__ import annotations

from functools import partial
from statistics import fmean
from typing import Any

import pandas as pd
import streamlit as st

from pages.components.plain import plain
from pages.components.states import csv_button
from pseudofam_core.exchange.outcome_tables import comparison_csv, comparison_frame, comparison_latex, provenance
from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.results import Comparison
from pseudofam_core.scoring.metrics import Metric
from pseudofam_core.tasks.task import Task

_NUMBER = st.column_config.NumberColumn
_TEXT = st.column_config.TextColumn
_NAMES = {
    "target": "Target",
    "arm": "Arm",
    "control_difference": "Against random",
    "control_p": "p on it (Holm)",
    "control_verdict": "Verdict on it",
    "control_caveat": "Caveat on it",
    "p": "p (Holm)",
    "verdict": "Verdict",
    "visible_gain": "Visible",
    "draws": "Draws",
    "runs": "Runs",
    "seeds": "Seeds",
    "spread": "Spread",
    "updates": "Updates",
    "target_tokens": "Target tokens",
    "auxiliary_tokens": "Auxiliary tokens",
    "sentences": "Test sentences",
    "members": "Auxiliaries",
    "weights": "Weights",
    "test": "Test",
    "caveat": "Caveat",
}
_AFTER_SCORES = (
    "Against random",
    "p on it (Holm)",
    "Verdict on it",
    "Seeds",
    "Runs",
    "Draws",
    "Spread",
    "Updates",
    "Auxiliary tokens",
    "Auxiliaries",
    "Weights",
    "Test sentences",
    "Test",
    "Caveat",
    "Caveat on it",
)
_COLUMNS = {
    "Arm": _TEXT(pinned=True),
    "p (Holm)": _NUMBER(format="%.3f", help="Of the test, corrected for the number of comparisons."),
    "Verdict": _TEXT(help="Better or worse only where the corrected test says so, and counts what seeds owe to luck."),
    "p on it (Holm)": _NUMBER(format="%.3f"),
    "Verdict on it": _TEXT(help="By a test of its own: is it more than merely more text?"),
    "Updates": _NUMBER(format="localized", help="Behind the scored weights, mean over runs."),
    "Target tokens": _NUMBER(
        format="localized",
        help="Of the target pair, read up to the scored weights. An arm that read less of the target had less to learn it from.",
    ),
    "Auxiliary tokens": _NUMBER(format="localized", help="Of all auxiliaries together."),
    "Weights": _TEXT(
        help="Of the auxiliaries, in their order: how often each is drawn where the target is drawn once."
    ),
}


def outcome_table(comparison: Comparison) -> None:
    """Scores, differences, verdicts and budgets, with downloads."""
    task = comparison.task
    tested = task.tested
    table = _one_row_a_run(comparison_frame(comparison), comparison).rename(columns=_NAMES | _difference_names(task))
    for name, ends in ((f"{tested.label} interval", tested.label), ("Difference interval", "difference")):
        if f"{ends}_low" in table:
            both = zip(table[f"{ends}_low"], table[f"{ends}_high"], strict=True)
            table[name] = [_interval(low, high, tested) for low, high in both]
    shown = [name for name in _order(task) if name in table and table[name].notna().any()]
    if len(comparison.targets) == 1:
        shown.remove("Target")
    st.dataframe(
        table[shown].round(dict.fromkeys(("Updates", "Target tokens", "Auxiliary tokens"), 0)),
        hide_index=True,
        placeholder="–",
        column_config=_COLUMNS | _score_columns(task),
        height=min(38 + 35 * len(table), 640),
        alt="Scores, differences from the pinned arm, verdicts and budgets",
    )
    if table["Arm"].str.contains(" = ", regex=False).any():
        st.caption("Arms of the same auxiliaries are one run, in one row. CSV and LaTeX have a row for each name.")
    signatures = "  \n".join(f"{name}: `{signature}`" for name, signature in comparison.signatures.items())
    doubts = (metric.doubt(pair.target) for metric in task.metrics for pair in comparison.targets)
    for doubt in sorted({doubt for doubt in doubts if doubt}):
        st.warning(f"{doubt}.", icon=":material/translate:")
    budget = f"Budget: {comparison.budget}." if comparison.budget else "No arm was trained."
    st.caption(f"{comparison.protocol.label} {budget}  \n{signatures}")
    name = "-".join(map(str, comparison.targets[:3]))
    with st.container(horizontal=True):
        csv_button("CSV", partial(comparison_csv, comparison), f"comparison-{name}.csv")
        st.download_button(
            "LaTeX",
            data=partial(comparison_latex, comparison),
            file_name=f"comparison-{name}.tex",
            mime="application/x-tex",
            icon=":material/download:",
            on_click="ignore",
        )
        st.caption("Figures as SVG: the camera in a figure's toolbar.", width="content")


def _one_row_a_run(table: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    """The table with arms of the same runs in one row, under all their names."""
    names = {
        (str(target), first): " = ".join(names)
        for target in comparison.targets
        for first, names in comparison.same_runs(target).items()
    }
    averaged = set(table["target"]) - set(map(str, comparison.targets))
    names |= {
        (averaged_target, first): " = ".join(names)
        for averaged_target in averaged
        for first, names in comparison.same_runs(*comparison.targets).items()
    }
    told = [names.get(both, "") for both in zip(table["target"], table["arm"], strict=True)]
    return table.assign(arm=told)[[bool(name) for name in told]]


def contribution_table(comparison: Comparison, target: LanguagePair) -> None:
    """What each pair gave to each arm's scored weights, means over runs."""
    rows = []
    names = comparison.same_runs(target)
    for outcome in (other for other in comparison.outcomes if other.target == target and other.arm in names):
        arm = " = ".join(names[outcome.arm])
        for number, draw in enumerate(outcome.runs, start=1):
            name = arm if outcome.n_draws == 1 else f"{arm}, draw {number}"
            for place, pair in enumerate(contribution.pair for contribution in draw[0].contributions):
                given = [run.contributions[place] for run in draw]
                rows.append(
                    {
                        "Arm": name,
                        "Pair": pair.label,
                        "Role": "auxiliary" if place else "target",
                        "Sentences at hand": given[0].available,
                        "Sentences read": fmean(contribution.sentences for contribution in given),
                        "Target tokens read": fmean(contribution.target_tokens for contribution in given),
                        "Updates with it": fmean(contribution.updates for contribution in given),
                    }
                )
    if not rows:
        st.caption("No arm of this target was trained.")
        return
    formats = {name: _NUMBER(format="localized") for name in rows[0] if name not in ("Arm", "Pair", "Role")}
    st.dataframe(pd.DataFrame(rows).round(0), hide_index=True, column_config=formats, alt="What each pair contributed")
    st.caption("Up to the weights that were scored, repetitions counted; means over seeds.")


def settings_view(comparison: Comparison) -> None:
    """All that the numbers rest on, and what differs between runs without forbidding to compare them."""
    for name, values in comparison.circumstances.items():
        st.warning(f"The runs differ in **{name}**: {plain(' or '.join(values))}.", icon=":material/rule:")
    rows = [{"Setting": name, "Value": str(value)} for name, value in provenance(comparison).items()]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Settings of the compared runs")


def _interval(low: float, high: float, metric: Metric) -> str | None:
    return None if pd.isna(low) else f"{low:.{metric.decimals}f} to {high:.{metric.decimals}f}"


def _difference_names(task: Task) -> dict[str, str]:
    """What the columns of differences are called."""
    others = {f"{metric.label}_difference": f"{metric.label} difference" for metric in task.others}
    return {"difference": f"{task.tested.label} difference", **others}


def _order(task: Task) -> list[str]:
    """The columns of the table, in order."""
    first, *others = (metric.label for metric in task.metrics)
    scores = [first, f"{first} interval", *others, *(metric.label for metric in task.beside)]
    tested = [f"{first} difference", "Difference interval", "p (Holm)", "Verdict", "Visible"]
    return [
        "Target",
        "Arm",
        "Target tokens",
        *scores,
        *tested,
        *(f"{other} difference" for other in others),
        *_AFTER_SCORES,
    ]


def _score_columns(task: Task) -> dict[str, Any]:
    """How scores and their differences are shown."""
    tested = task.tested
    signed = f"%+.{tested.decimals}f"
    decimals = {metric.label: metric.decimals for metric in task.metrics} | {
        metric.label: metric.decimals for metric in task.beside
    }
    columns = {label: _NUMBER(format=f"%.{n}f") for label, n in decimals.items()}
    columns[tested.label] = _NUMBER(format=f"%.{tested.decimals}f", help="Mean over the runs.")
    columns[f"{tested.label} difference"] = _NUMBER(format=signed, help=f"{tested.label} minus the pinned arm's.")
    for metric in task.others:
        words = f"{metric.label} minus the pinned arm's. It is not tested."
        columns[f"{metric.label} difference"] = _NUMBER(format=f"%+.{metric.decimals}f", help=words)
    words = f"{tested.label} minus that of random families of the same size."
    columns["Against random"] = _NUMBER(format=signed, help=words)
    words = "A true difference so large would be called better or worse four times in five."
    columns["Visible"] = _NUMBER(format=f"%.{tested.decimals}f", help=words)
    words = f"Standard deviation of {tested.label} over the draws, else over the seeds."
    columns["Spread"] = _NUMBER(format=f"%.{tested.decimals + 1}f", help=words)
    return columns
