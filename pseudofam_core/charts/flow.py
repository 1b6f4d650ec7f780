"""From traditional to pseudo families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pseudofam_core.charts.colours import CHOSEN
from pseudofam_core.families.results import PseudoFamily

_MOST_WRITTEN = 14


def flow_table(families: Sequence[PseudoFamily]) -> pd.DataFrame:
    """How many members the targets of each traditional family (rows) choose from each (columns), one vote per member."""
    names = sorted({family.target.language.traditional_family for family in families})
    counts = Counter(
        (family.target.language.traditional_family, member.language.traditional_family)
        for family in families
        for member in family.members
    )
    columns = sorted({*names, *(column for _, column in counts)})
    return pd.DataFrame([[counts[row, column] for column in columns] for row in names], index=names, columns=columns)


def flow_figure(families: Sequence[PseudoFamily]) -> go.Figure:
    """Draw which traditional family's targets choose auxiliaries from which.

    A cell is the share of the row's auxiliaries that are of the column's family; pale cells on the diagonal mean that
    pseudo families have little to do with traditional ones. Nothing chosen is left empty.
    """
    table = flow_table(families)
    shares = table.div(table.sum(axis=1).clip(lower=1), axis=0)
    targets = Counter(family.target.language.traditional_family for family in families)
    rows = [f"{name} ({targets[name]})" for name in table.index]
    figure = go.Figure(
        go.Heatmap(
            z=np.where(table > 0, shares, np.nan),
            x=list(table.columns),
            y=rows,
            customdata=np.dstack([table, np.broadcast_to(table.sum(axis=1).to_numpy()[:, None], table.shape)]),
            # Light enough at its darkest for the dark numbers on it.
            colorscale=[[0, "#eef6fb"], [1, "#4fa3d1"]],
            textfont={"color": "#102027"},
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            text=np.where(table > 0, table.astype(str), ""),
            texttemplate="%{text}" if len(table.columns) <= _MOST_WRITTEN else None,
            colorbar={"title": {"text": "share of the row"}, "tickformat": ".0%", "thickness": 12},
            hoverongaps=False,
            hovertemplate=(
                "Targets that are %{y}: %{customdata[0]} of their %{customdata[1]} auxiliaries are %{x}<extra></extra>"
            ),
        )
    )
    places = {name: column for column, name in enumerate(table.columns)}
    for row, name in enumerate(table.index):
        column = places[name]
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": CHOSEN, "width": 2},
        )
    figure.update_yaxes(autorange="reversed", automargin=True, ticks="", showgrid=False, title="targets", dtick=1)
    figure.update_xaxes(tickangle=-40, automargin=True, ticks="", showgrid=False, title="auxiliaries", dtick=1)
    figure.update_layout(height=26 * len(rows) + 230, margin={"t": 20, "b": 8, "l": 8, "r": 8})
    return figure
