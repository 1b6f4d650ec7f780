"""A newcomer's way through the app, in a real browser, with a real job on a real worker."""

from __future__ import annotations

import re

import pytest

from driving.server import settled

PAGES = ("", "estimates", "similarity", "families", "finetune", "compare", "transfer", "beside", "lab")


def test_from_nothing_to_a_family(server, page):
    page.goto(server.address("similarity"))
    page.get_by_text("Comparing takes two estimated pairs or more").wait_for()
    page.get_by_role("button", name="Estimate 4 pairs").wait_for()
    page.get_by_role("link", name="Choose in Estimates").click()
    page.get_by_role("heading", name="Estimates").wait_for()
    settled(page)
    page.get_by_role("button", name="Run estimates").click()
    # Reload in the middle of the job: it goes on, and the page finds it.
    page.get_by_text(re.compile(r"\d of 4 pairs done")).first.wait_for()
    page.reload()
    page.get_by_text("all 4 pairs estimated").wait_for()
    page.get_by_text("4 of 4 pairs done").wait_for()

    page.get_by_role("link", name="See the similarities").click()
    page.locator(".js-plotly-plot").first.wait_for()
    page.locator(".js-plotly-plot").first.get_by_text("German · de").first.wait_for(state="attached")
    with page.expect_download() as download:
        page.get_by_role("button", name="Matrix as CSV").click()
    table = download.value.path().read_text().splitlines()
    assert [line.split(",")[0] for line in table if not line.startswith("#")] == [
        "target",
        "az-en",
        "de-en",
        "sv-en",
        "tr-en",
    ]

    page.get_by_role("link", name="Families", exact=True).first.click()
    page.get_by_role("heading", name="Families").wait_for()
    page.get_by_text("the family ends here").or_(page.get_by_text("in the family")).first.wait_for()
    page.get_by_role("tab", name="All targets").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="All families as CSV").click()
    families = [line for line in download.value.path().read_text().splitlines() if not line.startswith("#")]
    assert families[0].startswith("target,member,rank,distance,gap,radius,measure")
    assert {line.split(",")[0] for line in families[1:]} == {"az-en", "de-en", "sv-en", "tr-en"}


def test_the_server_may_be_killed_and_the_results_stay(server, page):
    server.kill()
    server.start()
    page.goto(server.address("estimates"))
    page.get_by_text("all 4 pairs estimated").wait_for()


def test_a_link_opens_the_same_view(server, page):
    page.goto(server.address("families"))
    settled(page)
    page.get_by_role("heading", name=re.compile(r"Azerbaijani · az: \d auxiliar")).wait_for()
    for label, option in (("Measure", "MSE"), ("Target", "Turkish · tr")):
        page.get_by_label(label, exact=True).first.click()
        page.get_by_role("option", name=option, exact=True).click()
        settled(page)
    page.get_by_role("heading", name=re.compile(r"Turkish · tr: \d auxiliar")).wait_for()
    colleague = page.context.new_page()
    colleague.goto(page.url)
    colleague.get_by_role("heading", name=re.compile(r"Turkish · tr: \d auxiliar")).wait_for()
    colleague.get_by_text("distance from Turkish · tr").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(800, "light"), (1440, "dark"), (1920, "light")])
def test_nothing_overflows(server, page, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for name in PAGES:
        page.goto(server.address(name))
        settled(page)
        page.get_by_role("heading", level=1).first.wait_for()
        assert page.locator("[data-testid=stException]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, name
