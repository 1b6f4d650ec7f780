"""Finished runs as a table: names, a filter by words, and groups whose means are of runs that may be averaged."""

from __future__ import annotations

import io
from statistics import fmean, stdev

import pandas as pd
import pytest

from pseudofam_core.exchange.run_tables import groups_frame, runs_csv, runs_frame
from pseudofam_core.finetuning import Arm, Budget, BudgetMode
from pseudofam_core.languages import pair
from pseudofam_core.outcomes.run_table import GroupedBy, grouped, matching, run_rows
from pseudofam_core.tasks.translation import TRANSLATION
from tests.cases_runs import BE, store_run

BN, UK, DE = (pair(f"{code}-en") for code in ("bn", "uk", "de"))
BLEU, CHRF = TRANSLATION.metrics


@pytest.fixture
def runs(cache):
    alone = [store_run(cache, [], error=0.4, seed=seed) for seed in (1, 2, 3)]
    with_two = store_run(cache, ["uk", "de"], error=0.1)
    other = store_run(cache, [], error=0.3, target=BN)
    longer = store_run(cache, [], error=0.2, budget=Budget(BudgetMode.EQUAL_UPDATES, updates=900, patience=None))
    return [*alone, with_two, other, longer]


def rows_of(runs):
    arms = {BE: (Arm("single", ()), Arm("overlap", (DE, UK)), Arm("kl", (DE, UK)))}
    return run_rows(runs, arms, {runs[3].key: ("Best so far", "kept for the paper")})


def row_of(rows, run):
    return next(row for row in rows if row.run.key == run.key)


def test_a_run_has_the_names_of_its_arms_and_its_own(runs):
    rows = rows_of(runs)
    assert len(rows) == 6
    two = row_of(rows, runs[3])
    assert (two.arm, two.auxiliaries, two.name, two.note) == (
        "overlap = kl",
        "de-en uk-en",
        "Best so far",
        "kept for the paper",
    )
    assert (row_of(rows, runs[0]).arm, row_of(rows, runs[0]).auxiliaries) == ("single", "none")
    assert row_of(rows, runs[4]).arm == ""  # nobody has told the arms of that target
    assert [row.run.created for row in rows] == sorted((row.run.created for row in rows), reverse=True)


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("", range(6)),
        ("  ", range(6)),
        ("BENGALI", [4]),
        ("overlap", [3]),
        ("uk-en de-en", [3]),
        ("paper best", [3]),
        ("single seed-2", [1]),
        ("900", [5]),
        ("nobody", []),
    ],
)
def test_a_row_must_have_every_word(runs, words, places):
    assert {row.run.key for row in matching(rows_of(runs), words)} == {runs[place].key for place in places}


def test_a_run_is_found_by_its_key(runs):
    rows = rows_of(runs)
    assert [row.run.key for row in matching(rows, runs[2].key[:8])] == [runs[2].key]
    assert matching(rows, runs[2].key[1:9]) == ()


def test_a_mean_is_of_runs_that_differ_in_seeds_alone(runs):
    rows = rows_of(runs)
    scores = [run.scores["test"]["bleu"] for run in runs]
    (alone,) = grouped(matching(rows, "single equal-updates, 100"), GroupedBy.ARM)
    assert alone.value == "Belarusian · be: single"
    assert alone.differing == ()
    assert alone.mean(BLEU) == pytest.approx(fmean(scores[:3]))
    assert alone.spread(BLEU) == pytest.approx(stdev(scores[:3]))
    assert len(alone.scores(BLEU)) == 3


def test_runs_of_other_settings_or_targets_have_no_mean_and_say_why(runs):
    rows = rows_of(runs)
    by_target = {group.value: group for group in grouped(rows, GroupedBy.TARGET)}
    be = by_target["Belarusian · be"]
    assert be.differing == ("budget updates",)
    assert (be.mean(BLEU), be.spread(BLEU), be.scores(BLEU)) == (None, None, ())
    assert by_target["Bengali · bn"].mean(BLEU) == runs[4].scores["test"]["bleu"]
    assert by_target["Bengali · bn"].spread(BLEU) is None
    by_day = grouped(rows, GroupedBy.DAY)
    assert "target" in by_day[0].differing
    assert sum(len(group.rows) for group in by_day) == 6


def test_two_mixtures_of_one_target_have_ends_and_no_mean(runs):
    (group,) = [one for one in grouped(rows_of(runs), GroupedBy.BUDGET) if "900" not in one.value]
    be = grouped([row for row in group.rows if row.run.target == BE], GroupedBy.TARGET)[0]
    scores = [run.scores["test"]["bleu"] for run in runs[:4]]
    assert be.mean(BLEU) is None
    assert (min(be.scores(BLEU)), max(be.scores(BLEU))) == (min(scores), max(scores))


def test_the_tables_tell_what_the_groups_are_of(runs):
    table = groups_frame(grouped(rows_of(runs), GroupedBy.TARGET), TRANSLATION.metrics).set_index("group")
    assert table.loc["Belarusian · be", "runs"] == 5
    assert table.loc["Belarusian · be", "differ in"] == "budget updates"
    assert pd.isna(table.loc["Belarusian · be", "BLEU"])
    assert table.loc["Bengali · bn", "BLEU lowest"] == runs[4].scores["test"]["bleu"]
    assert table.loc["Bengali · bn", "chrF++"] == runs[4].scores["test"]["chrf"]


def test_the_csv_is_whole_and_runs_no_formula(runs):
    rows = run_rows(runs, {}, {runs[0].key: ("=1+1", "a\nb")})
    table = pd.read_csv(io.StringIO(runs_csv(rows, TRANSLATION.metrics)), comment="#").set_index("key")
    assert len(table) == 6
    assert table.loc[runs[0].key, "name"] == "'=1+1"
    assert table.loc[runs[0].key, "note"] == "a\nb"
    assert table.loc[runs[3].key, "BLEU"] == pytest.approx(runs[3].scores["test"]["bleu"])
    assert list(runs_frame(rows, [CHRF]).columns).count("chrF++") == 1
