"""A whole pool at a glance: on a plane, and by several measures side by side."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pseudofam_core.charts.colours import CHOSEN, LEGEND_ABOVE, NEAR_IS_YELLOW, family_swatches
from pseudofam_core.charts.similarity import spread
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.structure.pool_map import PoolMap

_MOST_NAMED = 40


def map_figure(laid_out: PoolMap, *, marked: Collection[LanguagePair] = ()) -> go.Figure:
    """Draw a pool on its plane: near points are near pairs, colour and mark are the traditional family.

    A click on a point returns ``customdata`` [code of the pair].

    Args:
        laid_out: Where each pair lies.
        marked: Pairs to be pointed out.
    """
    pairs, labels = laid_out.pairs, pair_labels(laid_out.pairs)
    figure = go.Figure()
    for family, swatch in family_swatches(pairs).items():
        rows = [row for row, pair in enumerate(pairs) if pair.language.traditional_family == family]
        figure.add_trace(
            go.Scatter(
                x=laid_out.positions[rows, 0],
                y=laid_out.positions[rows, 1],
                mode="markers+text" if len(pairs) <= _MOST_NAMED else "markers",
                name=family,
                text=[labels[row] for row in rows],
                textposition="top center",
                marker={
                    "color": swatch.colour,
                    "size": 12,
                    "symbol": swatch.mark,
                    "line": {"width": [3 if pairs[row] in marked else 0 for row in rows], "color": CHOSEN},
                },
                customdata=[[str(pairs[row])] for row in rows],
                hovertemplate=f"<b>%{{text}}</b><br>{family}<br>click to mark it<extra></extra>",
            )
        )
    # One unit is as long up as it is across: only distances mean something here.
    figure.update_xaxes(visible=False, scaleanchor="y")
    figure.update_yaxes(visible=False)
    figure.update_layout(
        height=560,
        margin={"t": 20, "b": 90, "l": 40, "r": 40},
        hovermode="closest",
        legend={**LEGEND_ABOVE, "y": 0, "yanchor": "bottom"},
    )
    return figure


def side_by_side_figure(matrices: Sequence[PairwiseMatrix], *, order: Sequence[int]) -> go.Figure:
    """Draw one pool by several measures, rows and columns in one order, each coloured by its own ranks.

    Args:
        matrices: Over one pool.
        order: Positions in the pool, top to bottom and left to right.
    """
    labels = [pair_labels(matrices[0].pairs)[i] for i in order]
    figure = make_subplots(
        cols=len(matrices),
        horizontal_spacing=0.02,
        shared_yaxes=True,
        subplot_titles=[
            matrix.measure.label.replace(" (", "<br>(") for matrix in matrices
        ],  # a phone has no room for one line
    )
    for column, matrix in enumerate(matrices, start=1):
        colours, _ = spread(matrix, list(order))
        figure.add_trace(
            go.Heatmap(
                z=colours.astype(np.float32),
                x=labels,
                y=labels,
                customdata=matrix.values[np.ix_(order, order)].astype(np.float32),
                hovertemplate=(
                    f"<b>%{{y}}</b> as target, <b>%{{x}}</b> as auxiliary<br>{matrix.measure.label} "
                    "%{customdata:.4g}<extra></extra>"
                ),
                hoverongaps=False,
                colorscale=NEAR_IS_YELLOW,
                zmin=0,
                zmax=1,
                showscale=column == len(matrices),
                colorbar={
                    "thickness": 10,
                    "outlinewidth": 0,
                    "title": {"text": "rank"},
                    "tickvals": [0, 1],
                    "ticktext": ["far", "near"],
                },
            ),
            row=1,
            col=column,
        )
    named = len(labels) <= _MOST_NAMED
    figure.update_xaxes(showticklabels=False, showgrid=False, ticks="")
    figure.update_yaxes(autorange="reversed", showticklabels=False, showgrid=False, ticks="")
    figure.update_yaxes(showticklabels=named, automargin=True, col=1)
    figure.update_annotations(font_size=11)
    figure.update_layout(height=444, margin={"t": 64, "b": 16, "l": 8, "r": 8})
    return figure
