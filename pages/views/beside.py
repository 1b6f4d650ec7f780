"""Two workspaces side by side: what is asked of the other, both matrices, how far they agree, whose families differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components import view_state
from pages.components.brushing import answer_click, chosen_cell, marked_pairs, pointed_out
from pages.components.figures import plot
from pages.components.inputs import LARGEST_SEED, MOST_SENTENCES
from pages.components.job_cards import submit
from pages.components.loading import Pool, corpus_pairs, load_pool
from pages.components.navigation import LAB_PAGE, page_link
from pages.components.plain import plain
from pages.components.states import completeness_note, estimate_button
from pages.views.families.words import differences_table
from pseudofam_core import charts
from pseudofam_core.corpora import SPLITS
from pseudofam_core.corpora.choices import source_name
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.estimates.spec import Estimator, Workspace
from pseudofam_core.lab.agreement import agreement_of_matrices
from pseudofam_core.lab.beside import targets_beside
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.models.parameters import PARAMETER_GROUPS
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.structure import clustering
from pseudofam_core.structure.correlation import N_PERMUTATIONS, p_words

_FEWEST = 3  # pairs, for rows to have an order
_NUMBER = st.column_config.NumberColumn
_EMPTY = "Of the other workspace. Empty: as in the sidebar, where its help stands."
_TOLD: Mapping[str, Callable[[Any], str]] = {
    "model": lambda name: Path(name).name or name,
    "corpus": source_name,
    "split": "split {}".format,
    "max_sentences": lambda n: "all sentences" if n is None else f"up to {n:,} sentences",
    "parameters": "parameters {}".format,
    "estimator": str,
    "seed": "seed {}".format,
}
"""How people read what two workspaces differ in."""


def other_input(workspace: Workspace) -> Workspace:
    """Ask what the other workspace has otherwise; what is left empty is as in the sidebar. All pairs of its corpus."""
    with st.container(border=True):
        st.markdown("**The other workspace.** What is left empty is as in the sidebar.")
        with st.grid(4, min_column_width=150):
            asked = {
                "model": _name_input("Model", "other_model", workspace.model),
                "corpus": _name_input("Corpus", "other_corpus", workspace.corpus),
                "split": _choice_input("Split", "other_split", SPLITS, workspace.split),
                "estimator": _choice_input("Estimator", "other_estimator", tuple(Estimator), workspace.estimator),
                "parameters": _choice_input("Parameters", "other_parameters", PARAMETER_GROUPS, workspace.parameters),
                "max_sentences": _number_input(
                    "Sentences per pair", "other_sentences", 1, MOST_SENTENCES, workspace.max_sentences or "all"
                ),
                "seed": _number_input("Seed", "other_seed", 0, LARGEST_SEED, workspace.seed),
            }
    named = {name: value for name, value in asked.items() if value not in (None, "")}
    changed = {name: value for name, value in named.items() if value != getattr(workspace, name)}
    return replace(workspace, **changed, pairs=None) if changed else workspace


def nothing_named() -> None:
    """Say what will stand here."""
    st.info(
        "Name above what the other workspace has otherwise: another model, another corpus, another estimator.",
        icon=":material/edit:",
    )
    st.markdown(
        "You will see both matrices in one order, how far they agree (Spearman's ρ, with intervals over targets), and which "
        "families are other ones there."
    )
    page_link(LAB_PAGE, "By several measures, in the Lab", experiment="corpora")


def both_or_stop(pool: Pool, other: Workspace) -> tuple[Pool, Pool]:
    """Both workspaces, limited to the pairs that are estimated in both; where these are too few, say so and end the page."""
    try:
        pairs = tuple(pair for pair in pool.pairs if pair in corpus_pairs(other.corpus, other.split))
        there = load_pool(replace(other, pairs=pairs)) if len(pairs) >= _FEWEST else None
    except (PseudoFamError, ValueError) as error:
        st.warning(f"**The other workspace can't be used.** {plain(error)}", icon=":material/folder_off:")
        st.stop()
    if there is None:
        st.info(
            f"Both must have {_FEWEST} language pairs or more in common. They have {len(pairs)}.",
            icon=":material/join:",
        )
        st.stop()
    completeness_note(pool)
    _missing_there(there)
    both = tuple(pair for pair in pairs if pair in pool.estimates and pair in there.estimates)
    if len(both) < _FEWEST:
        st.info(
            f"{_FEWEST} pairs or more must be estimated in both. So far it is {len(both)} of {len(pairs)}.",
            icon=":material/hourglass_empty:",
        )
        st.stop()
    if all(pool.estimates[pair].key == there.estimates[pair].key for pair in both):
        st.warning(
            "Both read the same estimates: what differs changes neither model, text nor estimator.",
            icon=":material/equal:",
        )
    return _limited(pool, both), _limited(there, both)


def names_of(here: Workspace, there: Workspace) -> tuple[str, str]:
    """What each of the two is called: what it has otherwise than the other, as text."""
    differing = [name for name in _TOLD if getattr(here, name) != getattr(there, name)]
    first, second = (" · ".join(_TOLD[name](getattr(side, name)) for name in differing) for side in (here, there))
    return first, second


def agreement_view(first: PairwiseMatrix, second: PairwiseMatrix) -> None:
    """How far both agree: as wholes, in the order of each target's neighbours, in families."""
    try:
        both = _agreement(first.values.tobytes(), second.values.tobytes(), first, second)
    except ValueError as error:
        st.warning(plain(error), icon=":material/error:")
        return
    rho, p = both["matrix_rho"], both["p"]
    with st.grid(4, min_column_width=170):
        st.metric(
            "Matrices, ρ", "–" if rho is None else f"{rho:.2f}", border=True, height="stretch",
            help="Over all cells, both directions averaged: 1 is the same order."
            + ("" if p is None else f" Mantel test: chance does as well with p {p_words(p, N_PERMUTATIONS)}."),
        )  # fmt: skip
        _with_interval("Neighbours, ρ", both, "rho", ".2f", "Mean over targets of the rank correlation of its row.")
        words = "Of the members that a target's family has in either, those that it has in both; mean over targets."
        _with_interval("Members shared", both, "shared", ".0%", words)
        st.metric(
            "Same nearest",
            f"{both['nearest']:.0%}",
            border=True,
            height="stretch",
            help="Share of targets whose nearest neighbour is the same.",
        )
    st.caption(
        f"Over {len(first.pairs)} pairs, by {first.measure.label}; ρ is Spearman's. Below a mean its 95 % interval over targets: "
        "what other languages of this kind would be likely to give, not other sentences."
    )


def matrices_view(
    first: PairwiseMatrix, second: PairwiseMatrix, names: tuple[str, str], *, looked_up: LanguagePair | None
) -> None:
    """Both matrices in the order of the first one's tree; a click on a cell of either frames it in both."""
    order = clustering.leaf_order(clustering.linkage(first))
    cell = chosen_cell(first)
    st.markdown(_cell_words(first, second, cell))
    for column, matrix, name, key in zip(
        st.columns(2), (first, second), names, ("first_figure", "second_figure"), strict=True
    ):
        with column:
            st.markdown(f"**{plain(name)}**")
            plot(
                charts.similarity_figure(
                    matrix,
                    order=order,
                    chosen=cell,
                    looked_up=matrix.pairs.index(looked_up) if looked_up in matrix.pairs else None,
                ),
                key=key,
                on_select=partial(answer_click, key, matrix.pairs),
                selection_mode="points",
                alt=f"Heatmap of {len(matrix.pairs)} language pairs, {name}",
            )
    st.caption(
        "How to read it: rows are targets, columns possible auxiliaries, both in the order of the left one's tree. Colours are "
        "ranks within each matrix: yellow is near."
    )


def families_view(
    first: PairwiseMatrix, second: PairwiseMatrix, names: tuple[str, str], *, looked_up: LanguagePair | None
) -> None:
    """Each target's family by both, those that differ first."""
    targets = sorted(targets_beside(first, second), key=lambda target: (target.is_same, target.target.label))
    n_same = sum(target.is_same for target in targets)
    st.markdown(
        f"**{len(targets) - n_same} of {len(targets)} families differ.** *Left* is {plain(names[0])}, *right* {plain(names[1])}."
    )
    labels = dict(zip(first.pairs, pair_labels(first.pairs), strict=True))
    table = differences_table(
        [(labels[target.target], target.first, target.second) for target in targets],
        columns=("Target", "Only left", "Only right"),
    ).rename(columns={"Auxiliaries": "Family, left"})
    table.insert(1, "ρ", [target.rho for target in targets])
    st.dataframe(
        pointed_out(table, "Target", [labels[language] for language in marked_pairs(first, looked_up)]),
        hide_index=True,
        placeholder="–",
        column_config={"ρ": _NUMBER(format="%.2f", help="Rank correlation of the order of its neighbours by both.")},
        height=min(38 + 35 * len(table), 700),
        alt="Each target's family by both workspaces, and what only one of them has",
    )
    st.caption("By the paper's rule with its own radius.")


def _name_input(label: str, name: str, here: str) -> str:
    said: str = st.text_input(label, placeholder=here, help=_EMPTY, **view_state.control(name, "", read=str))
    return said.strip()


def _choice_input(label: str, name: str, options: tuple[Any, ...], here: Any) -> Any:
    tied = view_state.optional(name, options)
    return st.selectbox(label, options, placeholder=str(here), format_func=str, help=_EMPTY, **tied)


def _number_input(label: str, name: str, low: int, high: int, here: object) -> int | None:
    tied = view_state.optional_number(name, int, low=low, high=high)
    said: int | None = st.number_input(label, low, high, step=1, placeholder=str(here), help=_EMPTY, **tied)
    return said


def _missing_there(there: Pool) -> None:
    """Say what the other workspace lacks, with a button that has it estimated; nothing where all is there."""
    if not there.missing:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":orange-badge[{len(there.missing)} of {len(there.pairs)} pairs missing in the other]", width="content"
        )
        pressed = estimate_button(there.workspace, there.missing, "Estimate", type="primary", key="estimate_other")
    if pressed:
        submit(there.workspace, pressed, "Starting the worker …")


def _limited(pool: Pool, pairs: tuple[LanguagePair, ...]) -> Pool:
    """The pool with these of its pairs alone."""
    return replace(
        pool,
        workspace=replace(pool.workspace, pairs=pairs),
        specs={pair: pool.specs[pair] for pair in pairs},
        unreadable={},
        estimates={pair: pool.estimates[pair] for pair in pairs},
    )


@st.cache_data(max_entries=64, show_spinner="Holding both against each other …")
def _agreement(first: bytes, second: bytes, _first: PairwiseMatrix, _second: PairwiseMatrix) -> dict[str, Any]:
    return agreement_of_matrices(_first, _second)


def _with_interval(label: str, both: Mapping[str, Any], name: str, form: str, words: str) -> None:
    """A mean over targets, its interval beneath it."""
    low, high = both[f"{name}_low"], both[f"{name}_high"]
    st.metric(
        label,
        f"{both[name]:{form}}",
        delta=f"{low:{form}} to {high:{form}}",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
        help=words,
    )


def _cell_words(first: PairwiseMatrix, second: PairwiseMatrix, cell: tuple[int, int] | None) -> str:
    """What the chosen cell says in both."""
    if cell is None:
        return "Click a cell of either matrix, and what both say of it stands here."
    told = []
    for side, matrix in (("left", first), ("right", second)):
        rank = charts.neighbour_ranks(matrix)[cell]
        told.append(f"{side} {matrix.values[cell]:.4g}, neighbour {rank} of {len(matrix.pairs) - 1}")
    target, auxiliary = (first.pairs[i].label for i in cell)
    return f"**{target} with {auxiliary}**: {'; '.join(told)}."
