"""COMET, scored by another Python: its releases want transformers below 5, which can't live beside this package's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pseudofam_core.errors import PseudoFamError

COMET_PYTHON = "PSEUDOFAM_COMET_PYTHON"
DEFAULT_COMET = "Unbabel/wmt22-comet-da"
_WORKER = Path(__file__).with_name("comet_worker.py")
_SET_UP = (
    "COMET needs an environment of its own. Make one:\n"
    "  python3 -m venv comet-env\n"
    "  comet-env/bin/python -m pip install unbabel-comet\n"
    f"  export {COMET_PYTHON}=$PWD/comet-env/bin/python"
)


@dataclass(frozen=True)
class CometScores:
    """COMET of each translation, in order, and what gave it.

    Attributes:
        scores: One per translation; about 0 to 1 by the default model.
        model: Name or checkpoint of the model.
        version: Of unbabel-comet.
    """

    scores: tuple[float, ...]
    model: str
    version: str

    @property
    def signature(self) -> str:
        """What a score carries: model and version."""
        return f"COMET|model:{self.model}|version:{self.version}"


def comet_python() -> Path:
    """The Python of COMET's environment, as ``PSEUDOFAM_COMET_PYTHON`` names it.

    Raises:
        PseudoFamError: It names none, or nothing that can be run; the message says how to make one.
    """
    named = os.environ.get(COMET_PYTHON, "")
    if not named:
        raise PseudoFamError(f"{COMET_PYTHON} is not set. {_SET_UP}")
    # Not resolved: a virtual environment's python is a link, and its folder is what counts.
    path = Path(named).expanduser().absolute()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise PseudoFamError(f"{COMET_PYTHON} must name a Python to run. Got {named!r}. {_SET_UP}")
    return path


def comet_scores(
    translations: Sequence[tuple[str, str, str]],
    *,
    python: Path,
    model: str = DEFAULT_COMET,
    batch_size: int = 8,
    gpus: int = 0,
) -> CometScores:
    """Score translations, all in one process, for the model takes long to load.

    Args:
        translations: Source, translation and reference of each.
        python: See `comet_python`.
        model: A name that COMET fetches once from its hub, or a checkpoint file.
        batch_size: Translations at a time.
        gpus: 0 computes on the CPU.

    Raises:
        PseudoFamError: The process failed, or returned something else than a score per translation.
    """
    settings = {"model": model, "batch_size": batch_size, "gpus": gpus}
    lines = [settings, *({"src": source, "mt": text, "ref": reference} for source, text, reference in translations)]
    # -I: neither this package's folder nor its environment's variables reach that Python.
    ran = subprocess.run(
        [str(python), "-I", str(_WORKER)],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["no message"])[-1]
        hint = f"\n{_SET_UP}" if "No module named 'comet'" in ran.stderr else ""
        raise PseudoFamError(f"COMET failed in {python} (status {ran.returncode}): {last}{hint}")
    try:
        *scores, end = [json.loads(line) for line in ran.stdout.splitlines()]
        result = CometScores(tuple(map(float, scores)), model, end["version"])
    except (ValueError, TypeError, KeyError) as error:
        raise PseudoFamError(
            f"COMET in {python} answered what can't be read ({error}): {ran.stdout[:200]!r}."
        ) from error
    if len(result.scores) != len(translations):
        raise PseudoFamError(f"COMET must give a score per translation, {len(translations)}. Got {len(result.scores)}.")
    return result
