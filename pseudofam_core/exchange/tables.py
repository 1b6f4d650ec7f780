"""Matrices, families and scores as CSV: provenance in ``#`` lines, then the table, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pseudofam_core import languages
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.families.selection import compared_decimals, families_frame
from pseudofam_core.languages import LanguagePair
from pseudofam_core.scoring.metrics import meaningful_first
from pseudofam_core.scoring.scorer import ScoreReport
from pseudofam_core.similarity.results import PairwiseMatrix

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# A spreadsheet also splits a # line into cells, at whatever its locale separates with.
_FORMULA_IN_COMMENT = re.compile(r"""([,;\t][\s"']*)(?=[=+\-@])""")


def matrix_csv(matrix: PairwiseMatrix) -> str:
    """The matrix: rows are targets, the header names the auxiliaries. Values are written in full precision."""
    lines = comments(matrix.provenance) | comments(_matrix_settings(matrix))
    table = matrix.frame().rename(index=escaped, columns=escaped)
    return "".join(lines) + table.to_csv(lineterminator="\n")


def families_csv(families: Sequence[PseudoFamily]) -> str:
    """The members of families, with the columns of `families_frame`.

    Families of several matrices may stand in one table; the ``#`` lines then name the provenance of each.
    """
    lines: dict[str, None] = {}
    for family in families:
        lines |= comments(family.provenance) | comments(_family_settings(family))
    return "".join(lines) + families_frame(families).map(escaped).to_csv(index=False, lineterminator="\n")


def scores_csv(scores: Sequence[ScoreReport], made: Mapping[str, Any] | None = None) -> str:
    """One row per pair and their mean, a column per metric; the ``#`` lines carry `made` and the metrics' signatures.

    A metric that means nothing for a target comes last, and its signature says so.
    """
    metrics = meaningful_first(scores[0].metrics, [report.pair.target for report in scores])
    signatures = comments(made or {})
    for metric in metrics:
        by_target = {report.pair.target: report.signatures[metric.name] for report in scores}
        is_one = len(set(by_target.values())) == 1
        signatures |= comments(
            {metric.label if is_one else f"{metric.label} into {code}": s for code, s in by_target.items()}
        )
    table = pd.DataFrame(
        [
            {"pair": str(report.pair), "split": report.split, "sentences": report.n_sentences}
            | {metric.name: report.scores[metric.name] for metric in metrics}
            for report in scores
        ]
    )
    means = table.drop(columns=["pair", "split", "sentences"]).mean()
    mean = {"pair": "mean", "split": "", "sentences": table["sentences"].sum(), **means}
    table = pd.concat([table, pd.DataFrame([mean])])
    return "".join(signatures) + table.to_csv(index=False, float_format="%.2f", lineterminator="\n")


def _matrix_settings(matrix: PairwiseMatrix) -> Mapping[str, Any]:
    settings = {"measure": matrix.measure, "top_fraction": matrix.top_fraction, "scope": matrix.scope}
    return {name: value for name, value in settings.items() if value is not None}


def _family_settings(family: PseudoFamily) -> Mapping[str, Any]:
    """The rule as it was applied: with the decimals that were really rounded to, and the scope of masks."""
    used = dataclasses.replace(family.selection, decimals=compared_decimals(family.measure, family.selection))
    selection = " ".join(f"{name}={value}" for name, value in dataclasses.asdict(used).items())
    return {"selection": selection} | ({} if family.scope is None else {"scope": family.scope})


def comments(values: Mapping[str, Any]) -> dict[str, None]:
    """``# name: value`` lines, as an ordered set."""
    return dict.fromkeys(_comment(f"{name}: {value}") for name, value in values.items())


def _comment(text: str) -> str:
    """One ``#`` line, with no cell that a spreadsheet would run."""
    return f"# {_FORMULA_IN_COMMENT.sub(_guarded, ' '.join(text.split()))}\n"


def _guarded(separator: re.Match[str]) -> str:
    return separator[0] + "'"


def escaped(cell: Any) -> Any:
    """The cell with an apostrophe before what a spreadsheet would run as a formula; numbers as they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def read_families_csv(text: str) -> dict[LanguagePair, tuple[LanguagePair, ...]]:
    """Families from a table: what `tables.families_csv` wrote, or two columns, target and member.

    A row per member. Lines that begin with # are passed over, as is a header; with a column ``rank`` members come in its
    order, else as they stand.

    Raises:
        ValueError: A row can't be read; the message names its line.
    """
    lines = [(number, line) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1)]
    kept = [(number, line) for number, line in lines if line.strip() and not line.startswith("#")]
    if not kept:
        raise ValueError("The table of families is empty. It wants a row per member: target,member.")
    rows = [(number, [cell.strip().removeprefix("'") for cell in _cells(line, number)]) for number, line in kept]
    header = [cell.lower() for cell in rows[0][1]]
    named = "target" in header and "member" in header
    places = (header.index("target"), header.index("member")) if named else (0, 1)
    rank = header.index("rank") if named and "rank" in header else None
    families: dict[LanguagePair, list[tuple[float, LanguagePair]]] = {}
    for order, (number, cells) in enumerate(rows[1:] if named else rows):
        target, member = _members(cells, places, number)
        place = float(order) if rank is None else _rank(cells, rank, number)
        if member in (pair for _, pair in families.setdefault(target, [])):
            raise ValueError(f"Line {number} names {member} for {target} a second time. Leave one of them out.")
        families[target].append((place, member))
    return {target: tuple(pair for _, pair in sorted(members)) for target, members in families.items()}


def _cells(line: str, number: int) -> list[str]:
    """The cells of a line, which a spreadsheet may have parted with ; or tabs."""
    delimiter = next((mark for mark in ("\t", ";") if mark in line and "," not in line), ",")
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:  # a cell of more than 131,072 characters, a NUL
        raise ValueError(f"Line {number} can't be read: {error}. It wants a row per member: target,member.") from error


def _members(cells: Sequence[str], places: tuple[int, int], number: int) -> tuple[LanguagePair, LanguagePair]:
    """Target and member of a row."""
    if len(cells) <= max(places):
        raise ValueError(f"Line {number} must have a target and a member, like be-en,uk-en. Got {','.join(cells)!r}.")
    try:
        target, member = (languages.pair(cells[place]) for place in places)
    except ValueError as error:
        raise ValueError(f"Line {number}: {error}") from error
    if target == member:
        raise ValueError(f"Line {number} makes {target} a member of its own family. Leave the line out.")
    return target, member


def _rank(cells: Sequence[str], place: int, number: int) -> float:
    try:
        return float(cells[place])
    except (IndexError, ValueError) as error:
        raise ValueError(f"Line {number} must have a number as its rank. Leave the column out, or mend it.") from error
