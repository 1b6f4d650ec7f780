"""One target in the centre of its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from pseudofam_core.charts.colours import FAINT, INSIDE, LEGEND_ABOVE, LINE
from pseudofam_core.charts.families import MOST_DRAWN, distance, n_drawn, point_colours, point_entries, point_symbol
from pseudofam_core.families.results import Neighbour, PseudoFamily
from pseudofam_core.families.spec import Rule
from pseudofam_core.languages import LanguagePair, pair_labels

_MOST_NAMED = 24
# Names stand outside of their points, by the eighth of the circle that these are in, clockwise from the top.
_OUTWARD = (
    "top center",
    "top right",
    "middle right",
    "bottom right",
    "bottom center",
    "bottom left",
    "middle left",
    "top left",
)


def family_edge(family: PseudoFamily) -> float:
    """The distance up to which the rule takes neighbours: the radius of the ring.

    `Rule.RADIUS`: the radius. `Rule.PAPER`: as far as the radius reached from the last member, where the next one was
    beyond it. Otherwise (a count ended the family) the distance of the last member.
    """
    last = max((neighbour for neighbour in family.neighbours if neighbour.member), key=lambda neighbour: neighbour.rank)
    if family.selection.rule is Rule.RADIUS:
        assert family.selection.initial_radius is not None  # SelectionSpec demands it
        return family.selection.initial_radius
    after = family.neighbours[last.rank] if last.rank < len(family.neighbours) else None
    reach = 0.0 if after is None or after.radius is None else after.radius
    return distance(family, last) + reach


def polar_figure(
    family: PseudoFamily, *, n_shown: int = MOST_DRAWN, looked_up: LanguagePair | None = None
) -> go.Figure:
    """Draw a target in the centre, its neighbours around it at their distances, and the edge of its family as a ring.

    Angles mean nothing but order: clockwise from the top, nearest first.

    Args:
        family: The target's family. Distances are 1 − w for similarities.
        n_shown: Neighbours drawn, nearest first: see `n_drawn`.
        looked_up: A pair to be pointed out.
    """
    shown = family.neighbours[: n_drawn(family, n_shown)]
    names = dict(zip(family.neighbours, pair_labels([neighbour.pair for neighbour in family.neighbours]), strict=True))
    edge = family_edge(family)
    figure = go.Figure()
    figure.add_trace(
        go.Scatterpolar(
            r=[edge] * 121,
            theta=list(range(0, 363, 3)),
            mode="lines",
            fill="toself",
            fillcolor=FAINT,
            line={"color": LINE, "dash": "dash", "width": 2},
            name="radius" if family.selection.rule is Rule.RADIUS else "edge of the family",
            hovertemplate=f"edge at {edge:.4g}<extra></extra>",
        )
    )
    for member in (True, False):
        _add_neighbours(figure, family, shown, names, member=member, looked_up=looked_up)
    figure.add_trace(
        go.Scatterpolar(
            r=[0],
            theta=[0],
            mode="markers",
            marker={"size": 16, "color": INSIDE, "symbol": "star"},
            name=family.target.label,
            hovertemplate=f"<b>{family.target.label}</b>, the target<extra></extra>",
        )
    )
    for name, marker in point_entries(family):
        figure.add_trace(go.Scatterpolar(r=[None], theta=[None], mode="markers", marker=marker, name=name))
    farthest = max(edge, *(distance(family, neighbour) for neighbour in shown))
    figure.update_polars(
        bgcolor="rgba(0,0,0,0)",
        angularaxis={
            "direction": "clockwise",
            "rotation": 90,
            "showticklabels": False,
            "ticks": "",
            "showgrid": False,
            "linecolor": FAINT,
        },
        radialaxis={
            "range": [0, farthest * 1.08 or 1],
            "angle": 0,
            "tickangle": 0,
            "nticks": 4,
            "gridcolor": FAINT,
            "linecolor": FAINT,
            "exponentformat": "power",
            "tickfont": {"color": LINE},
        },
    )
    figure.update_layout(
        height=620,
        margin={"t": 60, "b": 30, "l": 70, "r": 70},
        legend=LEGEND_ABOVE,
    )
    return figure


def _add_neighbours(
    figure: go.Figure,
    family: PseudoFamily,
    shown: Sequence[Neighbour],
    names: dict[Neighbour, str],
    *,
    member: bool,
    looked_up: LanguagePair | None,
) -> None:
    """Members filled, others hollow; a diamond is of the target's traditional family."""
    points = [neighbour for neighbour in shown if neighbour.member == member]
    angles = [360 * (neighbour.rank - 1) / len(shown) for neighbour in points]
    figure.add_trace(
        go.Scatterpolar(
            r=[distance(family, neighbour) for neighbour in points],
            theta=angles,
            mode="markers+text",
            text=[
                names[neighbour] if member or len(shown) <= _MOST_NAMED else neighbour.pair.language.code
                for neighbour in points
            ],
            textposition=[_OUTWARD[round(angle / 45) % len(_OUTWARD)] for angle in angles],
            marker={
                "size": 13,
                "symbol": [point_symbol(family, neighbour) for neighbour in points],
            }
            | point_colours(points, looked_up),
            customdata=[
                [names[neighbour], neighbour.rank, neighbour.value, neighbour.pair.language.traditional_family]
                for neighbour in points
            ],
            hovertemplate=(
                f"<b>%{{customdata[0]}}</b> (%{{customdata[3]}})<br>neighbour %{{customdata[1]}}, "
                f"{family.measure.label} %{{customdata[2]:.6g}}<extra></extra>"
            ),
            showlegend=False,
            cliponaxis=False,
        )
    )
