"""Real clicks of a mouse on figures: what is clicked is what is chosen."""

from __future__ import annotations

from urllib.parse import parse_qs, urlparse

import pytest

from driving.server import settled

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
