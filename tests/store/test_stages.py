"""Names and versions of stages are what caches on disk have."""

from __future__ import annotations

import pytest

from pseudofam_core.store.cache import Cache
from pseudofam_core.store.keys import canonical, key_of
from pseudofam_core.store.stages import Stage

SPEC = {"model": "sample", "seed": 1}


@pytest.mark.parametrize("stage", Stage)
def test_a_key_is_of_name_and_version(stage):
    assert stage.key(SPEC) == key_of(stage.value, stage.version, SPEC)
    assert stage.version_of(stage.key(SPEC), SPEC) == stage.version


def test_an_earlier_version_is_told_and_a_later_one_is_not():
    assert Stage.FISHER.version_of(key_of("fisher", 1, SPEC), SPEC) == 1
    assert Stage.FISHER.version_of(key_of("fisher", Stage.FISHER.version + 1, SPEC), SPEC) is None


def test_a_stage_is_its_folder(tmp_path):
    cache = Cache(tmp_path)
    stored = cache.store(Stage.FISHER, "k", spec=SPEC, summary={}, write=lambda folder: None)
    assert stored.folder == tmp_path / "fisher" / "k"
    assert stored.stage == Stage.FISHER == "fisher"
    assert cache.find("fisher", "k") is not None
    assert canonical(Stage.FISHER) == "fisher"
