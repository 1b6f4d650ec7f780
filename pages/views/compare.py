"""What Compare shows: figures, tables, translations, and the words around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import view_state
from pages.components.figures import vector_config
from pages.components.states import csv_button
from pages.components.warnings import show_signs
from pseudofam_core.charts.outcomes import control_figure, difference_figure, score_figure, verdict_figure
from pseudofam_core.exchange.outcome_tables import comparison_csv, comparison_frame, comparison_latex, provenance
from pseudofam_core.finetuning import FinetuneRun
from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.failure_signs import FailureSign, no_gain
from pseudofam_core.outcomes.results import Comparison, Question
from pseudofam_core.outcomes.run_settings import compared_settings, settings_that_differ
from pseudofam_core.outcomes.translations import Span, Translated, marked_html, side_by_side
from pseudofam_core.scoring.metrics import Metric
from pseudofam_core.scoring.power import visible_gain
from pseudofam_core.scoring.significance import Word
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.tasks.task import Task

_SAID = {
    Word.BETTER: "better",
    Word.WORSE: "worse",
    Word.DIFFERS: "differs on these sentences",
    Word.TIE: "a tie",
}
_NUMBER = st.column_config.NumberColumn
_TEXT = st.column_config.TextColumn
_SHORT = 24
_PER_PAGE = 5
_SAMPLED = 50
_USUALLY_BESIDE = ("traditional", "overlap")
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
    "Target tokens",
    "Auxiliary tokens",
    "Auxiliaries",
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
    "Target tokens": _NUMBER(format="localized", help="Of the target pair, read up to the scored weights."),
    "Auxiliary tokens": _NUMBER(format="localized", help="Of all auxiliaries together."),
}


def group_input(groups: Sequence[Sequence[FinetuneRun]]) -> Sequence[FinetuneRun]:
    """Ask for one of the groups of runs that may be held against each other; the only one where there is no other."""
    if len(groups) == 1:
        return groups[0]
    differing = settings_that_differ([run for group in groups for run in group])
    numbers = list(range(1, len(groups) + 1))
    number = st.selectbox(
        "Runs",
        numbers,
        format_func=lambda one: _group_label(one, groups[one - 1]),
        help="Runs of other settings are never mixed: their difference might be that of the settings.",
        **view_state.choice("group", numbers),
    )
    with st.expander(f"{len(groups)} groups of runs differ in {len(differing)} settings", icon=":material/rule:"):
        columns = {str(one): _values_of(groups[one - 1], differing) for one in numbers}
        table = pd.DataFrame({"Setting": list(differing)} | columns)
        st.dataframe(table, hide_index=True, alt="Settings in which the groups of runs differ")
        st.caption("Group 1 has the newest run. A long value is a digest of a text or model, by its first digits.")
    return groups[number - 1]


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
    st.plotly_chart(
        score_figure(comparison, arms=arms or None),
        key="scores",
        config=vector_config("scores"),
        alt=f"{comparison.task.tested.label} of each arm, a line per target",
    )
    st.caption(
        "How to read it: a line per target, a mark per arm; further right is a higher score. How far apart two marks must be "
        "to mean something, the next figure tells."
    )


def difference_view(comparison: Comparison) -> None:
    """Differences from the pinned arm with their intervals, and what may be said of them."""
    st.markdown(
        verdict_words(comparison, Question.PINNED, against=f"`{comparison.pinned}`")
        or f"There is nothing to hold against `{comparison.pinned}` yet."
    )
    st.plotly_chart(
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
        st.plotly_chart(
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
    st.plotly_chart(
        control_figure(comparison),
        key="controls",
        config=vector_config("against-random"),
        alt=f"{comparison.task.tested.label} of each arm minus that of random families of the same size, with intervals",
    )
    st.caption(
        f"Right of zero: these languages gave more {comparison.task.tested.label} than as many drawn blindly. Only a verdict "
        "of better says that it is more than luck. With one draw none does: the luck of the draw is not known."
    )


def verdict_words(comparison: Comparison, question: Question, *, against: str) -> str:
    """Which arms are better, tie and are worse, as the tests say: per target, or over them where there are several.

    Empty where nothing was tested.
    """
    several = len(comparison.targets) > 1
    where = f"Over {len(comparison.targets)} targets" if several else comparison.targets[0].label
    verdicts = comparison.verdicts(question, None if several else comparison.targets[0])
    parts = []
    for word, said in _SAID.items():
        if arms := [f"`{arm}`" for arm, verdict in verdicts.items() if verdict.word is word]:
            parts.append(f"**{said}**: {', '.join(arms)}")
    if not parts:
        return ""
    told = f"{where}, against {against}: {'; '.join(parts)}."
    lucky = any(one.word is Word.DIFFERS for one in verdicts.values())
    return f"{told} Whether that is better or worse, an only seed or draw can't tell from luck." if lucky else told


def power_words(comparison: Comparison, question: Question) -> str:
    """How large a true difference these runs could have shown: of single targets, and of their mean. Empty for no test."""
    by_target = [one for target in comparison.targets for one in comparison.verdicts(question, target).values()]
    if not by_target:
        return ""
    found = [gain for one in by_target if (gain := visible_gain(one)) is not None]
    if not found:
        return (
            "**What these runs could show**: no arm better or worse, for each has one seed, and what another seed would do is "
            "not known. Train two seeds or more, better three."
        )
    metric = comparison.task.tested
    least, most = (f"{one(found):.{metric.decimals}f}" for one in (min, max))
    span = least if least == most else f"{least} to {most}"
    told = f"**What these runs could show**: a true difference of {span} {metric.label}"
    told += " on one target" if len(comparison.targets) > 1 else ""
    means = [gain for one in comparison.verdicts(question).values() if (gain := visible_gain(one)) is not None]
    if means:
        told += f", or of {max(means):.{metric.decimals}f} in the mean over targets,"
    return f"{told} would be found four times in five. A tie says no more than that a difference is likely smaller."


def no_gain_view(comparison: Comparison) -> None:
    """Warn of the targets on which not even the best pseudo family is better than the pinned arm."""
    if comparison.pinned in tuple(Measure):
        return
    signs = [sign for target in comparison.targets if (sign := _no_gain(comparison, target))]
    if len(comparison.targets) == 1:
        show_signs(*signs)
    elif signs:
        n = len(comparison.targets)
        with st.expander(
            f"No gain in {comparison.task.tested.label} on {len(signs)} of {n} targets", icon=":material/flag:"
        ):
            show_signs(*signs)


def claim_view(comparison: Comparison) -> None:
    """The paper's claim, as its claim, and what else it was measured with."""
    claim = comparison.task.claim
    if claim is None:
        return
    words = claim.words
    if comparison.pinned != claim.over and all(comparison.of(one, claim.over) for one in comparison.targets):
        words += f" Pin `{claim.over}` to hold your pseudo families against it."
    st.info(words, icon=":material/format_quote:")


def outcome_table(comparison: Comparison) -> None:
    """Scores, differences, verdicts and budgets, with downloads."""
    task = comparison.task
    tested = task.tested
    table = comparison_frame(comparison).rename(columns=_NAMES | _difference_names(task))
    for name, ends in ((f"{tested.label} interval", tested.label), ("Difference interval", "difference")):
        if f"{ends}_low" in table:
            both = zip(table[f"{ends}_low"], table[f"{ends}_high"], strict=True)
            table[name] = [_interval(low, high, tested) for low, high in both]
    shown = [name for name in _order(task) if name in table and table[name].notna().any()]
    if len(comparison.targets) == 1:
        shown.remove("Target")
    st.dataframe(
        table[shown],
        hide_index=True,
        placeholder="–",
        column_config=_COLUMNS | _score_columns(task),
        height=min(38 + 35 * len(table), 640),
        alt="Scores, differences from the pinned arm, verdicts and budgets",
    )
    signatures = "  \n".join(f"{name}: `{signature}`" for name, signature in comparison.signatures.items())
    doubts = (metric.doubt(one.target) for metric in task.metrics for one in comparison.targets)
    for doubt in sorted({one for one in doubts if one}):
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


def contribution_table(comparison: Comparison, target: LanguagePair) -> None:
    """What each pair gave to each arm's scored weights, means over runs."""
    rows = []
    for one in (own for own in comparison.outcomes if own.target == target):
        for number, draw in enumerate(one.runs, start=1):
            name = one.arm if one.n_draws == 1 else f"{one.arm}, draw {number}"
            for place, pair in enumerate(own.pair for own in draw[0].contributions):
                given = [run.contributions[place] for run in draw]
                rows.append(
                    {
                        "Arm": name,
                        "Pair": pair.label,
                        "Role": "auxiliary" if place else "target",
                        "Sentences at hand": given[0].available,
                        "Sentences read": fmean(own.sentences for own in given),
                        "Target tokens read": fmean(own.target_tokens for own in given),
                        "Updates with it": fmean(own.updates for own in given),
                    }
                )
    if not rows:
        st.caption("No arm of this target was trained.")
        return
    formats = {name: _NUMBER(format="localized") for name in rows[0] if name not in ("Arm", "Pair", "Role")}
    st.dataframe(pd.DataFrame(rows).round(0), hide_index=True, column_config=formats, alt="What each pair contributed")
    st.caption("Up to the weights that were scored, repetitions counted; means over seeds.")


def translation_view(comparison: Comparison, target: LanguagePair) -> None:
    """Test sentences as several arms translate them, those first on which the arms differ most."""
    others = [one.arm for one in comparison.outcomes if one.target == target and one.arm != comparison.pinned]
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
    found = sorted(sentences, key=lambda one: -one.disagreement_of(shown))[:_SAMPLED]
    n_pages = -(-len(found) // _PER_PAGE)
    page = 1
    if n_pages > 1:
        page = st.number_input(
            f"Page of {n_pages}", 1, n_pages, **view_state.number("page", 1, low=1, high=n_pages), width=140
        )
    for one in found[(page - 1) * _PER_PAGE : page * _PER_PAGE]:
        with st.container(border=True):
            st.html(_sentence_html(one, shown, comparison.pinned))
    st.caption(
        f"The {len(found)} test sentences on which these arms differ most. The number beside each arm is sentence "
        f"{comparison.task.sentence_metric.label}. Of an arm with several runs, the first seed speaks. Single sentences "
        "prove nothing; the test above does."
    )


def settings_view(comparison: Comparison) -> None:
    """All that the numbers rest on, and what differs between runs without forbidding to compare them."""
    for name, values in comparison.circumstances.items():
        st.warning(f"The runs differ in **{name}**: {' or '.join(values)}.", icon=":material/rule:")
    rows = [{"Setting": name, "Value": str(value)} for name, value in provenance(comparison).items()]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Settings of the compared runs")


@st.cache_resource(max_entries=16, show_spinner="Reading the translations …")
def _translated(keys: tuple[str, ...], pinned: str, target: str, _comparison: Comparison) -> Sequence[Translated]:
    """Kept by the runs' keys: scoring each sentence of each arm takes seconds."""
    (own,) = (one for one in _comparison.targets if str(one) == target)
    return side_by_side(_comparison, own, n=None)


def _keys(comparison: Comparison) -> list[str]:
    return [f"{one.arm} {run.key}" for one in comparison.outcomes for draw in one.runs for run in draw]


def _sentence_html(one: Translated, arms: Sequence[str], pinned: str) -> str:
    """Source, reference, and the arms' translations below one another, so that the differing words meet the eye."""
    lines = [("source", _text(one.source), ""), ("reference", _text(one.reference), "")]
    for arm in arms:
        lines.append((arm, marked_html(one.spans[arm]), f" · {one.scores[arm]:.0f}"))
    rows = "".join(
        f'<div style="opacity:0.7">{_text(name)}{" (pinned)" if name == pinned else ""}{score}</div><div dir="auto">{words}</div>'
        for name, words, score in lines
    )
    grid = "display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:0.25rem 1rem;overflow-wrap:anywhere"
    return f'<div style="{grid}">{rows}</div>'


def _text(words: str) -> str:
    return marked_html([Span(words, differs=False)])


def _no_gain(comparison: Comparison, target: LanguagePair) -> FailureSign | None:
    """The sign of a target: of its pseudo family that scores best, where the test does not call that one better."""
    pinned = comparison.of(target, comparison.pinned)
    own = [one for one in comparison.outcomes if one.target == target and one.arm in tuple(Measure)]
    verdicts = [one.verdict for one in own if one.verdict and pinned and one.members != pinned.members]
    best = max(verdicts, key=lambda one: one.gain, default=None)
    if best is None:
        return None
    return no_gain(target, best, metric=comparison.task.tested, against=f"`{comparison.pinned}`")


def _interval(low: float, high: float, metric: Metric) -> str | None:
    return None if pd.isna(low) else f"{low:.{metric.decimals}f} to {high:.{metric.decimals}f}"


def _difference_names(task: Task) -> dict[str, str]:
    """What the columns of differences are called."""
    others = {f"{one.label}_difference": f"{one.label} difference" for one in task.others}
    return {"difference": f"{task.tested.label} difference", **others}


def _order(task: Task) -> list[str]:
    """The columns of the table, in order."""
    first, *others = (one.label for one in task.metrics)
    scores = [first, f"{first} interval", *others, *(one.label for one in task.beside)]
    tested = [f"{first} difference", "Difference interval", "p (Holm)", "Verdict", "Visible"]
    return ["Target", "Arm", *scores, *tested, *(f"{one} difference" for one in others), *_AFTER_SCORES]


def _score_columns(task: Task) -> dict[str, Any]:
    """How scores and their differences are shown."""
    tested = task.tested
    signed = f"%+.{tested.decimals}f"
    decimals = {one.label: one.decimals for one in task.metrics} | {one.label: one.decimals for one in task.beside}
    columns = {label: _NUMBER(format=f"%.{n}f") for label, n in decimals.items()}
    columns[tested.label] = _NUMBER(format=f"%.{tested.decimals}f", help="Mean over the runs.")
    columns[f"{tested.label} difference"] = _NUMBER(format=signed, help=f"{tested.label} minus the pinned arm's.")
    for one in task.others:
        words = f"{one.label} minus the pinned arm's. It is not tested."
        columns[f"{one.label} difference"] = _NUMBER(format=f"%+.{one.decimals}f", help=words)
    words = f"{tested.label} minus that of random families of the same size."
    columns["Against random"] = _NUMBER(format=signed, help=words)
    words = "A true difference so large would be called better or worse four times in five."
    columns["Visible"] = _NUMBER(format=f"%.{tested.decimals}f", help=words)
    words = f"Standard deviation of {tested.label} over the draws, else over the seeds."
    columns["Spread"] = _NUMBER(format=f"%.{tested.decimals + 1}f", help=words)
    return columns


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
