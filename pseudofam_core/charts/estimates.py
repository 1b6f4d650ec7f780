"""What estimates tell of themselves, as Plotly figures: where the mass lies, how few hold it, when it settled."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pseudofam_core.charts.colours import INSIDE, LEGEND_ABOVE, LINE, OUTSIDE
from pseudofam_core.similarity.results import FloatMatrix

# "model.encoder.layers.0.fc1.weight", T5's "encoder.block.0.layer.1.DenseReluDense.wi.weight"
_IN_LAYER = re.compile(r"(encoder|decoder)\.(?:layers|block)\.(\d+)\.(.+)")
_FEED_FORWARD = ("fc1", "fc2", "wi", "wi_0", "wi_1", "wo")
_ATTENTIONS = ("self_attn", "encoder_attn", "SelfAttention", "EncDecAttention")
_LIGHT_FROM = 0.47  # of Cividis: where white and black can be read alike
_FAINT = "rgba(125, 139, 149, 0.45)"


def mass_by_layer(layer_mass: Mapping[str, float]) -> tuple[dict[str, dict[int, float]], float]:
    """Share of the Fisher mass by kind of parameter and layer.

    Args:
        layer_mass: Share by tensor name; sums to 1.

    Returns:
        Shares by kind (``decoder fc1``) and layer, counted from 1, and the share outside the layers (embeddings).
    """
    table: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    outside = 0.0
    for name, share in layer_mass.items():
        if (match := _IN_LAYER.search(name)) is None:
            outside += share
        else:
            table[f"{match[1]} {_kind(match[3])}"][int(match[2]) + 1] += share
    # Encoder above decoder, for that is the way the text goes.
    order = sorted(table, key=lambda row: (row.startswith("decoder"), row))
    return {row: dict(table[row]) for row in order}, outside


def mean_mass(masses: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each tensor's share, averaged over pairs of one model."""
    return {name: float(np.mean([mass.get(name, 0.0) for mass in masses])) for name in masses[0]}


def zeros_by_layer(zeros: Mapping[str, float], sizes: Mapping[str, float]) -> dict[str, dict[int, float]]:
    """Share of the parameters whose value is exactly zero, by kind of parameter and layer, as `mass_by_layer` has them.

    Args:
        zeros: Such parameters by tensor name.
        sizes: All parameters by tensor name.
    """
    counts, wholes = mass_by_layer(zeros)[0], mass_by_layer(sizes)[0]
    return {row: {layer: counts[row][layer] / n for layer, n in layers.items()} for row, layers in wholes.items()}


def mass_figure(layer_mass: Mapping[str, float]) -> go.Figure:
    """Draw the Fisher mass as a strip of layers for each kind of parameter; empty where a side has fewer layers.

    Args:
        layer_mass: Share by tensor name; sums to 1.
    """
    return _layers_figure(mass_by_layer(layer_mass)[0], "mass")


def zeros_figure(zeros: Mapping[str, float], sizes: Mapping[str, float]) -> go.Figure:
    """Draw the share of exact zeros as a strip of layers for each kind of parameter. See `zeros_by_layer`."""
    return _layers_figure(zeros_by_layer(zeros, sizes), "parameters")


def _layers_figure(table: Mapping[str, Mapping[int, float]], whole: str) -> go.Figure:
    rows = list(table)
    n_layers = max((layer for layers in table.values() for layer in layers), default=0)
    shares = np.array([[table[row].get(layer, np.nan) for layer in range(1, n_layers + 1)] for row in rows])
    most = float(np.nanmax(shares, initial=0)) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(range(1, n_layers + 1)),
            y=rows,
            colorscale="Cividis",
            zmin=0,
            zmax=most,
            xgap=1,
            ygap=1,
            hovertemplate=f"%{{y}}, layer %{{x}}: %{{z:.2%}} of the {whole}<extra></extra>",
            hoverongaps=False,
            colorbar={"title": {"text": f"share of {whole}", "side": "right"}, "tickformat": ".0%", "thickness": 10},
        )
    )
    if n_layers <= 12:
        figure.add_trace(_in_cells(shares, rows, most))
    figure.update_xaxes(title="layer", dtick=1 if n_layers <= 24 else 4, showgrid=False, zeroline=False, ticks="")
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False, ticks="", automargin=True)
    figure.update_layout(height=110 + 38 * max(2, len(rows)), margin={"t": 12, "b": 50, "l": 8, "r": 8})
    return figure


def _in_cells(shares: FloatMatrix, rows: Sequence[str], most: float) -> go.Scatter:
    """The numbers on their cells: white on the dark half of the colours, black on the light one, at 4.5 to 1 or more."""
    places = [(row, layer) for row, layer in np.argwhere(np.isfinite(shares))]
    return go.Scatter(
        x=[layer + 1 for _, layer in places],
        y=[rows[row] for row, _ in places],
        mode="text",
        text=[f"{shares[place]:.1%}" for place in places],
        textfont={"color": ["#ffffff" if shares[place] < _LIGHT_FROM * most else "#000000" for place in places]},
        hoverinfo="skip",
        showlegend=False,
    )


def lorenz_figure(curves: Mapping[str, Sequence[float]], chosen: str | None = None) -> go.Figure:
    """Draw how much of the mass the largest parameters hold, a line per pair.

    Args:
        curves: Share that the largest 0, 1, … 100 percent hold, by label.
        chosen: The label drawn in colour; the others stay behind.
    """
    figure = go.Figure()
    figure.add_trace(_line([0, 1], [0, 1], "all alike", dash="dot"))
    percent = np.linspace(0, 1, 101).tolist()
    _add_lines(figure, {label: (percent, curve) for label, curve in curves.items()}, chosen)
    figure.add_vline(0.01, line={"color": OUTSIDE, "dash": "dot", "width": 1.5}, annotation_text="1%")
    figure.update_xaxes(title="share of the parameters, largest first", tickformat=".0%", range=[0, 1], zeroline=False)
    figure.update_yaxes(title="share of the Fisher mass", tickformat=".0%", range=[0, 1.01], zeroline=False)
    _lay_out_lines(figure)
    return figure


def convergence_figure(
    curves: Mapping[str, tuple[Sequence[int], Sequence[float | None]]], chosen: str | None = None
) -> go.Figure:
    """Draw how far the estimate after n sentences was from the final one, a line per pair.

    Args:
        curves: Sentences read, and ‖F_n − F‖ / ‖F‖, by label. The last is 0 by construction.
        chosen: The label drawn in colour; the others stay behind.
    """
    figure = go.Figure()
    _add_lines(figure, curves, chosen, markers=True)
    figure.update_xaxes(title="sentences read", rangemode="tozero", zeroline=False)
    figure.update_yaxes(title="distance from the final estimate", tickformat=".0%", rangemode="tozero", zeroline=False)
    _lay_out_lines(figure)
    return figure


def _kind(path: str) -> str:
    """``fc1`` of ``fc1.weight``, ``self-attention`` of ``self_attn.q_proj.bias``, ``norms`` of a LayerNorm's."""
    parts = path.split(".")
    for part in parts:
        if part in _ATTENTIONS:
            return "cross-attention" if part in ("encoder_attn", "EncDecAttention") else "self-attention"
    if any("norm" in part.lower() for part in parts):
        return "norms"
    return next((part for part in parts if part in _FEED_FORWARD), parts[-2] if len(parts) > 1 else parts[0])


def _add_lines(
    figure: go.Figure,
    curves: Mapping[str, tuple[Sequence[float], Sequence[float | None]]],
    chosen: str | None,
    *,
    markers: bool = False,
) -> None:
    """The chosen curve in colour before one faint line, None-separated, of all others."""
    x: list[float | None] = []
    y: list[float | None] = []
    names: list[str] = []
    for label, (steps, values) in curves.items():
        if label != chosen:
            x += [*steps, None]
            y += [*values, None]
            names += [label] * (len(steps) + 1)
    if x:
        others = "other pairs" if chosen in curves else "pairs"
        trace = go.Scatter(x=x, y=y, mode="lines", name=others, line={"color": _FAINT, "width": 1.5}, customdata=names)
        trace.hovertemplate = "%{customdata}: %{y:.1%} at %{x}<extra></extra>"
        figure.add_trace(trace)
    if chosen is not None and chosen in curves:
        steps, values = curves[chosen]
        trace = _line(steps, values, chosen, colour=INSIDE, mode="lines+markers" if markers else "lines")
        trace.hovertemplate = "%{y:.1%} at %{x}<extra>" + chosen + "</extra>"
        figure.add_trace(trace)


def _line(
    x: Sequence[float],
    y: Sequence[float | None],
    name: str,
    *,
    colour: str = LINE,
    dash: str | None = None,
    mode: str = "lines",
) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        mode=mode,
        name=name,
        line={"color": colour, "dash": dash, "width": 1.5 if dash else 3},
        hoverinfo="skip" if dash else None,
    )


def _lay_out_lines(figure: go.Figure) -> None:
    figure.update_layout(
        height=340,
        margin={"t": 40, "b": 56, "l": 8, "r": 12},
        hovermode="closest",
        legend=LEGEND_ABOVE,
    )
