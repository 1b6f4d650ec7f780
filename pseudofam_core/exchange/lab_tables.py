"""An experiment's finding as CSV: answer, what it was seen on and the columns' meaning in ``#`` lines, then the table."""

from __future__ import annotations

import pandas as pd

from pseudofam_core.exchange.tables import comments, escaped
from pseudofam_core.lab.experiment import Experiment
from pseudofam_core.lab.finding import Finding


def finding_csv(experiment: Experiment, finding: Finding) -> str:
    """The finding's table, numbers in full precision; a value that is not defined is an empty cell."""
    told = {"experiment": experiment.name, "question": experiment.question, "answer": finding.answer}
    told |= (
        {"seen on": finding.seen_on, "limits": finding.limits} | dict(finding.settings or {}) | dict(finding.columns)
    )
    table = pd.DataFrame([{name: row.get(name) for name in finding.columns} for row in finding.rows])
    return "".join(comments(told)) + table.map(escaped).to_csv(index=False, lineterminator="\n")
