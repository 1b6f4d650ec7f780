"""``streamlit run app.py`` on a free port, and when a page of it has settled."""

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
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


class Server:
    """``streamlit run app.py`` on a free port, with a cache of its own; it reads below `roots`, or what it opens by itself."""

    def __init__(self, folder: Path, model: Path, corpus: Path, roots: str | None = "/") -> None:
        self.cache, self.model, self.corpus, self.roots = folder / "cache", model, corpus, roots
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = (folder / "server.log").open("w")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
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
        environment = {**os.environ, "PSEUDOFAM_CACHE": str(self.cache), "PSEUDOFAM_ROOTS": self.roots or ""}
        if self.roots is None:
            del environment["PSEUDOFAM_ROOTS"]
        self.process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=self.log, stderr=self.log
        )
        deadline = time.monotonic() + 60
        while not self._healthy():
            assert self.process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def address(self, page: str = "", **view: str) -> str:
        """The address of a page with the model and the corpus."""
        query = urlencode({"model": self.model, "corpus": self.corpus, **view})
        return f"http://127.0.0.1:{self.port}/{page}?{query}"

    def _healthy(self) -> bool:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{self.address().split('/?')[0]}/_stcore/health") as answer,
        ):
            return bool(answer.status == 200)
        return False


def settled(page: Any) -> None:
    """Wait until the app is connected and its script has ended."""
    page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
