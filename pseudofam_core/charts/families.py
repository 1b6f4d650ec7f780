"""One target's neighbours and its family."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import plotly.graph_objects as go

from pseudofam_core.charts.colours import CHOSEN, FAINT, INSIDE, LINE, OUTSIDE, pair_labels
from pseudofam_core.languages import LanguagePair
from pseudofam_core.results import Neighbour, PseudoFamily
from pseudofam_core.specs import Rule


def gap_figure(
    family: PseudoFamily,
    *,
    n_shown: int = 14,
    mutual: Collection[LanguagePair] = (),
    found: LanguagePair | None = None,
) -> go.Figure:
    """Draw a target's neighbours on a distance axis, one row each, so that one sees where its family ends and why.

    Each row shows the step from the neighbour before it as a bar, within the reach of the radius that the step was held
    against (a pale band). A step longer than its band ends the family. By the fixed-radius rule the radius is a line.

    Args:
        family: The target's family. Distances are 1 − w for Overlap.
        n_shown: Neighbours drawn, nearest first; never fewer than the members and the one after.
        mutual: Members whose own families hold the target: marked in the rows' names.
        found: A pair to be pointed out.
    """
    shown = family.neighbours[: max(n_shown, len(family.members) + 1)]
    distances = [distance(family, one) for one in shown]
    figure = go.Figure()
    if family.selection.rule is Rule.PAPER:
        _add_reach(figure, shown, distances)
    _add_steps(figure, family, shown, distances)
    for member in (True, False):
        _add_points(figure, family, shown, distances, member=member, found=found)
    for name, marker in point_entries(family):
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=name))
    if family.selection.rule is Rule.PAPER and (first_out := _first_out(shown)):
        figure.add_annotation(
            x=distances[first_out.rank - 1],
            y=first_out.rank,
            text="the family ends here",
            font={"color": OUTSIDE},
            showarrow=False,
            xanchor="left",
            xshift=14,
        )
    if family.selection.rule is Rule.RADIUS:
        figure.add_vline(
            family.selection.initial_radius, line={"color": LINE, "dash": "dash", "width": 2}, annotation_text="radius"
        )
    _lay_out_gaps(figure, family, shown, mutual)
    return figure


def distance(family: PseudoFamily, one: Neighbour) -> float:
    """How far a neighbour is from the target: 1 − w for similarities."""
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
            marker={"color": FAINT, "line": {"color": LINE, "width": 1}},
            hovertemplate="radius %{x:.4g}<extra></extra>",
        )
    )


def _add_steps(figure: go.Figure, family: PseudoFamily, shown: Sequence[Neighbour], distances: Sequence[float]) -> None:
    """The step from the neighbour before, in the colour of the verdict where the step decided."""
    steps = [(one, distance) for one, distance in zip(shown, distances, strict=True) if one.gap is not None]

    def colour(one: Neighbour) -> str:
        if one.member:
            return INSIDE
        return OUTSIDE if family.selection.rule is Rule.PAPER and one.radius is not None else LINE

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
    figure: go.Figure,
    family: PseudoFamily,
    shown: Sequence[Neighbour],
    distances: Sequence[float],
    *,
    member: bool,
    found: LanguagePair | None,
) -> None:
    """The neighbours themselves: filled where they are members, a diamond where they are of the traditional family."""
    points = [(one, distance) for one, distance in zip(shown, distances, strict=True) if one.member == member]
    figure.add_trace(
        go.Scatter(
            x=[distance for _, distance in points],
            y=[one.rank for one, _ in points],
            mode="markers",
            marker={
                "size": 14,
                "symbol": [point_symbol(family, one) for one, _ in points],
            }
            | point_colours([one for one, _ in points], found),
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


def point_symbol(family: PseudoFamily, one: Neighbour) -> str:
    """A diamond where it is of the target's traditional family, else a circle; hollow where it is no member."""
    own = family.target.language.traditional_family
    return ("diamond" if one.pair.language.traditional_family == own else "circle") + ("" if one.member else "-open")


def point_colours(points: Sequence[Neighbour], found: LanguagePair | None) -> dict[str, Any]:
    """Marker settings: the colour of membership, and of what is pointed out. A hollow mark shows its fill as outline."""
    usual = [INSIDE if one.member else LINE for one in points]
    edges = [CHOSEN if one.pair == found else colour for one, colour in zip(points, usual, strict=True)]
    fills = [colour if one.member else edge for one, colour, edge in zip(points, usual, edges, strict=True)]
    return {"color": fills, "line": {"color": edges, "width": 2.5}}


def point_entries(family: PseudoFamily) -> list[tuple[str, dict[str, Any]]]:
    """Entries of the legend, apart from the points, which mix symbols: names and markers."""
    entries = (
        ("in the family", "circle", INSIDE),
        ("not in it", "circle-open", LINE),
        (f"also {family.target.language.traditional_family}", "diamond-open", LINE),
    )
    return [
        (name, {"size": 12, "symbol": symbol, "color": colour, "line": {"color": colour, "width": 2}})
        for name, symbol, colour in entries
    ]


def _first_out(shown: Sequence[Neighbour]) -> Neighbour | None:
    """The neighbour at which the radius ended the family, or None where its size did."""
    return next((one for one in shown if not one.member and one.radius is not None), None)


def _lay_out_gaps(
    figure: go.Figure, family: PseudoFamily, shown: Sequence[Neighbour], mutual: Collection[LanguagePair]
) -> None:
    names = pair_labels([one.pair for one in family.neighbours])
    labels = [
        f"{name}{' ⇄' if one.pair in mutual else ''}  {one.rank}" for name, one in zip(names, shown, strict=False)
    ]
    words = f"1 − {family.measure.label}" if family.measure.is_similarity else family.measure.label
    nearest, farthest = distance(family, shown[0]), distance(family, shown[-1])
    if family.selection.rule is Rule.RADIUS:
        farthest = max(farthest, family.selection.initial_radius or 0)
    room = farthest - nearest or abs(farthest) or 1
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
        # The first radius may reach far beyond all neighbours: its band leaves the figure.
        range=[nearest - 0.05 * room, farthest + 0.12 * room],
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
