"""The command: its arms, its presets, its table; and that asking for runs needs no torch."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys

import pandas as pd
import pytest
import torch

from pseudofam_core.__main__ import main
from pseudofam_core.commands.finetuning import COMMANDS
from pseudofam_core.finetuning import PAPER, SMALL, BudgetMode, runs_of, weights_of
from pseudofam_core.languages import pair
from pseudofam_core.transfer import TransferRequest
from tests.cases_transfer import store_matrix
from tests.finetuning.conftest import write_pair

# transformers warns of a private torch call of its own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


def run(*arguments):
    parser = argparse.ArgumentParser()
    ((_, add, _),) = COMMANDS
    add(parser)
    options = parser.parse_args(arguments)
    options.run(options)


def test_the_command_trains_the_arms_and_prints_a_table(tuning, cache, capsys):
    where = ["--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(cache.root)]
    arms = ["--target", "tr-en", "--arms", "zero-shot,single,own,random", "--members", "az-en", "--beams", "1"]
    training = ["--preset", "paper", "--budget", "equal-updates", "--updates", "2", "--batch-tokens", "80"]
    training += ["--batches-per-update", "1", "--target-sentences", "9", "--seeds", "2"]
    run(*where, *arms, *training)
    told = capsys.readouterr().out
    assert told.startswith("7 runs, 0 finished; 12 updates to do")
    assert [line.split()[0] for line in told.splitlines()[2:6]] == ["zero-shot", "single", "own", "random-1-1"]
    assert "tok:13a" in told
    runs = [one for one in runs_of(cache, target=pair("tr-en")) if not one.is_zero_shot]
    assert len(runs) == 6
    assert {one.contributions[0].available for one in runs} == {9}
    assert {one.recipe.learning_rate for one in runs} == {PAPER.learning_rate}
    assert {one.budget.mode for one in runs} == {BudgetMode.EQUAL_UPDATES}
    run(*where, *arms, *training)
    assert capsys.readouterr().out.startswith("7 runs, 7 finished; 0 updates to do")
    run(*where, "--target", "tr-en", "--arms", "single", "--beams", "1", *training[:-2], "--keep-weights")
    told = capsys.readouterr().out
    assert told.startswith("1 runs, 0 finished (1 more without weights, trained again); 2 updates to do, about 0 min, ")
    assert "MB of disk; trained in " in told
    run(*where, "--target", "tr-en", "--arms", "single", "--beams", "2", *training[:-2])
    assert "(a guess: measured with other beams or another dev metric)" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="fp16 is at home on a GPU")
def test_fp16_without_a_gpu_is_refused_before_the_first_arm(tuning, cache, capsys):
    where = ["--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(cache.root), "--target", "tr-en"]
    assert main(["finetune", *where, "--arms", "zero-shot,single", "--mixed-precision", "fp16"]) == 1
    assert "precision fp16 needs a GPU" in capsys.readouterr().err
    assert not runs_of(cache)


@pytest.fixture
def shared_text(tuning, tmp_path):
    """Another corpus with the pairs of the first one: ten sentences, the same in all languages."""
    for code in ("tr", "az", "de", "sv"):
        lines = [f"{number} birds are flying" for number in range(10)]
        write_pair(tmp_path / "shared", code, "train", [f"{code} {line}" for line in lines], lines)
    return tmp_path / "shared"


def test_families_can_be_told_from_another_corpus(tuning, shared_text, cache, capsys):
    where = ["--model", tuning.model, "--cache", str(cache.root)]
    assert main(["estimate", *where, "--corpus", str(shared_text)]) == 0
    tune = ["finetune", *where, "--corpus", tuning.corpus, "--families-from", str(shared_text), "--target", "tr-en"]
    tune += ["--arms", "single,overlap", "--beams", "1", "--budget", "equal-updates", "--updates", "1"]
    tune += ["--preset", "small", "--batch-tokens", "80", "--mixed-precision", "float32"]
    capsys.readouterr()
    assert main(tune) == 0, capsys.readouterr().err
    families = ["families", *where, "--corpus", str(shared_text), "--measure", "overlap", "--target", "tr-en"]
    assert main(families) == 0
    told = capsys.readouterr().out
    members = set(pd.read_csv(io.StringIO(told[told.index("target,") :]))["member"])
    runs = runs_of(cache, target=pair("tr-en"))
    assert {frozenset(map(str, run.members)) for run in runs} == {frozenset(), frozenset(members)}
    assert {run.workspace.corpus for run in runs} == {tuning.corpus}
    compare = ["compare", *where, "--corpus", tuning.corpus, "--families-from", str(shared_text), "--target", "tr-en"]
    assert main(compare) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out), comment="#")
    assert {"single", "overlap"} <= set(table["arm"])
    assert not [name for name in table["arm"] if name.startswith("with ")]  # every family has its name


def test_families_told_from_test_sentences_are_refused(tuning, cache, capsys):
    where = ["--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(cache.root), "--split", "test"]
    assert main(["estimate", *where]) == 0
    assert main(["finetune", *where, "--target", "tr-en", "--arms", "mse"]) == 1
    assert "can't be told from" in capsys.readouterr().err
    # A list of one's own may be such a family.
    assert main(["finetune", *where, "--target", "tr-en", "--arms", "own", "--members", "az-en"]) == 1
    assert "can't be told from" in capsys.readouterr().err
    assert not runs_of(cache)


def test_auxiliaries_that_gained_elsewhere_and_weights_are_arms(tuning, cache, capsys):
    where = ["--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(cache.root)]
    tune = ["finetune", *where, "--target", "tr-en", "--beams", "1", "--preset", "small", "--batch-tokens", "80"]
    tune += ["--mixed-precision", "float32", "--budget", "equal-target-tokens", "--updates", "4", "--size", "1"]
    named = [*tune, "--arms", "single,foreseen,weighted", "--weights-from", "foreseen"]
    assert main(named) == 1
    assert "No gain of another target than tr-en is measured" in capsys.readouterr().err
    gains = {"az": 0.1, "de": 0.3, "sv": -0.2}
    asked = TransferRequest(
        tuning, (pair("de-en"), pair("sv-en")), tuple(map(pair, ("az-en", "de-en", "sv-en"))), 2, SMALL
    )
    store_matrix(cache, asked, lambda target, member, seed: 3 - (gains[member.source] if member else 0))
    assert main([*named, "--preview"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1:3] == ["foreseen-1: de", "weighted-foreseen: az × 0.5, de × 1.5"]
    assert not runs_of(cache)
    assert main(named) == 0, capsys.readouterr().err
    runs = {run.mixture: run for run in runs_of(cache)}
    weighted = runs[(pair("az-en"), pair("de-en")), (0.5, 1.5)]
    target, *others = (one.sentences for one in weighted.contributions)
    assert others == [round(target * 0.5), round(target * 1.5)]
    assert "weighted-foreseen az × 0.5, de × 1.5 " in capsys.readouterr().out
    # The list of one's own is the same run.
    assert main([*tune, "--arms", "own", "--members", "de-en", "--preview"]) == 0
    assert capsys.readouterr().out.startswith("1 runs, 1 finished")
    assert main(["compare", *where, "--target", "tr-en"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out), comment="#").set_index("arm")
    assert table.loc["weighted-foreseen", ["members", "weights"]].tolist() == ["az-en de-en", "0.5 1.5"]
    assert table.loc["foreseen-1", "members"] == "de-en"


def test_weights_by_a_signal_come_from_what_signals_has_computed(tuning, cache, capsys):
    where = ["--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(cache.root)]
    tune = ["finetune", *where, "--target", "tr-en", "--arms", "weighted", "--preset", "small", "--preview"]
    tune += ["--mixed-precision", "float32"]
    assert main(tune) == 1
    assert "Run `signals --targets tr-en --signals gradient-fisher` first" in capsys.readouterr().err
    signals = ["signals", *where, "--targets", "tr-en", "--signals", "gradient-fisher"]
    assert main(signals) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out), comment="#")
    expected = {pair(one): value for one, value in zip(table["auxiliary"], table["value"], strict=True)}
    assert main(tune) == 0, capsys.readouterr().err
    told = capsys.readouterr().out.splitlines()[1]
    words = [f"{one.source} × {weight:g}" for one, weight in sorted(weights_of(expected).items())]
    assert told == f"weighted-gradient-fisher: {', '.join(words)}"
    with pytest.raises(SystemExit):
        main([*tune, "--weights-from", "overlap"])
    assert "must be of foreseen, measured, gradient-cosine" in capsys.readouterr().err


def test_asking_for_runs_needs_no_torch():
    program = (
        "import sys, pseudofam_core.finetuning; sys.exit(bool({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_nothing_of_transformers_own_is_said_beside_the_progress(tuning, tmp_path):
    """No bar for each checkpoint, and no alarm about tied weights, which are saved under one of their names."""
    words = ["finetune", "--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(tmp_path)]
    words += ["--target", "tr-en", "--arms", "single", "--beams", "1", "--preset", "small", "--updates", "4"]
    words += ["--eval-every", "2", "--patience", "1", "--batch-tokens", "80", "--mixed-precision", "float32"]
    done = subprocess.run(
        [sys.executable, "-m", "pseudofam_core", *words], check=True, capture_output=True, encoding="utf-8"
    )
    assert "1 runs" in done.stdout
    assert "shards" not in done.stderr
    assert "Loading weights" not in done.stderr
    assert "missing keys" not in done.stderr
