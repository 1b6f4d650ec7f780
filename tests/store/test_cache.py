from __future__ import annotations

import errno
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pseudofam_core.errors import CacheError
from pseudofam_core.estimates.spec import Estimator, Workspace
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.store.cache import Cache, write_atomically
from pseudofam_core.store.keys import canonical, file_digest, files_digest, key_of


def store(cache: Cache, text: str = "seven", key: str = "k" * 32):
    return cache.store("stage", key, spec={"n": 7}, summary={"n": 7}, write=lambda at: (at / "a.txt").write_text(text))


def test_what_is_stored_is_found(cache):
    stored = store(cache)
    found = cache.find("stage", stored.key)
    assert found is not None
    assert found.file("a.txt").read_text() == "seven"
    assert found.manifest["n"] == 7
    assert list(cache.keys("stage")) == [stored.key]


def test_nothing_is_found_before(cache):
    assert cache.find("stage", "k" * 32) is None
    assert list(cache.keys("stage")) == []


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "manifest"])
def test_damage_is_a_logged_miss_and_is_mended_by_storing_again(cache, caplog, damage):
    stored = store(cache)
    victim = stored.file("a.txt")
    if damage == "flip":
        victim.write_text("eleven")
    elif damage == "truncate":
        victim.write_text("")
    elif damage == "delete":
        victim.unlink()
    else:
        stored.file("manifest.json").write_text("{")
    assert cache.find("stage", stored.key) is None
    assert str(stored.folder) in caplog.text
    store(cache)
    found = cache.find("stage", stored.key)
    assert found is not None
    assert found.file("a.txt").read_text() == "seven"


def test_a_failed_write_leaves_nothing(cache):
    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CacheError, match=r"No space left.*Free some space"):
        cache.store("stage", "k" * 32, spec={}, summary={}, write=fail)
    assert cache.find("stage", "k" * 32) is None
    assert list((cache.root / "stage").iterdir()) == []


def test_a_sound_artifact_of_another_process_is_kept(cache):
    first = store(cache, "seven")
    made = first.file("a.txt").stat().st_ino
    assert store(cache, "seven").file("a.txt").stat().st_ino == made


def test_an_unwritable_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="Choose another folder"):
        store(Cache(tmp_path / "file"))


def test_write_atomically_keeps_the_old_file_on_failure(tmp_path):
    path = tmp_path / "status.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\udc80")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@dataclass(frozen=True)
class Spec:
    a: int = 1
    label: str = field(default="x", metadata={"key": False})


def test_the_key_covers_every_field_but_labels():
    assert key_of("s", 1, Spec()) == key_of("s", 1, Spec(label="y"))
    assert len({key_of("s", 1, Spec()), key_of("s", 1, Spec(a=2)), key_of("s", 2, Spec()), key_of("t", 1, Spec())}) == 4


def test_every_field_of_a_workspace_changes_its_key():
    changed = [
        Workspace(model="m"),
        Workspace(corpus="c"),
        Workspace(pairs=(pair("be-en"),)),
        Workspace(split="dev"),
        Workspace(parameters="all"),
        Workspace(max_sentences=None),
        Workspace(max_length=128),
        Workspace(seed=2),
    ]
    assert len({key_of("s", 1, one) for one in [Workspace(), *changed]}) == len(changed) + 1


def test_canonical_is_plain_json_and_refuses_the_rest():
    assert json.dumps(canonical(Workspace(pairs=(pair("be-en"),)))) != ""
    assert canonical({"m": Measure.MSE, "e": Estimator.PER_SENTENCE}) == {"m": "mse", "e": "per-sentence"}
    with pytest.raises(TypeError, match="plain values"):
        canonical({"f": lambda: None})
    with pytest.raises(ValueError, match="JSON"):
        key_of("s", 1, {"x": float("nan")})


def test_digests_follow_the_bytes(tmp_path):
    (tmp_path / "a").write_text("one")
    before = file_digest(tmp_path / "a")
    (tmp_path / "a").write_text("other")
    assert file_digest(tmp_path / "a") != before
    (tmp_path / "b").write_text("two")
    both = [tmp_path / "a", tmp_path / "b"]
    assert files_digest(both, root=tmp_path) == files_digest(both[::-1], root=tmp_path)
    assert files_digest(both, root=tmp_path) != files_digest(both[:1], root=tmp_path)
