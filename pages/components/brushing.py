"""What is chosen in one figure is marked in the others: the address holds it, so that a link and Back do as well."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from pages.components import view_state
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.results import PairwiseMatrix

_POINTED_OUT = "background-color: rgba(224, 33, 138, 0.18)"


def pointed_out(table: pd.DataFrame, column: str, names: Collection[str]) -> pd.DataFrame | Styler:
    """The table with the rows tinted whose column has one of these names."""
    if not set(names) & set(table[column]):
        return table
    return table.style.apply(lambda row: [_POINTED_OUT if row[column] in names else ""] * len(row), axis="columns")


def clicked_values(figure: str) -> list[Any]:
    """``customdata`` of the point of a figure that was clicked last; empty where none was."""
    points = st.session_state[figure].selection.points
    return list(points[0].get("customdata") or []) if points else []


def answer_click(figure: str, pairs: Sequence[LanguagePair]) -> int | None:
    """Choose the cell, or mark the language, that was clicked in a matrix, its tree or a map; of a joint, return the row of Z."""
    match clicked_values(figure):
        case [str(code), *_]:
            mark(code)
        case [joint]:
            return int(joint)
        case [target, auxiliary, *_]:
            choose_cell(pairs, int(target), int(auxiliary))
    return None


def mark(code: str) -> None:
    """Mark a language as the sidebar's search does, on every page that points one out; the marked one is let go."""
    view_state.set_value("find", None if view_state.text_of("find") == code else code)


def choose_cell(pairs: Sequence[LanguagePair], target: int, auxiliary: int) -> None:
    """Choose a cell of the matrix, by positions in its pairs; one on the diagonal chooses a target alone."""
    view_state.set_value("of", str(pairs[target]))
    if auxiliary != target:
        view_state.set_value("with", str(pairs[auxiliary]))


def marked_pairs(matrix: PairwiseMatrix, looked_up: LanguagePair | None) -> tuple[LanguagePair, ...]:
    """The marked language and those of the chosen cell, as far as the matrix has them."""
    cell = tuple(matrix.pairs[i] for i in chosen_cell(matrix) or ())
    return (looked_up, *cell) if looked_up in matrix.pairs and looked_up is not None else cell


def chosen_cell(matrix: PairwiseMatrix) -> tuple[int, int] | None:
    """Positions of the chosen target and auxiliary; None where the matrix has not both, or they are one."""
    by_code = {str(pair): i for i, pair in enumerate(matrix.pairs)}
    target, auxiliary = (by_code.get(view_state.text_of(name) or "") for name in ("of", "with"))
    return None if target is None or auxiliary is None or target == auxiliary else (target, auxiliary)
