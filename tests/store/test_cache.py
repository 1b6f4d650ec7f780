from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from safetensors import SafetensorError

from pseudofam_core.errors import CacheError
from pseudofam_core.estimates.spec import Estimator, Workspace
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.store.cache import Cache, readable, write_atomically
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


def manifest_of(artifact, **changes):
    values = json.loads(artifact.file("manifest.json").read_text())
    return json.dumps({name: value for name, value in (values | changes).items() if value is not ...})


@pytest.mark.parametrize(
    "text",
    [
        lambda one: "[" * 200_000,
        lambda one: '{"files":' * 200_000,
        lambda one: "[]",
        lambda one: "null",
        lambda one: '"text"',
        lambda one: "1" * 5000,
        lambda one: "\ud800".encode("utf-8", "surrogatepass"),
        lambda one: manifest_of(one, n=8),
        lambda one: manifest_of(one, spec={"n": 8}),
        lambda one: manifest_of(one, digest=..., files=...),
        lambda one: manifest_of(one, digest=..., stage="another"),
        lambda one: manifest_of(one, digest=..., key="l" * 32),
        lambda one: manifest_of(one, digest=..., files={"../manifest.json": "x"}),
        lambda one: manifest_of(one, digest=..., files=[1]),
        lambda one: manifest_of(one, digest=..., files={"a.txt": None}),
        lambda one: manifest_of(one, digest=[]),
    ],
)
def test_whatever_a_manifest_holds_it_is_read_as_written_or_is_a_logged_miss(cache, caplog, text):
    stored = store(cache)
    made = text(stored)
    stored.file("manifest.json").write_bytes(made if isinstance(made, bytes) else made.encode())
    assert cache.find("stage", stored.key) is None
    assert "will be computed again" in caplog.text
    assert store(cache).manifest["n"] == 7
    assert cache.find("stage", stored.key) is not None


@pytest.mark.parametrize("name", ["manifest.json", "a.txt", "."])
def test_a_folder_or_a_file_in_the_place_of_the_other_is_a_logged_miss(cache, caplog, name):
    stored = store(cache)
    victim = stored.folder / name
    if name == ".":
        shutil.rmtree(stored.folder)
        stored.folder.write_text("in the way")
    else:
        victim.unlink()
        victim.mkdir()
    assert cache.find("stage", stored.key) is None
    assert "will be computed again" in caplog.text
    store(cache)
    assert cache.find("stage", stored.key) is not None


def test_a_pipe_in_the_place_of_a_file_stops_nobody(cache):
    stored = store(cache)
    stored.file("a.txt").unlink()
    os.mkfifo(stored.file("a.txt"))
    assert cache.find("stage", stored.key) is None


def test_exchanged_folders_are_logged_misses_and_are_mended(cache, caplog):
    one, two = store(cache, "one", "a" * 32), store(cache, "two", "b" * 32)
    for a, b in ((one.folder, cache.root / "x"), (two.folder, one.folder), (cache.root / "x", two.folder)):
        a.rename(b)
    assert [cache.find("stage", each.key) for each in (one, two)] == [None, None]
    assert caplog.text.count("will be computed again") == 2
    assert store(cache, "one", one.key).file("a.txt").read_text() == "one"


def test_an_artifact_of_another_spec_is_a_logged_miss(cache, caplog):
    stored = store(cache)
    assert cache.find("stage", stored.key, spec={"n": 7}) is not None
    assert cache.find("stage", stored.key, spec={"n": 8}) is None
    assert "another spec" in caplog.text


def test_an_artifact_from_before_manifests_had_digests_is_found_and_is_replaced_when_it_is_made_again(cache):
    stored = store(cache)
    stored.file("manifest.json").write_text(manifest_of(stored, digest=..., n=6))
    assert cache.find("stage", stored.key, spec={"n": 7}).manifest["n"] == 6
    assert store(cache).manifest["n"] == 7


def test_what_a_writer_that_was_killed_has_left_is_collected_and_what_one_holds_is_not(cache):
    store(cache)
    stage, old = cache.root / "stage", time.time() - 7200
    left, held, young = (stage / f".{name}.tmp" for name in ("left", "held", "young"))
    for one in (left, held, young):
        one.mkdir()
        (one / "half").write_text("half")
    for one in (left, held):
        os.utime(one, (old, old))
    handle = os.open(held, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    store(cache, key="m" * 32)
    os.close(handle)
    assert [one.exists() for one in (left, held, young)] == [False, True, True]


@pytest.mark.parametrize(
    ("umask", "file", "folder"), [(0o022, 0o644, 0o755), (0o002, 0o664, 0o775), (0o077, 0o600, 0o700)]
)
def test_modes_follow_the_umask(cache, umask, file, folder):
    def write(at: Path) -> None:
        (at / "a.txt").write_text("seven")
        (at / "a.txt").chmod(0o600)  # as some writers do

    before = os.umask(umask)
    try:
        stored = cache.store("stage", "k" * 32, spec={}, summary={}, write=write)
        write_atomically(cache.root / "note.json", "x")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((cache.root / one).stat().st_mode) for one in ("note.json", "stage")]
    modes += [stat.S_IMODE(one.stat().st_mode) for one in (stored.folder, *sorted(stored.folder.iterdir()))]
    assert modes == [file, folder, folder, file, file]


def test_a_safetensors_file_that_can_not_be_written_is_told(cache):
    def fail(folder: Path) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with pytest.raises(CacheError, match=r"No space left.*Free some space"):
        cache.store("stage", "k" * 32, spec={}, summary={}, write=fail)


def test_what_does_not_hold_what_its_stage_writes_is_a_logged_miss(cache, caplog):
    stored = store(cache)
    assert readable(stored, lambda one: one.manifest["n"]) == 7
    assert readable(None, lambda one: one.manifest["n"]) is None
    assert readable(stored, lambda one: one.manifest["missing"]["deep"]) is None
    assert readable(stored, lambda one: one.manifest["n"]["deep"]) is None
    assert caplog.text.count("will be computed again") == 2


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
