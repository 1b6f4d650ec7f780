"""Links that ask for absurd things: every page shows its defaults, or says what is wrong in a line."""

import re
from pathlib import Path

import pytest

PAGES = ("estimates", "similarity", "families", "finetune", "compare", "transfer", "beside", "lab", "overview")
NUMBERS = ("nan", "inf", "-1", "9" * 400, "20000000000000")


def numbers_of_the_address():
    """Names of all number controls, looked up in the pages' own source."""
    root = Path(__file__).parents[2] / "pages"
    text = "\n".join(one.read_text(encoding="utf-8") for one in root.rglob("*.py"))
    named = set(re.findall(r'view_state\.(?:optional_)?number\(\s*"(\w+)"', text))
    named |= set(re.findall(r'count_input\(\s*(?:"[^"]+"|[\w.]+),\s*"(\w+)"', text))
    return sorted(named - {"page"})  # Compare's, which `open` has an argument of


def test_the_numbers_are_looked_up():
    assert {"seeds", "draws", "sentences", "k", "height", "largest", "updates", "beams"} <= set(
        numbers_of_the_address()
    )


@pytest.mark.parametrize("page", PAGES)
def test_numbers_out_of_bounds_are_nonsense(world, page):
    world.estimate("be", "uk", "tr")
    for value in NUMBERS:
        app = world.open(page, **dict.fromkeys(numbers_of_the_address(), value))
        assert not app.exception
        for one in app.number_input:
            assert one.value is None or one.min <= one.value <= one.max


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_twice_counts_once(world, page):
    world.estimate("be", "uk")
    twice = {"pairs": "be-en be-en uk-en", "arms": "single,single", "own": "uk-en,uk-en", "pins": "x x"}
    assert not world.open(page, **twice).exception
