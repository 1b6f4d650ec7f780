"""A part of a report: plain text, a table of plain text, a figure. Whoever shows it escapes it."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go


@dataclass(frozen=True)
class Table:
    """Cells as they are read.

    Attributes:
        columns: Names.
        rows: A cell for each column.
        numbers: Columns that are set to the right.
        marked: Places of the rows that are pointed out.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse rows of another length than the columns."""
        if bad := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(f"rows must have {len(self.columns)} cells, one a column. Got {len(bad[0])}.")


@dataclass(frozen=True, eq=False)
class Part:
    """One question about a target's family, answered.

    Attributes:
        name: How links and tests call it.
        title: The question.
        sentences: The answer.
        table: Its numbers.
        figure: Of rows: see `charts.static`.
        alt: What the figure shows.
        commands: What would tell more, to be run.
        notes: How to read it, and what it leaves out.
    """

    name: str
    title: str
    sentences: tuple[str, ...]
    table: Table | None = None
    figure: go.Figure | None = None
    alt: str = ""
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
