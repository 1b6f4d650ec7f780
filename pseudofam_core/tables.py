"""Matrices, families and scores as CSV: provenance in ``#`` lines, then the table, safe to open in a spreadsheet."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pseudofam_core.results import PairwiseMatrix, PseudoFamily, ScoreReport
from pseudofam_core.selection import families_frame
from pseudofam_core.specs import SelectionSpec

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
        lines |= comments(family.provenance) | comments({"selection": _selection_settings(family.selection)})
    return "".join(lines) + families_frame(families).map(escaped).to_csv(index=False, lineterminator="\n")


def scores_csv(scores: Sequence[ScoreReport]) -> str:
    """One row per pair and their mean; the ``#`` lines carry sacreBLEU's signatures."""
    signatures: dict[str, None] = {}
    for one in scores:
        signatures |= comments({"BLEU": one.bleu_signature, "chrF++": one.chrf_signature})
    table = pd.DataFrame(
        [(str(one.pair), one.split, one.n_sentences, one.bleu, one.chrf) for one in scores],
        columns=["pair", "split", "sentences", "bleu", "chrf"],
    )
    mean = {"pair": "mean", "split": "", "sentences": table["sentences"].sum(), **table[["bleu", "chrf"]].mean()}
    table = pd.concat([table, pd.DataFrame([mean])])
    return "".join(signatures) + table.to_csv(index=False, float_format="%.2f", lineterminator="\n")


def _matrix_settings(matrix: PairwiseMatrix) -> Mapping[str, Any]:
    settings = {"measure": matrix.measure, "top_fraction": matrix.top_fraction, "scope": matrix.scope}
    return {name: value for name, value in settings.items() if value is not None}


def _selection_settings(selection: SelectionSpec) -> str:
    return " ".join(f"{name}={value}" for name, value in dataclasses.asdict(selection).items())


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
