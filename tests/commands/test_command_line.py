"""The command line on a tiny model: the same stages, exit status and messages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from pseudofam_core.__main__ import main


@pytest.fixture
def options(saved_model, saved_corpus, tmp_path):
    return ["--model", str(saved_model), "--corpus", str(saved_corpus), "--cache", str(tmp_path / "cache")]


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, comment="#")


def test_from_text_to_families(options, tmp_path, capsys):
    assert main(["estimate", *options]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == [
        "az-en",
        "de-en",
        "sv-en",
        "tr-en",
    ]
    for measure in ("mse", "kl", "overlap"):
        matrix, families = tmp_path / f"{measure}.csv", tmp_path / f"{measure}-families.csv"
        assert main(["similarity", *options, "--measure", measure, "--out", str(matrix)]) == 0
        assert list(table(matrix).columns) == ["target", "az-en", "de-en", "sv-en", "tr-en"]
        assert main(["families", *options, "--measure", measure, "--out", str(families)]) == 0
        assert set(table(families)["target"]) == {"az-en", "de-en", "sv-en", "tr-en"}
        assert "# model_revision" in families.read_text()
    assert main(["families", *options, "--target", "az-en", "--rule", "nearest", "--largest", "1"]) == 0
    assert len([line for line in capsys.readouterr().out.splitlines() if line.startswith("az-en,")]) == 1


def test_one_training_update_is_told_to_be_one_gradient(options, capsys, caplog):
    assert main(["estimate", *options, "--pairs", "tr-en", "--estimator", "per-batch"]) == 0
    assert "7 sentences in 1 update\t" in capsys.readouterr().out
    assert "tr-en: F is one squared gradient." in caplog.text
    assert main(["estimate", *options, "--pairs", "az-en"]) == 0
    assert " in " not in capsys.readouterr().out


def test_missing_estimates_are_named_with_the_way_out(options, capsys):
    assert main(["estimate", *options, "--pairs", "tr-en,az-en"]) == 0
    assert main(["similarity", *options]) == 1
    message = capsys.readouterr().err
    assert "2 of 4 pairs are not estimated: de-en, sv-en" in message
    assert "--pairs" in message
    assert main(["similarity", *options, "--pairs", "tr-en,az-en"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["estimate", "--model", "nowhere/nothing", "--corpus", "X"], "no such file or folder"),
        (["estimate", "--corpus", "{corpus}", "--model", "nowhere/nothing"], "hub"),
        (["estimate", "--corpus", "{corpus}", "--split", "dev"], "split"),
        (["families", "--model", "{model}", "--corpus", "{corpus}", "--rule", "radius"], "initial_radius"),
    ],
)
def test_failures_are_one_line(arguments, message, saved_model, saved_corpus, tmp_path, capsys):
    filled = [one.format(model=saved_model, corpus=saved_corpus) for one in arguments]
    assert main([*filled, "--cache", str(tmp_path)]) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert told[-1].startswith("pseudofam: ") or told[0].startswith("pseudofam: ")
    assert message in "\n".join(told)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["nothing"],
        ["estimate", "--pairs", "xx-en"],
        ["estimate", "--max-sentences", "0"],
        ["similarity", "--measure", "x"],
    ],
)
def test_wrong_usage_is_status_2(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_what_nobody_foresaw_is_logged(options, monkeypatch, capsys):
    monkeypatch.setattr("pseudofam_core.commands.estimates.pool_of", lambda _: 1 / 0)
    assert main(["estimate", *options]) == 1
    message = capsys.readouterr().err
    assert "ZeroDivisionError" in message
    log = Path(message.split("details: ")[1].strip(")\n"))
    assert "Traceback" in log.read_text()


def test_interrupting_leaves_a_state_to_go_on_from(options, tmp_path):
    slow = (
        "import sys, time; from pseudofam_core import __main__ as cli; from pseudofam_core.estimates import computing\n"
        "compute = computing.compute\n"
        "def slowly(spec, cache, *, report, **rest):\n"
        "    def pause(progress):\n"
        "        report(progress); print(progress.phase, progress.done, flush=True)\n"
        "        if progress.done: time.sleep(0.5)\n"
        "    return compute(spec, cache, report=pause, **rest)\n"
        "computing.compute = slowly\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    arguments = [sys.executable, "-c", slow, "estimate", *options, "--batch-tokens", "20", "--pairs", "tr-en"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    ran = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    assert ran.stdout is not None
    assert ran.stderr is not None
    for line in ran.stdout:
        if line.startswith("estimating") and not line.endswith(" 0\n"):
            break
    time.sleep(0.1)
    ran.send_signal(signal.SIGINT)
    _, errors = ran.communicate(timeout=60)
    assert ran.returncode == 1
    assert "The same command goes on from there" in errors
    assert len(list((tmp_path / "cache").rglob("checkpoint.safetensors"))) == 1
    assert main(["estimate", *options, "--batch-tokens", "20", "--pairs", "tr-en"]) == 0
    assert not list((tmp_path / "cache").rglob("checkpoint.safetensors"))
