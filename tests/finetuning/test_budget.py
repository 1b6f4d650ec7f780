"""Budget modes: each says all that depends on it, and no other place asks which one it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pseudofam_core
from pseudofam_core.finetuning import SMALL, Budget, BudgetMode
from pseudofam_core.finetuning.budget import ModeRules
from pseudofam_core.languages import pair

PAIRS = tuple(map(pair, ("be-en", "tr-en", "uk-en")))
LENGTHS = [np.random.default_rng(0).integers(4, 12, size=n) for n in (30, 200, 90)]


@pytest.mark.parametrize("mode", ["early-stoping", "equal-updates", None])
def test_a_mode_that_is_none_is_refused(mode):
    with pytest.raises(ValueError, match="mode must be one of early-stopping, equal-updates, equal-target-tokens"):
        Budget(mode, 5, None)


def test_a_mode_without_rules_can_not_be_made():
    with pytest.raises(TypeError, match="rules"):
        BudgetMode._new_member_(BudgetMode, "another")
    with pytest.raises(TypeError, match="planned"):
        ModeRules(label="a", words="b", updates_label="c", stops_early=False, expected_updates=max)


@pytest.mark.parametrize("temperature", [None, 1.0, 5.0])
@pytest.mark.parametrize("mode", BudgetMode)
def test_the_updates_that_a_preview_tells_are_those_of_the_plan(mode, temperature):
    recipe = replace(SMALL, batch_tokens=60, accumulation=2, temperature=temperature)
    for n_pairs in (1, 3):
        budget = Budget.of(mode, 40, 5)
        plan = budget.plan(LENGTHS[:n_pairs], PAIRS[:n_pairs], recipe, seed=1)
        expected = budget.expected_updates([len(one) for one in LENGTHS[:n_pairs]], recipe)
        assert plan.n_updates == pytest.approx(expected, rel=0.1)
        if n_pairs == 1:
            assert plan.n_updates == 40
            continue
        plan = budget.plan(LENGTHS, PAIRS, recipe, seed=1, weights=(0.2, 1.3))
        expected = budget.expected_updates([len(one) for one in LENGTHS], recipe, (0.2, 1.3))
        assert plan.n_updates == pytest.approx(expected, rel=0.1)


def test_what_a_run_reads_and_how_it_ends_differs_by_mode():
    modes = {mode: Budget.of(mode, 40, 5) for mode in BudgetMode}
    updates = {mode: one.expected_updates([30, 200, 90], SMALL) for mode, one in modes.items()}
    assert updates == {"early-stopping": 40, "equal-updates": 40, "equal-target-tokens": 120}
    assert {mode: one.patience for mode, one in modes.items()} == {
        "early-stopping": 5,
        "equal-updates": None,
        "equal-target-tokens": None,
    }
    ends = {mode: [one.ended(n, planned=40) for n in (20, 40)] for mode, one in modes.items()}
    assert ends == {
        "early-stopping": ["patience", "cap"],
        "equal-updates": ["budget", "budget"],
        "equal-target-tokens": ["budget", "budget"],
    }


def test_no_other_place_asks_which_mode_it_is():
    """What asks that has an else, into which the next mode would fall."""
    root = Path(pseudofam_core.__file__).parents[1]
    asking = re.compile(r"(\bis|\bis not|==|!=|\bin|\bcase)\s+\(?BudgetMode\.")
    files = [*root.glob("pseudofam_core/**/*.py"), *root.glob("pages/**/*.py"), *root.glob("benchmarks/*.py")]
    assert len(files) > 100
    assert [path.name for path in files if asking.search(path.read_text(encoding="utf-8"))] == []
