"""What single auxiliaries gain, and what a signal said of it before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from scipy.stats import rankdata

from pseudofam_core.charts.colours import CHOSEN, INSIDE, LINE, NEAR_IS_YELLOW, OUTSIDE, Part
from pseudofam_core.charts.similarity import cell_size
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.transfer import TransferMatrix

FloatArray = npt.NDArray[np.float64]
# Nothing gained is the colour of the page: see-through in light and dark.
_GAIN_COLOURS = ((0.0, OUTSIDE), (0.5, "rgba(125, 139, 149, 0.12)"), (1.0, INSIDE))


def gain_figure(matrix: TransferMatrix, *, chosen: LanguagePair | None = None) -> go.Figure:
    """Draw mean gains as a heatmap around 0: a row is a target, a column an auxiliary.

    A ring marks a cell whose interval leaves 0 out, a cross one that was not run. A target with itself is empty. A click on
    a cell returns ``customdata`` [code of its target, …].

    Args:
        matrix: What to draw; partial ones are drawn as far as they are.
        chosen: The target whose row is framed.
    """
    mean, unit = matrix.mean, _unit(matrix)
    most = float(np.nanmax(np.abs(mean), initial=0.0)) or 1.0
    n_seeds = np.isfinite(matrix.gains).sum(axis=0)
    heat: Part = {
        "type": "heatmap",
        "z": mean,
        "colorscale": _GAIN_COLOURS,
        "zmin": -most,
        "zmax": most,
        "colorbar": _bar(f"gain, {unit}: positive helps"),
        **_CELLS,
    }
    sure = (matrix.low > 0) | (matrix.high < 0)
    # Dark around white: one of the two is seen on every cell, light or dark.
    ring = {"symbol": "circle", "size": 7, "color": "#ffffff", "line": {"width": 1.5, "color": "#102027"}}
    told = (
        "<b>%{y}</b> with <b>%{x}</b><br>gain %{customdata[1]:+.4g}, 95 % interval %{customdata[2]:+.4g} to "
        f"%{{customdata[3]:+.4g}} {unit}<br>seeds: %{{customdata[4]}}<extra></extra>"
    )
    answers = _answers(matrix, np.stack([mean, matrix.low, matrix.high, n_seeds], axis=-1), told)
    traces = [heat, answers, _marks(sure, ring, hover=None)]
    if matrix.n_missing:
        cross = {"symbol": "x-thin", "size": 6, "line": {"width": 1.5, "color": LINE}}
        traces.append(
            _marks(
                np.isnan(mean) & matrix.is_cell, cross, hover="<b>%{y}</b> with <b>%{x}</b>: not run yet<extra></extra>"
            )
        )
    return _figure(matrix, traces, chosen)


def said_figure(
    said: FloatArray, matrix: TransferMatrix, *, label: str, chosen: LanguagePair | None = None
) -> go.Figure:
    """Draw a signal over the same cells, each row by its own ranks: yellow is expected to help most.

    A click on a cell returns ``customdata`` [code of its target, …].

    Args:
        said: (targets, auxiliaries) the signal, larger for those expected to help more; NaN where it knows nothing.
        matrix: Whose rows and columns they are.
        label: The signal's name.
        chosen: The target whose row is framed.
    """
    heat: Part = {
        "type": "heatmap",
        "z": _row_ranks(said),
        "colorscale": NEAR_IS_YELLOW,
        "zmin": 0,
        "zmax": 1,
        "colorbar": _bar(f"{label}, ranked in each row: yellow first")
        | {"tickvals": [0, 1], "ticktext": ["last", "first"]},
        **_CELLS,
    }
    told = f"<b>%{{y}}</b> with <b>%{{x}}</b><br>{label} %{{customdata[1]:.4g}}<extra></extra>"
    return _figure(matrix, [heat, _answers(matrix, said[..., None], told)], chosen)


def scatter_figure(said: FloatArray, matrix: TransferMatrix, target: LanguagePair, *, label: str) -> go.Figure:
    """Draw one target: the signal across, the gain with its interval upwards, a point per auxiliary that both know.

    Args:
        said: See `said_figure`.
        matrix: The gains.
        target: One of its targets.
        label: The signal's name.
    """
    row, names = matrix.targets.index(target), pair_labels(matrix.auxiliaries)
    one_language = len({pair.target for pair in matrix.auxiliaries}) == 1
    codes = [pair.source if one_language else str(pair) for pair in matrix.auxiliaries]
    gains = matrix.mean[row]
    known = np.flatnonzero(np.isfinite(gains + said[row]))
    figure = go.Figure(
        go.Scatter(
            x=said[row, known],
            y=gains[known],
            mode="markers+text",
            text=[codes[i] for i in known],
            customdata=[names[i] for i in known],
            textposition="middle right",
            marker={"size": 9, "color": INSIDE},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": matrix.high[row, known] - gains[known],
                "arrayminus": gains[known] - matrix.low[row, known],
                "color": LINE,
                "thickness": 1,
                "width": 0,
            },
            hovertemplate=f"<b>%{{customdata}}</b><br>{label} %{{x:.4g}}<br>gain %{{y:+.4g}} {_unit(matrix)}<extra></extra>",
        )
    )
    figure.add_hline(0, line={"color": LINE, "width": 1.5, "dash": "dash"})
    figure.update_xaxes(title=f"{label}: further right is expected to help more", showgrid=False, zeroline=False)
    figure.update_yaxes(title=f"gain, {_unit(matrix)}", zeroline=False)
    figure.update_layout(height=420, margin={"t": 30, "b": 50, "l": 8, "r": 8}, showlegend=False)
    return figure


_CELLS: Part = {"xgap": 1, "ygap": 1, "hoverinfo": "skip"}


def _row_ranks(said: FloatArray) -> FloatArray:
    """Each row's ranks in [0, 1], 1 the largest; ties share their mean rank, NaN stays."""
    ranks = np.full(said.shape, np.nan)
    for row, values in enumerate(said):
        known = np.isfinite(values)
        if known.any():
            ranks[row, known] = (rankdata(values[known]) - 1) / max(1, known.sum() - 1)
    return ranks


def _answers(matrix: TransferMatrix, numbers: FloatArray, words: str) -> Part:
    """Unseen marks on the cells, which answer to pointing and clicking: Plotly's heatmaps return no click.

    Args:
        matrix: Whose cells.
        numbers: (targets, auxiliaries, k) what is told of each; where the first is NaN there is no mark.
        words: What pointing at one tells, of customdata: the target's code, then the numbers.
    """
    rows, columns = np.nonzero(np.isfinite(numbers[..., 0]))
    told = [
        [str(matrix.targets[row]), *numbers[row, column].tolist()] for row, column in zip(rows, columns, strict=True)
    ]
    marker = {"symbol": "square", "size": cell_size(max(map(len, (matrix.targets, matrix.auxiliaries)))), "opacity": 0}
    return {
        "type": "scatter",
        "x": columns,
        "y": rows,
        "mode": "markers",
        "marker": marker,
        "showlegend": False,
        "customdata": told,
        "hovertemplate": words,
    }


def _marks(cells: npt.NDArray[np.bool_], marker: Part, *, hover: str | None) -> Part:
    rows, columns = np.nonzero(cells)
    told: Part = {"hoverinfo": "skip"} if hover is None else {"hovertemplate": hover}
    return {
        "type": "scatter",
        "x": columns,
        "y": rows,
        "mode": "markers",
        "marker": marker,
        "unselected": {"marker": {"opacity": 1}},  # a click on a cell does not make it fade
        "showlegend": False,
        **told,
    }


def _unit(matrix: TransferMatrix) -> str:
    return "nats a token" if matrix.metric.name == "loss" else matrix.metric.label


def _bar(title: str) -> Part:
    return {
        "orientation": "h",
        "thickness": 10,
        "len": 1,
        "x": 0.5,
        "y": 1,
        "yanchor": "bottom",
        "outlinewidth": 0,
        "title": {"text": title, "side": "top"},
        "ticklabeloverflow": "allow",
    }


def _figure(matrix: TransferMatrix, traces: list[Part], chosen: LanguagePair | None) -> go.Figure:
    """Rows and columns with their names; room for these is made here, as in `similarity_figure`."""
    rows, columns = pair_labels(matrix.targets), pair_labels(matrix.auxiliaries)
    size = cell_size(max(len(rows), len(columns)))
    above, below = 84, 24 + 6 * max(map(len, columns))
    axis = {"showgrid": False, "zeroline": False, "ticks": "", "automargin": False, "ticklabeloverflow": "allow"}
    shapes = []
    if chosen in matrix.targets:
        row = matrix.targets.index(chosen)
        corners = {"x0": -0.5, "x1": len(columns) - 0.5, "y0": row - 0.5, "y1": row + 0.5}
        shapes.append({"type": "rect", "xref": "x", "yref": "y", **corners, "line": {"color": CHOSEN, "width": 2}})
    layout = {
        "xaxis": axis
        | {"tickvals": list(range(len(columns))), "ticktext": columns, "tickangle": -90}
        | {"range": [-0.5, len(columns) - 0.5]},
        "yaxis": axis | {"tickvals": list(range(len(rows))), "ticktext": rows} | {"range": [len(rows) - 0.5, -0.5]},
        "height": len(rows) * size + above + below,
        "margin": {"t": above, "b": below, "l": 12 + 7 * max(map(len, rows)), "r": 8},
        "hovermode": "closest",
        "hoverdistance": -1,  # where there are few, cells are wider than their marks
        "shapes": shapes,
    }
    return go.Figure({"data": traces, "layout": layout})
