"""Every control says what it is for."""

from __future__ import annotations

import pytest

from tests.pages.cases_finetuning import with_tests
from tests.pages.conftest import CODES

KINDS = ("selectbox", "multiselect", "number_input", "text_input", "slider", "toggle", "checkbox", "radio", "pills")
# What stands around them says it: pinned families, and the form of a name and a note.
BARE = {"Pinned", "Name"}


@pytest.mark.parametrize(
    ("page", "view"),
    [
        ("estimates", {}),
        ("similarity", {}),
        ("similarity", {"order": "near"}),
        ("families", {}),
        ("families", {"rule": "radius", "show": "How firm?"}),
        ("finetune", {}),
        ("compare", {}),
        ("transfer", {}),
        ("beside", {}),
        ("lab", {}),
    ],
)
def test_every_control_has_help(world, page, view):
    app = with_tests(world, *CODES).estimate(*CODES).open(page, **view)
    assert not app.exception
    controls = [one for kind in KINDS for one in app.get(kind) if one.label not in BARE]
    assert controls
    assert [one.label for one in controls if not one.help] == []
