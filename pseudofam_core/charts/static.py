"""A Plotly figure of rows as SVG: for a file that needs no script, and prints.

What figures of rows are made of is drawn: horizontal bars, points with intervals, upright lines, notes, and the legend. What else
a figure may hold is refused, so that nothing is left out unsaid. Text takes the colour of the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

_WIDTH, _LETTER, _LINE = 720, 7.2, 17
_MARGIN, _AXIS, _LEGEND = 16, 24, 24
_GREY = "#7d8b95"
# Corners of a mark of radius 1; a circle has none.
_CORNERS: Mapping[str, Sequence[tuple[float, float]]] = {
    "circle": (),
    "diamond": ((0, -1), (1, 0), (0, 1), (-1, 0)),
    "square": ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)),
    "triangle-left": ((-1, 0), (0.7, -0.9), (0.7, 0.9)),
    "triangle-right": ((1, 0), (-0.7, -0.9), (-0.7, 0.9)),
}


def static_svg(figure: go.Figure, *, alt: str) -> str:
    """Draw a figure of rows, at most 720 pixels wide.

    Args:
        figure: Of bars and points over a horizontal axis; its vertical axis names rows by ``tickvals`` and ``ticktext``.
        alt: What it shows, for those who can't see it.

    Raises:
        ValueError: The figure holds what is not drawn here.
    """
    drawn = figure.to_dict()
    frame = _frame(drawn)
    marks = [*_grid(drawn, frame), *_lines(drawn, frame)]
    for trace in drawn["data"]:
        marks += _trace(trace, frame)
    marks += [*_notes(drawn, frame), *_legend(drawn)]
    height = frame.bottom + _AXIS + _LINE * len(_title(drawn)) + 6
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" role="img"'
    return f'{head} font-size="13" fill="currentColor"><title>{escape(alt)}</title>{"".join(marks)}</svg>'


@dataclass(frozen=True)
class _Frame:
    """Where the plot lies in the picture, and what its axes span."""

    left: float
    right: float
    top: float
    bottom: float
    across: tuple[float, float]
    down: tuple[float, float]

    def x(self, value: float) -> float:
        """Place of a value across, at the edge where it lies beyond."""
        low, high = self.across
        share = (value - low) / (high - low)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Place of a row."""
        low, high = self.down
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)

    def holds(self, value: float) -> bool:
        """Whether a value across is in the plot."""
        return self.across[0] <= value <= self.across[1]


def _frame(drawn: Mapping[str, Any]) -> _Frame:
    axis = drawn["layout"]["yaxis"]
    longest = max((len(_plain(line)) for text in axis["ticktext"] for line in text.split("<br>")), default=0)
    top = _LEGEND * len(_legend_rows(drawn)) + 8
    down = tuple(map(float, axis["range"]))
    return _Frame(
        left=longest * _LETTER + _MARGIN,
        right=_WIDTH - _MARGIN,
        top=top,
        bottom=top + 30 * abs(down[1] - down[0]),
        across=_across(drawn),
        down=(down[0], down[1]),
    )


def _across(drawn: Mapping[str, Any]) -> tuple[float, float]:
    """The span of the horizontal axis: the figure's own, else that of what is drawn with a little room."""
    if (told := drawn["layout"].get("xaxis", {}).get("range")) is not None:
        return float(told[0]), float(told[1])
    values = [float(shape["x0"]) for shape in drawn["layout"].get("shapes", ())]
    for trace in drawn["data"]:
        places = [float(x) for x in trace.get("x", ()) if x is not None]
        above, below = _reach(trace, len(places))
        values += [x + more for x, more in zip(places, above, strict=True)]
        values += [x - less for x, less in zip(places, below, strict=True)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.05 * (high - low or 1.0)
    return low - room, high + room


def _reach(trace: Mapping[str, Any], n: int) -> tuple[Sequence[float], Sequence[float]]:
    """How far the intervals of a trace's points reach up and down."""
    bars = trace.get("error_x") or {}
    above = [float(reach) for reach in bars.get("array", ())] or [0.0] * n
    below = [float(reach) for reach in bars.get("arrayminus", ())] or above
    return above, below


def _grid(drawn: Mapping[str, Any], frame: _Frame) -> Iterator[str]:
    """Names of the rows, numbers below, a faint line for each row."""
    axis = drawn["layout"]["yaxis"]
    for row, name in zip(axis["tickvals"], axis["ticktext"], strict=True):
        y = frame.y(row)
        yield f'<path d="M{frame.left:.1f} {y:.1f}H{frame.right:.1f}" stroke="{_GREY}" stroke-opacity=".18"/>'
        yield _text(frame.left - 8, y + 4, name, "end")
    for value, label in _ticks(*frame.across):
        x = frame.x(value)
        yield f'<path d="M{x:.1f} {frame.bottom:.1f}v4" stroke="{_GREY}"/>'
        yield _text(x, frame.bottom + 18, label, "middle")
    for place, line in enumerate(_title(drawn)):
        yield _text((frame.left + frame.right) / 2, frame.bottom + _AXIS + 14 + _LINE * place, line, "middle")


def _title(drawn: Mapping[str, Any]) -> list[str]:
    text = drawn["layout"].get("xaxis", {}).get("title", {}).get("text", "")
    return text.split("<br>") if text else []


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round numbers between the ends, about six, and how they are written."""
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    numbers = [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [(value, f"−{-value:.6g}" if value < 0 else f"{value:.6g}") for value in numbers]


def _lines(drawn: Mapping[str, Any], frame: _Frame) -> Iterator[str]:
    for shape in drawn["layout"].get("shapes", ()):
        if shape.get("type") != "line" or shape["x0"] != shape["x1"]:
            raise ValueError(f"shapes must be upright lines to be drawn as SVG. Got {shape.get('type')}.")
        dash = ' stroke-dasharray="5 4"' if shape["line"].get("dash") else ""
        x = frame.x(float(shape["x0"]))
        colour = escape(str(shape["line"]["color"]))
        yield f'<path d="M{x:.1f} {frame.top:.1f}V{frame.bottom:.1f}" stroke="{colour}" stroke-width="1.5"{dash}/>'


def _trace(trace: Mapping[str, Any], frame: _Frame) -> Iterator[str]:
    if trace["type"] == "bar" and trace.get("orientation") == "h":
        yield from _bars(trace, frame)
    elif trace["type"] == "scatter" and trace.get("mode") == "markers":
        yield from _points(trace, frame)
    else:
        raise ValueError(f"traces must be horizontal bars or points to be drawn as SVG. Got {trace['type']}.")


def _bars(trace: Mapping[str, Any], frame: _Frame) -> Iterator[str]:
    n, marker = len(trace["x"]), trace["marker"]
    bases = trace.get("base") or [0.0] * n
    half = trace.get("width", 0.8) / 2
    outline = marker.get("line") or {}
    edge = f' stroke="{escape(str(outline["color"]))}"' if outline.get("width") and "color" in outline else ""
    for base, long, row, colour in zip(bases, trace["x"], trace["y"], _each(marker["color"], n), strict=True):
        first, last = frame.x(float(base)), frame.x(float(base) + float(long))
        top, bottom = frame.y(row - half), frame.y(row + half)
        yield (
            f'<rect x="{min(first, last):.1f}" y="{min(top, bottom):.1f}" width="{abs(last - first):.1f}" '
            f'height="{abs(bottom - top):.1f}" fill="{escape(str(colour))}"{edge}/>'
        )


def _points(trace: Mapping[str, Any], frame: _Frame) -> Iterator[str]:
    """Those within the axis, each with its interval as far as the axis goes."""
    n, marker = len(trace["x"]), trace["marker"]
    looks = zip(_each(marker.get("symbol", "circle"), n), _each(marker["color"], n), strict=True)
    for x, row, (symbol, colour), more, less in zip(
        trace["x"], trace["y"] or [0] * n, looks, *_reach(trace, n), strict=True
    ):
        if x is None or not frame.holds(x):
            continue
        y = frame.y(row)
        if more or less:
            ends = (frame.x(x - less), frame.x(x + more))
            yield f'<path d="M{ends[0]:.1f} {y:.1f}H{ends[1]:.1f}" stroke="{escape(str(colour))}" stroke-width="2"/>'
        yield _mark(frame.x(x), y, symbol, colour)


def _mark(x: float, y: float, symbol: str, colour: str, radius: float = 6) -> str:
    """A mark of a point; an open one is its outline."""
    name = symbol.removesuffix("-open")
    if name not in _CORNERS:
        raise ValueError(f"symbols must be of {', '.join(_CORNERS)} to be drawn as SVG. Got {symbol}.")
    fill = "none" if symbol.endswith("-open") else escape(str(colour))
    look = f'fill="{fill}" stroke="{escape(str(colour))}" stroke-width="2"'
    if not _CORNERS[name]:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {look}/>'
    corners = " ".join(f"{x + radius * right:.1f},{y + radius * down:.1f}" for right, down in _CORNERS[name])
    return f'<polygon points="{corners}" {look}/>'


def _notes(drawn: Mapping[str, Any], frame: _Frame) -> Iterator[str]:
    anchors = {"right": "end", "left": "start", "center": "middle"}
    for note in drawn["layout"].get("annotations", ()):
        x = frame.x(float(note["x"])) + note.get("xshift", 0)
        inside = note.get("yref") in ("paper", "y domain")
        y = frame.top + 12 if inside else frame.y(note["y"]) + 4 - note.get("yshift", 0)
        colour = (note.get("font") or {}).get("color", "currentColor")
        yield _text(x, y, note["text"], anchors[note.get("xanchor", "center")], colour)


def _legend_rows(drawn: Mapping[str, Any]) -> list[list[tuple[float, Mapping[str, Any]]]]:
    """The traces that the legend names, with their places across, in lines that fit."""
    rows: list[list[tuple[float, Mapping[str, Any]]]] = []
    x = float(_WIDTH)
    for trace in drawn["data"]:
        if not trace.get("name") or trace.get("showlegend") is False:
            continue
        width = len(trace["name"]) * _LETTER + 40
        if x + width > _WIDTH:
            rows.append([])
            x = float(_MARGIN)
        rows[-1].append((x, trace))
        x += width
    return rows


def _legend(drawn: Mapping[str, Any]) -> Iterator[str]:
    for place, row in enumerate(_legend_rows(drawn)):
        y = 12 + _LEGEND * place
        for x, trace in row:
            colour = _each(trace["marker"]["color"], 1)[0]
            if trace["type"] == "bar":
                yield f'<rect x="{x:.1f}" y="{y - 6}" width="12" height="12" fill="{escape(str(colour))}" stroke="{_GREY}"/>'
            else:
                yield _mark(x + 6, y, _each(trace["marker"].get("symbol", "circle"), 1)[0], colour)
            yield _text(x + 20, y + 4, trace["name"], "start")


def _each(value: Any, n: int) -> Sequence[Any]:
    """A setting for each of n marks: its own, or one for all."""
    return [value] * n if isinstance(value, str) or not isinstance(value, Sequence) else value


def _plain(text: str) -> str:
    return text.removeprefix("<b>").removesuffix("</b>")


def _text(x: float, y: float, text: str, anchor: str, colour: str = "currentColor") -> str:
    """Text as it is, but for Plotly's line breaks and bold: of several lines the middle is at y."""
    lines = text.split("<br>")
    first = y - _LINE * (len(lines) - 1) / 2
    drawn = []
    for place, line in enumerate(lines):
        weight = ' font-weight="600"' if line.startswith("<b>") else ""
        where = f'x="{x:.1f}" y="{first + _LINE * place:.1f}" text-anchor="{anchor}"'
        drawn.append(f'<text {where} fill="{escape(colour)}"{weight}>{escape(_plain(line))}</text>')
    return "".join(drawn)
