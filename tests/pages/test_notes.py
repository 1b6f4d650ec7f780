"""Names and notes of runs, families and views, as the pages show, write and refuse them."""

import pytest

from pages.components.saved_views import subject_of, view_of
from pseudofam_core.jobs.limits import READ_ONLY
from pseudofam_core.store.notes import Note, Noted, keep_note, notes_of
from pseudofam_core.store.stages import Stage
from tests.pages.cases_finetuning import finished, with_tests
from tests.pages.conftest import CODES, said
from tests.pages.test_hostile_names import _MARKUP, NAMES, shown


def name_it(app, button, name, words=""):
    """Fill in the form whose button is called so."""
    form = next(one for one in app.button if one.label == button)
    same = form.proto.form_id
    next(one for one in app.text_input if one.proto.form_id == same).set_value(name)
    next(one for one in app.text_area if one.proto.form_id == same).set_value(words)
    return form.click().run()


def links(app):
    return {one.proto.label: one.proto for one in app.get("page_link")}


def test_a_view_is_kept_with_its_page_and_every_control(world):
    app = world.estimate(*CODES).open("families", target="tr-en", k="0.3")
    app = name_it(app, "Name this view", "Turkish at 30 %", "for the paper")
    assert not app.exception
    (note,) = notes_of(world.cache, Noted.VIEW).values()
    assert (note.name, note.words) == ("Turkish at 30 %", "for the paper")
    page, values = view_of(note.subject)
    assert page == "families"
    assert {"target": "tr-en", "k": "0.3", "model": world.workspace.model}.items() <= values.items()
    elsewhere = links(world.open("overview"))["Turkish at 30 %"]
    assert "target=tr-en" in elsewhere.query_string
    assert "k=0.3" in elsewhere.query_string
    assert elsewhere.page.endswith("families")


def test_a_view_of_the_present_page_opens_there(world):
    app = world.estimate(*CODES).open("families", target="tr-en", measure="mse")
    app = name_it(app, "Name this view", "Turkish by MSE")
    app.selectbox(key="measure").select_index(1).run()
    app.selectbox(key="target").select_index(0).run()
    assert "Turkish by MSE" not in links(app)
    next(one for one in app.button if one.label == "Turkish by MSE").click().run()
    assert not app.exception
    assert (str(app.selectbox(key="target").value), app.selectbox(key="measure").value) == ("tr-en", "mse")
    assert (app.query_params["target"], app.query_params["measure"]) == ("tr-en", "mse")


def test_a_view_is_removed(world):
    keep_note(world.cache, Note(Noted.VIEW, "lab?", "Old", "", 1.0))
    app = world.open("overview")
    next(one for one in app.button if one.key == "forget-lab?").click().run()
    assert not app.exception
    assert notes_of(world.cache, Noted.VIEW) == {}
    assert "Old" not in links(app)


@pytest.mark.parametrize(
    ("page", "values"),
    [("", {}), ("families", {"k": "0.3", "target": "be-en"}), ("lab", {"others": "a&b=c d/ü?", "x": ""})],
)
def test_an_address_comes_back_as_it_was(page, values):
    assert view_of(subject_of(page, values)) == (page, values)


def test_a_view_of_a_page_that_is_gone_is_no_link(world):
    keep_note(world.cache, Note(Noted.VIEW, "https://a.example/x?k=1", "Elsewhere", "", 1.0))
    app = world.open("overview")
    assert not app.exception
    assert "Elsewhere" not in links(app)
    assert "Elsewhere: of a page that this version does not have." in said(app)


def test_a_family_is_named_and_offered_for_comparison_in_its_workspace_alone(world):
    world.estimate(*CODES)
    app = name_it(world.open("families", target="tr-en"), "Name this family", "Turkic first")
    assert not app.exception
    assert len(notes_of(world.cache, Noted.FAMILY)) == 1
    app = world.open("families", target="be-en", show="Side by side")
    pinned = app.multiselect(key="pins")
    assert [one.split(":")[0] for one in pinned.options] == ["Turkic first"]
    pinned.select(pinned.options[0]).run()
    assert not app.exception
    table = next(one.value for one in app.dataframe if "Pinned" in one.value)
    assert table["Pinned"][0].startswith("Turkic first: Turkish")
    other = world.open("families", target="be-en", show="Side by side", pairs="be-en uk-en tr-en")
    assert not other.exception
    assert not [one for one in other.multiselect if one.key == "pins"]


@pytest.fixture
def scored(world):
    with_tests(world, "be")
    return [finished(world, "be", members, error=0.3) for members in ([], ["kk"])], world


def test_a_run_is_named_and_found_by_its_name(scored):
    (alone, _), world = scored
    app = world.open("compare")
    assert "Mark a row to give the run a name" in said(app)
    app.session_state["run_marked"] = alone.key
    app = name_it(app.run(), "Name this run", "Baseline", "first try")
    assert not app.exception
    table = next(one.value for one in app.dataframe if "key" in one.value).set_index("key")
    assert (table.loc[alone.key, "name"], table.loc[alone.key, "note"]) == ("Baseline", "first try")
    found = world.open("compare", runs_filter="baseline")
    assert [list(one.value["key"]) for one in found.dataframe if "key" in one.value] == [[alone.key]]


def test_a_name_is_changed_and_removed(scored):
    (alone, _), world = scored
    keep_note(world.cache, Note(Noted.RUN, alone.key, "First", "words", 1.0))
    app = world.open("compare")
    app.session_state["run_marked"] = alone.key
    app = app.run()
    app = name_it(app, "Name this run", "Second")
    assert notes_of(world.cache, Noted.RUN)[alone.key].name == "Second"
    next(one for one in app.button if one.label == "Remove the name").click().run()
    assert notes_of(world.cache, Noted.RUN) == {}


def test_an_empty_name_is_refused_in_words(world):
    app = name_it(world.open("overview"), "Name this view", "  ")
    assert "name must be a line" in app.error[0].value
    assert notes_of(world.cache, Noted.VIEW) == {}


def test_read_only_shows_names_and_writes_none(world, monkeypatch):
    keep_note(world.cache, Note(Noted.VIEW, "lab?", "Kept", "", 1.0))
    before = world.open("overview")  # a form of before the server was restarted
    monkeypatch.setenv(READ_ONLY, "1")
    app = world.open("overview")
    assert "Kept" in links(app)
    assert "Names and notes are only shown here" in said(app)
    assert not [one for one in app.button if one.label == "Name this view" or str(one.key).startswith("forget-")]
    name_it(before, "Name this view", "Late")
    assert [note.name for note in notes_of(world.cache, Noted.VIEW).values()] == ["Kept"]


def test_the_door_itself_is_shut(world, monkeypatch):
    """Whatever a page draws: what changes notes asks first."""
    from pages.components import notes

    keep_note(world.cache, Note(Noted.VIEW, "lab?", "Kept", "", 1.0))
    monkeypatch.setenv(READ_ONLY, "1")
    told = []
    monkeypatch.setattr(notes.st, "error", lambda words, **_: told.append(words))
    notes.forget(Noted.VIEW, "lab?")
    assert "read-only" in told[0].replace("\\", "")
    assert len(notes_of(world.cache, Noted.VIEW)) == 1


def test_names_are_shown_as_text(world):
    world.estimate(*CODES)
    for number, name in enumerate(NAMES):
        keep_note(world.cache, Note(Noted.VIEW, f"lab?k={number}", name, name, float(number)))
    app = world.open("families")
    assert not app.exception
    labels = [one.proto.label for one in app.get("page_link")] + [one.proto.help for one in app.get("page_link")]
    assert [text for text in (*shown(app), *labels) if _MARKUP.search(text)] == []
    assert sum("lab" in one.proto.page and "k=" in one.proto.query_string for one in app.get("page_link")) == len(NAMES)


def test_a_damaged_note_is_not_shown_and_breaks_nothing(world, caplog):
    keep_note(world.cache, Note(Noted.VIEW, "lab?", "Kept", "", 1.0))
    (manifest,) = (world.cache.root / Stage.NOTE).glob("*/manifest.json")
    manifest.write_text(manifest.read_text().replace("Kept", "Made up"))
    app = world.open("overview")
    assert not app.exception
    assert {"Kept", "Made up"}.isdisjoint(links(app))
