"""Every page, in every state of its workspace."""

import pytest

from tests.pages.conftest import CODES, World, said

PAGES = ("overview", "estimates", "similarity", "families", "finetune", "compare", "lab")
NEED_A_POOL = ("overview", "estimates", "similarity", "families", "finetune")
_TITLES = {"overview": "Pseudo language families", "finetune": "Fine-tune"}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("estimated", [(), CODES[:1], CODES[:3], CODES])
def test_a_page_stands_whatever_is_estimated(world, page, estimated):
    app = world.estimate(*estimated).open(page)
    assert not app.exception
    assert app.title[0].value
    if page != "finetune":  # which says that this corpus has nothing to score with
        assert not app.error


@pytest.mark.parametrize("page", NEED_A_POOL)
def test_a_bad_model_is_said_with_the_way_out(world, page, tmp_path):
    app = world.open(page, model=str(tmp_path / "nowhere"))
    assert not app.exception
    assert "no such folder" in app.warning[0].value
    assert "Workspace" in said(app)


@pytest.mark.parametrize("page", NEED_A_POOL)
def test_a_missing_sample_model_is_said(world, page, tmp_path, monkeypatch):
    monkeypatch.setattr("pseudofam_core.hub.sample_model", lambda: tmp_path / "none")
    app = world.open(page, model="sample")
    assert not app.exception
    assert "sample model is missing" in app.warning[0].value


@pytest.mark.parametrize("page", NEED_A_POOL)
def test_a_bad_corpus_is_said_with_the_way_out(world, page, tmp_path):
    app = world.open(page, corpus=str(tmp_path / "nowhere"))
    assert not app.exception
    assert "no such file or folder" in app.warning[0].value


@pytest.mark.parametrize("page", NEED_A_POOL)
def test_a_split_that_is_not_there_names_those_that_are(world, page):
    app = world.open(page, split="dev")
    assert not app.exception
    assert "This corpus has: train." in said(app)


@pytest.mark.parametrize("page", ["similarity", "families", "finetune"])
def test_nothing_is_compared_with_fewer_than_two(world, page):
    app = world.estimate("be").open(page)
    assert "1 of 5" in app.info[0].value
    assert "Estimate them" in [one.value for one in app.page_link]


@pytest.mark.parametrize("page", ["similarity", "families"])
def test_a_partial_pool_is_shown_and_said(world, page):
    app = world.estimate("be", "uk", "tr").open(page)
    assert app.get("plotly_chart")
    assert "3 of 5 pairs estimated" in said(app)


@pytest.mark.parametrize("page", ["estimates", "similarity", "families"])
def test_pairs_of_different_sentences_are_warned_about(tmp_path, monkeypatch, page):
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(tmp_path / "cache"))
    world = World(tmp_path, same_sentences=False).estimate(*CODES)
    assert "share only 0%" in said(world.open(page))


def test_pairs_of_the_same_sentences_are_not(world):
    assert "share only" not in said(world.estimate(*CODES).open("similarity"))


def test_a_pair_that_cannot_be_read_does_not_hide_the_others(world):
    world.estimate("be", "uk")
    (world.cache.root.parent / "corpus" / "tr-en" / "train.en").write_bytes(b"\xff\xfe\n" * 4)
    app = world.open("estimates")
    assert not app.exception
    status = app.dataframe[0].value.set_index("Pair")["Status"]
    assert status["tr-en"] == "can't be read"
    assert status["be-en"] == "estimated"
    assert any("train.en" in one.value for one in app.warning)


def test_the_pool_is_narrowed_by_the_address(world):
    app = world.estimate("be", "uk").open("overview", pairs="be-en uk-en")
    assert app.metric[0].value == "2 of 2"


@pytest.mark.parametrize("page", PAGES)
def test_a_link_straight_to_a_page_of_a_fresh_server_goes_through_the_app(tmp_path, monkeypatch, page):
    # Without the world's fixture: as on a server whose first visitor comes by a link.
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(tmp_path / "cache"))
    app = World(tmp_path).estimate(*CODES).open(page)
    assert not app.exception
    assert app.title[0].value == _TITLES.get(page, page.title())
    assert app.selectbox(key="measure").label == "Measure"  # app.py's own part


def test_overview_names_the_next_step(world):
    assert "Go to Estimates" in said(world.open())
    assert "Estimate the rest" in said(world.estimate("be", "uk").open())
    last = said(world.estimate(*CODES).open())
    assert "All 5 pairs are estimated" in last
    assert "Estimate the rest" not in last
