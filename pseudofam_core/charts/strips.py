"""Where a family changes while one control moves."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from pseudofam_core.breakpoints import Sweep
from pseudofam_core.charts.colours import FAINT, INSIDE, LINE, OUTSIDE, pair_labels
from pseudofam_core.languages import LanguagePair


def strip_figure(
    sweep: Sweep,
    *,
    order: Sequence[LanguagePair],
    now: float,
    end: float,
    title: str,
    tickformat: str = "",
) -> go.Figure:
    """Draw who is in the family over a whole control: a row per neighbour, coloured where it is a member.

    A long bar is a firm member; one that begins or ends near the line, which is the control's present value, is on the
    edge. Neighbours that are never in are left out.

    Args:
        sweep: The target's families over the control.
        order: The target's neighbours, nearest first, as they stand now: rows from the top.
        now: The control's present value.
        end: Where the strip ends.
        title: What the control is.
        tickformat: Of the axis: ``.0%`` for shares.
    """
    spans = [span for span in sweep.spans if span.start < end]
    rows = [one for one in order if any(one in span.members for span in spans)]
    names = dict(zip(order, pair_labels(order), strict=True))
    present = sweep.members(now)
    figure = go.Figure()
    for colour, name, mine in (
        (INSIDE, "member now", [one for one in rows if one in present]),
        (LINE, "not now", [one for one in rows if one not in present]),
    ):
        bars = [(one, span.start, min(span.end, end)) for one in mine for span in spans if one in span.members]
        figure.add_trace(
            go.Bar(
                x=[stop - start for _, start, stop in bars],
                base=[start for _, start, _ in bars],
                y=[names[one] for one, _, _ in bars],
                customdata=[[start, stop] for _, start, stop in bars],
                orientation="h",
                name=name,
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate=(
                    f"<b>%{{y}}</b><br>in from %{{customdata[0]:{tickformat or '.4g'}}} "
                    f"to %{{customdata[1]:{tickformat or '.4g'}}}<extra></extra>"
                ),
            )
        )
    figure.add_vline(now, line={"color": OUTSIDE, "width": 2}, annotation_text="now", annotation_font_color=OUTSIDE)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=[names[one] for one in reversed(rows)],
        automargin=True,
        ticks="",
        showgrid=True,
        gridcolor=FAINT,
    )
    figure.update_xaxes(title=title, range=[0, end], tickformat=tickformat, showgrid=False, exponentformat="power")
    figure.update_layout(
        height=24 * len(rows) + 130,
        margin={"t": 50, "b": 50, "l": 8, "r": 16},
        barmode="overlay",
        bargap=0.3,
        legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "x": 0},
    )
    return figure
