"""What a training measures while it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pseudofam_core.charts.colours import COLOURS, LEGEND_ABOVE


def curves_figure(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, across: str, height: int
) -> go.Figure:
    """Draw measured values as lines over the work done, a colour and an entry of the legend for each.

    Args:
        curves: Work done, and the value measured then, by what was measured or whose it is.
        across: What the work is counted in: ``updates``.
        height: In pixels.
    """
    figure = go.Figure(
        [
            {
                "type": "scatter",
                "x": list(done),
                "y": list(values),
                "mode": "lines+markers" if len(done) < 30 else "lines",
                "name": name,
                "line": {"color": COLOURS[place % len(COLOURS)], "dash": "dot" if place >= len(COLOURS) else "solid"},
                "hovertemplate": f"{name}: %{{y:.4g}} at %{{x}} {across}<extra></extra>",
            }
            for place, (name, (done, values)) in enumerate(curves.items())
        ]
    )
    figure.update_xaxes(title=across, zeroline=False, showgrid=False)
    figure.update_yaxes(zeroline=False)
    rows = -(-len(curves) // 2)  # two names in a line of a narrow window
    figure.update_layout(
        height=height + 20 * rows,
        margin={"t": 30 + 20 * rows, "b": 50, "l": 8, "r": 8},
        showlegend=True,
        legend=LEGEND_ABOVE,
    )
    return figure
