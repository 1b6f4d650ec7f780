"""The view in the address, as far as it can be seen without a browser's history."""

import pytest

from pseudofam_core.similarity.measures import Measure
from tests.pages.conftest import CODES, PAIRS, said


def address(app):
    return {name: value[-1] if isinstance(value, list) else value for name, value in app.query_params.items()}


def links(app):
    """Where the links of the menu and of the page lead, by label."""
    return {one.proto.label: one.proto.query_string for one in app.get("page_link")}


def test_a_change_is_written_and_a_default_is_not(world):
    app = world.open("estimates")
    app.selectbox(key="measure").select(Measure.JACCARD).run()
    assert address(app)["measure"] == "jaccard"
    app.slider(key="k").set_value(0.25).run()
    assert address(app)["k"] == "0.25"
    app.selectbox(key="measure").select(Measure.OVERLAP).run()
    assert "measure" not in address(app)
    assert address(app)["k"] == "0.25"


def test_a_link_restores_every_control_of_the_sidebar(world):
    app = world.open(
        "overview",
        measure="jaccard",
        k="0.25",
        sentences="3",
        seed="7",
        parameters="attention",
        estimator="per-batch",
        pairs="be-en tr-en",
        find="tr-en",
    )
    assert not app.exception
    assert app.selectbox(key="measure").value.value == "jaccard"
    assert app.slider(key="k").value == 0.25
    assert app.number_input(key="sentences").value == 3
    assert app.number_input(key="seed").value == 7
    assert app.selectbox(key="parameters").value == "attention"
    assert app.selectbox(key="estimator").value.value == "per-batch"
    assert app.multiselect(key="pairs").value == [PAIRS[0], PAIRS[3]]
    assert app.selectbox(key="find").value == PAIRS[3]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"measure": "beauty"},
        {"k": "much"},
        {"k": "7"},
        {"k": "nan"},
        {"seed": "-1"},
        {"sentences": "0"},
        {"find": "xx-en"},
        {"pairs": "xx-en"},
        {"of": "xx"},
    ],
)
def test_nonsense_in_the_address_leaves_the_default(world, nonsense):
    world.estimate(*CODES)
    app, plain = world.open("estimates", **nonsense), world.open("estimates")
    assert not app.exception
    for key in ("measure", "find", "of"):
        assert app.selectbox(key=key).value == plain.selectbox(key=key).value
    assert app.slider(key="k").value == 0.4
    assert app.number_input(key="seed").value == 1
    assert app.number_input(key="sentences").value == 200
    assert app.multiselect(key="pairs").value == []


def test_an_emptied_number_comes_back_empty(world):
    app = world.open("overview", sentences="all")
    assert app.number_input(key="sentences").value is None


def test_links_take_the_view_along(world):
    app = world.estimate(*CODES).open("estimates", measure="kl")
    assert "measure=kl" in links(app)["Families"]
    app.selectbox(key="of").select(PAIRS[3]).run()
    assert "of=tr-en" in links(app)["Estimates"]
    assert "of=" not in links(app)["Families"]


def test_a_page_is_found_as_it_was_left(world):
    app = world.estimate(*CODES).open("estimates")
    app.selectbox(key="of").select(PAIRS[3]).run()
    app.query_params.pop("of")
    app.switch_page("lab.py").run()
    assert "of=tr-en" in links(app)["Estimates"]


def test_a_link_may_set_controls_of_its_page(world):
    tour = [one.proto.query_string for one in world.open().get("page_link") if one.proto.label == "Families"]
    assert "target=be-en" in tour[0] + tour[1]


def test_reset_clears_the_view_and_keeps_the_workspace(world):
    app = world.estimate(*CODES).open("estimates", measure="kl", k="0.3", find="tr-en", seed="1", of="tr-en")
    next(one for one in app.button if one.label == "Reset view").click().run()
    assert not app.exception
    assert set(address(app)) == {"model", "corpus", "seed"}
    assert app.selectbox(key="measure").value.value == "overlap"
    assert app.selectbox(key="of").value is None
    assert "of=" not in links(app)["Estimates"]


def test_running_jobs_are_counted_in_the_sidebar(world, monkeypatch):
    monkeypatch.setattr("pages.components.navigation.running_jobs", lambda *_: [object(), object()])
    assert "2 running" in said(world.open("lab"))
