"""A pool's matrix, its tree and the traditional families in one figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.cluster import hierarchy
from scipy.stats import rankdata

from pseudofam_core.charts.colours import CHOSEN, LINE, NEAR_IS_YELLOW, OUTSIDE, family_swatches, pair_labels
from pseudofam_core.clustering import Labels
from pseudofam_core.languages import LanguagePair
from pseudofam_core.results import FloatMatrix, PairwiseMatrix

_MOST_CLICKABLE = 40


def similarity_figure(
    matrix: PairwiseMatrix,
    *,
    order: Sequence[int],
    Z: FloatMatrix | None = None,
    clusters: Labels | None = None,
    chosen: tuple[int, int] | None = None,
    found: int | None = None,
) -> go.Figure:
    """Draw a matrix as a heatmap beside the traditional families, and its tree where it stands in the tree's order.

    Colours are spread evenly over the pool's values (by rank), yellow is near: distances of a few far languages would
    else leave no colours for the rest. A row is a target. Sizes (|KL|) decide, as they do in selection.

    A click on a cell returns ``customdata`` [target, auxiliary, …], on a merge of the tree [row of Z]: positions in the
    matrix's pairs, and in Z. In pools of more than 40 only the diagonal answers, with the same pair twice.

    Args:
        matrix: What to draw.
        order: Positions in the matrix's pairs, top to bottom and left to right.
        Z: The linkage, drawn left of the heatmap. `order` is then the order of its leaves.
        clusters: A label per pair, as `clustering.cut_by_number` gives; outlined on the diagonal, and the cut drawn
            through the tree. Only with Z.
        chosen: Target and auxiliary of the cell to be framed, positions in the matrix's pairs.
        found: Position of the pair whose name is to be pointed out.

    Raises:
        ValueError: `order` is no order of the pairs, or not the tree's.
    """
    n = len(matrix.pairs)
    if sorted(order) != list(range(n)):
        raise ValueError(f"order must name each of the {n} pairs once. Got {list(order)}.")
    if Z is not None and list(order) != hierarchy.leaves_list(Z).tolist():
        raise ValueError("order must be the order of Z's leaves. Take clustering.leaf_order(Z), or leave Z out.")
    widths = [0.2, 0.025, 0.775] if Z is not None else [0.03, 0.97]
    figure = make_subplots(cols=len(widths), column_widths=widths, horizontal_spacing=0.008, shared_yaxes=True)
    heat, strip = len(widths), len(widths) - 1
    if Z is not None:
        _add_tree(figure, Z)
    _add_family_strip(figure, [matrix.pairs[i] for i in order], column=strip)
    figure.add_trace(_heatmap(matrix, list(order)), row=1, col=heat)
    figure.add_trace(_cells(matrix, list(order)), row=1, col=heat)
    if Z is not None and clusters is not None:
        _add_cut(figure, Z, [int(clusters[i]) for i in order], column=heat)
    if chosen is not None:
        row, column = (list(order).index(one) for one in chosen)
        _frame(figure, (column - 0.5, column + 0.5), (row - 0.5, row + 0.5), colour=CHOSEN, column=heat)
    labels = pair_labels(matrix.pairs)
    _lay_out_similarity(figure, [f"<b>{labels[i]}</b>" if i == found else labels[i] for i in order], heat=heat)
    return figure


def _add_tree(figure: go.Figure, Z: FloatMatrix) -> None:
    """The tree as one line, root left; leaf i stands at height i."""
    drawn = hierarchy.dendrogram(Z, no_plot=True)
    # scipy puts leaf i at 5 + 10 i.
    y = np.array(drawn["icoord"]) / 10 - 0.5
    x = np.array(drawn["dcoord"])
    gaps = np.full((len(x), 1), np.nan)
    figure.add_trace(
        go.Scatter(
            x=np.hstack([x, gaps]).ravel(),
            y=np.hstack([y, gaps]).ravel(),
            mode="lines",
            line={"color": LINE, "width": 1.6},
            showlegend=False,
            hoverinfo="skip",
        ),
        row=1,
        col=1,
    )
    # A merge stands in the middle of its bracket.
    figure.add_trace(
        go.Scatter(
            x=x[:, 1],
            y=y[:, 1:3].mean(axis=1),
            mode="markers",
            marker={"color": LINE, "size": 8},
            customdata=_merge_rows(Z, x[:, 1])[:, None],
            showlegend=False,
            hovertemplate="joined at distance %{x:.4g}; click to cut here<extra></extra>",
        ),
        row=1,
        col=1,
    )
    top = float(Z[-1, 2])
    figure.update_xaxes(
        range=[top * 1.05, 0],
        tickvals=[top / 2],
        ticktext=[f"distance,<br>0 to {top:.2g}"],
        tickangle=0,
        ticks="",
        showgrid=False,
        col=1,
    )


def _add_family_strip(figure: go.Figure, pairs: Sequence[LanguagePair], *, column: int) -> None:
    """One bar per pair in the colour of its traditional family, and the legend."""
    for family, swatch in family_swatches(pairs).items():
        rows = [row for row, pair in enumerate(pairs) if pair.language.traditional_family == family]
        figure.add_trace(
            go.Bar(
                x=[1] * len(rows),
                y=rows,
                width=1,
                orientation="h",
                name=family,
                marker={"color": swatch.colour, "pattern": {"shape": swatch.pattern}, "line": {"width": 0}},
                hovertemplate=f"{family}<extra></extra>",
            ),
            row=1,
            col=column,
        )
    figure.update_xaxes(range=[0, 1], visible=False, fixedrange=True, col=column)


def _merge_rows(Z: FloatMatrix, drawn_heights: FloatMatrix) -> Labels:
    """Rows of Z in the order in which scipy draws the merges: by height, and among equals in the order drawn."""
    rows = np.empty(len(Z), dtype=np.int64)
    rows[np.argsort(drawn_heights, kind="stable")] = np.argsort(Z[:, 2], kind="stable")
    return rows


def _heatmap(matrix: PairwiseMatrix, order: list[int]) -> go.Heatmap:
    """The matrix, rows and columns in order; the diagonal left empty, for a pair is no auxiliary of its own."""
    colours, ticks = spread(matrix, order)
    return go.Heatmap(
        z=colours.astype(np.float32),
        **_pointing(matrix, order),
        colorscale=NEAR_IS_YELLOW,
        zmin=0,
        zmax=1,
        xgap=1,
        ygap=1,
        colorbar={
            "orientation": "h",
            "thickness": 10,
            "len": 0.7,
            "x": 1,
            "xanchor": "right",
            "y": 1,
            "yanchor": "bottom",
            "outlinewidth": 0,
            "title": {"text": f"{matrix.measure.label}: yellow is near", "side": "top"},
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "ticktext": ticks,
        },
    )


def _pointing(matrix: PairwiseMatrix, order: list[int]) -> dict[str, object]:
    """In a large pool the heatmap itself answers to pointing, in a small one the marks on its cells."""
    if len(order) <= _MOST_CLICKABLE:
        return {"hoverinfo": "skip"}
    return {
        "customdata": _both_ways(matrix, order),
        "hovertemplate": _cell_words(matrix, first=0),
        "hoverongaps": False,
    }


def _cells(matrix: PairwiseMatrix, order: list[int]) -> go.Scatter:
    """Unseen marks on the cells, which answer to pointing and clicking: Plotly's heatmaps return no click.

    In a large pool there are marks on the diagonal only: ten thousand of them would take a second to draw.
    """
    n = len(order)
    small = n <= _MOST_CLICKABLE
    rows, columns = np.nonzero(~np.eye(n, dtype=bool)) if small else (np.arange(n), np.arange(n))
    place = np.asarray(order)
    chosen = np.column_stack([place[rows], place[columns]])
    return go.Scatter(
        x=columns,
        y=rows,
        mode="markers",
        marker={"symbol": "square", "size": cell_size(n), "opacity": 0},
        showlegend=False,
        customdata=np.hstack([chosen, _both_ways(matrix, order)[rows, columns]]) if small else chosen,
        hovertemplate=_cell_words(matrix, first=2) if small else "<b>%{y}</b>: click to choose<extra></extra>",
    )


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


def spread(matrix: PairwiseMatrix, order: list[int]) -> tuple[FloatMatrix, list[str]]:
    """Nearness of each cell as its quantile in [0, 1], and the values at the five quarters."""
    distances = np.abs(matrix.distances)[np.ix_(order, order)]
    off = ~np.eye(len(order), dtype=bool)
    ranks = rankdata(-distances[off], method="average")
    colours = np.full(distances.shape, np.nan)
    colours[off] = (ranks - 1) / max(1, len(ranks) - 1)
    quarters = np.quantile(distances[off], [1, 0.75, 0.5, 0.25, 0])
    return colours, [f"{1 - one if matrix.measure.is_similarity else one:.3g}" for one in quarters]


def _add_cut(figure: go.Figure, Z: FloatMatrix, clusters: Sequence[int], *, column: int) -> None:
    """Outline the clusters on the diagonal, and draw the height of the cut through the tree."""
    starts = [i for i, one in enumerate(clusters) if i == 0 or one != clusters[i - 1]]
    for start, end in zip(starts, [*starts[1:], len(clusters)], strict=True):
        edges = (start - 0.5, end - 0.5)
        _frame(figure, edges, edges, colour=OUTSIDE, column=column)
    heights = np.concatenate([[0], Z[:, 2]])
    cut = len(clusters) - len(starts)
    above = heights[cut + 1] if cut + 1 < len(heights) else heights[-1] * 1.05
    figure.add_vline((heights[cut] + above) / 2, line={"color": OUTSIDE, "dash": "dot", "width": 2}, row=1, col=1)


def _frame(figure: go.Figure, x: tuple[float, float], y: tuple[float, float], *, colour: str, column: int) -> None:
    line = {"color": colour, "width": 2}
    figure.add_shape(type="rect", x0=x[0], x1=x[1], y0=y[0], y1=y[1], line=line, row=1, col=column)


def _lay_out_similarity(figure: go.Figure, labels: Sequence[str], *, heat: int) -> None:
    n = len(labels)
    figure.update_yaxes(range=[n - 0.5, -0.5], showgrid=False, zeroline=False, showticklabels=False)
    figure.update_yaxes(
        tickvals=list(range(n)), ticktext=labels, side="right", showticklabels=True, automargin=True, ticks="", col=heat
    )
    figure.update_xaxes(
        range=[-0.5, n - 0.5],
        tickvals=list(range(n)),
        ticktext=labels,
        tickangle=-90,
        showgrid=False,
        ticks="",
        col=heat,
    )
    figure.update_xaxes(zeroline=False)
    longest = max(map(len, labels))
    below, above = 24 + 6 * longest, 48
    figure.update_layout(
        height=n * cell_size(n) + above + below + 66,
        margin={"t": above, "b": below + 66, "l": 4, "r": 12 + 7 * longest},
        bargap=0,
        barmode="overlay",
        hovermode="closest",
        legend={
            "orientation": "h",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "x": 0,
            "title": {"text": "Traditional family"},
        },
    )
