"""An experiment's finding as a figure: one function for all, told by the finding's own chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import plotly.graph_objects as go

from pseudofam_core.charts.colours import FAINT, INSIDE, LEGEND_ABOVE, LINE, MARKS, NEAR_IS_YELLOW, OUTSIDE, Part
from pseudofam_core.lab.finding import Chart, Finding, Look

_COLOURS = (INSIDE, OUTSIDE, "#aa4499", "#117733", "#88ccee", "#882255", "#999933", "#6a5acd", LINE)
_PATTERNS = ("", "/", ".", "x", "-", "+", "|", "\\", "")
_WIDEST = 60  # characters of a title on one line
Rows = list[Mapping[str, Any]]


def finding_figure(finding: Finding) -> go.Figure:
    """Draw a finding's table as its chart says. Rows without a value in what is drawn are left out."""
    chart = finding.chart
    drawn = [column for column in (chart.x, chart.y, chart.value) if column is not None]
    rows = [row for row in finding.rows if chart.only is None or row.get(chart.only[0]) == chart.only[1]]
    rows = [row for row in rows if all(row.get(column) is not None for column in drawn)]
    traces = _TRACES[chart.look](chart, rows)
    return go.Figure({"data": traces, "layout": _layout(finding, rows)})


def _lines(chart: Chart, rows: Rows) -> list[Part]:
    traces: list[Part] = []
    for place, (name, mine) in enumerate(_by_series(chart, rows).items()):
        colour = _COLOURS[place % len(_COLOURS)]
        x = [row[chart.x] for row in mine]
        if chart.low and chart.high:
            ends = [row[chart.high] for row in mine] + [row[chart.low] for row in reversed(mine)]
            band = {"type": "scatter", "x": [*x, *reversed(x)], "y": ends, "fill": "toself", "hoverinfo": "skip"}
            traces.append({**band, "mode": "none", "fillcolor": _pale(colour), "showlegend": False})
        line = {"color": colour, "width": 3, "dash": ("solid", "dash", "dot", "dashdot")[place % 4]}
        marker = {"symbol": MARKS[place % len(MARKS)], "size": 8, "color": colour}
        y = [row[chart.y] for row in mine]
        look = {"mode": "lines+markers", "line": line, "marker": marker}
        traces.append({"type": "scatter", "x": x, "y": y, "name": name, "showlegend": bool(chart.series), **look})
    return traces


def _points(chart: Chart, rows: Rows) -> list[Part]:
    traces: list[Part] = []
    for place, (name, mine) in enumerate(_by_series(chart, rows).items()):
        colour = _COLOURS[place % len(_COLOURS)]
        labels = [str(row[chart.label]) for row in mine] if chart.label else None
        traces.append(
            {
                "type": "scatter",
                "x": [row[chart.x] for row in mine],
                "y": [row[chart.y] for row in mine],
                "mode": "markers",
                "name": name,
                "showlegend": bool(chart.series),
                "text": labels,
                "marker": {"symbol": MARKS[place % len(MARKS)], "size": 10, "color": colour, "opacity": 0.8},
                "hovertemplate": ("<b>%{text}</b><br>" if labels else "") + "%{x:.3g}, %{y:.3g}<extra></extra>",
            }
        )
    return traces


def _bars(chart: Chart, rows: Rows) -> list[Part]:
    """Lying down where the values are along x."""
    lying = bool(rows) and isinstance(rows[0][chart.x], int | float)
    value, name_of = (chart.x, chart.y) if lying else (chart.y, chart.x)
    traces: list[Part] = []
    for place, (name, mine) in enumerate(_by_series(chart, rows).items()):
        values, names = [row[value] for row in mine], [row[name_of] for row in mine]
        pattern = {"shape": _PATTERNS[place % len(_PATTERNS)], "solidity": 0.25}
        trace: Part = {
            "type": "bar",
            "x": values if lying else names,
            "y": names if lying else values,
            "orientation": "h" if lying else "v",
            "name": name,
            "showlegend": bool(chart.series),
            "marker": {"color": _COLOURS[place % len(_COLOURS)], "pattern": pattern, "line": {"width": 0}},
            "hovertemplate": "<b>%{y}</b><br>%{x:.3g}" if lying else "<b>%{x}</b><br>%{y:.3g}",
        }
        if chart.low and chart.high:
            up = [row[chart.high] - row[value] for row in mine]
            down = [row[value] - row[chart.low] for row in mine]
            ends = {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": LINE, "thickness": 2}
            trace["error_x" if lying else "error_y"] = ends
        traces.append(trace)
    return traces


def _heat(chart: Chart, rows: Rows) -> list[Part]:
    x, y = (list(dict.fromkeys(row[column] for row in rows)) for column in (chart.x, chart.y))
    value = {(row[chart.y], row[chart.x]): row[chart.value] for row in rows if chart.value}
    return [
        {
            "type": "heatmap",
            "x": x,
            "y": y,
            "z": [[value.get((row, column)) for column in x] for row in y],
            "colorscale": NEAR_IS_YELLOW,
            "hovertemplate": "<b>%{y}</b> at %{x}: %{z:.2f}<extra></extra>",
            "colorbar": {"thickness": 12, "outlinewidth": 0},
        }
    ]


_TRACES: Mapping[Look, Callable[[Chart, Rows], list[Part]]] = {
    Look.LINES: _lines,
    Look.POINTS: _points,
    Look.BARS: _bars,
    Look.HEAT: _heat,
}


def _by_series(chart: Chart, rows: Rows) -> dict[str, Rows]:
    by_series: dict[str, Rows] = {}
    for row in rows:
        by_series.setdefault(str(row[chart.series]) if chart.series else "", []).append(row)
    return by_series


def _layout(finding: Finding, rows: Rows) -> Part:
    chart = finding.chart
    n_named = len({row[chart.y] for row in rows if isinstance(row[chart.y], str)})
    layout: Part = {
        "xaxis": {"title": {"text": _wrapped(finding.columns[chart.x])}, "automargin": True, "zeroline": False},
        "yaxis": {"automargin": True, "zeroline": False, "gridcolor": FAINT},
        "height": max(380, 26 * n_named + 150),
        "margin": {"t": 44, "b": 60, "l": 8, "r": 12},
        "legend": LEGEND_ABOVE,
        "barmode": "group",
        "hovermode": "closest",
    }
    if n_named:
        layout["yaxis"] |= {"autorange": "reversed", "ticks": ""}
    else:
        layout["yaxis"]["title"] = {"text": _wrapped(finding.columns[chart.y], 44)}
    layout["shapes"] = [_across("x", chart.mark, OUTSIDE)] if chart.mark is not None else []
    if chart.chance is not None:
        layout["shapes"].append(_across("x" if n_named else "y", chart.chance, LINE))
    return layout


def _across(axis: str, place: float, colour: str) -> Part:
    """A dotted line over the whole figure, at a place of one axis."""
    other = "y" if axis == "x" else "x"
    ends = {f"{axis}0": place, f"{axis}1": place, f"{other}0": 0, f"{other}1": 1}
    line = {"color": colour, "width": 2, "dash": "dot"}
    return {"type": "line", f"{axis}ref": axis, f"{other}ref": "paper", "line": line} | ends


def _wrapped(text: str, widest: int = _WIDEST) -> str:
    """A title of an axis on as many lines as it takes."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > widest:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.18)"
