"""The explorer on the sample, as a visitor's browser meets it: weight of the first page, the first matrix, clicks and tabs."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

from driving.server import Server, settled
from pseudofam_core.estimates import Workspace, computing
from pseudofam_core.store.cache import Cache

SAMPLE = Path("sample")
_PLOT = ".js-plotly-plot"
_DRAWN = "() => document.querySelector('.js-plotly-plot .heatmaplayer image') !== null"
# Where the cell (column, row) of the matrix is in the window.
_CELL = """([column, row]) => {
    const plot = document.querySelector(".js-plotly-plot"), box = plot.getBoundingClientRect(), {xaxis, yaxis} = plot._fullLayout;
    return [box.left + xaxis._offset + xaxis.l2p(column), box.top + yaxis._offset + yaxis.l2p(row)];
}"""
_LINE = "() => [...document.querySelectorAll('strong')].map(bold => bold.innerText).find(words => words.includes(' with ')) ?? ''"
_FILLED = """() => [...document.querySelectorAll("[role=tabpanel]")].some(panel => getComputedStyle(panel).display !== "none"
    && panel.innerText && !panel.querySelector("[data-testid=stSpinner]"))"""
_CELLS = ((0, 1), (2, 5), (7, 3), (4, 9), (1, 0), (11, 2), (3, 12), (8, 6))
_TABS = {"All measures": "all_measures_s", "What it follows": "follows_s"}


def measured(browser: Browser) -> dict[str, float]:
    """Requests and megabytes of a first visit, and seconds that a visitor waits."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), SAMPLE, SAMPLE)
        try:
            computing.estimate(Workspace(), cache=Cache(server.cache))
            weight = _first_page(browser, server)
            first, page = _similarity_s(browser, server)
            next_one, other = _similarity_s(browser, server)
            other.close()
            waits = {"cell_s": _cell_s(page)} | {key: _tab_s(page, name) for name, key in _TABS.items()}
            page.close()
            return weight | {"similarity_first_s": first, "similarity_next_visitor_s": next_one} | waits
        finally:
            server.kill()


def _first_page(browser: Browser, server: Server) -> dict[str, float]:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    tool, sizes = page.context.new_cdp_session(page), list[float]()
    tool.send("Network.enable")
    tool.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(server.address())
    settled(page)
    page.wait_for_load_state("networkidle")
    page.context.close()
    return {"first_page_requests": len(sizes), "first_page_mb": round(sum(sizes) / 1e6, 2)}


def _similarity_s(browser: Browser, server: Server) -> tuple[float, Page]:
    """From a new visitor's address to the painted matrix."""
    page = browser.new_context(viewport={"width": 1440, "height": 1400}).new_page()
    page.set_default_timeout(120_000)
    begun = time.monotonic()
    page.goto(server.address("similarity"))
    page.wait_for_function(_DRAWN)
    seconds = round(time.monotonic() - begun, 2)
    settled(page)
    return seconds, page


def _cell_s(page: Page) -> float:
    """From the click on a cell to the line that tells of it."""
    waits = []
    for cell in _CELLS:
        page.wait_for_timeout(700)
        settled(page)
        before, place = page.evaluate(_LINE), page.evaluate(_CELL, cell)
        page.mouse.move(place[0] - 2, place[1])
        page.mouse.move(*place)
        page.locator(_PLOT).first.locator(".hoverlayer .hovertext").first.wait_for()
        begun = time.monotonic()
        page.mouse.click(*place)
        page.wait_for_function(f"before => ({_LINE})() !== before", arg=before)
        waits.append(time.monotonic() - begun)
    print("cells", [round(wait, 2) for wait in waits])
    return round(median(waits[1:]), 2)


def _tab_s(page: Page, name: str) -> float:
    """From the first click on a tab to all that it holds; later ones find what was computed, and are printed."""
    waits = []
    for _ in range(3):
        page.get_by_role("tab", name="Two languages").click()
        page.wait_for_timeout(700)
        settled(page)
        waits.append(_opened_s(page, name))
    print(name, [round(wait, 2) for wait in waits])
    return round(waits[0], 2)


def _opened_s(page: Page, name: str) -> float:
    begun = time.monotonic()
    page.get_by_role("tab", name=name).click()
    page.wait_for_function(_FILLED)
    settled(page)
    return time.monotonic() - begun
