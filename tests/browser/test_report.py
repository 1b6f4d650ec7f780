"""The summary as a file: opened alone in a browser it fetches nothing, runs nothing, and fits."""

from __future__ import annotations

import re

import pytest

from driving.server import settled


@pytest.fixture
def file(estimated, page, tmp_path):
    """The file, downloaded from the page."""
    page.goto(estimated("families", show="Summary"))
    page.get_by_role("heading", name="What it rests on").wait_for(timeout=180_000)
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Summary as one file").click()
    assert re.fullmatch(r"family-\w\w-en-overlap\.html", download.value.suggested_filename)
    path = tmp_path / "summary.html"
    download.value.save_as(path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_file_stands_alone(file, page, scheme):
    page.emulate_media(color_scheme=scheme)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for width in (1440, 800, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert page.get_by_role("img").first.bounding_box()["height"] > 100
        assert page.get_by_role("heading", level=2).count() == 9
    assert set(requests) == {file.as_uri()}
    assert page.evaluate("document.scripts.length") == 0


def test_paper_is_light(file, page):
    page.emulate_media(color_scheme="dark", media="print")
    page.goto(file.as_uri())
    colours = "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color"
    assert page.evaluate(colours) == "rgb(255, 255, 255)rgb(0, 0, 0)"
    page.set_viewport_size({"width": 672, "height": 1000})  # what A4 has between the margins
    widest = (
        "Math.max(...Array.from(document.querySelectorAll('table, svg'), one => one.getBoundingClientRect().right))"
    )
    assert page.evaluate(widest) <= 672
    assert len(page.pdf(format="A4")) > 10_000
