"""The command line on a tiny model: the same stages, exit status and messages."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.commands.options import bar
from pseudofam_core.progress import Progress
from pseudofam_core.similarity.measures import USUAL_MEASURE, Measure


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


def test_app_and_command_compare_by_the_same_measure(options, tmp_path):
    assert main(["estimate", *options]) == 0
    for command in ("similarity", "families"):
        usual, overlap = tmp_path / "usual.csv", tmp_path / "overlap.csv"
        assert main([command, *options, "--out", str(usual)]) == 0
        assert main([command, *options, "--measure", USUAL_MEASURE, "--out", str(overlap)]) == 0
        assert usual.read_text() == overlap.read_text()
    assert USUAL_MEASURE is Measure.OVERLAP


def test_bare_files_are_told_to_be_a_test_text(saved_model, tmp_path, capsys):
    (tmp_path / "text").mkdir()
    for code in ("tr", "az", "en"):
        (tmp_path / "text" / f"{code}.txt").write_text("one\ntwo\nthree\n")
    options = ["--model", str(saved_model), "--corpus", str(tmp_path / "text"), "--cache", str(tmp_path / "cache")]
    assert main(["estimate", *options]) == 1
    told = capsys.readouterr().err
    assert "no pair with a split named 'train'; it has test. Take that (`--split test`" in told
    assert "`train.be`" in told
    assert main(["estimate", *options, "--split", "test", "--pairs", "az-en,tr-en"]) == 0


def test_what_is_piped_says_now_and_then_how_far_it_is(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr("pseudofam_core.commands.options.time.monotonic", lambda: now[0])
    with bar("be-en (3 of 17)") as report:
        for done in range(0, 161, 8):  # a sentence a second
            report(Progress("estimating", done, 160, rate=1.0))
            now[0] += 8
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "be-en (3 of 17): estimating, 16 of 160 sentences, about 2 min to go"
    assert 5 <= len(lines) <= 11
    with bar("selfcheck", in_parts=True) as report:
        now[0] += 100
        report(Progress("estimating", 4, 25, rate=1.0))
    assert capsys.readouterr().err == "selfcheck: estimating, 4 of 25 sentences, about 21 s of this part to go\n"
    with bar("quick") as report:
        report(Progress("estimating", 160, 160, rate=1.0))
    with bar("beside the first process", shown=False) as report:
        now[0] += 100
        report(Progress("training", 1, 160))
    assert capsys.readouterr().err == ""


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


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("could not create a primitive"), OSError(errno.ENOMEM, "Cannot allocate memory")],
)
def test_too_little_memory_is_a_line_with_the_way_out(options, monkeypatch, capsys, tmp_path, error):
    def full(_):
        raise error

    monkeypatch.setattr("pseudofam_core.commands.estimates.pool_of", full)
    assert main(["estimate", *options]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pseudofam: There was not enough memory (")
    assert "smaller batches" in line
    assert not (tmp_path / "cache" / "logs").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_is_full_or_closed_is_a_line_wherever_it_is_written_to(options, monkeypatch, capsys, number):
    def full(_):
        raise OSError(number, os.strerror(number), "/a/folder")

    monkeypatch.setattr("pseudofam_core.commands.estimates.pool_of", full)
    assert main(["estimate", *options]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{os.strerror(number)}: '/a/folder'. Free some space and run it again." in line
    assert "details" not in line


def test_threads_wait_asleep_unless_told_otherwise(tmp_path):
    """Set before torch is there, which reads it once."""
    asked = (
        "import os, sys; from pseudofam_core.__main__ import main; awake = 'torch' in sys.modules\n"
        "main(['jobs', 'list', '--cache', sys.argv[1]])\n"
        "print(awake, os.environ['OMP_WAIT_POLICY'], os.environ['KMP_BLOCKTIME'])\n"
    )
    plain = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment = {**plain, "PYTHONPATH": str(Path(__file__).parents[2]), "KMP_BLOCKTIME": "5"}
    arguments = [sys.executable, "-c", asked, str(tmp_path)]
    ran = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "False PASSIVE 5"


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
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
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


def test_ctrl_c_before_the_first_batch_is_one_line(options, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pseudofam_core.commands.estimates.pool_of", interrupted)
    assert main(["estimate", *options]) == 1
    assert capsys.readouterr().err == "pseudofam: Stopped. The same command goes on from there.\n"


def test_a_cache_that_can_not_be_written_hides_no_error(options, monkeypatch, capsys, tmp_path):
    def broken(*_):
        raise LookupError("the first error")

    (tmp_path / "cache").write_text("in the way")
    monkeypatch.setattr("pseudofam_core.commands.estimates.pool_of", broken)
    assert main(["estimate", *options]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pseudofam: LookupError: the first error (no details, because")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://127.0.0.1:9"])
def test_a_proxy_that_can_not_be_used_is_one_line(saved_corpus, tmp_path, proxy):
    """In a process of its own: the hub's client keeps the first proxy that it was told of."""
    command = [sys.executable, "-m", "pseudofam_core", "estimate", "--model", "no/such-model"]
    command += ["--corpus", str(saved_corpus), "--cache", str(tmp_path)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "ALL_PROXY": proxy, "HTTPS_PROXY": proxy}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "the hub can't be reached" in ran.stderr


def test_a_message_is_told_once_a_command_and_the_callers_handlers_are_left_as_they_were(options, caplog, monkeypatch):
    logger = logging.getLogger("pseudofam_core.corpora")

    def pool(workspace):
        for _ in range(3):
            logger.warning("luo is skipped")
        return ()

    monkeypatch.setattr("pseudofam_core.commands.estimates.pool_of", pool)
    monkeypatch.setattr("pseudofam_core.commands.estimates.fisher_specs", lambda workspace: {})
    for _ in range(2):
        caplog.clear()
        assert main(["estimate", *options]) == 0
        assert [one.getMessage() for one in caplog.records] == ["luo is skipped"]
    caplog.clear()
    logger.warning("luo is skipped")
    assert caplog.messages == ["luo is skipped"]
