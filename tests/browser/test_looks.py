"""What is written in figures: that it can be read on its ground, stays within its figure, and lies over nothing else."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from driving.server import settled
from tests.contrast import contrast

LEAST = 4.5
VIEWS = (
    ("similarity", {"show": "Two languages", "of": "az-en", "with": "tr-en"}),
    ("similarity", {"show": "All measures"}),
    ("similarity", {"show": "Map"}),
    ("families", {"show": "Around the target"}),
    ("families", {"show": "How firm?"}),
)
# Of each text in a figure that is seen: words, colour, and its box within the figure's and the figure's number.
WRITTEN = """() => [...document.querySelectorAll(".js-plotly-plot")].flatMap((plot, number) => {
    const whole = plot.querySelector("svg.main-svg").getBoundingClientRect();
    return [...plot.querySelectorAll("svg.main-svg text")].filter(text => text.textContent.trim() && !text.closest(".hoverlayer"))
        .map(text => [text, text.getBoundingClientRect()]).filter(([text, box]) => box.width > 0)
        .map(([text, box]) => ({number, words: text.textContent, colour: getComputedStyle(text).fill,
            title: text.classList.contains("annotation-text"),
            left: box.left - whole.left, right: box.right - whole.left, top: box.top - whole.top, bottom: box.bottom - whole.top,
            width: whole.width, height: whole.height}))})"""
LAID_OUT = """() => [...document.querySelectorAll(".js-plotly-plot")]
    .every(one => one._fullLayout?.xaxis || one._fullLayout?.polar)"""
COVERED = """plot => {
    const bar = plot.querySelector(".modebar").getBoundingClientRect();
    return [...plot.querySelectorAll("svg.main-svg text")].filter(text => text.textContent.trim() && !text.closest(".hoverlayer"))
        .filter(text => {
            const box = text.getBoundingClientRect();
            return Math.min(box.right, bar.right) - Math.max(box.left, bar.left) > 1
                && Math.min(box.bottom, bar.bottom) - Math.max(box.top, bar.top) > 1;
        }).map(text => text.textContent)}"""
GROUND = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
PAPER = "() => document.querySelector('.js-plotly-plot')._fullLayout.paper_bgcolor"


def rgb(colour: str) -> list[float]:
    """Parts in [0, 1] of what a browser calls a colour."""
    return [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]


def drawn(page, address: str) -> list[dict]:
    """All that is written in the figures of a page."""
    page.goto(address)
    page.locator(".js-plotly-plot").last.wait_for(state="attached", timeout=180_000)
    settled(page)
    page.wait_for_function(
        "[...document.querySelectorAll('.js-plotly-plot')].every(one => one._fullLayout?.xaxis || one._fullLayout?.polar)"
    )
    written = page.evaluate(WRITTEN)
    assert written
    return written


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_that_is_written_in_figures_can_be_read(estimated, page, scheme):
    page.emulate_media(color_scheme=scheme)
    for name, view in VIEWS:
        written, ground = drawn(page, estimated(name, **view)), rgb(page.evaluate(GROUND))
        for text in written:
            assert contrast(rgb(text["colour"]), ground) >= LEAST, (name, view, text)


def test_nothing_written_leaves_its_figure_on_a_phone(estimated, page):
    page.set_viewport_size({"width": 390, "height": 900})
    for name, view in VIEWS:
        for text in drawn(page, estimated(name, **view)):
            assert min(text["left"], text["top"]) >= -1, (name, view, text)
            assert text["right"] <= text["width"] + 1, (name, view, text)
            assert text["bottom"] <= text["height"] + 1, (name, view, text)


def test_names_of_measures_lie_beside_each_other_on_a_phone(estimated, page):
    page.set_viewport_size({"width": 390, "height": 900})
    texts = drawn(page, estimated("similarity", show="All measures"))
    names = sorted((text for text in texts if text["number"] == 1 and text["title"]), key=lambda text: text["left"])
    assert len(names) == 4
    for first, second in pairwise(names):
        assert first["right"] <= second["left"], (first, second)


def test_the_toolbar_covers_no_words_on_a_phone(estimated, page):
    page.set_viewport_size({"width": 390, "height": 900})
    covered = []
    for name, view in VIEWS:
        drawn(page, estimated(name, **view))
        for number in range(page.locator(".js-plotly-plot").count()):
            figure = page.locator(".js-plotly-plot").nth(number)
            figure.hover(position={"x": 200, "y": 150})
            covered += [(name, view, number, words) for words in figure.evaluate(COVERED)]
    assert covered == []


def test_a_dark_theme_draws_light_figures_on_request(estimated, page):
    page.emulate_media(color_scheme="dark")
    drawn(page, estimated("families"))
    assert page.evaluate(PAPER) != "white"
    page.get_by_text("Light figures").click()
    page.wait_for_function(f"({PAPER})() === 'white'")
    settled(page)
    for text in page.evaluate(WRITTEN):
        assert contrast(rgb(text["colour"]), (1, 1, 1)) >= LEAST, text


def test_the_focus_of_the_menu_does_not_look_like_the_current_page(server, page):
    page.goto(server.address("lab"))
    settled(page)
    current, other = (page.get_by_role("link", name=name, exact=True).first for name in ("Lab", "Compare"))

    def outlines():
        other.focus()
        for key in ("Shift+Tab", "Tab"):  # the focus of a keyboard, not of a mouse
            page.keyboard.press(key)
        return [one.evaluate("link => getComputedStyle(link).outlineStyle") for one in (other, current)]

    assert any(outlines() == ["solid", "none"] for _ in range(10))  # a menu that is drawn anew loses the focus
