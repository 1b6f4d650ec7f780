"""Scores translations with COMET: run by path, by the Python of COMET's own environment, never imported by this package.

Standard input, JSON a line: first ``{"model", "batch_size", "gpus"}``, then ``{"src", "mt", "ref"}`` per translation.
Standard output: a score a line, then ``{"version"}``. It knows nothing of the package around it, whose libraries are
not in that environment.
"""

import contextlib
import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Read, score, write."""
    lines = [json.loads(line) for line in sys.stdin]
    settings, translations = lines[0], lines[1:]
    # Libraries print on standard output what belongs into a log.
    with contextlib.redirect_stdout(sys.stderr):
        scores = _scores(settings, translations)
    for score in scores:
        print(json.dumps(float(score)))
    print(json.dumps({"version": importlib.metadata.version("unbabel-comet")}))


def _scores(settings: dict[str, Any], translations: list[dict[str, str]]) -> list[float]:
    from comet import download_model, load_from_checkpoint  # type: ignore[import-not-found]  # of that environment

    name = settings["model"]
    model = load_from_checkpoint(name if Path(name).is_file() else download_model(name))
    prediction = model.predict(translations, batch_size=settings["batch_size"], gpus=settings["gpus"])
    return list(prediction.scores)


if __name__ == "__main__":
    main()
