import io
import json
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from pseudofam_core import estimates
from pseudofam_core.errors import CacheError, DamagedArtifact
from pseudofam_core.exchange.archive import export_estimates, exported_size, import_estimates
from pseudofam_core.exchange.tables import read_families_csv
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage
from tests.cases_estimates import keep_estimate


@pytest.fixture
def kept(tmp_path):
    """Two estimates in a cache."""
    cache = Cache(tmp_path / "here")
    return [keep_estimate(cache, f"{code}-en", np.arange(6, dtype=np.float32)) for code in ("be", "uk")]


@pytest.fixture
def elsewhere(tmp_path):
    return Cache(tmp_path / "elsewhere")


def packed(kept):
    stream = io.BytesIO()
    export_estimates(kept, stream)
    return stream


def rewritten(stream, change):
    """The same zip with some of its members changed: `change` maps a name and its bytes to bytes, or None to drop it."""
    after = io.BytesIO()
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(after, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return after


def manifest_with(**changes):
    def change(name, content):
        return json.dumps({**json.loads(content), **changes}) if name.endswith("manifest.json") else content

    return change


def test_what_is_exported_comes_in_elsewhere(kept, elsewhere):
    found = import_estimates(packed(kept), elsewhere)
    assert [one.key for one in found] == sorted(one.key for one in kept)
    for one in kept:
        there = elsewhere.find(Stage.FISHER, one.key)
        assert there.file(estimates.FISHER_FILE).read_bytes() == one.file(estimates.FISHER_FILE).read_bytes()
        assert estimates.summarise(there).mean_loss == estimates.summarise(one).mean_loss
        assert there.manifest["estimated"] == one.manifest["created"]


def test_the_size_is_that_of_the_files(kept):
    files = [one.file(name).stat().st_size for one in kept for name in one.files]
    assert exported_size(kept) == sum(files)
    assert len(packed(kept).getvalue()) > exported_size(kept)


def test_what_is_there_already_is_left_alone(kept, elsewhere):
    import_estimates(packed(kept), elsewhere)
    first = elsewhere.find(Stage.FISHER, kept[0].key).manifest
    import_estimates(packed(kept), elsewhere)
    assert elsewhere.find(Stage.FISHER, kept[0].key).manifest == first


def test_one_flipped_byte_is_refused(kept, elsewhere):
    def flip(name, content):
        return content[:-1] + bytes([content[-1] ^ 1]) if name.endswith(".safetensors") else content

    with pytest.raises(DamagedArtifact, match="digest"):
        import_estimates(rewritten(packed(kept), flip), elsewhere)
    assert list(elsewhere.keys(Stage.FISHER)) == []


def test_a_missing_file_is_refused(kept, elsewhere):
    change = rewritten(packed(kept), lambda name, content: None if name.endswith(".safetensors") else content)
    with pytest.raises(DamagedArtifact, match="missing"):
        import_estimates(change, elsewhere)


def test_another_spec_under_the_same_key_is_refused(kept, elsewhere):
    spec = {**kept[0].manifest["spec"], "text_digest": "another"}
    with pytest.raises(CacheError, match="another version of the estimator"):
        import_estimates(rewritten(packed(kept[:1]), manifest_with(spec=spec)), elsewhere)


@pytest.mark.parametrize(
    "changes", [{"stage": "similarity"}, {"key": "0" * 32}, {"files": 3}, {"layer_mass": 1, "loss": "much"}]
)
def test_a_manifest_of_something_else_is_refused(kept, elsewhere, changes):
    with pytest.raises(CacheError, match="not that of an estimate"):
        import_estimates(rewritten(packed(kept), manifest_with(**changes)), elsewhere)


def test_a_path_out_of_the_cache_is_refused(kept, elsewhere):
    files = {**kept[0].files, "../../evil": "0" * 64}
    with pytest.raises(CacheError, match="laid out"):
        import_estimates(rewritten(packed(kept[:1]), manifest_with(files=files)), elsewhere)


def test_counts_that_are_not_the_files_are_refused(kept, elsewhere):
    with pytest.raises(DamagedArtifact, match="holds 6 numbers"):
        import_estimates(rewritten(packed(kept), manifest_with(n_parameters=7)), elsewhere)


def test_no_zip_and_an_empty_one_are_refused(elsewhere, tmp_path):
    with pytest.raises(CacheError, match="not a whole zip"):
        import_estimates(io.BytesIO(b"nothing"), elsewhere)
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(CacheError, match="no estimate"):
        import_estimates(empty, elsewhere)
    with pytest.raises(CacheError, match="can't be read"):
        import_estimates(tmp_path / "nowhere.zip", elsewhere)


def test_a_tensor_file_that_is_none_is_refused(kept, elsewhere, tmp_path):
    save_file({"x": np.zeros(3, np.float32)}, tmp_path / "x")
    digest = "4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865"  # of b"1"
    files = {estimates.FISHER_FILE: digest}

    def change(name, content):
        return manifest_with(files=files)(name, content) if name.endswith("manifest.json") else b"1\n"

    with pytest.raises(DamagedArtifact, match="not a safetensors file"):
        import_estimates(rewritten(packed(kept[:1]), change), elsewhere)


def test_families_of_two_columns():
    text = "be-en,uk-en\nbe-en,bg-en\ntr-en,kk-en\n"
    assert read_families_csv(text) == {
        pair("be-en"): (pair("uk-en"), pair("bg-en")),
        pair("tr-en"): (pair("kk-en"),),
    }


def test_families_with_a_header_comments_ranks_and_a_spreadsheets_habits():
    text = "\ufeff# model: sample\n\nrank;member;target\n2;bg-en;be-en\n1;'uk-en;be-en\n"
    assert read_families_csv(text) == {pair("be-en"): (pair("uk-en"), pair("bg-en"))}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("target,member\nbe-en\n", "Line 2 must have a target and a member"),
        ("be-en,xx-en\n", "Line 1: language"),
        ("be-en,be-en\n", "Line 1 makes be-en a member of its own family"),
        ("be-en,uk-en\n# again\nbe-en,uk-en\n", "Line 3 names uk-en for be-en a second time"),
        ("target,member,rank\nbe-en,uk-en,first\n", "Line 2 must have a number"),
    ],
)
def test_families_that_cannot_be_read_name_the_line(text, message):
    with pytest.raises(ValueError, match=message):
        read_families_csv(text)
