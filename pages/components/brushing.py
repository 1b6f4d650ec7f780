"""What is chosen in one figure is marked in the others: the address holds it, so that a link and Back do as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.components import view_state
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.results import PairwiseMatrix


def clicked_values(figure: str) -> list[Any]:
    """``customdata`` of the point of a figure that was clicked last; empty where none was."""
    points = st.session_state[figure].selection.points
    return list(points[0].get("customdata") or []) if points else []


def choose_cell(pairs: Sequence[LanguagePair], target: int, auxiliary: int) -> None:
    """Choose a cell of the matrix, by positions in its pairs; one on the diagonal chooses a target alone."""
    view_state.set_value("of", str(pairs[target]))
    if auxiliary != target:
        view_state.set_value("with", str(pairs[auxiliary]))


def chosen_cell(matrix: PairwiseMatrix) -> tuple[int, int] | None:
    """Positions of the chosen target and auxiliary; None where the matrix has not both, or they are one."""
    by_code = {str(pair): i for i, pair in enumerate(matrix.pairs)}
    target, auxiliary = (by_code.get(view_state.text_of(name) or "") for name in ("of", "with"))
    return None if target is None or auxiliary is None or target == auxiliary else (target, auxiliary)
