"""Zips that a stranger made: refused in a line, in little time and memory; what is taken in says where it comes from."""

import contextlib
import hashlib
import io
import json
import os
import struct
import zipfile
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from pseudofam_core import estimates
from pseudofam_core.errors import CacheError
from pseudofam_core.estimates import imported_pairs
from pseudofam_core.exchange.archive import export_estimates, import_estimates
from pseudofam_core.languages import pair
from pseudofam_core.similarity.pools import provenance
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage
from tests.cases_estimates import keep_estimate

FC1 = "model.encoder.layers.0.fc1.weight"


@pytest.fixture
def kept(tmp_path):
    return keep_estimate(Cache(tmp_path / "here"), "be-en", np.arange(6, dtype=np.float32))


@pytest.fixture
def elsewhere(tmp_path):
    return Cache(tmp_path / "elsewhere")


def forged(kept, *, files=None, manifest=None, named=None, **zipped):
    """The estimate's zip with other files, their digests put right, and other entries in its manifest."""
    files = {estimates.FISHER_FILE: kept.file(estimates.FISHER_FILE).read_bytes()} | (files or {})
    body = json.loads((kept.folder / "manifest.json").read_text(encoding="utf-8"))
    body |= {"files": {name: hashlib.sha256(one).hexdigest() for name, one in files.items()}, **(manifest or {})}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **zipped) as archive:
        archive.writestr(f"{kept.key}/manifest.json", json.dumps(body))
        for name, one in files.items():
            archive.writestr(f"{kept.key}/{name}", one)
        for name, one in (named or {}).items():
            archive.writestr(name, one)
    return stream


def refused(stream, cache):
    """What is said; nothing has reached the cache."""
    with pytest.raises(CacheError) as told:
        import_estimates(stream, cache)
    assert list(cache.keys(Stage.FISHER)) == []
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 1000
    return str(told.value)


def test_a_sound_one_passes(kept, elsewhere):
    assert [one.key for one in import_estimates(forged(kept), elsewhere)] == [kept.key]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([0, 1, 2, 3, 4, np.nan], np.float32), "finite"),
        (np.array([0, 1, 2, 3, 4, np.inf], np.float32), "finite"),
        (np.array([0, 1, 2, 3, -1, 10], np.float32), "none negative"),
        (np.arange(6), "must hold float32"),
        (np.arange(6, dtype=np.float64), "must hold float32"),
        (np.arange(6, dtype=np.float32) * 2, "adds up to 30"),
    ],
)
def test_numbers_that_no_estimator_writes_are_refused(kept, elsewhere, values, words):
    assert words in refused(forged(kept, files={estimates.FISHER_FILE: save({FC1: values})}), elsewhere)


@pytest.mark.parametrize(
    "changes",
    [
        {"workspace": None},
        {"workspace": {"max_sentences": 0}},
        {"workspace": {"parameters": "all"}},
        {"loss": -1},
        {"loss": float("nan")},
        {"loss": float("inf")},
        {"seconds": float("nan")},
        {"seconds": -1},
        {"n_sentences": 10**400},
        {"layer_mass": {"a": float("nan")}},
        {"layer_zeros": {"a": -1}},
        {"lorenz": [0, float("inf")]},
        {"convergence": {"counts": [1], "distance": [0.0], "split_half_correlation": 7}},
        {"created": "yesterday"},
        {"estimated": "yesterday"},
        {"created": None},
        {"spec": None},
        {"libraries": 3},
    ],
)
def test_manifests_that_no_estimator_writes_are_refused(kept, elsewhere, changes):
    assert "not that of an estimate" in refused(forged(kept, manifest=changes), elsewhere)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "null", "3", "\udcff", "", '{"key": 1e999'])
def test_json_that_is_no_manifest_is_refused(kept, elsewhere, text):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"{kept.key}/manifest.json", text.encode("utf-8", "surrogateescape"))
    assert "not that of an estimate" in refused(stream, elsewhere)


def test_what_the_estimator_does_not_write_is_left_out(kept, elsewhere):
    (found,) = import_estimates(forged(kept, manifest={"note": "x"}), elsewhere)
    assert "note" not in found.manifest


def test_shards_are_checked_too(kept, elsewhere):
    sound = {"values": np.ones((2, 3), np.float32), "counts": np.array([2, 2]), "positions": np.array([0, 2, 5])}
    import_estimates(forged(kept, files={estimates.SHARDS_FILE: save(sound)}), elsewhere)
    for place, wrong in enumerate(
        (
            {"values": -np.ones((2, 3), np.float32)},
            {"values": np.ones((2, 3))},
            {"values": np.ones((0, 3), np.float32), "counts": np.zeros(0, np.int64)},
            {"counts": np.array([2, 0])},
            {"counts": np.array([2.0, 2.0])},
            {"positions": np.array([0, 2, 6])},
            {"positions": np.array([0, 2, 2])},
            {"positions": np.array([0, 2])},
            {"more": np.zeros(1, np.float32)},
        )
    ):
        stream = forged(kept, files={estimates.SHARDS_FILE: save(sound | wrong)})
        assert estimates.SHARDS_FILE in refused(stream, Cache(elsewhere.root / str(place)))


def test_what_grows_when_it_is_unpacked_is_refused(kept, elsewhere):
    packed = forged(kept, named={"zeros": bytes(3 * 2**20)}, compression=zipfile.ZIP_DEFLATED)
    assert len(packed.getvalue()) < 10_000
    assert "not packed" in refused(packed, elsewhere)


def test_files_that_lie_within_one_another_are_refused(kept, elsewhere):
    """Two entries of the directory that name the same bytes: the kernel of every recursive zip."""
    content = forged(kept, named={"a": bytes(10**6)}).getvalue()
    end = content.rindex(b"PK\5\6")
    size, start = struct.unpack("<II", content[end + 12 : end + 20])
    directory = content[start:end]
    last = directory[directory.rindex(b"PK\1\2") :]
    count = struct.unpack("<H", content[end + 10 : end + 12])[0] + 2
    tail = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, size + 2 * len(last), start, 0)
    stream = io.BytesIO(content[:start] + directory + last * 2 + tail)
    assert "more room than the zip itself" in refused(stream, elsewhere)


def test_an_encrypted_one_is_refused(kept, elsewhere):
    content = bytearray(forged(kept).getvalue())
    for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        start = content.find(mark)
        while start >= 0:
            content[start + place] |= 1
            start = content.find(mark, start + 4)
    assert "encrypted" in refused(io.BytesIO(bytes(content)), elsewhere)


def test_a_large_manifest_or_directory_is_not_read(kept, elsewhere):
    large = forged(kept, manifest={"version": "x" * 9 * 2**20})
    assert "at most" in refused(large, elsewhere)
    many = forged(kept, named={f"{i:0{60_000}}": b"" for i in range(150)})
    assert "at once" in refused(many, elsewhere)


def test_broken_bytes_end_in_a_line(kept, elsewhere):
    """Any byte of a zip changed: refused, or taken in where it does not matter, and never anything else."""
    whole, drawn = forged(kept).getvalue(), np.random.default_rng(1)
    for place in drawn.integers(0, len(whole), 400):
        content = bytearray(whole)
        content[place] = int(drawn.integers(0, 256))
        with contextlib.suppress(CacheError):
            import_estimates(io.BytesIO(bytes(content)), elsewhere)
    for length in drawn.integers(0, len(whole), 50):
        refused(io.BytesIO(whole[:length]), Cache(elsewhere.root / "cut"))


def test_a_name_with_a_nul_ends_in_a_line(elsewhere):
    assert "not a whole zip" in refused(Path("a\0b.zip"), elsewhere)
    assert "can't be read" in refused(Path("x" * 10_000), elsewhere)


def all_refused(names, cache):
    for name in names:
        refused(Path(name), cache)


def test_only_regular_files_are_opened(tmp_path, elsewhere):
    os.mkfifo(tmp_path / "pipe")
    names = ("/dev/zero", "/dev/random", str(tmp_path / "pipe"), str(tmp_path))
    asked = get_context("spawn").Process(target=all_refused, args=(names, elsewhere))
    asked.start()
    asked.join(120)
    ended = asked.exitcode
    asked.kill()
    assert ended == 0


def test_an_imported_estimate_says_so(kept, elsewhere):
    own = keep_estimate(elsewhere, "uk-en", np.arange(6, dtype=np.float32))
    (found,) = import_estimates(forged(kept), elsewhere)
    pool = {pair("be-en"): found, pair("uk-en"): own}
    assert imported_pairs(pool) == (pair("be-en"),)
    assert provenance(pool)["imported"] == "be-en"
    assert "imported" not in provenance({pair("uk-en"): own})


def test_an_estimate_passed_on_keeps_its_first_time(kept, elsewhere, tmp_path):
    (found,) = import_estimates(forged(kept, manifest={"created": "2020-01-02T03:04:05+00:00"}), elsewhere)
    stream = io.BytesIO()
    export_estimates([found], stream)
    (again,) = import_estimates(stream, Cache(tmp_path / "third"))
    assert estimates.summarise(again).estimated == "2020-01-02T03:04:05+00:00"
