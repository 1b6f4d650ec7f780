"""A small world for the pages: a folder that looks like a model, a corpus, estimates made by hand. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from streamlit.testing.v1 import AppTest

from pseudofam_core import estimates
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage

APP = Path(__file__).parents[2] / "pages" / "explorer.py"
CODES = ("be", "uk", "bg", "kk", "tr")
PAIRS = tuple(sorted(pair(f"{code}-en") for code in CODES))
_ENGLISH = ("A cat sleeps.", "It rains today.", "We bake bread.", "The train is late.")
_DIAGNOSTICS = {
    "lorenz": [0.0] + [0.6 + 0.004 * percent for percent in range(100)],
    "top_percent_share": 0.6,
    "layer_zeros": {f"model.encoder.layers.{i}.fc1.weight": 10 * i for i in range(4)},
    "layer_sizes": {f"model.encoder.layers.{i}.fc1.weight": 50 for i in range(4)},
    "convergence": {"counts": [2, 4], "distance": [0.5, 0.0], "split_half_correlation": 0.95},
}


class World:
    """Model folder, corpus and cache below one folder.

    Attributes:
        workspace: What the pages are asked to look at.
        cache: Where the estimates are.
        seed: Of the numbers of the estimates that are kept next.
    """

    seed = 0

    def __init__(self, folder: Path, *, same_sentences: bool = True) -> None:
        (folder / "model").mkdir(parents=True)
        (folder / "model" / "config.json").write_text("{}")
        for place, code in enumerate(CODES):
            english = _ENGLISH if same_sentences else [f"{code}: {line}" for line in _ENGLISH]
            (folder / "corpus" / f"{code}-en").mkdir(parents=True)
            for side, lines in ((code, [f"{line} {place}" for line in _ENGLISH]), ("en", english)):
                text = "\n".join(lines) + "\n"
                (folder / "corpus" / f"{code}-en" / f"train.{side}").write_text(text, encoding="utf-8")
        self.workspace = Workspace(model=str(folder / "model"), corpus=str(folder / "corpus"))
        self.cache = Cache(folder / "cache")

    def estimate(self, *codes: str, diagnostics: bool = False, n_zeros: int = 0) -> World:
        """Keep an estimate for each language, its numbers made up; with diagnostics as newer estimates have them.

        Of the 200 parameters the first `n_zeros` are exactly zero.
        """
        for code in codes:
            self._keep(code, _DIAGNOSTICS if diagnostics else {}, n_zeros)
        return self

    def open(self, page: str = "overview", **view: str | list[str]) -> AppTest:
        """The app with this world's workspace in its address, at a page."""
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params["model"] = self.workspace.model
        app.query_params["corpus"] = self.workspace.corpus
        for key, value in view.items():
            app.query_params[key] = value
        app.run()
        return app if page == "overview" else app.switch_page(f"{page}.py").run()

    def _keep(self, code: str, diagnostics: Mapping[str, object], n_zeros: int) -> None:
        one = pair(f"{code}-en")
        spec = estimates.fisher_spec(self.workspace, one)
        values = np.random.default_rng(self.seed + CODES.index(code)).gamma(1, size=(4, 50)).astype(np.float32)
        values.reshape(-1)[:n_zeros] = 0
        tensors = {f"model.encoder.layers.{i}.fc1.weight": row for i, row in enumerate(values)}
        summary = {
            "workspace": replace(self.workspace, pairs=None),
            "version": "test",
            "n_sentences": 4,
            "n_source_tokens": 30,
            "n_target_tokens": 20,
            "n_parameters": values.size,
            "loss": 50.0,
            "total": float(values.sum()),
            "layer_mass": {name: float(row.sum() / values.sum()) for name, row in tensors.items()},
            "seconds": 90.0,
            **diagnostics,
        }
        self.cache.store(
            Stage.FISHER,
            estimates.fisher_key(spec),
            spec=spec,
            summary=summary,
            write=lambda folder: save_file(tensors, folder / estimates.FISHER_FILE),
        )


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Nothing estimated yet."""
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PSEUDOFAM_ROOTS", str(tmp_path))  # home, working folder and cache, were it not set
    return World(tmp_path)


def said(app: AppTest) -> str:
    """All the words of a page, for looking up phrases."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "metric", "page_link")
    texts = []
    for kind in kinds:
        for one in app.get(kind):
            texts += [str(getattr(one, name, "")) for name in ("label", "value")]
    return "\n".join(texts)
