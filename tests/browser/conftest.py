"""The real server, a real browser, and nothing of this machine's own cache."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest

from pseudofam_core.jobs import engine

playwright = pytest.importorskip("playwright.sync_api")
ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


class Server:
    """``streamlit run app.py`` on a free port, with a cache of its own."""

    def __init__(self, folder: Path, model: Path, corpus: Path) -> None:
        self.cache, self.model, self.corpus = folder / "cache", model, corpus
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = (folder / "server.log").open("w")
        self.start()

    def start(self) -> None:
        arguments = [
            "-m",
            "streamlit",
            "run",
            "app.py",
            "--server.port",
            str(self.port),
            "--server.address",
            "127.0.0.1",
        ]
        environment = {**os.environ, "PSEUDOFAM_CACHE": str(self.cache)}
        self.process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=self.log, stderr=self.log
        )
        deadline = time.monotonic() + 60
        while not self._healthy():
            assert self.process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def address(self, page: str = "", **view: str) -> str:
        """A page with the test's workspace in its address."""
        query = urlencode({"model": self.model, "corpus": self.corpus, **view})
        return f"http://127.0.0.1:{self.port}/{page}?{query}"

    def _healthy(self) -> bool:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{self.address().split('/?')[0]}/_stcore/health") as answer,
        ):
            return answer.status == 200
        return False


@pytest.fixture(scope="session")
def server(tmp_path_factory, saved_model, saved_corpus):
    running = Server(tmp_path_factory.mktemp("server"), saved_model, saved_corpus)
    yield running
    running.kill()
    running.log.close()
    engine.stop(running.cache)


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


def settled(page) -> None:
    """Wait until the app is connected and its script has ended."""
    page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
