"""Two pairs of a pool held against each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from pseudofam_core.charts.colours import FAINT, INSIDE, LEGEND_ABOVE, LINE, OUTSIDE
from pseudofam_core.charts.estimates import mass_by_layer
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.results import OverlapCurve
from pseudofam_core.similarity.spec import Scope


def overlap_curve_figure(
    curve: OverlapCurve, target: LanguagePair, auxiliary: LanguagePair, *, top_fraction: float
) -> go.Figure:
    """Draw the Overlap of two pairs over every K, and the K of now.

    By the group scope what unrelated masks would share, K itself, is drawn beside it. The curve ends where one of the two has
    no further parameter that is not zero; what lies beyond is shaded.
    """
    figure = go.Figure()
    # By the group scope all masks are of one size up to there, so that both directions are the same.
    symmetric = curve.scope is Scope.GROUP
    end = min(curve.nonzero[curve.pairs.index(pair)] for pair in (target, auxiliary))
    n_steps = max(1, sum(step <= end + 1e-12 for step in curve.steps))
    both_ways = [(target, auxiliary)] if symmetric else [(target, auxiliary), (auxiliary, target)]
    for (as_target, as_auxiliary), colour in zip(both_ways, (INSIDE, OUTSIDE), strict=False):
        figure.add_trace(
            go.Scatter(
                x=curve.steps[:n_steps],
                y=curve.between(as_target, as_auxiliary)[:n_steps],
                mode="lines",
                name="Overlap" if symmetric else f"{as_target.label} as target",
                line={"color": colour, "width": 2.5},
                hovertemplate="K = %{x:.1%}: %{y:.1%} shared<extra></extra>",
            )
        )
    if symmetric:  # by the model scope a mask's share of these parameters is not K, nor is what unrelated masks share
        figure.add_trace(
            go.Scatter(
                x=[0, 1],
                y=[0, 1],
                mode="lines",
                name="by chance",
                line={"color": LINE, "width": 1.5, "dash": "dash"},
                hoverinfo="skip",
            )
        )
    if n_steps < len(curve.steps):
        figure.add_vrect(
            x0=end,
            x1=1,
            fillcolor=FAINT,
            line_width=0,
            layer="below",
            annotation_text="zeros",
            annotation_position="top right",
        )
    figure.add_vline(
        top_fraction,
        line={"color": LINE, "width": 1.5, "dash": "dot"},
        annotation_text="K now",
        annotation_position="bottom right",
    )
    figure.update_xaxes(title="top share K", range=[0, 1], tickformat=".0%", showgrid=False, zeroline=False)
    figure.update_yaxes(title="shared", range=[0, 1.02], tickformat=".0%", zeroline=False)
    figure.update_layout(
        height=300,
        margin={"t": 30, "b": 50, "l": 8, "r": 8},
        legend=LEGEND_ABOVE,
    )
    return figure


def shared_layers_figure(masses: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """Draw where the Fisher mass of two pairs lies, by kind of parameter and layer: alike, or not.

    Args:
        masses: Share by tensor name, by the pair's name.
    """
    figure = go.Figure()
    for (name, mass), colour in zip(masses.items(), (INSIDE, OUTSIDE), strict=True):
        table, _ = mass_by_layer(mass)
        cells = [(f"{row} {layer}", share) for row, layers in table.items() for layer, share in sorted(layers.items())]
        figure.add_trace(
            go.Bar(
                x=[share for _, share in cells],
                y=[label for label, _ in cells],
                orientation="h",
                name=name,
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate=f"{name}<br>%{{y}}: %{{x:.1%}} of the mass<extra></extra>",
            )
        )
    n = len(np.unique([label for trace in figure.data for label in trace.y]))
    figure.update_yaxes(autorange="reversed", automargin=True, ticks="", showgrid=False)
    figure.update_xaxes(title="share of the Fisher mass", tickformat=".0%", zeroline=False)
    figure.update_layout(
        height=max(300, 24 * n + 110),
        margin={"t": 30, "b": 50, "l": 8, "r": 8},
        barmode="group",
        bargap=0.25,
        legend=LEGEND_ABOVE,
    )
    return figure
