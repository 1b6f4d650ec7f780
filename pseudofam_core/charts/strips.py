"""Where a family changes while one control moves."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from pseudofam_core.charts.colours import FAINT, INSIDE, LEGEND_ABOVE, LINE, OUTSIDE
from pseudofam_core.families.breakpoints import Span, Sweep
from pseudofam_core.languages import LanguagePair, pair_labels


def strip_figure(
    sweep: Sweep,
    *,
    order: Sequence[LanguagePair],
    now: float,
    end: float,
    title: str,
    is_share: bool = False,
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
        is_share: Whether the control is a share, written in percent.
    """
    spans = [span for span in sweep.spans if span.start < end]
    start = spans[0].start
    rows = [neighbour for neighbour in order if any(neighbour in span.members for span in spans)]
    names = dict(zip(order, pair_labels(order), strict=True))
    present = sweep.members(now)
    number = ".1%" if is_share else ".4g"
    figure = go.Figure()
    for colour, name, mine in (
        (INSIDE, "member now", [neighbour for neighbour in rows if neighbour in present]),
        (LINE, "not now", [neighbour for neighbour in rows if neighbour not in present]),
    ):
        bars = [(neighbour, *stretch) for neighbour in mine for stretch in _stretches(spans, neighbour, end)]
        figure.add_trace(
            go.Bar(
                x=[last - first for _, first, last in bars],
                base=[first for _, first, _ in bars],
                y=[names[neighbour] for neighbour, _, _ in bars],
                customdata=[[first, last] for _, first, last in bars],
                orientation="h",
                name=name,
                showlegend=True,
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate=(
                    f"<b>%{{y}}</b><br>in from %{{customdata[0]:{number}}} "
                    f"to %{{customdata[1]:{number}}}<extra></extra>"
                ),
            )
        )
    figure.add_vline(now, line={"color": OUTSIDE, "width": 2})
    figure.add_annotation(x=now, y=1, yref="paper", yanchor="bottom", text="<b>now</b>", showarrow=False)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=[names[neighbour] for neighbour in reversed(rows)],
        automargin=True,
        ticks="",
        showgrid=True,
        gridcolor=FAINT,
    )
    figure.update_xaxes(
        title=title, range=[start, end], tickformat=".0%" if is_share else None, showgrid=False, exponentformat="power"
    )
    figure.update_layout(
        height=24 * len(rows) + 130,
        margin={"t": 50, "b": 50, "l": 8, "r": 16},
        barmode="overlay",
        bargap=0.3,
        legend=LEGEND_ABOVE,
    )
    return figure


def _stretches(spans: Sequence[Span], neighbour: LanguagePair, end: float) -> list[tuple[float, float]]:
    """From where to where a neighbour is in, whoever else comes and goes meanwhile."""
    stretches: list[tuple[float, float]] = []
    for span in spans:
        if neighbour not in span.members:
            continue
        start, stop = span.start, min(span.end, end)
        if stretches and stretches[-1][1] == start:
            start = stretches.pop()[0]
        stretches.append((start, stop))
    return stretches
