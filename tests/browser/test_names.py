"""Names that are Markdown, as a browser shows them."""

import pytest

from driving.server import settled
from tests.pages.test_hostile_names import NAMES


@pytest.mark.parametrize("control", ["model", "corpus"])
def test_a_name_becomes_no_link_and_no_image(server, page, control):
    name = " ".join(NAMES)
    page.goto(server.address("estimates", **{control: name}))
    settled(page)
    warning = page.locator("[data-testid=stAlert]").first
    warning.locator("p").first.wait_for()  # the words come after the icon
    assert name in warning.inner_text().replace("\u2060", "")
    shown = page.locator("[data-testid=stAlert], [data-testid=stCaptionContainer]")
    assert shown.locator("a, img, .katex").count() == 0
