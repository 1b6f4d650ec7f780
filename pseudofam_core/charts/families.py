"""One target's neighbours and its family."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from pseudofam_core.charts.colours import CHOSEN, FAINT, INSIDE, LINE, OUTSIDE, Part
from pseudofam_core.families.results import Neighbour, PseudoFamily
from pseudofam_core.families.spec import Rule
from pseudofam_core.languages import LanguagePair, pair_labels

MOST_DRAWN = 24


def n_drawn(family: PseudoFamily, n_shown: int = MOST_DRAWN) -> int:
    """Neighbours that figures draw where they are to draw so many: never fewer than the members and the one after."""
    return min(len(family.neighbours), max(n_shown, len(family.members) + 1))


def gap_figure(
    family: PseudoFamily,
    *,
    n_shown: int = MOST_DRAWN,
    mutual: Collection[LanguagePair] = (),
    looked_up: LanguagePair | None = None,
) -> go.Figure:
    """Draw a target's neighbours on a distance axis, one row each, so that one sees where its family ends and why.

    Each row shows the step from the neighbour before it as a bar, within the reach of the radius that the step was held
    against (a pale band). A step longer than its band ends the family. By the fixed-radius rule the radius is a line.

    Args:
        family: The target's family. Distances are 1 − w for Overlap.
        n_shown: Neighbours drawn, nearest first: see `n_drawn`.
        mutual: Members whose own families hold the target: marked in the rows' names.
        looked_up: A pair to be pointed out.
    """
    shown = family.neighbours[: n_drawn(family, n_shown)]
    distances = [distance(family, neighbour) for neighbour in shown]
    by_gaps = family.selection.rule is Rule.PAPER
    traces = [_reach(shown, distances)] if by_gaps else []
    traces.append(_steps(family, shown, distances))
    traces += [_points(family, shown, distances, member=member, looked_up=looked_up) for member in (True, False)]
    traces += [
        {"type": "scatter", "x": [None], "y": [None], "mode": "markers", "marker": marker, "name": name}
        for name, marker in point_entries(family)
    ]
    layout = _layout(family, shown, mutual)
    if by_gaps and (first_out := _first_out(shown)):
        x = distances[first_out.rank - 1]
        # In the right half, where a narrow window would cut it off, it stands left, and below the step.
        far = x > (distances[0] + distances[-1]) / 2
        layout["annotations"] = [
            {
                "x": x,
                "y": first_out.rank,
                "text": "<b>the family ends here</b>",
                "showarrow": False,
                "xanchor": "right" if far else "left",
                "xshift": 0 if far else 14,
                "yshift": -17 if far else 0,
            }
        ]
    if family.selection.rule is Rule.RADIUS:
        layout |= _radius_line(family)
    # Put together once: a figure that is added to step by step is checked, and copied, at each.
    return go.Figure({"data": traces, "layout": layout})


def distance(family: PseudoFamily, neighbour: Neighbour) -> float:
    """How far a neighbour is from the target: 1 − w for similarities."""
    return 1 - neighbour.value if family.measure.is_similarity else neighbour.value


def _reach(shown: Sequence[Neighbour], distances: Sequence[float]) -> Part:
    """How far the radius reached from the neighbour before."""
    tested = [
        (neighbour, distance)
        for neighbour, distance in zip(shown, distances, strict=True)
        if neighbour.radius is not None
    ]
    return _from_the_one_before(tested, [neighbour.radius for neighbour, _ in tested], told="radius") | {
        "width": 0.8,
        "name": "radius",
        "marker": {"color": FAINT, "line": {"color": LINE, "width": 1}},
    }


def _steps(family: PseudoFamily, shown: Sequence[Neighbour], distances: Sequence[float]) -> Part:
    """The step from the neighbour before, in the colour of the verdict where the step decided."""
    steps = [
        (neighbour, distance) for neighbour, distance in zip(shown, distances, strict=True) if neighbour.gap is not None
    ]

    def colour(neighbour: Neighbour) -> str:
        if neighbour.member:
            return INSIDE
        return OUTSIDE if family.selection.rule is Rule.PAPER and neighbour.radius is not None else LINE

    return _from_the_one_before(steps, [neighbour.gap for neighbour, _ in steps], told="step") | {
        "width": 0.16,
        "marker": {"color": [colour(neighbour) for neighbour, _ in steps], "line": {"width": 0}},
        "showlegend": False,
    }


def _from_the_one_before(
    rows: Sequence[tuple[Neighbour, float]], lengths: Sequence[float | None], *, told: str
) -> Part:
    """Bars in the neighbours' rows that begin at the distance of the neighbour before; pointing at one tells its length."""
    return {
        "type": "bar",
        "base": [distance - (neighbour.gap or 0) for neighbour, distance in rows],
        "x": lengths,
        "y": [neighbour.rank for neighbour, _ in rows],
        "orientation": "h",
        # Of a bar that has a base, Plotly's own x is where it ends.
        "customdata": lengths,
        "hovertemplate": f"{told} %{{customdata:.4g}}<extra></extra>",
    }


def _points(
    family: PseudoFamily,
    shown: Sequence[Neighbour],
    distances: Sequence[float],
    *,
    member: bool,
    looked_up: LanguagePair | None,
) -> Part:
    """The neighbours themselves: filled where they are members, a diamond where they are of the traditional family."""
    points = [
        (neighbour, distance)
        for neighbour, distance in zip(shown, distances, strict=True)
        if neighbour.member == member
    ]
    look = {"size": 14, "symbol": [point_symbol(family, neighbour) for neighbour, _ in points]}
    return {
        "type": "scatter",
        "x": [distance for _, distance in points],
        "y": [neighbour.rank for neighbour, _ in points],
        "mode": "markers",
        "marker": look | point_colours([neighbour for neighbour, _ in points], looked_up),
        "showlegend": False,
        "customdata": [
            [neighbour.pair.label, neighbour.value, neighbour.pair.language.traditional_family, neighbour.reason]
            for neighbour, _ in points
        ],
        "hovertemplate": (
            f"<b>%{{customdata[0]}}</b> (%{{customdata[2]}})<br>{family.measure.label} %{{customdata[1]:.6g}}<br>"
            "%{customdata[3]}<extra></extra>"
        ),
    }


def point_symbol(family: PseudoFamily, neighbour: Neighbour) -> str:
    """A diamond where it is of the target's traditional family, else a circle; hollow where it is no member."""
    traditional = family.target.language.traditional_family
    mark = "diamond" if neighbour.pair.language.traditional_family == traditional else "circle"
    return mark if neighbour.member else f"{mark}-open"


def point_colours(points: Sequence[Neighbour], looked_up: LanguagePair | None) -> Part:
    """Marker settings: the colour of membership, and of what is pointed out. A hollow mark shows its fill as outline."""
    usual = [INSIDE if neighbour.member else LINE for neighbour in points]
    edges = [CHOSEN if neighbour.pair == looked_up else colour for neighbour, colour in zip(points, usual, strict=True)]
    fills = [colour if neighbour.member else edge for neighbour, colour, edge in zip(points, usual, edges, strict=True)]
    return {"color": fills, "line": {"color": edges, "width": 2.5}}


def point_entries(family: PseudoFamily) -> list[tuple[str, Part]]:
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
    return next((neighbour for neighbour in shown if not neighbour.member and neighbour.radius is not None), None)


def _radius_line(family: PseudoFamily) -> Part:
    """The fixed radius, across all rows, and its name."""
    x = family.selection.initial_radius
    across = {"xref": "x", "yref": "paper"}
    line = {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": {"color": LINE, "dash": "dash", "width": 2}}
    name = {"x": x, "y": 1, "text": "radius", "showarrow": False, "xanchor": "left", "yanchor": "top"}
    return {"shapes": [line | across], "annotations": [name | across]}


def _layout(family: PseudoFamily, shown: Sequence[Neighbour], mutual: Collection[LanguagePair]) -> Part:
    names = pair_labels([neighbour.pair for neighbour in family.neighbours])
    labels = [
        f"{name}{' ⇄' if neighbour.pair in mutual else ''}  {neighbour.rank}"
        for name, neighbour in zip(names, shown, strict=False)
    ]
    words = f"1 − {family.measure.label}" if family.measure.is_similarity else family.measure.label
    nearest, farthest = distance(family, shown[0]), distance(family, shown[-1])
    if family.selection.rule is Rule.RADIUS:
        farthest = max(farthest, family.selection.initial_radius or 0)
    room = farthest - nearest or abs(farthest) or 1
    return {
        "yaxis": {
            "range": [len(shown) + 0.6, 0.4],
            "tickvals": [neighbour.rank for neighbour in shown],
            "ticktext": labels,
            "automargin": False,
            "ticks": "",
            "showgrid": True,
            "zeroline": False,
            "ticklabeloverflow": "allow",
        },
        "xaxis": {
            "title": {
                "text": f"distance from {family.target.label}<br>({words})"
            },  # in two lines: a phone has no room for both
            # The first radius may reach far beyond all neighbours: its band leaves the figure.
            "range": [nearest - 0.05 * room, farthest + 0.12 * room],
            "showgrid": False,
            "zeroline": False,
            "exponentformat": "power",
            "nticks": 7,
            "automargin": False,
            "ticklabeloverflow": "allow",
        },
        "height": 34 * len(shown) + 128,
        "margin": {"t": 46, "b": 84, "l": 24 + 7 * max(map(len, labels)), "r": 16},  # what Plotly finds is drawn twice
        "barmode": "overlay",
        "hovermode": "closest",
        "legend": {"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "x": 0},
    }
