"""What all figures have in common on a page."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.plotly_chart import PlotlyState

from pages.components.themes import is_dark, on_white

# The toolbar without what nobody needs here: in a narrow window it would cover the legend.
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "pan2d", "zoom2d", "zoomIn2d", "zoomOut2d"],
}
# The theme's own labels have a contrast of 3.7 to 1.
_LABELS = {"light": "#47545d", "dark": "#b4c0c7"}
_AXES = ("xaxis", "yaxis")


def vector_config(name: str) -> dict[str, Any]:
    """The toolbar of a figure for a paper: it saves as `name`.svg."""
    return {**CONFIG, "toImageButtonOptions": {"format": "svg", "filename": name}}


def plot(figure: go.Figure, **options: Any) -> PlotlyState:
    """`st.plotly_chart` with labels that can be read in the visitor's theme, or dark on white where that was asked for."""
    drawn = _legible(figure, _LABELS["dark" if is_dark() and not on_white() else "light"])
    if on_white():
        drawn.update_layout(template="plotly_white")
        options["theme"] = None
    state: PlotlyState = st.plotly_chart(drawn, **{"config": CONFIG, **options})
    return state


def _legible(figure: go.Figure, colour: str) -> go.Figure:
    """The figure with all that is written in it in a colour of at least 4.5 to 1, but for what stands in cells."""
    layout = figure.layout
    for name in layout:
        if name.startswith(_AXES):
            layout[name].update(tickfont={"color": colour}, title={"font": {"color": colour}})
    layout.update(font={"color": colour}, hoverlabel={"font": {"color": colour}})
    layout.update(legend={"font": {"color": colour}, "title": {"font": {"color": colour}}})
    for trace in figure.data:
        if trace.type == "scatterpolar":
            layout.polar.update(angularaxis={"tickfont": {"color": colour}}, radialaxis={"tickfont": {"color": colour}})
        if trace.type == "heatmap":
            trace.colorbar.update(tickfont={"color": colour}, title={"font": {"color": colour}})
    return figure
