"""The explorer in a real Chromium: how long a reader waits.

``python -m benchmarks.explorer``. First the sample: its first page, its first matrix, clicks and tabs. Then estimates of 17 and of
100 languages that are made up (their values do not matter to a page). The server is the real one, and a wait ends when the browser
has painted the changed figure. Needs Chromium.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright
from safetensors.numpy import save_file

from benchmarks import _explorer_sample
from driving.server import CHROMIUM, FLAGS, Server, settled
from pseudofam_core import estimates
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair, languages
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage

_N_MEASURED = 9
_LINES = ("A cat sleeps.", "It rains today.", "We bake bread.", "The train is late.")
# Resolves with the milliseconds from the key press to the first frame after the element changed.
_PAINTED = """
([selector, attribute]) => new Promise(done => {
    const read = () => {
        const found = document.querySelector(selector);
        return found && (attribute === "text" ? found.textContent : found.getAttribute(attribute) ?? found.innerHTML);
    };
    const before = read();
    let pressed = null;
    window.addEventListener("keydown", () => { pressed = performance.now(); }, {capture: true, once: true});
    const look = () => {
        const now = read();
        if (pressed !== null && now && now !== before) requestAnimationFrame(() => done(performance.now() - pressed));
        else requestAnimationFrame(look);
    };
    look();
})
"""
_HEATMAP = ("[class*=st-key-similarity_figure] .heatmaplayer image", "href")


def main() -> None:
    """Measure and print."""
    if CHROMIUM is None:
        raise SystemExit("The benchmark needs Chromium (Debian: apt-get install chromium).")
    result: dict[str, float] = {}
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        result |= _explorer_sample.measured(browser)
        for n in (17, 100):
            folder = Path(tempfile.mkdtemp())
            try:
                result |= _measured(browser, folder, n)
            finally:
                shutil.rmtree(folder)
        browser.close()
    print("RESULT", json.dumps(result))


def _measured(browser: Any, folder: Path, n: int) -> dict[str, float]:
    model, corpus = _pool(folder, n)
    started = time.monotonic()
    server = Server(folder, model, corpus)
    try:
        page = browser.new_page(viewport={"width": 1440, "height": 1400})
        page.set_default_timeout(120_000)
        page.goto(server.address())
        page.get_by_role("heading", name="Pseudo language families").wait_for()
        found = {} if n != 17 else {"first_page_s": round(time.monotonic() - started, 2)}
        settled(page)
        found[f"k_ms_{n}"] = _k_ms(page, server)
        if n == 17:
            found["radius_ms_17"] = _radius_ms(page, server)
            found["server_mib_5_users"] = _memory_of_users(browser, server)
        page.close()
    finally:
        server.kill()
    return found


def _pool(folder: Path, n: int) -> tuple[Path, Path]:
    """A folder that looks like a model, a corpus of n languages, and an estimate for each."""
    model, corpus = folder / "model", folder / "corpus"
    model.mkdir()
    (model / "config.json").write_text("{}")
    codes = sorted(code for code in languages() if code != "en")[:n]
    workspace = Workspace(model=str(model), corpus=str(corpus))
    for place, code in enumerate(codes):
        one = LanguagePair(code, "en")
        home = corpus / str(one)
        home.mkdir(parents=True)
        (home / f"train.{code}").write_text("".join(f"{line} {place}\n" for line in _LINES), encoding="utf-8")
        (home / "train.en").write_text("".join(f"{line}\n" for line in _LINES), encoding="utf-8")
    cache = Cache(folder / "cache")
    rng = np.random.default_rng(1)
    common = rng.lognormal(size=20_000)
    for code in codes:
        _keep(cache, workspace, LanguagePair(code, "en"), common * rng.lognormal(sigma=0.5, size=common.size))
    return model, corpus


def _keep(cache: Cache, workspace: Workspace, one: LanguagePair, diagonal: np.ndarray[Any, Any]) -> None:
    spec = estimates.fisher_spec(workspace, one)
    tensors = {"model.encoder.layers.0.fc1.weight": diagonal.astype(np.float32).reshape(200, 100)}
    summary: Mapping[str, Any] = {
        "workspace": workspace,
        "version": "benchmark",
        "n_sentences": 4,
        "n_source_tokens": 30,
        "n_target_tokens": 20,
        "n_parameters": diagonal.size,
        "loss": 50.0,
        "total": float(diagonal.sum()),
        "layer_mass": dict.fromkeys(tensors, 1.0),
        "seconds": 1.0,
    }
    key = estimates.fisher_key(spec)
    cache.store(
        Stage.FISHER,
        key,
        spec=spec,
        summary=summary,
        write=lambda folder: save_file(tensors, folder / estimates.FISHER_FILE),
    )


def _k_ms(page: Page, server: Server) -> float:
    """From the release of an arrow key on K's slider to the painted heatmap, on Similarity by Overlap."""
    page.goto(server.address("similarity", measure="overlap"))
    page.wait_for_selector(_HEATMAP[0])
    settled(page)
    slider = page.get_by_role("slider", name="Top share K")
    slider.focus()
    return _typical(page, _HEATMAP)


def _radius_ms(page: Page, server: Server) -> float:
    """From a step of the fixed radius to the painted family, on Families."""
    page.goto(server.address("families", measure="overlap", rule="radius"))
    settled(page)
    radius = page.get_by_role("spinbutton", name="Radius")
    radius.focus()
    return _typical(page, ("[class*=st-key-gap_figure] .scatterlayer", "innerHTML"), key="ArrowUp")


def _typical(page: Page, changed: tuple[str, str], *, key: str = "ArrowRight") -> float:
    """Median over several steps, the first not counted: it fills the caches that all later ones find."""
    waits = []
    for _ in range(_N_MEASURED + 1):
        page.wait_for_timeout(700)
        settled(page)
        page.evaluate("([code, args]) => { window.painted = eval(code)(args); }", [_PAINTED, list(changed)])
        page.keyboard.press(key)
        waits.append(page.evaluate("() => window.painted"))
    print(page.url.split("?")[0].split("/")[-1], [round(wait) for wait in waits])
    return round(median(waits[1:]))


def _memory_of_users(browser: Any, server: Server) -> float:
    """Resident memory of the server while five visitors look at Similarity."""
    visitors = [browser.new_page() for _ in range(5)]
    for place, visitor in enumerate(visitors):
        visitor.goto(server.address("similarity", measure="overlap", k=str(0.3 + 0.05 * place)))
        visitor.wait_for_selector(_HEATMAP[0])
        settled(visitor)
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    for visitor in visitors:
        visitor.close()
    return round(kib / 1024)


if __name__ == "__main__":
    main()
