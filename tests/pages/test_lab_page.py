"""The Lab's page: drawn again, and its list of answers."""

from __future__ import annotations

import pytest

from pseudofam_core import lab
from tests.pages.conftest import CODES, said


def test_it_is_drawn_again_and_by_another_experiment(world):
    app = world.open("lab")
    for _ in range(2):
        assert not app.exception
        app.run()
    app.button_group(key="experiment").set_value("measures").run()
    assert not app.exception
    assert lab.experiment("measures").question in [heading.value for heading in app.subheader]
    assert not app.run().exception


def test_answers_on_other_texts_and_models_stand_in_the_list(world):
    app = world.open("lab", experiment="sensitivity")
    shown = [caption.value for caption in app.caption]
    for name, finding in list(lab.shipped(lab.experiment("content")).items())[1:]:
        assert any(said.startswith(f"**{name}** · ") and finding.answer[-40:-6] in said for said in shown)


@pytest.mark.parametrize(
    ("experiment", "refusal"),
    [
        ("foresight", "transfer matrix of this model"),
        ("models", "Got none"),
        ("corpora", "another text"),
        ("sentences", "6 pairs"),
    ],
)
def test_what_can_not_be_run_on_a_workspace_says_why_and_offers_no_run(world, experiment, refusal):
    app = world.open("lab", experiment=experiment)
    assert refusal in said(app)
    assert "Run" not in [button.label for button in app.button]


def test_the_cost_of_an_experiment_is_told_before_anything_is_estimated(world):
    app = world.open("lab", experiment="measures")
    assert "Run" in [button.label for button in app.button]
    assert "then about 1 s of computing" in said(app)
    app = world.estimate(*CODES).open("lab", experiment="measures")
    assert f"All {len(CODES)} estimates that it reads are finished: about 1 s of computing." in said(app)
