"""The address and the browser's history: a link opens the same view, Back undoes, Forward does again."""

from __future__ import annotations

import re

from driving.server import settled


def pick(page, label, option):
    page.get_by_label(label, exact=True).first.click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def shows(page, label, value):
    """Wait until the select box `label` shows `value`."""
    box = page.locator("[data-testid=stSelectbox]").filter(has=page.get_by_text(label, exact=True))
    box.locator(f"input[value='{value}']").or_(box.get_by_text(value, exact=True)).first.wait_for()


def queried(page, text):
    page.wait_for_url(re.compile(f".*{text}.*"))


def test_back_undoes_forward_does_again(server, page):
    page.goto(server.address("lab"))
    page.get_by_role("heading", name="Lab").wait_for()
    settled(page)
    before = page.evaluate("history.length")
    pick(page, "Measure", "MSE")
    queried(page, "measure=mse")
    pick(page, "Measure", "KL (normalised)")
    queried(page, "measure=kl-normalised")
    assert page.evaluate("history.length") == before + 2
    page.go_back()
    shows(page, "Measure", "MSE")
    queried(page, "measure=mse")
    page.go_back()
    shows(page, "Measure", "Overlap")
    assert "measure" not in page.url
    page.go_forward()
    shows(page, "Measure", "MSE")
    queried(page, "measure=mse")


def test_another_page_and_back_restores_the_controls_of_the_first(server, page):
    page.goto(server.address("estimates", of="tr-en", measure="mse"))
    page.get_by_role("heading", name="Estimates").wait_for()
    settled(page)
    before = page.evaluate("history.length")
    page.locator("[data-testid=stSidebar]").get_by_role("link", name="Lab", exact=True).click()
    page.get_by_role("heading", name="Lab").wait_for()
    settled(page)
    assert page.evaluate("history.length") == before + 1
    queried(page, "/lab.*measure=mse")
    assert "of=" not in page.url
    pick(page, "Measure", "KL")
    page.go_back()
    shows(page, "Measure", "MSE")
    page.go_back()
    page.get_by_role("heading", name="Estimates").wait_for()
    queried(page, "/estimates.*of=tr-en")
    shows(page, "Measure", "MSE")
    settled(page)
    # Over the menu the page is found as it was left, too.
    page.locator("[data-testid=stSidebar]").get_by_role("link", name="Overview", exact=True).click()
    page.get_by_role("heading", name="How it works").wait_for()
    page.locator("[data-testid=stSidebar]").get_by_role("link", name="Estimates", exact=True).click()
    queried(page, "/estimates.*of=tr-en")


def test_two_quick_changes_both_stay(server, page):
    """The second may leave the browser before the first has reached the address."""
    page.goto(server.address("lab"))
    page.get_by_role("heading", name="Lab").wait_for()
    settled(page)
    page.get_by_text("Workspace", exact=True).first.click()
    seed = page.get_by_label("Seed", exact=True)
    seed.wait_for()
    seed.fill("5")
    page.get_by_label("Sentences per pair", exact=True).fill("7")  # leaving the first box commits it
    page.keyboard.press("Enter")
    queried(page, "seed=5")
    queried(page, "sentences=7")
    settled(page)
    assert seed.input_value() == "5"


def test_reset_is_undone_by_back(server, page):
    page.goto(server.address("lab", measure="jaccard", k="0.3"))
    page.get_by_role("heading", name="Lab").wait_for()
    settled(page)
    page.get_by_role("button", name="Reset view").click()
    shows(page, "Measure", "Overlap")
    assert "measure" not in page.url
    page.go_back()
    shows(page, "Measure", "Jaccard")
    queried(page, "k=0.3")
