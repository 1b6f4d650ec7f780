"""Real clicks of a mouse on figures: what is clicked is what is chosen."""

from __future__ import annotations

from urllib.parse import parse_qs, urlparse

import pytest

from driving.server import settled
from pseudofam_core.estimates import Estimator, Workspace, computing
from pseudofam_core.store.cache import Cache

CODES = ("az-en", "de-en", "sv-en", "tr-en")
# Where Plotly has drawn the data of an axis: place in the window of the point (x, y) of the first plot.
PLACE = """([x, y, xaxis]) => {
    const plot = document.querySelector(".js-plotly-plot"), box = plot.getBoundingClientRect(), layout = plot._fullLayout;
    const across = layout[xaxis], down = layout.yaxis;
    return [box.left + across._offset + across.l2p(x), box.top + down._offset + down.l2p(y)];
}"""
JOINTS = """() => {
    const trace = document.querySelector(".js-plotly-plot")._fullData.find(one => (one.hovertemplate || "").includes("cut here"));
    return [Array.from(trace.x), Array.from(trace.y), trace.xaxis.replace("x", "xaxis")];
}"""
ORDER = "() => document.querySelector('.js-plotly-plot')._fullLayout.yaxis.ticktext.map(String)"


@pytest.fixture
def similarity(estimated, page):
    """The Similarity page of four estimated pairs."""

    def opened(scheme: str):
        page.emulate_media(color_scheme=scheme)
        page.goto(estimated("similarity"))
        page.locator(".js-plotly-plot").first.wait_for(state="attached", timeout=180_000)
        page.wait_for_function("document.querySelector('.js-plotly-plot')._fullLayout?.yaxis?._offset !== undefined")
        settled(page)
        return page

    return opened


def view_of(page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def click(page, x: float, y: float, xaxis: str = "xaxis") -> None:
    page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    left, top = page.evaluate(PLACE, [x, y, xaxis])
    page.mouse.move(left, top)
    page.mouse.click(left, top)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_click_on_a_cell_chooses_that_cell(similarity, scheme):
    page = similarity(scheme)
    names = page.evaluate(ORDER)
    codes = [next(one for one in CODES if one.split("-")[0] == name.rsplit("· ", 1)[1]) for name in names]
    for row, column in ((0, 1), (1, 0), (2, 3), (3, 1)):
        click(page, column, row)
        page.wait_for_url(lambda url, t=codes[row], a=codes[column]: f"of={t}" in url and f"with={a}" in url)
        settled(page)
        assert (view_of(page)["of"], view_of(page)["with"]) == (codes[row], codes[column])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_click_on_a_joint_cuts_there(similarity, scheme):
    page = similarity(scheme)
    heights, places, axis = page.evaluate(JOINTS)
    # Joints from the lowest: cut at the i-th (from 0) leaves n - 1 - i clusters.
    for rank, which in enumerate(sorted(range(len(heights)), key=heights.__getitem__)):
        click(page, heights[which], places[which], axis)
        page.wait_for_function("n => new URL(location).searchParams.get('clusters') === n", arg=str(3 - rank))
        settled(page)


POINTS = """(words) => [...document.querySelectorAll(".js-plotly-plot")].flatMap((plot, number) =>
    plot._fullData.filter(one => (one.hovertemplate || "").includes(words) && one.visible).map(one => ({
        number, codes: one.customdata.map(row => row[0]), x: Array.from(one.x), y: Array.from(one.y),
        axes: [one.xaxis.replace("x", "xaxis"), one.yaxis.replace("y", "yaxis")], strip: one.type === "bar"})))"""
PLACE_IN = """([number, x, y, axes]) => {
    const plot = document.querySelectorAll(".js-plotly-plot")[number];
    plot.scrollIntoView({block: "center"});
    const box = plot.getBoundingClientRect(), layout = plot._fullLayout, [across, down] = axes.map(name => layout[name]);
    return [box.left + across._offset + across.l2p(x), box.top + down._offset + down.l2p(y)];
}"""


def click_in(page, number, x, y, axes):
    """Click on a point of one of several figures, once it stands still and answers to the mouse."""
    place = page.evaluate(PLACE_IN, [number, x, y, axes])
    while (later := page.evaluate(PLACE_IN, [number, x, y, axes])) != place:
        place = later
    page.mouse.move(place[0] - 3, place[1])
    page.mouse.move(*place)
    page.locator(".js-plotly-plot").nth(number).locator(".hoverlayer .hovertext").first.wait_for()
    page.mouse.click(*place)


def mark(page, part, code):
    """Click on what a part of a figure shows of a language."""
    found = [one for one in page.evaluate(POINTS, "click to mark it") if code in one["codes"]]
    leaf, strip, on_map = (
        next(one for one in found if "2" not in one["axes"][0] and one["axes"][0] != "xaxis"),
        next(one for one in found if one["strip"]),
        next((one for one in found if one["axes"][0] == "xaxis"), None),
    )
    one = {"leaf": leaf, "strip": strip, "map": on_map}[part]
    place = one["codes"].index(code)
    x = 0.5 if part == "strip" else one["x"][place]
    click_in(page, one["number"], x, one["y"][place], one["axes"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_click_marks_a_language_and_another_lets_it_go(estimated, page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(estimated("similarity", show="Map"))
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length === 2", timeout=180_000)
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot')[1]._fullLayout?.yaxis?._offset !== undefined")
    settled(page)
    for part, code in (("leaf", "tr-en"), ("strip", "sv-en"), ("map", "de-en"), ("map", "az-en")):
        mark(page, part, code)
        page.wait_for_url(lambda url, c=code: f"find={c}" in url)
        settled(page)
    mark(page, "map", "az-en")
    page.wait_for_url(lambda url: "find=" not in url)
    settled(page)


def test_a_click_on_a_row_of_the_languages_marks_it(estimated, page):
    page.goto(estimated("similarity", show="Clusters"))
    table = page.locator("[data-testid=stDataFrame]").last
    table.scroll_into_view_if_needed(timeout=180_000)
    settled(page)
    box = table.bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + 35 + 35 // 2)  # the mark of the first row
    page.wait_for_url(lambda url: "find=" in url)
    settled(page)


def test_a_click_on_either_of_two_workspaces_frames_the_cell_in_both(estimated, server, page):
    computing.estimate(
        Workspace(model=str(server.model), corpus=str(server.corpus), seed=2, estimator=Estimator.SAMPLED),
        cache=Cache(server.cache),
    )
    page.goto(estimated("beside", other_estimator="sampled"))
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length === 2", timeout=180_000)
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot')[1]._fullLayout?.yaxis?._offset !== undefined")
    settled(page)
    for number in (0, 1):
        click_in(page, number, 1 + number, 0, ["xaxis", "yaxis"])
        page.wait_for_function(
            """x => [...document.querySelectorAll(".js-plotly-plot")].every(one =>
                one._fullLayout.shapes.length === 1 && one._fullLayout.shapes[0].x0 === x - 0.5)""",
            arg=1 + number,
        )
        settled(page)


BARS = """() => document.querySelector(".js-plotly-plot")._fullData
    .filter(one => one.type === "bar" && one.width === 0.16).flatMap(one =>
    Array.from(one.x).map((long, place) => ({long, x: one.base[place] + long / 2, y: one.y[place]})))"""


def test_pointing_at_a_step_of_the_gap_plot_tells_the_step(estimated, page):
    page.goto(estimated("families"))
    page.locator(".js-plotly-plot").first.wait_for(state="attached", timeout=180_000)
    page.wait_for_function("document.querySelector('.js-plotly-plot')._fullLayout?.yaxis?._offset !== undefined")
    settled(page)
    told = {}
    for bar in page.evaluate(BARS):
        place = page.evaluate(PLACE_IN, [0, bar["x"], bar["y"], ["xaxis", "yaxis"]])
        page.mouse.move(place[0] - 1, place[1])
        page.mouse.move(*place)
        label = page.locator(".hoverlayer .hovertext").first
        label.wait_for()
        if (said := label.text_content()).startswith("step "):  # where the bar is short, its point answers
            told[float(said.removeprefix("step "))] = bar["long"]
    assert told
    assert list(told) == pytest.approx(list(told.values()), rel=1e-3)
