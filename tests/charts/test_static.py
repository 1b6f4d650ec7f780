"""Figures of rows as SVG: every mark stands where its number says."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import plotly.graph_objects as go
import pytest

from pseudofam_core.charts import gap_figure
from pseudofam_core.charts.static import static_svg
from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix

SVG = "{http://www.w3.org/2000/svg}"
PAIRS = tuple(pair(f"{code}-en") for code in ("be", "bg", "de", "sv", "tr", "uk"))
ROWS = {"tickvals": [0, 1], "ticktext": ["<b>one</b>", "a & b =<br>c"], "range": [1.6, -0.6]}


def family(rule=Rule.PAPER, radius=None):
    values = np.abs(np.subtract.outer(np.arange(6.0), np.arange(6.0) ** 1.3))
    matrix = PairwiseMatrix(PAIRS, (values + values.T) / 2, Measure.MSE)
    return select_family(matrix, PAIRS[0], selection=SelectionSpec(rule=rule, initial_radius=radius))


def drawn(figure: go.Figure) -> ET.Element:
    return ET.fromstring(static_svg(figure, alt="what it shows"))


def middle(mark: ET.Element) -> float:
    """Place across of a circle or of a polygon's corners."""
    if mark.tag == f"{SVG}circle":
        return float(mark.get("cx"))
    places = [float(corner.split(",")[0]) for corner in mark.get("points").split()]
    return (min(places) + max(places)) / 2


def points(*values: float, **trace) -> go.Figure:
    look = {"color": "#000000", "symbol": "circle"}
    one = {"type": "scatter", "mode": "markers", "x": list(values), "y": [0, 1][: len(values)], "marker": look} | trace
    return go.Figure({"data": [one], "layout": {"yaxis": ROWS, "xaxis": {"range": [0, 10]}}})


def test_neighbours_stand_at_their_distances():
    svg, chosen = drawn(gap_figure(family())), family()
    marks = [one for one in svg if one.tag in (f"{SVG}circle", f"{SVG}polygon")]
    at = np.array([middle(one) for one in marks][: len(chosen.neighbours)])  # the legend's come after
    values = np.array([one.value for member in (True, False) for one in chosen.neighbours if one.member == member])
    np.testing.assert_allclose(np.diff(at) / np.ptp(at), np.diff(values) / np.ptp(values), atol=1e-3)
    assert svg.find(f"{SVG}title").text == "what it shows"


def test_names_of_rows_and_axis_are_there():
    words = [text.text for text in drawn(gap_figure(family())).iter(f"{SVG}text")]
    for one in family().neighbours:
        assert any(word.startswith(one.pair.label) for word in words)
    assert "the family ends here" in words
    assert words[words.index("distance from Belarusian · be") + 1] == "(MSE)"


def test_a_fixed_radius_is_an_upright_line():
    svg = drawn(gap_figure(family(Rule.RADIUS, 2.0)))
    assert [one for one in svg.iter(f"{SVG}path") if one.get("stroke-dasharray")]


def test_an_interval_reaches_as_far_as_it_is():
    bars = {"type": "data", "array": [2.0, 1.0], "arrayminus": [1.0, 1.0]}
    svg = drawn(points(5.0, 8.0, error_x=bars))
    ends = [
        one.get("d")[1:].replace("H", " ").split() for one in svg.iter(f"{SVG}path") if one.get("stroke-width") == "2"
    ]
    (low, _, high), _ = [tuple(map(float, one)) for one in ends]
    first, second = (middle(one) for one in svg.iter(f"{SVG}circle"))
    unit = (second - first) / 3
    np.testing.assert_allclose([(first - low) / unit, (high - first) / unit], [1, 2], atol=0.01)


def test_without_an_axis_of_its_own_all_is_in_sight():
    figure = points(-3.0, 1e-9, error_x={"type": "data", "array": [1.0, 1.0]})
    figure.layout.xaxis.range = None
    at = [middle(one) for one in drawn(figure).iter(f"{SVG}circle")]
    assert len(at) == 2
    assert at[0] < at[1]


def test_a_point_beyond_the_axis_is_left_out():
    assert len(list(drawn(points(5.0, 11.0)).iter(f"{SVG}circle"))) == 1


def test_text_is_text():
    figure = points(5.0)
    figure.layout.yaxis.ticktext = ["<script>alert(1)</script>", "x"]
    svg = static_svg(figure, alt="<b>&")
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert "<title>&lt;b&gt;&amp;</title>" in svg


@pytest.mark.parametrize(
    "figure",
    [
        points(5.0, mode="lines"),
        points(5.0, marker={"color": "#000000", "symbol": "star"}),
        go.Figure({"data": [{"type": "heatmap", "z": [[1.0]]}], "layout": {"yaxis": ROWS}}),
        points(5.0).add_hline(1),
    ],
    ids=["lines", "star", "heatmap", "level line"],
)
def test_what_is_not_drawn_is_refused(figure):
    with pytest.raises(ValueError, match="to be drawn as SVG"):
        static_svg(figure, alt="")
