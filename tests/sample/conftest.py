"""The whole main job on the sample, done once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pseudofam_core.estimates import computing
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.store.cache import Cache


@pytest.fixture(scope="package")
def sample_estimates(tmp_path_factory):
    """The sample's 17 estimates and their cache; a shard for each pair, which changes no diagonal."""
    cache, n_threads = Cache(tmp_path_factory.mktemp("sample")), torch.get_num_threads()
    torch.set_num_threads(2)  # the longest work of all tests, and nothing runs beside it
    try:
        return computing.estimate(replace(Workspace(), shards=17), cache=cache), cache
    finally:
        torch.set_num_threads(n_threads)
