"""Families to hold against the present one: pinned views, which live in the address, and a list from a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components import view_state
from pages.components.inputs import current_view
from pages.components.navigation import FINETUNE_PAGE, page_link
from pages.components.notes import known_notes, note_popover
from pages.components.plain import plain
from pages.views.families.words import differences_table
from pseudofam_core import jobs
from pseudofam_core.exchange.tables import read_families_csv
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.store.keys import key_of
from pseudofam_core.store.notes import Noted

_PINS = "pins"
_MOST_PINS, _LARGEST = 50, 50
_LIST, _LIST_ERROR, _UPLOAD = "family_list", "family_list_error", "family_list_file"
Families = Mapping[LanguagePair, tuple[LanguagePair, ...]]


@dataclass(frozen=True)
class Pin:
    """A family as it was asked for; of the present workspace.

    Attributes:
        target: Whose family.
        measure: What orders the neighbours.
        top_fraction: K, which masks and the consensus use.
        selection: The rule.
    """

    target: LanguagePair
    measure: Measure
    top_fraction: float
    selection: SelectionSpec

    @property
    def code(self) -> str:
        """How the address writes it; `pin_of` reads it."""
        rule = self.selection
        radius = "" if rule.initial_radius is None else repr(rule.initial_radius)
        return f"{self.target}_{self.measure.value}_{self.top_fraction:g}_{rule.rule.value}_{radius}_{rule.largest}_{rule.shrink:g}"

    @property
    def label(self) -> str:
        """How people read it."""
        rule = self.selection
        share = f" {self.top_fraction:.3g}" if self.measure.depends_on_k else ""
        number = f" {rule.largest}" if rule.rule is Rule.NEAREST else ""
        radius = "" if rule.initial_radius is None else f" {rule.initial_radius:g}"
        return f"{self.target.label}, {self.measure.label}{share}, {rule.rule.value}{number}{radius}"

    def family(self, similarities: PoolSimilarity) -> PseudoFamily:
        """The family in a pool.

        Raises:
            ValueError: The pool does not have the target, or not the measure.
        """
        matrix = similarities.matrix(self.measure, self.top_fraction)
        return select_family(matrix, self.target, selection=self.selection)


def pin_of(code: str) -> Pin:
    """Read a pin of the address.

    Raises:
        ValueError: It is no pin.
    """
    target, measure, share, rule, radius, largest, shrink = code.split("_")
    selection = SelectionSpec(Rule(rule), float(radius) if radius else None, float(shrink), largest=int(largest))
    pin = Pin(pair(target), Measure(measure), float(share), selection)
    if not (
        0 < pin.top_fraction <= 1 and math.isfinite(selection.initial_radius or 0) and selection.largest <= _LARGEST
    ):
        raise ValueError(f"The pin {code} is of no family.")
    return pin


def pins_control() -> dict[str, Any]:
    """Ties the list of pins to the address; called in every run, drawn or not, so that the address keeps them."""
    nobody: list[str] = []
    return view_state.control(_PINS, nobody, read=_readable, write=" ".join, start=lambda codes: {"default": codes})


def pin_button(present: Pin) -> None:
    """Keep the present family for comparison."""
    codes = _readable(view_state.text_of(_PINS) or "")
    pinned = present.code in codes
    st.button(
        "Pinned" if pinned else "Pin",
        key="pin",
        icon=":material/keep:",
        disabled=pinned,
        help="Keep this family, with its measure and rule, to hold others against it: see **Side by side** below.",
        on_click=view_state.set_value,
        args=(_PINS, " ".join([*codes, present.code])),
    )
    note_popover(Noted.FAMILY, f"{present.code}{_workspace_mark()}", what="this family")


def pinned_view(similarities: PoolSimilarity, present: PseudoFamily, tied: Mapping[str, Any]) -> None:
    """The pinned families beside the present one."""
    st.markdown("**Pinned families**")
    codes, names = _readable(view_state.text_of(_PINS) or ""), _named_families()
    if not codes:
        st.caption(
            "None yet. **Pin** above keeps the present family; change the measure, K or the rule, and compare."
            + (" Families with a name are offered here." if names else "")
        )
    if not codes and not names:
        return

    def label_of(code: str) -> str:
        return f"{names[code]}: {pin_of(code).label}" if code in names else pin_of(code).label

    offered = list(dict.fromkeys([*codes, *names]))
    st.multiselect("Pinned", offered, format_func=label_of, label_visibility="collapsed", **tied)
    if not codes:
        return
    rows, missing = [], []
    for code in codes:
        pin = pin_of(code)
        try:
            rows.append((label_of(code), pin.family(similarities).members, present.members))
        except ValueError:
            missing.append(label_of(code))
    table = differences_table(rows, columns=("Pinned", "Only pinned", "Only present"))
    st.dataframe(table, hide_index=True, alt="Pinned families beside the present one")
    if missing:
        st.caption(f"Not in this pool: {plain('; '.join(missing))}.")


def imported_view(matrix: PairwiseMatrix, present: PseudoFamily) -> None:
    """A list of families from a file, beside what is computed here."""
    st.markdown("**A list of your own**")
    st.file_uploader(
        "Families as CSV",
        type="csv",
        max_upload_size=2,
        key=_UPLOAD,
        on_change=_take_upload,
        help="What this page exports, or two columns: `target,member`, a row per member.",
    )
    if error := st.session_state.get(_LIST_ERROR):
        st.error(f"**The list can't be read.** {plain(error)}", icon=":material/error:")
    families: Families | None = st.session_state.get(_LIST)
    if not families:
        return
    _beside_computed(families, matrix, present)
    if members := families.get(present.target):
        page_link(
            FINETUNE_PAGE,
            f"Fine-tune {present.target.label} with the list's family",
            target=str(present.target),
            members=",".join(map(str, members)),
        )
    else:
        st.caption(f"The list has no family of {present.target.label}.")


def _beside_computed(families: Families, matrix: PairwiseMatrix, present: PseudoFamily) -> None:
    rows = [
        (target.label, members, select_family(matrix, target, selection=present.selection).members)
        for target, members in families.items()
        if target in matrix.pairs
    ]
    table = differences_table(rows, columns=("Target", "Only in the list", "Only computed"))
    st.dataframe(table, hide_index=True, alt="The list beside the families that are computed here")
    st.caption("Held against the families by the present measure and rule.")
    named = {*families, *(member for members in families.values() for member in members)}
    if missing := sorted(named.difference(matrix.pairs)):
        st.caption(f"Not in this pool: {plain(', '.join(map(str, missing)))}.")


def _workspace_mark() -> str:
    """What a named family's code ends in: it is of one workspace."""
    return f"@{key_of('workspace', 1, jobs.placed(current_view().workspace))[:16]}"


def _named_families() -> dict[str, str]:
    """Names of this workspace's families that have one, by their codes."""
    mark = _workspace_mark()
    named = {
        subject.removesuffix(mark): note.name
        for subject, note in known_notes(Noted.FAMILY).items()
        if subject.endswith(mark)
    }
    return {code: named[code] for code in _readable(" ".join(named))}


def _readable(text: str) -> list[str]:
    """The pins of the address that can be read."""
    codes = []
    for code in list(dict.fromkeys(text.split()))[:_MOST_PINS]:
        try:
            pin_of(code)
        except ValueError:  # an old or broken link: what can be read is shown
            continue
        codes.append(code)
    return codes


def _take_upload() -> None:
    """Keep an uploaded list for this visit, or why it can't be read."""
    upload = st.session_state[_UPLOAD]
    st.session_state[_LIST] = st.session_state[_LIST_ERROR] = None
    if upload is None:
        return
    try:
        st.session_state[_LIST] = read_families_csv(upload.getvalue().decode("utf-8"))
    except UnicodeDecodeError:
        st.session_state[_LIST_ERROR] = "The file is not UTF-8 text. Save it as CSV UTF-8, and choose it again."
    except ValueError as error:
        st.session_state[_LIST_ERROR] = str(error)
