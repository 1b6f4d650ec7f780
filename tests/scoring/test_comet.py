"""The bridge to COMET's own environment. COMET itself is not run here: a stand-in with its interface is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pseudofam_core.errors import PseudoFamError
from pseudofam_core.scoring.comet import COMET_PYTHON, comet_python, comet_scores

# As in unbabel-comet 2: download_model, load_from_checkpoint, predict(data, batch_size, gpus) → .scores, .system_score
STAND_IN = """
from types import SimpleNamespace
print("a library talks on standard output")
def download_model(name):
    return "fetched " + name
def load_from_checkpoint(path):
    def predict(samples, batch_size, gpus):
        assert path in ("fetched Unbabel/wmt22-comet-da", {checkpoint!r}), path
        print("Predicting", batch_size, gpus)
        scores = [len(set(one["mt"].split()) & set(one["ref"].split())) / len(one["ref"].split()) for one in samples]
        return SimpleNamespace(scores=scores, system_score=sum(scores) / len(scores))
    return SimpleNamespace(predict=predict)
"""
# Stands for a Python of another environment: it finds the stand-in, and takes -I as the first argument.
PYTHON = """#!/bin/sh
[ "$1" = -I ] || exit 9
exec {python} -I -c 'import runpy, sys; sys.path.insert(0, "{folder}"); runpy.run_path(sys.argv[1], run_name="__main__")' "$2"
"""
TRANSLATIONS = [("крыніца", "a small boat", "a small boat"), ("другая\nрадок", "no", "the boat")]


@pytest.fixture
def environment(tmp_path):
    """A folder with the stand-in and its Python."""
    (tmp_path / "unbabel_comet-2.2.6.dist-info").mkdir()
    (tmp_path / "unbabel_comet-2.2.6.dist-info" / "METADATA").write_text("Name: unbabel-comet\nVersion: 2.2.6\n")
    (tmp_path / "comet.py").write_text(STAND_IN.format(checkpoint=str(tmp_path / "model.ckpt")))
    return tmp_path


def python_of(folder: Path, text: str = PYTHON) -> Path:
    path = folder / "python"
    path.write_text(text.format(python=sys.executable, folder=folder))
    path.chmod(0o755)
    return path


def test_scores_come_back_in_order_with_model_and_version(environment):
    found = comet_scores(TRANSLATIONS, python=python_of(environment))
    assert found.scores == (1.0, 0.0)
    assert found.signature == "COMET|model:Unbabel/wmt22-comet-da|version:2.2.6"


def test_a_checkpoint_is_not_fetched(environment):
    (environment / "model.ckpt").touch()
    found = comet_scores(TRANSLATIONS, python=python_of(environment), model=str(environment / "model.ckpt"))
    assert found.scores == (1.0, 0.0)


def test_an_environment_without_comet_says_how_to_make_one(tmp_path):
    with pytest.raises(PseudoFamError, match=r"No module named 'comet'(?s:.)*pip install unbabel-comet"):
        comet_scores(TRANSLATIONS, python=python_of(tmp_path))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("echo broken >&2; exit 3", r"status 3\): broken"),
        ('echo 0.5; echo \'{{"version": "2"}}\'', "a score per translation, 2. Got 1"),
        ("echo hello", "can't be read"),
        ("true", "can't be read"),
        ("echo 0.5; echo 0.5", "can't be read"),
    ],
)
def test_failures_of_the_other_process_are_told(tmp_path, answer, message):
    with pytest.raises(PseudoFamError, match=message):
        comet_scores(TRANSLATIONS, python=python_of(tmp_path, f"#!/bin/sh\ncat > /dev/null\n{answer}\n"))


def test_the_python_must_be_named_and_runnable(monkeypatch, tmp_path):
    monkeypatch.delenv(COMET_PYTHON, raising=False)
    with pytest.raises(PseudoFamError, match=r"is not set(?s:.)*python3 -m venv comet-env"):
        comet_python()
    for wrong in (tmp_path, tmp_path / "nowhere"):
        monkeypatch.setenv(COMET_PYTHON, str(wrong))
        with pytest.raises(PseudoFamError, match="must name a Python to run"):
            comet_python()
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    monkeypatch.setenv(COMET_PYTHON, str(link))
    assert comet_python() == link  # the link of a virtual environment is not followed
