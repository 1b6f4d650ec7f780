"""Fixtures that several test modules share."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Set before torch and transformers are imported. Tests never ask the hub. Their models are so small that a second thread
# mostly waits, awake, and takes a core from the next test process.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.store.cache import Cache
from tests.cases import save_corpus, save_model

# An example that takes long tells of a busy machine, not of a bug.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


# Rooms whose tests start engines, servers and browsers: one process has them all, so that only one of these runs at a time.
_BUSY = ("browser", "faults", "jobs")


def pytest_collection_modifyitems(items):
    """The longest part first, else one of two processes waits for the other at the end."""
    items.sort(key=lambda item: _part(item.nodeid) != "busy")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """What each of several processes (``-n 2``) takes at a time: a file, or a room that shares what is dear."""
    from xdist.scheduler import LoadScopeScheduling

    class ByPart(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return _part(nodeid)

    return ByPart(config, log)


def _part(nodeid):
    file = nodeid.split("::")[0]
    room = file.split("/")[1]
    return "busy" if room in _BUSY else room if room == "sample" else file


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory):
    """The folder of a tiny M2M100."""
    return save_model(tmp_path_factory.mktemp("m2m100"), "m2m100")


@pytest.fixture(scope="session")
def saved_corpus(tmp_path_factory):
    """A Moses folder of four pairs."""
    return save_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def workspace(saved_model, saved_corpus):
    return Workspace(model=str(saved_model), corpus=str(saved_corpus))


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def machine_that(monkeypatch):
    """Make this machine compute in bfloat16, or emulate it, for whoever asks in this process."""
    from pseudofam_core.models import precision
    from pseudofam_core.models.machine import capability

    def make(able):
        monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: able)
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        capability.cache_clear()

    yield make
    capability.cache_clear()
