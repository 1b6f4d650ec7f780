"""The Lab's page: drawn again, and its list of answers."""

from __future__ import annotations

from pseudofam_core import lab


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
