"""Names and notes: kept, replaced, removed; bounded; never shown where they are not what was written."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pseudofam_core.errors import CacheError
from pseudofam_core.store import notes
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.notes import Note, Noted, keep_note, notes_of, remove_note
from pseudofam_core.store.stages import Stage

RUN = Note(Noted.RUN, "k" * 32, "Best so far", "two\nlines", 100.0)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def manifests(cache):
    return sorted((cache.root / Stage.NOTE).glob("*/manifest.json"))


def test_a_note_is_found_again_by_its_subject(cache):
    assert notes_of(cache, Noted.RUN) == {}
    keep_note(cache, RUN)
    keep_note(cache, replace(RUN, kind=Noted.VIEW, name="<b>*a* & :red[b]</b> ünï"))
    assert notes_of(cache, Noted.RUN) == {RUN.subject: RUN}
    assert notes_of(cache, Noted.VIEW)[RUN.subject].name == "<b>*a* & :red[b]</b> ünï"
    assert notes_of(cache, Noted.FAMILY) == {}


def test_a_later_note_takes_the_place_of_an_earlier_one_of_its_subject_alone(cache):
    other = replace(RUN, subject="other", written=99.0)
    for note in (RUN, other, replace(RUN, name="Second", written=101.0)):
        keep_note(cache, note)
    assert [note.name for note in notes_of(cache, Noted.RUN).values()] == ["Second", "Best so far"]
    assert len(manifests(cache)) == 2


def test_of_two_that_were_kept_at_once_the_newest_counts(cache):
    for note in (replace(RUN, name="New", written=200.0), RUN):
        cache.store(Stage.NOTE, Stage.NOTE.key(note), spec=note, summary={}, write=lambda folder: None)
    assert notes_of(cache, Noted.RUN)[RUN.subject].name == "New"


def test_a_removed_note_is_gone_and_others_stay(cache):
    keep_note(cache, RUN)
    keep_note(cache, replace(RUN, subject="other"))
    remove_note(cache, Noted.RUN, RUN.subject)
    remove_note(cache, Noted.RUN, "nobody")
    assert set(notes_of(cache, Noted.RUN)) == {"other"}
    assert [one.name for one in (cache.root / Stage.NOTE).iterdir()] == [manifests(cache)[0].parent.name]


@pytest.mark.parametrize("damage", ["text", "name", "cut", "link"])
def test_a_note_that_was_changed_is_not_shown(cache, damage, caplog):
    keep_note(cache, RUN)
    (manifest,) = manifests(cache)
    values = json.loads(manifest.read_text(encoding="utf-8"))
    if damage == "link":
        manifest.unlink()
        manifest.symlink_to("/nonexistent")
    else:
        values["spec"]["name"] = "Worst so far"
        if damage == "name":  # whoever leaves the digest away as well is betrayed by the key
            del values["digest"]
        changed = json.dumps(values)
        manifest.write_text(changed[:40] if damage == "cut" else changed, encoding="utf-8")
    assert notes_of(cache, Noted.RUN) == {}
    assert "missing" in caplog.text
    keep_note(cache, RUN)  # the same again heals it
    assert notes_of(cache, Noted.RUN) == {RUN.subject: RUN}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "name must be a line"),
        ({"name": "a\nb"}, "name must be a line"),
        ({"name": "n" * 81}, "name must have at most 80 characters. Got 81"),
        ({"words": "w" * 2001}, "words must have at most 2,000"),
        ({"subject": "s" * 8001}, "subject must have at most 8,000"),
    ],
)
def test_sizes_are_bounded(changes, words):
    with pytest.raises(ValueError, match=words):
        replace(RUN, **changes)


def test_the_number_is_bounded_and_a_known_one_may_still_change(cache, monkeypatch):
    monkeypatch.setattr(notes, "MOST_NOTES", 2)
    for subject in ("a", "b"):
        keep_note(cache, replace(RUN, subject=subject))
    with pytest.raises(CacheError, match="At most 2 notes of a run"):
        keep_note(cache, replace(RUN, subject="c"))
    keep_note(cache, replace(RUN, subject="a", name="Changed", written=101.0))
    keep_note(cache, replace(RUN, kind=Noted.VIEW, subject="c"))
    assert notes_of(cache, Noted.RUN)["a"].name == "Changed"


def test_a_folder_that_is_closed_is_said(cache, monkeypatch):
    keep_note(cache, RUN)

    def refuse(*_):
        raise PermissionError("closed")

    monkeypatch.setattr("pathlib.Path.rename", refuse)
    with pytest.raises(CacheError, match="can't be removed"):
        remove_note(cache, Noted.RUN, RUN.subject)
    with pytest.raises(CacheError, match="can't be written"):
        keep_note(cache, replace(RUN, name="Second", written=101.0))
