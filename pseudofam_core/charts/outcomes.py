"""A comparison of arms as Plotly figures: scores, differences from the pinned arm, and their verdicts counted.

Background and font are left to the page's theme, as in `charts`. Arms and verdicts are told apart by symbol as well as by
colour, and nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import plotly.graph_objects as go

from pseudofam_core.charts.colours import LEGEND_ABOVE
from pseudofam_core.outcomes.results import Comparison, Outcome, Question
from pseudofam_core.scoring.metrics import Metric
from pseudofam_core.scoring.significance import Interval, Verdict, Word
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.tasks.task import Task

_LINE = "#7d8b95"
_ROW = 28
# Middle tones, legible on white and on black, that people of every kind of colour vision tell apart with the symbols.
_ARM_STYLES = {
    "zero-shot": ("#7d8b95", "circle-open"),
    "single": ("#7d8b95", "circle"),
    "traditional": ("#d55e00", "square"),
    **{measure.value: (measure.row.style.colour, measure.row.style.symbol) for measure in Measure},
    "own": ("#cc6677", "hexagon"),
    "all": ("#b8860b", "cross"),
}
_RANDOM_SYMBOLS = ("x", "x-open", "asterisk-open", "y-up-open", "y-down-open", "hash-open")
_VERDICT_STYLES = {
    Word.BETTER: ("#1a8fa8", "triangle-right"),
    Word.DIFFERS: ("#b8860b", "diamond-open"),
    Word.TIE: ("#7d8b95", "circle-open"),
    Word.WORSE: ("#d55e00", "triangle-left"),
}


def score_figure(comparison: Comparison, *, arms: Sequence[str] | None = None) -> go.Figure:
    """Draw the tested metric of each arm, one line per target, a mark per arm: a dumbbell where there are two.

    Of an only target each arm has a line of its own, with its interval. Arms of the same runs are one mark.

    Args:
        comparison: What to draw.
        arms: Some of its arms, in the order of the legend; all by default.

    Raises:
        ValueError: An arm is not one of the comparison.
    """
    shown = tuple(comparison.arms if arms is None else arms)
    if unknown := [arm for arm in shown if arm not in comparison.arms]:
        raise ValueError(f"arms must be of {', '.join(comparison.arms)}. Got {', '.join(unknown)}.")
    targets = comparison.targets
    if len(targets) == 1:
        return _scores_of_one(comparison, shown)
    figure, tested = go.Figure(), comparison.task.tested
    for row, target in enumerate(targets):
        values = [
            outcome.scores[tested.name].value
            for outcome in comparison.outcomes
            if outcome.target == target and outcome.arm in shown
        ]
        if values:
            ends = [min(values), max(values)]
            line = {"color": _LINE, "width": 2}
            figure.add_trace(
                go.Scatter(x=ends, y=[row, row], mode="lines", line=line, showlegend=False, hoverinfo="skip")
            )
    names = comparison.same_runs(*targets)
    marked = {first: " = ".join(alike) for first, alike in names.items() if set(alike) & set(shown)}
    styles = _arm_styles(comparison.arms)
    for arm, name in marked.items():
        outcomes = [(row, outcome) for row, target in enumerate(targets) if (outcome := comparison.of(target, arm))]
        figure.add_trace(_arm_marks(name, outcomes, comparison.task, *styles[arm]))
    _lay_out_rows(
        figure, [target.label for target in targets], title=tested.label, above=40 + 20 * ceil(len(marked) / 3)
    )
    return figure


def _scores_of_one(comparison: Comparison, shown: Sequence[str]) -> go.Figure:
    """The arms of an only target, a line each, with their intervals."""
    (target,), tested = comparison.targets, comparison.task.tested
    names = {
        first: " = ".join(alike) for first, alike in comparison.same_runs(target).items() if set(alike) & set(shown)
    }
    outcomes = {name: outcome for first, name in names.items() if (outcome := comparison.of(target, first))}
    styles = _arm_styles(comparison.arms)
    figure = go.Figure()
    for row, (name, outcome) in enumerate(outcomes.items()):
        score, (colour, symbol) = outcome.scores[tested.name], styles[outcome.arm]
        ends = {"array": [score.high - score.value], "arrayminus": [score.value - score.low]}
        marks = _arm_marks(name, [(row, outcome)], comparison.task, colour, symbol)
        marks.update(error_x={"type": "data", "color": colour, "thickness": 2, "width": 5, **ends}, showlegend=False)
        figure.add_trace(marks)
    title = f"{tested.label} of {target.label} with its {1 - comparison.level:.0%} interval"
    _lay_out_rows(figure, list(outcomes), title=title, above=16)
    return figure


def difference_figure(comparison: Comparison) -> go.Figure:
    """Draw the tested metric minus the pinned arm's, with intervals, arm by arm under each target, the averages last.

    Colour and symbol give the verdict of the corrected test, not of the interval. Where the arm is pinned that a
    paper claims a gain over, its claim is a dotted line.
    """
    title = f"{comparison.task.tested.label} minus that of {comparison.pinned}, with its {1 - comparison.level:.0%} interval"
    figure = _differences(comparison, Question.PINNED, title)
    claim = comparison.task.claim
    if claim is not None and comparison.pinned == claim.over:
        figure.add_vline(
            claim.gain,
            line={"color": _LINE, "width": 2, "dash": "dot"},
            annotation={"text": f"the paper's claim, +{claim.gain}", "yanchor": "bottom", "xanchor": "center"},
            annotation_position="top",
        )
    return figure


def control_figure(comparison: Comparison) -> go.Figure:
    """Draw the tested metric minus that of random families of the same size, as `difference_figure` does; empty without any."""
    title = f"{comparison.task.tested.label} minus that of random, with its {1 - comparison.level:.0%} interval"
    return _differences(comparison, Question.RANDOM, title)


def verdict_figure(comparison: Comparison) -> go.Figure:
    """Count, per arm, the targets on which it is better than the pinned arm, ties with it, or is worse."""
    names = comparison.same_runs(*comparison.targets)
    arms = [arm for arm in names if arm != comparison.pinned]
    words = {
        arm: [outcome.verdict.word for outcome in comparison.outcomes if outcome.arm == arm and outcome.verdict]
        for arm in arms
    }
    figure = go.Figure()
    for word, (colour, _) in _VERDICT_STYLES.items():
        counts = [words[arm].count(word) for arm in arms]
        figure.add_trace(
            go.Bar(
                x=counts,
                y=list(range(len(arms))),
                orientation="h",
                name=str(word),
                marker={"color": colour, "line": {"width": 0}},
                text=[f"{n} {word.short}" if n else "" for n in counts],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": "#000000", "size": 14},  # white has less than 4.5 to 1
                customdata=[" = ".join(names[arm]) for arm in arms],
                hovertemplate=f"%{{customdata}}: {word} on %{{x}}<extra></extra>",
            )
        )
    _lay_out_rows(
        figure, [" = ".join(names[arm]) for arm in arms], title=f"targets, against {comparison.pinned}", above=46
    )
    figure.update_xaxes(dtick=1 if len(comparison.targets) < 12 else None, rangemode="tozero", zeroline=False)
    figure.update_layout(barmode="stack", bargap=0.3)
    return figure


@dataclass(frozen=True)
class _Row:
    """One line of the figure of differences; a heading has no verdict."""

    label: str
    verdict: Verdict | None = None
    told: str = ""


def _differences(comparison: Comparison, question: Question, title: str) -> go.Figure:
    """Arm by arm under each target, the averages last."""
    groups = {target.label: comparison.verdicts(question, target) for target in comparison.targets}
    groups[f"mean of {len(groups)} targets"] = comparison.verdicts(question)
    rows = [row for heading, verdicts in groups.items() if verdicts for row in _grouped(heading, verdicts)]
    figure = go.Figure()
    figure.add_vline(0, line={"color": _LINE, "width": 2})
    for word, (colour, symbol) in _VERDICT_STYLES.items():
        figure.add_trace(_difference_marks(word, rows, comparison.task.tested, colour, symbol))
    _lay_out_rows(figure, [row.label for row in rows], title=title, above=64)
    return figure


def _grouped(heading: str, verdicts: Mapping[str, Verdict]) -> list[_Row]:
    tested = [_Row(arm, verdict, f"<b>{heading}</b>, {arm}") for arm, verdict in verdicts.items()]
    return [_Row(f"<b>{heading}</b>"), *tested]


def _difference_marks(word: Word, rows: Sequence[_Row], metric: Metric, colour: str, symbol: str) -> go.Scatter:
    of_word = [(y, row.told, row.verdict) for y, row in enumerate(rows) if row.verdict and row.verdict.word is word]
    reach = [verdict.delta.high - verdict.delta.value for _, _, verdict in of_word]
    return go.Scatter(
        x=[verdict.delta.value for _, _, verdict in of_word],
        y=[y for y, _, _ in of_word],
        error_x={"type": "data", "array": reach, "color": colour, "thickness": 2, "width": 5},
        mode="markers",
        name=str(word),
        showlegend=True,
        marker={"color": colour, "symbol": symbol, "size": 12, "line": {"color": colour, "width": 2}},
        customdata=[[told, _interval(verdict.delta, metric), _wrapped(verdict)] for _, told, verdict in of_word],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    )


def _arm_marks(arm: str, outcomes: Sequence[tuple[int, Outcome]], task: Task, colour: str, symbol: str) -> go.Scatter:
    n = len(task.metrics)
    told = "".join(f"{metric.label} %{{customdata[{i}]}}<br>" for i, metric in enumerate(task.metrics, start=1))
    return go.Scatter(
        x=[outcome.scores[task.tested.name].value for _, outcome in outcomes],
        y=[row for row, _ in outcomes],
        mode="markers",
        name=arm,
        marker={"color": colour, "symbol": symbol, "size": 11, "opacity": 0.9, "line": {"color": colour, "width": 2}},
        customdata=[
            [
                outcome.target.label,
                *(_interval(outcome.scores[metric.name], metric) for metric in task.metrics),
                _effort(outcome),
            ]
            for _, outcome in outcomes
        ],
        hovertemplate=f"<b>%{{customdata[0]}}</b>, {arm}<br>{told}%{{customdata[{n + 1}]}}<extra></extra>",
    )


def _arm_styles(arms: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and symbol by arm: the same for a known arm whatever else is shown; random families share a colour."""
    others = [arm for arm in arms if arm not in _ARM_STYLES]
    rest = {arm: ("#9a7b4f", _RANDOM_SYMBOLS[i % len(_RANDOM_SYMBOLS)]) for i, arm in enumerate(others)}
    return {arm: _ARM_STYLES.get(arm) or rest[arm] for arm in arms}


def _interval(interval: Interval, metric: Metric) -> str:
    """With a digit more than tables have."""
    n = metric.decimals + 1
    return f"{interval.value:.{n}f} [{interval.low:.{n}f}, {interval.high:.{n}f}]"


def _wrapped(verdict: Verdict) -> str:
    """The verdict's words on lines short enough for a hover box."""
    return verdict.words.replace("; ", ";<br>") + f"<br>{verdict.test}"


def _effort(outcome: Outcome) -> str:
    seeds = f"{len(outcome.seeds)} seed{'s' if len(outcome.seeds) != 1 else ''}" if outcome.seeds else "not trained"
    draws = f", {outcome.n_draws} draws" if outcome.n_draws > 1 else ""
    tokens = f"{outcome.target_tokens:,.0f} target tokens, {outcome.auxiliary_tokens:,.0f} of auxiliaries"
    return f"{seeds}{draws}, {outcome.updates:,.0f} updates<br>{tokens}"


def _two_a_line(label: str) -> str:
    """A name that lists several, broken so that a narrow window has room for the figure beside it."""
    names = label.split(" = ")
    lines = [" = ".join(names[first : first + 2]) for first in range(0, len(names), 2)]
    return " =<br>".join(lines)


def _lay_out_rows(figure: go.Figure, labels: Sequence[str], *, title: str, above: int) -> None:
    """One row per label, first on top, the legend above."""
    rows = list(range(len(labels)))
    figure.update_yaxes(
        range=[len(labels) - 0.4, -0.6],
        tickvals=rows,
        ticktext=[_two_a_line(label) for label in labels],
        automargin=True,
        ticks="",
        ticklabelstandoff=6,
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(title=title.replace(", ", ",<br>"), zeroline=False, nticks=8, automargin=True)
    figure.update_layout(
        height=_ROW * len(labels) + above + 74,
        margin={"t": above, "b": 70, "l": 8, "r": 16},
        hovermode="closest",
        # In a narrow window three names fill a line; a legend of more than half the figure's height would get a scroll bar.
        legend={
            **LEGEND_ABOVE,
            "traceorder": "normal",
            "maxheight": above,
        },
    )
