"""The real server, a real browser, and nothing of this machine's own cache."""

from __future__ import annotations

import os

import pytest

from driving.server import CHROMIUM, FLAGS, Server
from pseudofam_core.estimates import Workspace, computing
from pseudofam_core.jobs import engine
from pseudofam_core.store.cache import Cache

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="session")
def server(tmp_path_factory, saved_model, saved_corpus):
    running = Server(tmp_path_factory.mktemp("server"), saved_model, saved_corpus)
    yield running
    running.kill()
    running.log.close()
    engine.stop(running.cache)


@pytest.fixture(scope="session")
def bare_server(tmp_path_factory):
    """One without model and corpus, for what needs no page."""
    folder = tmp_path_factory.mktemp("bare")
    running = Server(folder, folder, folder)
    yield running
    running.kill()
    running.log.close()


@pytest.fixture(scope="session")
def estimated(server):
    """Address of a page whose pool is estimated, whatever other tests have done."""
    workspace = Workspace(model=str(server.model), corpus=str(server.corpus), seed=2)
    computing.estimate(workspace, cache=Cache(server.cache))
    return lambda name, **view: server.address(name, seed="2", **view)


@pytest.fixture(scope="session")
def browser():
    """Chromium. CI must have it; elsewhere its absence is a skip that says so."""
    if CHROMIUM is None:
        message = "The browser tests need Chromium (Debian: apt-get install chromium)."
        if os.environ.get("PSEUDOFAM_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with playwright.sync_playwright() as tool:
        chromium = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A page of a new visitor; what the console reports as an error fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("console", lambda message: errors.append(message.text) if _is_fault(message) else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.set_default_timeout(60_000)
    yield opened
    context.close()
    assert not errors


def _is_fault(message) -> bool:
    """An error of the console. On a link to a page below the root, Streamlit's client first looks for the server there."""
    return message.type == "error" and "/_stcore/" not in message.location.get("url", "")
