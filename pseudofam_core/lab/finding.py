"""What an experiment gives: an answer in words, the table it was told from, and how the table is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Look(StrEnum):
    """How a finding's table is drawn (`pseudofam_core.charts.lab`)."""

    LINES = "lines"
    POINTS = "points"
    BARS = "bars"
    HEAT = "heat"


@dataclass(frozen=True)
class Chart:
    """Which columns of the table are drawn, and as what.

    Attributes:
        look: Lines over a number, points, bars of a category, or a heatmap.
        x: Column along the horizontal axis.
        y: Column along the vertical axis.
        series: Column that tells lines, points or bars apart; None where there is one series.
        low: Column with the lower end of an interval around what is drawn; None where there is none.
        high: Column with its upper end.
        value: Column that a heatmap colours by.
        label: Column with the names of points.
        mark: A value of x to be pointed out, or None.
        chance: What the drawn values would be by chance, or None.
        only: A column and the value that rows must have in it to be drawn, or None for all rows.
        words: How to read it, for people and for those who can't see it.
    """

    look: Look
    x: str
    y: str
    series: str | None = None
    low: str | None = None
    high: str | None = None
    value: str | None = None
    label: str | None = None
    mark: float | None = None
    chance: float | None = None
    only: tuple[str, str] | None = None
    words: str = ""


@dataclass(frozen=True)
class Finding:
    """The kept result of an experiment: plain values.

    Attributes:
        answer: One sentence, made of the numbers, with their uncertainty.
        seen_on: What it was seen on: model, text, languages, sentences.
        columns: What each column of the table holds, with its units, in order.
        rows: The table; None where a value is not defined.
        chart: How it is drawn.
        limits: What the answer does not tell, in a sentence.
        seconds: How long it took beside the estimates that it reads.
        settings: What was chosen for it: name and value.
    """

    answer: str
    seen_on: str
    columns: Mapping[str, str]
    rows: tuple[Mapping[str, Any], ...]
    chart: Chart
    limits: str = ""
    seconds: float = 0.0
    settings: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse a table that its columns or its chart do not fit."""
        drawn = (self.chart.x, self.chart.y, self.chart.series, self.chart.low, self.chart.value, self.chart.label)
        if missing := [column for column in drawn if column is not None and column not in self.columns]:
            raise ValueError(f"chart must draw columns of the table. Got {missing[0]}; there are {list(self.columns)}.")
        if strange := [column for row in self.rows for column in row if column not in self.columns]:
            raise ValueError(f"rows must hold the columns that are named. Got {strange[0]}.")

    def column(self, name: str) -> list[Any]:
        """The values of a column, row by row."""
        return [row.get(name) for row in self.rows]
