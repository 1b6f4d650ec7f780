"""Results as Plotly figures. Nothing is computed here that a page would have to trust; nothing knows of Streamlit.

Figures leave background and font to the theme of the page, so that one figure serves light and dark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.cluster import hierarchy
from scipy.stats import rankdata

from pseudofam_core.clustering import Labels
from pseudofam_core.languages import LanguagePair
from pseudofam_core.results import FloatMatrix, Neighbour, PairwiseMatrix, PseudoFamily
from pseudofam_core.specs import Rule

# Told apart by people of every kind of colour vision (Paul Tol's "muted"); the patterns carry on where colours run out.
_COLOURS = ("#88ccee", "#cc6677", "#ddcc77", "#117733", "#aa4499", "#44aa99", "#882255", "#999933", "#6a5acd")
_PATTERNS = ("", "/", "x", ".", "-")
_LINE = "#7d8b95"
_FAINT = "rgba(125, 139, 149, 0.25)"
_INSIDE = "#1a8fa8"
_OUTSIDE = "#d55e00"
_NEAR_IS_YELLOW = "Cividis"


@dataclass(frozen=True)
class Swatch:
    """How a traditional family is drawn: colour, and a Plotly pattern for more families than colours."""

    colour: str
    pattern: str


def family_swatches(pairs: Sequence[LanguagePair]) -> Mapping[str, Swatch]:
    """A swatch per traditional family of the pool, by name: the same ones however the pool is ordered or cut."""
    families = sorted({pair.language.traditional_family for pair in pairs})
    return {
        family: Swatch(_COLOURS[i % len(_COLOURS)], _PATTERNS[i // len(_COLOURS) % len(_PATTERNS)])
        for i, family in enumerate(families)
    }


def pair_labels(pairs: Sequence[LanguagePair]) -> tuple[str, ...]:
    """A name per pair, no two alike: ``Belarusian · be``, with the direction where the pool has a language twice."""
    count = Counter(pair.label for pair in pairs)
    return tuple(pair.label if count[pair.label] == 1 else f"{pair.label} ({pair})" for pair in pairs)


def similarity_figure(
    matrix: PairwiseMatrix, *, order: Sequence[int], Z: FloatMatrix | None = None, clusters: Labels | None = None
) -> go.Figure:
    """Draw a matrix as a heatmap beside the traditional families, and its tree where it stands in the tree's order.

    Colours are spread evenly over the pool's values (by rank), yellow is near: distances of a few far languages would
    else leave no colours for the rest. A row is a target. Sizes (|KL|) decide, as they do in selection.

    Args:
        matrix: What to draw.
        order: Positions in the matrix's pairs, top to bottom and left to right.
        Z: The linkage, drawn left of the heatmap. `order` is then the order of its leaves.
        clusters: A label per pair, as `clustering.cut_by_number` gives; outlined on the diagonal, and the cut drawn
            through the tree. Only with Z.

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
    labels = pair_labels(matrix.pairs)
    figure.add_trace(_heatmap(matrix, list(order)), row=1, col=heat)
    if Z is not None and clusters is not None:
        _add_cut(figure, Z, [int(clusters[i]) for i in order], column=heat)
    _lay_out_similarity(figure, [labels[i] for i in order], heat=heat)
    return figure


def gap_figure(family: PseudoFamily, *, n_shown: int = 14) -> go.Figure:
    """Draw a target's neighbours on a distance axis, one row each, so that one sees where its family ends and why.

    Each row shows the step from the neighbour before it as a bar, within the reach of the radius that the step was held
    against (a pale band). A step longer than its band ends the family. By the fixed-radius rule the radius is a line.

    Args:
        family: The target's family. Distances are 1 − w for Overlap.
        n_shown: Neighbours drawn, nearest first; never fewer than the members and the one after.
    """
    shown = family.neighbours[: max(n_shown, len(family.members) + 1)]
    distances = [_distance(family, one) for one in shown]
    figure = go.Figure()
    if family.selection.rule is Rule.PAPER:
        _add_reach(figure, shown, distances)
    _add_steps(figure, shown, distances)
    for member in (True, False):
        _add_points(figure, family, shown, distances, member=member)
    _add_point_legend(figure, family)
    if family.selection.rule is Rule.PAPER and (first_out := _first_out(shown)):
        figure.add_annotation(
            x=distances[first_out.rank - 1],
            y=first_out.rank,
            text="the family ends here",
            font={"color": _OUTSIDE},
            showarrow=False,
            xanchor="left",
            xshift=14,
        )
    if family.selection.rule is Rule.RADIUS:
        figure.add_vline(
            family.selection.initial_radius, line={"color": _LINE, "dash": "dash", "width": 2}, annotation_text="radius"
        )
    _lay_out_gaps(figure, family, shown)
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
            line={"color": _LINE, "width": 1.6},
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
            marker={"color": _LINE, "size": 5},
            showlegend=False,
            hovertemplate="joined at distance %{x:.4g}<extra></extra>",
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


def _heatmap(matrix: PairwiseMatrix, order: list[int]) -> go.Heatmap:
    """The matrix, rows and columns in order; the diagonal left empty, for a pair is no auxiliary of its own."""
    labels = np.array(pair_labels(matrix.pairs))[order]
    values = matrix.values[np.ix_(order, order)]
    ranks = neighbour_ranks(matrix)[np.ix_(order, order)]
    colours, ticks = _spread(matrix, order)
    hover = np.stack([values, ranks, values.T, ranks.T], axis=-1).astype(object)
    mutual = np.where((ranks == 1) & (ranks.T == 1), "Each is the other's nearest.", "")
    return go.Heatmap(
        z=colours,
        x=labels,
        y=np.arange(len(order)),
        customdata=np.concatenate(
            [hover, mutual[..., None], np.broadcast_to(labels[:, None, None], (*values.shape, 1))], axis=-1
        ),
        hovertemplate=(
            f"<b>%{{customdata[5]}}</b> as target, <b>%{{x}}</b> as auxiliary<br>"
            f"{matrix.measure.label} %{{customdata[0]:.4g}}, neighbour number %{{customdata[1]}} of {len(order) - 1}<br>"
            "The other way round: %{customdata[2]:.4g}, number %{customdata[3]}<br>%{customdata[4]}<extra></extra>"
        ),
        hoverongaps=False,
        colorscale=_NEAR_IS_YELLOW,
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


def neighbour_ranks(matrix: PairwiseMatrix) -> Labels:
    """Place of each auxiliary among its row's neighbours, 1 for the nearest by |distance|; 0 on the diagonal."""
    distances = np.abs(matrix.distances)
    np.fill_diagonal(distances, -1)
    return np.argsort(np.argsort(distances, axis=1, kind="stable"), axis=1, kind="stable")


def _spread(matrix: PairwiseMatrix, order: list[int]) -> tuple[FloatMatrix, list[str]]:
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
        low, high = start - 0.5, end - 0.5
        figure.add_shape(
            type="rect", x0=low, y0=low, x1=high, y1=high, line={"color": _OUTSIDE, "width": 2}, row=1, col=column
        )
    heights = np.concatenate([[0], Z[:, 2]])
    cut = len(clusters) - len(starts)
    above = heights[cut + 1] if cut + 1 < len(heights) else heights[-1] * 1.05
    figure.add_vline((heights[cut] + above) / 2, line={"color": _OUTSIDE, "dash": "dot", "width": 2}, row=1, col=1)


def _lay_out_similarity(figure: go.Figure, labels: Sequence[str], *, heat: int) -> None:
    n = len(labels)
    cell = min(30, max(13, 760 // n))
    figure.update_yaxes(range=[n - 0.5, -0.5], showgrid=False, zeroline=False, showticklabels=False)
    figure.update_yaxes(
        tickvals=list(range(n)), ticktext=labels, side="right", showticklabels=True, automargin=True, ticks="", col=heat
    )
    figure.update_xaxes(tickangle=-90, showgrid=False, ticks="", col=heat)
    figure.update_xaxes(zeroline=False)
    longest = max(map(len, labels))
    below, above = 24 + 6 * longest, 48
    figure.update_layout(
        height=n * cell + above + below + 66,
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


def _distance(family: PseudoFamily, one: Neighbour) -> float:
    return 1 - one.value if family.measure.is_similarity else one.value


def _add_reach(figure: go.Figure, shown: Sequence[Neighbour], distances: Sequence[float]) -> None:
    """How far the radius reached from the neighbour before."""
    tested = [(one, distance) for one, distance in zip(shown, distances, strict=True) if one.radius is not None]
    figure.add_trace(
        go.Bar(
            x=[one.radius for one, _ in tested],
            base=[distance - (one.gap or 0) for one, distance in tested],
            y=[one.rank for one, _ in tested],
            width=0.8,
            orientation="h",
            name="reach of the radius",
            marker={"color": _FAINT, "line": {"color": _LINE, "width": 1}},
            hovertemplate="radius %{x:.4g}<extra></extra>",
        )
    )


def _add_steps(figure: go.Figure, shown: Sequence[Neighbour], distances: Sequence[float]) -> None:
    """The step from the neighbour before, in the colour of the verdict where the step decided."""
    steps = [(one, distance) for one, distance in zip(shown, distances, strict=True) if one.gap is not None]

    def colour(one: Neighbour) -> str:
        if one.member:
            return _INSIDE
        return _LINE if one.radius is None else _OUTSIDE

    figure.add_trace(
        go.Bar(
            x=[one.gap for one, _ in steps],
            base=[distance - (one.gap or 0) for one, distance in steps],
            y=[one.rank for one, _ in steps],
            width=0.16,
            orientation="h",
            marker={"color": [colour(one) for one, _ in steps], "line": {"width": 0}},
            showlegend=False,
            hovertemplate="step %{x:.4g}<extra></extra>",
        )
    )


def _add_points(
    figure: go.Figure, family: PseudoFamily, shown: Sequence[Neighbour], distances: Sequence[float], *, member: bool
) -> None:
    """The neighbours themselves: filled where they are members, a diamond where they are of the traditional family."""
    own = family.target.language.traditional_family
    points = [(one, distance) for one, distance in zip(shown, distances, strict=True) if one.member == member]
    colour = _INSIDE if member else _LINE
    figure.add_trace(
        go.Scatter(
            x=[distance for _, distance in points],
            y=[one.rank for one, _ in points],
            mode="markers",
            marker={
                "size": 14,
                "color": colour,
                "symbol": [
                    ("diamond" if one.pair.language.traditional_family == own else "circle")
                    + ("" if member else "-open")
                    for one, _ in points
                ],
                "line": {"color": colour, "width": 2},
            },
            showlegend=False,
            customdata=[
                [one.pair.label, one.value, one.pair.language.traditional_family, one.reason] for one, _ in points
            ],
            hovertemplate=(
                f"<b>%{{customdata[0]}}</b> (%{{customdata[2]}})<br>{family.measure.label} %{{customdata[1]:.6g}}<br>"
                "%{customdata[3]}<extra></extra>"
            ),
        )
    )


def _add_point_legend(figure: go.Figure, family: PseudoFamily) -> None:
    """Entries of the legend, apart from the points, which mix symbols."""
    own = family.target.language.traditional_family
    entries = (
        ("in the family", "circle", _INSIDE),
        ("not in it", "circle-open", _LINE),
        (f"also {own}", "diamond-open", _LINE),
    )
    for name, symbol, colour in entries:
        marker = {"size": 12, "symbol": symbol, "color": colour, "line": {"color": colour, "width": 2}}
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=name))


def _first_out(shown: Sequence[Neighbour]) -> Neighbour | None:
    """The neighbour at which the radius ended the family, or None where its size did."""
    return next((one for one in shown if not one.member and one.radius is not None), None)


def _lay_out_gaps(figure: go.Figure, family: PseudoFamily, shown: Sequence[Neighbour]) -> None:
    names = pair_labels([one.pair for one in family.neighbours])
    labels = [f"{name}  {one.rank}" for name, one in zip(names, shown, strict=False)]
    words = "1 − Overlap" if family.measure.is_similarity else family.measure.label
    figure.update_yaxes(
        range=[len(shown) + 0.6, 0.4],
        tickvals=[one.rank for one in shown],
        ticktext=labels,
        automargin=True,
        ticks="",
        showgrid=True,
        zeroline=False,
    )
    figure.update_xaxes(
        title=f"distance from {family.target.label} ({words})",
        showgrid=False,
        zeroline=False,
        exponentformat="power",
        nticks=7,
    )
    figure.update_layout(
        height=34 * len(shown) + 110,
        margin={"t": 46, "b": 60, "l": 8, "r": 16},
        barmode="overlay",
        hovermode="closest",
        legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "x": 0},
    )
