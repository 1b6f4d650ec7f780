"""The answers that ship: docs/measured.md gives each in its own words, and what they say beside their numbers holds."""

from pathlib import Path

import pytest

from pseudofam_core import lab
from pseudofam_core.lab import foresight

MEASURED = (Path(__file__).parents[2] / "docs" / "measured.md").read_text(encoding="utf-8")
KEPT = [(one.name, name, finding) for one in lab.EXPERIMENTS for name, finding in lab.shipped(one).items()]


@pytest.mark.parametrize(("experiment", "seen_on", "finding"), KEPT, ids=[f"{one}.{name}" for one, name, _ in KEPT])
def test_the_docs_give_each_answer_as_it_ships(experiment, seen_on, finding):
    assert finding.answer in MEASURED


def test_the_signals_that_are_counted_are_those_that_need_no_training():
    (finding,) = (finding for experiment, _, finding in KEPT if experiment == "foresight")
    rows = [row for row in finding.rows if row["row"] == "signal"]
    trained = set(foresight._OF_GAINS)
    assert trained < {row["name"] for row in rows}
    assert f"of {len(rows) - len(trained)} signals that need no training" in finding.answer
    cells = [row for row in finding.rows if row["row"] == foresight._CELL]
    assert finding.seen_on.count(f"; {len(cells)} gains of 12 targets")
