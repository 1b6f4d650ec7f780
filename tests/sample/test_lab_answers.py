"""The Lab's answers on the sample that ship with the package, made again from estimates made anew."""

from __future__ import annotations

import pytest

from pseudofam_core import lab
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.lab.experiment import Material
from pseudofam_core.progress import never, silent

# Those that read nothing but the workspace's own estimates; the number of shards does not change a diagonal.
_CHEAP = ("content", "sensitivity", "measures", "sentences", "competence")


@pytest.mark.parametrize("name", _CHEAP)
def test_an_answer_is_made_again(sample_estimates, name, tmp_path):
    estimates, cache = sample_estimates
    kept = lab.shipped(lab.experiment(name))["sample"]
    material = Material(Workspace(), {"workspace": estimates}, cache, tmp_path.joinpath, silent, never)
    again = lab.experiment(name).finding(material)
    assert again.seen_on == kept.seen_on
    mine, theirs = by_name(again), by_name(kept)
    assert mine.keys() == theirs.keys()
    alike = [mine[cell] == pytest.approx(theirs[cell], rel=1e-3, abs=1e-3) for cell in mine]
    assert sum(alike) >= 0.97 * len(alike)  # another processor rounds otherwise, and a family near a tie may differ


def by_name(finding) -> dict:
    """Every number of a finding's table, by the texts of its row, its K and its column."""
    return {
        (*(str(row[name]) for name in row if isinstance(row[name], str) or name == "k"), column): value
        for row in finding.rows
        for column, value in row.items()
        if isinstance(value, int | float)
    }
