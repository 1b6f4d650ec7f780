"""The command: its arms, its presets, its table; and that asking for runs needs no torch."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from pseudofam_core.commands.finetuning import COMMANDS
from pseudofam_core.finetuning import PAPER, BudgetMode, runs_of
from pseudofam_core.languages import pair

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


def test_asking_for_runs_needs_no_torch():
    program = (
        "import sys, pseudofam_core.finetuning; sys.exit(bool({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
