"""What Transfer asks for: targets, auxiliaries, how each run is trained; and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from pages.components import view_state
from pages.components.job_cards import duration
from pages.components.recipe_inputs import (
    MOST_SEEDS,
    MOST_UPDATES,
    auxiliary_sentences_input,
    batch_inputs,
    chosen_preset,
    count_input,
    lora_input,
    preset_input,
    rate_inputs,
    target_sentences_input,
    temperature_input,
)
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import PRESETS, BudgetMode, Recipe, TextCut
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.tasks.translation import TRANSLATION
from pseudofam_core.transfer import MatrixCost, TransferRequest


def request_input(workspace: Workspace, pool: Sequence[LanguagePair]) -> TransferRequest:
    """The form.

    Raises:
        ValueError: What was asked for makes no sense; the message says why.
    """
    with st.container(border=True):
        left, right = st.columns(2)
        with left:
            targets = _pairs_input("Targets", "targets", pool, "The pairs that the model is to translate well.")
        with right:
            auxiliaries = _pairs_input("Auxiliaries", "auxiliaries", pool, "The pairs that may help, one at a time.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            updates = count_input(
                BudgetMode.EQUAL_TARGET_TOKENS.rules.updates_label,
                "updates",
                PRESETS[chosen_preset(workspace.model)][1].updates,
                "With an auxiliary the target is read as often, and the auxiliary on top.",
                high=MOST_UPDATES,
            )
            n_seeds = count_input(
                "Seeds",
                "seeds",
                1,
                "Runs of each cell. One can't tell luck of training from gain; two or more can.",
                high=MOST_SEEDS,
            )
            target_sentences = target_sentences_input()
            auxiliary_sentences = auxiliary_sentences_input()
        scores = st.checkbox(
            f"Translate test as well: {TRANSLATION.metric_labels}",
            help="Takes several times as long. Without it only the loss on dev is kept.",
            **view_state.switch("scores"),
        )
        with st.expander("Settings of training", icon=":material/tune:"):
            recipe = _recipe_input(workspace.model)
    return TransferRequest(
        workspace=workspace,
        targets=targets,
        auxiliaries=auxiliaries,
        updates=updates,
        recipe=recipe,
        seeds=tuple(range(1, n_seeds + 1)),
        cut=TextCut(target_sentences, auxiliary_sentences),
        scores=scores,
    )


def cost_cards(cost: MatrixCost) -> None:
    """What is still to be done: runs, updates, time."""
    time = "–" if cost.seconds is None else duration(cost.seconds)
    runs, updates, seconds = st.columns(3)
    runs.metric("Runs", f"{cost.n_runs - cost.n_kept:,}", help=f"{cost.n_runs} asked for; {cost.n_kept} are kept.")
    updates.metric("Updates", f"{cost.updates:,}", help="Of all runs together, about.")
    seconds.metric("Time", time, help="One run after the other, at the pace of the runs that are kept.")
    if cost.seconds is None:
        st.caption("The time is told once a run, or a short timing, has shown this machine's pace.")
    if cost.n_kept:
        st.caption(f"Kept already, and not run again: {cost.n_kept} of {cost.n_runs} runs.")


def _pairs_input(label: str, name: str, pool: Sequence[LanguagePair], words: str) -> tuple[LanguagePair, ...]:
    """Ask for some pairs of the pool; none named means all."""
    labels = dict(zip(pool, pair_labels(pool), strict=True))
    by_label = sorted(pool, key=labels.__getitem__)
    chosen = st.multiselect(
        label,
        by_label,
        format_func=lambda pair: labels.get(pair, str(pair)),
        placeholder=f"All ({len(pool)})",
        help=f"{words} None named: all.",
        **view_state.several(name, by_label),
    )
    return tuple(sorted(chosen or pool))


def _recipe_input(model: str) -> Recipe:
    """How is trained, beginning from a preset. There is no evaluation on the way: the last weights are taken."""
    recipe, _ = preset_input(model)
    columns = st.columns(3)
    with columns[0]:
        recipe = rate_inputs(recipe)
    with columns[1]:
        recipe = batch_inputs(recipe)
    with columns[2]:
        return replace(recipe, lora=lora_input(), temperature=temperature_input())
