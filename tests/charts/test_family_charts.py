"""A target's neighbours as figures: around the target, over a control, and from traditional to pseudo families."""

import math

import numpy as np
import pytest

from pseudofam_core import charts
from pseudofam_core.charts.colours import CHOSEN, INSIDE
from pseudofam_core.charts.polar import family_edge
from pseudofam_core.families.breakpoints import radius_sweep
from pseudofam_core.families.selection import select_families, select_family
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix

PAIRS = tuple(pair(f"{code}-en") for code in ("be", "uk", "bg", "kk", "tr"))
PAPER = SelectionSpec()


def row(distances, measure=Measure.MSE):
    """A matrix whose first row is given; the others are far from all."""
    values = np.full((len(PAIRS), len(PAIRS)), 90.0 if measure is Measure.MSE else 0.01)
    values[0] = [0, *distances]
    return PairwiseMatrix(PAIRS, values, measure)


def neighbours(figure):
    """Drawn neighbours by name: (distance, symbol, outline)."""
    return {
        custom[0]: (r, symbol, edge)
        for trace in figure.data
        if trace.customdata is not None
        for r, symbol, edge, custom in zip(
            trace.r, trace.marker.symbol, trace.marker.line.color, trace.customdata, strict=True
        )
    }


def ring(figure):
    (radius,) = set(figure.data[0].r)
    return radius


def test_the_polar_view_has_distance_as_radius_and_members_filled():
    family = select_family(row([1, 4, 9, 20]), PAIRS[0], selection=SelectionSpec(rule=Rule.NEAREST, largest=2))
    drawn = neighbours(charts.polar_figure(family, looked_up=PAIRS[4]))
    assert drawn["Ukrainian · uk"][:2] == (1, "diamond")
    assert drawn["Bulgarian · bg"][:2] == (4, "diamond")
    assert drawn["Kazakh · kk"][:2] == (9, "circle-open")
    assert [name for name, (*_, edge) in drawn.items() if edge == CHOSEN] == ["Turkish · tr"]


def test_overlap_is_a_distance_in_the_polar_view():
    family = select_family(row([0.9, 0.8, 0.5, 0.2], Measure.OVERLAP), PAIRS[0], selection=PAPER)
    assert neighbours(charts.polar_figure(family))["Ukrainian · uk"][0] == pytest.approx(0.1)


def test_the_ring_is_the_fixed_radius():
    family = select_family(row([1, 4, 9, 20]), PAIRS[0], selection=SelectionSpec(Rule.RADIUS, 5.0))
    assert ring(charts.polar_figure(family)) == 5


def test_the_papers_ring_reaches_as_far_as_the_last_test_and_not_to_the_first_one_out():
    # Steps 3, 2, 8: the third neighbour is in, the radius is 2 then, and the fourth is 8 away.
    family = select_family(row([1, 4, 6, 14]), PAIRS[0], selection=PAPER)
    assert family_edge(family) == 8


@pytest.mark.parametrize("selection", [SelectionSpec(Rule.NEAREST, largest=3), SelectionSpec(largest=3)])
def test_the_ring_of_a_full_family_is_its_last_member(selection):
    assert family_edge(select_family(row([1, 4, 6, 7]), PAIRS[0], selection=selection)) == 6


def test_a_pool_that_is_all_in_has_a_ring():
    assert family_edge(select_family(row([1, 4, 6, 7]), PAIRS[0], selection=PAPER)) == 7


def test_far_neighbours_of_a_large_pool_are_left_out_but_never_members():
    family = select_family(row([1, 4, 6, 7]), PAIRS[0], selection=SelectionSpec(Rule.NEAREST, largest=2))
    assert len(neighbours(charts.polar_figure(family, n_shown=1))) == 3


def stretches(figure):
    return {
        (name, first, first + length): trace.name
        for trace in figure.data
        for name, first, length in zip(trace.y, trace.base, trace.x, strict=True)
    }


def test_the_strip_shows_each_neighbour_where_it_is_in():
    matrix, selection = row([1, 4, 9, 20]), SelectionSpec(Rule.RADIUS, 5.0)
    sweep = radius_sweep(matrix, PAIRS[0], selection=selection)
    order = [one.pair for one in select_family(matrix, PAIRS[0], selection=selection).neighbours]
    figure = charts.strip_figure(sweep, order=order, now=5.0, end=15.0, title="radius")
    assert stretches(figure) == {
        ("Ukrainian · uk", 0, 15): "member now",
        ("Bulgarian · bg", 0, 15): "member now",
        ("Kazakh · kk", 9, 15): "not now",
    }
    (now,) = figure.layout.shapes
    assert now.x0 == 5


def test_the_strip_has_the_nearest_at_the_top():
    matrix, selection = row([9, 4, 1, 20]), SelectionSpec(Rule.RADIUS, 50.0)
    sweep = radius_sweep(matrix, PAIRS[0], selection=selection)
    order = [one.pair for one in select_family(matrix, PAIRS[0], selection=selection).neighbours]
    figure = charts.strip_figure(sweep, order=order, now=50.0, end=60.0, title="radius")
    assert list(figure.layout.yaxis.categoryarray)[-1] == "Kazakh · kk"


def test_the_flow_counts_choices_between_traditional_families():
    values = np.full((5, 5), 9.0)
    for target, members in enumerate([(1, 2), (0, 2), (0, 3), (4, 0), (3, 1)]):
        values[target, list(members)] = 1
    families = select_families(
        PairwiseMatrix(PAIRS, values, Measure.MSE), selection=SelectionSpec(Rule.NEAREST, largest=2)
    )
    table = charts.flow_table(families)
    assert table.loc["Slavic"].to_dict() == {"Slavic": 5, "Turkic": 1}
    assert table.loc["Turkic"].to_dict() == {"Slavic": 2, "Turkic": 2}
    (heatmap,) = charts.flow_figure(families).data
    assert list(heatmap.y) == ["Slavic (3)", "Turkic (2)"]
    np.testing.assert_allclose(heatmap.z, [[5 / 6, 1 / 6], [0.5, 0.5]])


def test_nothing_chosen_is_empty():
    values = np.full((5, 5), 9.0)
    for target, members in enumerate([(1, 2), (0, 2), (0, 1), (4, 0), (3, 1)]):
        values[target, list(members)] = 1
    families = select_families(
        PairwiseMatrix(PAIRS, values, Measure.MSE), selection=SelectionSpec(Rule.NEAREST, largest=2)
    )
    (heatmap,) = charts.flow_figure(families).data
    assert math.isnan(heatmap.z[0][1])


def test_the_gap_plot_marks_mutual_choices_and_what_is_looked_for():
    family = select_family(row([1, 4, 9, 20]), PAIRS[0], selection=PAPER)
    figure = charts.gap_figure(family, mutual={PAIRS[1]}, looked_up=PAIRS[3])
    assert figure.layout.yaxis.ticktext[0] == "Ukrainian · uk ⇄  1"
    assert "⇄" not in figure.layout.yaxis.ticktext[1]
    edges = {
        custom[0]: (fill, edge)
        for trace in figure.data
        if trace.type == "scatter" and trace.customdata is not None
        for custom, fill, edge in zip(trace.customdata, trace.marker.color, trace.marker.line.color, strict=True)
    }
    assert edges["Kazakh · kk"] == (CHOSEN, CHOSEN)
    assert edges["Ukrainian · uk"] == (INSIDE, INSIDE)


def test_a_radius_that_reaches_far_does_not_squeeze_the_neighbours():
    family = select_family(row([1, 4, 6, 14]), PAIRS[0], selection=SelectionSpec(initial_radius=1e6))
    low, high = charts.gap_figure(family).layout.xaxis.range
    assert low < 1
    assert 14 < high < 20


def test_pointing_at_a_bar_of_the_gap_plot_tells_its_length_and_not_where_it_ends():
    family = select_family(row([1, 4, 6, 14]), PAIRS[0], selection=PAPER)
    radius, step = (trace for trace in charts.gap_figure(family).data if trace.type == "bar")
    assert list(radius.customdata) == list(radius.x) == [3, 2]
    assert list(step.customdata) == list(step.x) == [3, 2, 8]
    for trace in (radius, step):
        assert "%{customdata" in trace.hovertemplate
        assert "%{x" not in trace.hovertemplate  # of a bar that has a base, Plotly's x is where it ends
