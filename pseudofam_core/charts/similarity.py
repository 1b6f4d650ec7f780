"""A pool's matrix, its tree and the traditional families in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import ceil

import numpy as np
import plotly.graph_objects as go
from scipy.cluster import hierarchy
from scipy.stats import rankdata

from pseudofam_core.charts.colours import CHOSEN, FAINT, LINE, NEAR_IS_YELLOW, OUTSIDE, Part, family_swatches
from pseudofam_core.charts.trees import cut_line, leaf_trace, tree_traces
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.structure.clustering import Labels

_TREE, _STRIP = "x3", "x2"  # the heatmap's axis is x
_MOST_CLICKABLE = 40
_LEGEND_WIDTH = 400  # pixels of a line of the legend in a narrow window


class Colours(StrEnum):
    """What the colours of cells are spread over: the ranks of the pool's values, or the values themselves."""

    RANKS = "rank"
    VALUES = "value"


def similarity_figure(
    matrix: PairwiseMatrix,
    *,
    order: Sequence[int] | None = None,
    Z: FloatMatrix | None = None,
    clusters: Labels | None = None,
    chosen: tuple[int, int] | None = None,
    looked_up: int | None = None,
    missing: Sequence[LanguagePair] = (),
    colours: Colours = Colours.RANKS,
) -> go.Figure:
    """Draw a matrix as a heatmap beside the traditional families, and its tree where it stands in the tree's order.

    Yellow is near. Colours are spread evenly over the pool's values (by rank), unless asked otherwise: distances of a few
    far languages would else leave no colours for the rest. A row is a target. Sizes (|KL|) decide, as they do in selection.

    A click on a cell returns ``customdata`` [target, auxiliary, …], on a merge of the tree [row of Z]: positions in the
    matrix's pairs, and in Z; on a leaf or on the strip of the families [code of the pair].
    In pools of more than 40 only the diagonal answers, with the same pair twice.

    Args:
        matrix: What to draw.
        order: Positions in the matrix's pairs, top to bottom and left to right; by default as they stand.
        Z: The linkage, drawn left of the heatmap. `order` is then the order of its leaves.
        clusters: A label per pair, as `clustering.cut_by_number` gives; outlined on the diagonal, and the cut drawn
            through the tree. Only with Z.
        chosen: Target and auxiliary of the cell to be framed, positions in the matrix's pairs.
        looked_up: Position of the pair to be pointed out: its name, row, column and leaf.
        missing: Pairs of the pool that are not in the matrix yet: hatched rows and columns at its end. Left out where the
            pool has more than 40 pairs.
        colours: What they are spread over.

    Raises:
        ValueError: `order` is no order of the pairs, or not the tree's.
    """
    n = len(matrix.pairs)
    order = list(range(n) if order is None else order)
    if sorted(order) != list(range(n)):
        raise ValueError(f"order must name each of the {n} pairs once. Got {order}.")
    if Z is not None and order != hierarchy.leaves_list(Z).tolist():
        raise ValueError("order must be the order of Z's leaves. Take clustering.leaf_order(Z), or leave Z out.")
    ordered = [matrix.pairs[i] for i in order]
    marked = {matrix.pairs[i] for i in (looked_up, *(chosen or ())) if i is not None}
    traces = []
    if Z is not None:
        traces = [*tree_traces(Z, xaxis=_TREE), leaf_trace(ordered, marked=marked, xaxis=_TREE)]
    if n + len(missing) > _MOST_CLICKABLE:
        missing = ()
    n_all = n + len(missing)
    traces += [
        *_family_strip(ordered),
        _heatmap(matrix, order, colours),
        _cells(matrix, order, n_all),
    ]
    if missing:
        traces.append(_hatched(n, n_all))
    shapes = []
    if Z is not None and clusters is not None:
        boxes = _boxes([int(clusters[i]) for i in order])
        shapes += [*boxes, cut_line(Z, len(boxes), xaxis=_TREE)]
    if looked_up is not None:
        band, whole = (order.index(looked_up) - 0.5, order.index(looked_up) + 0.5), (-0.5, n - 0.5)
        shapes += [_frame(whole, band, CHOSEN, width=1), _frame(band, whole, CHOSEN, width=1)]
    if chosen is not None:
        row, column = (order.index(position) for position in chosen)
        shapes.append(_frame((column - 0.5, column + 0.5), (row - 0.5, row + 0.5), CHOSEN))
    labels = pair_labels([*matrix.pairs, *missing])
    names = [f"<b>{labels[i]}</b>" if i == looked_up else labels[i] for i in order]
    layout = _layout([*names, *labels[n:]], Z, legend=_legend_height(traces))
    # Put together once: a figure that is added to step by step is checked, and copied, at each.
    return go.Figure({"data": traces, "layout": layout | {"shapes": shapes}})


def _family_strip(pairs: Sequence[LanguagePair]) -> list[Part]:
    """One bar per pair in the colour of its traditional family, and the legend."""
    strip = []
    for family, swatch in family_swatches(pairs).items():
        rows = [row for row, pair in enumerate(pairs) if pair.language.traditional_family == family]
        strip.append(
            {
                "type": "bar",
                "xaxis": _STRIP,
                "x": [1] * len(rows),
                "y": rows,
                "width": 1,
                "orientation": "h",
                "name": family,
                "marker": {"color": swatch.colour, "pattern": {"shape": swatch.pattern}, "line": {"width": 0}},
                "customdata": [[str(pairs[row])] for row in rows],
                "text": [pairs[row].label for row in rows],
                "textposition": "none",
                "hovertemplate": f"<b>%{{text}}</b>, {family}: click to mark it<extra></extra>",
            }
        )
    return strip


def _heatmap(matrix: PairwiseMatrix, order: list[int], by: Colours) -> Part:
    """The matrix, rows and columns in order; the diagonal left empty, for a pair is no auxiliary of its own."""
    colours, ticks = spread(matrix, order, by)
    return {
        "type": "heatmap",
        "z": colours.astype(np.float32),
        **_pointing(matrix, order),
        "colorscale": NEAR_IS_YELLOW,
        "zmin": 0,
        "zmax": 1,
        "xgap": 1,
        "ygap": 1,
        "colorbar": {
            "orientation": "h",
            "thickness": 10,
            "len": 0.7,
            "x": 1,
            "xanchor": "right",
            "y": 1,
            "yanchor": "bottom",
            "outlinewidth": 0,
            "title": {"text": f"{matrix.measure.label}, colours by {by}: yellow is near", "side": "top"},
            "ticklabeloverflow": "allow",
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "ticktext": ticks,
        },
    }


def _pointing(matrix: PairwiseMatrix, order: list[int]) -> Part:
    """In a large pool the heatmap itself answers to pointing, in a small one the marks on its cells."""
    if len(order) <= _MOST_CLICKABLE:
        return {"hoverinfo": "skip"}
    return {
        "customdata": _both_ways(matrix, order),
        "hovertemplate": _cell_words(matrix, first=0),
        "hoverongaps": False,
    }


def _hatched(n: int, n_all: int) -> Part:
    """Rows and columns n to n_all, hatched grey: what is not estimated is neither near nor far."""
    first, last, half = -0.5, n_all - 0.5, 0.46
    boxes = [((first, last), (i - half, i + half)) for i in range(n, n_all)]
    boxes += [((i - half, i + half), (first, n - 0.5)) for i in range(n, n_all)]
    corners = [((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0), (None, None)) for (x0, x1), (y0, y1) in boxes]
    points = [point for box in corners for point in box][:-1]
    return {
        "type": "scatter",
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillpattern": {"shape": "/", "fgcolor": LINE, "bgcolor": FAINT, "size": 6, "solidity": 0.2},
        "name": "not estimated yet",
        "hoveron": "fills",
        "hoverinfo": "name",
        "showlegend": False,
    }


def _cells(matrix: PairwiseMatrix, order: list[int], n_all: int) -> Part:
    """Unseen marks on the cells, which answer to pointing and clicking: Plotly's heatmaps return no click.

    In a large pool there are marks on the diagonal only: ten thousand of them would take a second to draw.
    """
    n = len(order)
    small = n <= _MOST_CLICKABLE
    rows, columns = np.nonzero(~np.eye(n, dtype=bool)) if small else (np.arange(n), np.arange(n))
    place = np.asarray(order)
    chosen = np.column_stack([place[rows], place[columns]])
    return {
        "type": "scatter",
        "x": columns,
        "y": rows,
        "mode": "markers",
        "marker": {"symbol": "square", "size": cell_size(n_all), "opacity": 0},
        "showlegend": False,
        # Lists: what Streamlit hands back of an array's row is a mapping, whose first keys look like positions.
        "customdata": (np.hstack([chosen, _both_ways(matrix, order)[rows, columns]]) if small else chosen).tolist(),
        "hovertemplate": _cell_words(matrix, first=2) if small else "<b>%{y}</b>: click to choose<extra></extra>",
    }


def _both_ways(matrix: PairwiseMatrix, order: list[int]) -> FloatMatrix:
    """(n, n, 4): value and rank, and both the other way round."""
    ranks = neighbour_ranks(matrix)[np.ix_(order, order)]
    values = matrix.values[np.ix_(order, order)]
    return np.stack([values, ranks, values.T, ranks.T], axis=-1).astype(np.float32)


def _cell_words(matrix: PairwiseMatrix, *, first: int) -> str:
    """What pointing at a cell tells, of the numbers of `_both_ways` from place `first` of customdata on."""
    value, rank, back, rank_back = (f"customdata[{first + place}]" for place in range(4))
    return (
        "<b>%{y}</b> as target, <b>%{x}</b> as auxiliary<br>"
        f"{matrix.measure.label} %{{{value}:.4g}}, neighbour number %{{{rank}}} of {len(matrix.pairs) - 1}<br>"
        f"The other way round: %{{{back}:.4g}}, number %{{{rank_back}}}<extra></extra>"
    )


def cell_size(n: int) -> int:
    """Height of a row in pixels, for a pool of n pairs."""
    return min(30, max(13, 760 // n))


def neighbour_ranks(matrix: PairwiseMatrix) -> Labels:
    """Place of each auxiliary among its row's neighbours, 1 for the nearest by |distance|; 0 on the diagonal."""
    distances = np.abs(matrix.distances)
    np.fill_diagonal(distances, -1)
    return np.argsort(np.argsort(distances, axis=1, kind="stable"), axis=1, kind="stable")


def spread(matrix: PairwiseMatrix, order: list[int], by: Colours = Colours.RANKS) -> tuple[FloatMatrix, list[str]]:
    """Nearness of each cell in [0, 1] for its colour, the diagonal NaN, and the values at the five quarters."""
    distances = np.abs(matrix.distances)[np.ix_(order, order)]
    off = ~np.eye(len(order), dtype=bool)
    nearest, farthest = distances[off].min(), distances[off].max()
    colours = np.full(distances.shape, np.nan)
    if by is Colours.VALUES:
        colours[off] = (farthest - distances[off]) / ((farthest - nearest) or 1)
        quarters = np.linspace(farthest, nearest, 5)
    else:
        ranks = rankdata(-distances[off], method="average")
        colours[off] = (ranks - 1) / max(1, len(ranks) - 1)
        quarters = np.quantile(distances[off], [1, 0.75, 0.5, 0.25, 0])
    return colours, [f"{1 - quantile if matrix.measure.is_similarity else quantile:.3g}" for quantile in quarters]


def _boxes(clusters: Sequence[int]) -> list[Part]:
    """The clusters outlined on the diagonal."""
    starts = [i for i, cluster in enumerate(clusters) if i == 0 or cluster != clusters[i - 1]]
    edges = [(start - 0.5, end - 0.5) for start, end in zip(starts, [*starts[1:], len(clusters)], strict=True)]
    return [_frame(edge, edge, OUTSIDE) for edge in edges]


def _frame(x: tuple[float, float], y: tuple[float, float], colour: str, *, width: int = 2) -> Part:
    line = {"color": colour, "width": width}
    return {"type": "rect", "xref": "x", "yref": "y", "x0": x[0], "x1": x[1], "y0": y[0], "y1": y[1], "line": line}


def _legend_height(traces: Sequence[Part]) -> int:
    """Room for the names of the families, in pixels."""
    width = sum(45 + 7 * len(str(trace["name"])) for trace in traces if "name" in trace)
    return 26 * ceil(width / _LEGEND_WIDTH) + 30


def _layout(labels: Sequence[str], Z: FloatMatrix | None, *, legend: int) -> Part:
    """Axes side by side: the tree's, the strip's and the heatmap's. All share the rows.

    Room for labels, colour bar and legend is made here: where Plotly has to find it, it draws everything twice.
    """
    n = len(labels)
    longest = max(map(len, labels))
    above, below = 84, 24 + 6 * longest + legend
    axis = {"showgrid": False, "zeroline": False, "ticks": "", "automargin": False, "ticklabeloverflow": "allow"}
    names = {"tickvals": list(range(n)), "ticktext": list(labels)}
    ends = (0, 0.2, 0.225) if Z is not None else (0, 0, 0.03)
    gap = 0.008
    layout = {
        "xaxis": axis | names | {"domain": [ends[2] + gap, 1], "range": [-0.5, n - 0.5], "tickangle": -90},
        "xaxis2": axis
        | {"domain": [ends[1] + gap * (ends[1] > 0), ends[2]], "range": [0, 1]}
        | {"visible": False, "fixedrange": True},
        "yaxis": axis | names | {"range": [n - 0.5, -0.5], "side": "right", "anchor": "x"},
        "height": n * cell_size(n) + above + below,
        "margin": {"t": above, "b": below, "l": 4, "r": 12 + 7 * longest},
        "bargap": 0,
        "barmode": "overlay",
        "hovermode": "closest",
        "legend": {
            "orientation": "h",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "x": 0,
            "title": {"text": "Traditional family"},
        },
    }
    if Z is not None:
        top = float(Z[-1, 2])
        ticks = {"tickvals": [top / 2], "ticktext": [f"distance,<br>0 to {top:.2g}"], "tickangle": 0}
        layout["xaxis3"] = axis | ticks | {"domain": [ends[0], ends[1]], "range": [top * 1.05, -top * 0.04]}
    return layout
