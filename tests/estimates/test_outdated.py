from dataclasses import replace

import pytest

from pseudofam_core.estimates.outdated import outdated_estimates
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Cache
from tests.cases_estimates import fisher_spec_of, keep_estimate

WORKSPACE = Workspace()
BE, UK = pair("be-en"), pair("uk-en")
SPECS = {BE: fisher_spec_of("be-en"), UK: fisher_spec_of("uk-en")}


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path)


def outdated(cache, workspace=WORKSPACE):
    return outdated_estimates(workspace, SPECS, cache)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"model_revision": "older"}, ("the model has changed",)),
        ({"text_digest": "older"}, ("the text has changed",)),
        ({"model_revision": "older", "text_digest": "older"}, ("the model has changed", "the text has changed")),
        ({"key": "0" * 32}, ("the estimator has changed",)),
    ],
)
def test_what_has_changed_is_said(cache, changes, reasons):
    old = keep_estimate(cache, "be-en", [1, 2], **changes)
    found = outdated(cache)
    assert list(found) == [BE]
    assert found[BE].artifact.key == old.key
    assert found[BE].reasons == reasons


def test_a_present_estimate_is_not_outdated_whatever_came_before(cache):
    keep_estimate(cache, "be-en", [1, 2], model_revision="older")
    keep_estimate(cache, "be-en", [1, 2])
    assert not outdated(cache)


def test_another_request_is_not_an_outdated_one(cache):
    keep_estimate(cache, "be-en", [1, 2], text_digest="other", workspace=replace(WORKSPACE, max_sentences=10))
    keep_estimate(cache, "tr-en", [1, 2], text_digest="other")  # not of the pool
    assert not outdated(cache)


def test_a_manifest_of_before_a_setting_existed_counts(cache, tmp_path):
    import json

    old = keep_estimate(cache, "be-en", [1, 2], model_revision="older")
    path = old.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["workspace"]["precision"]
    path.write_text(json.dumps(manifest))
    assert list(outdated(cache)) == [BE]


def test_a_broken_manifest_is_passed_over_and_logged(cache, caplog):
    old = keep_estimate(cache, "be-en", [1, 2], model_revision="older")
    (old.folder / "manifest.json").write_text("{}")
    assert not outdated(cache)
    assert "passed over" in caplog.text
