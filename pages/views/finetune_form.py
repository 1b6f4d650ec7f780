"""How long and how is trained: the part of Fine-tune's form below the arms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from pages.components import view_state
from pages.components.plain import plain
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
from pseudofam_core.finetuning import DEV_METRICS, PRESETS, BudgetMode, Recipe
from pseudofam_core.models.decoding import own_settings
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.tasks.translation import TRANSLATION


@dataclass(frozen=True)
class Amounts:
    """How much is trained.

    Attributes:
        updates: See `Budget`.
        n_seeds: Runs of each arm.
        n_draws: Random families of each size.
        target_sentences: Most sentences of the target, or None for all.
    """

    updates: int
    n_seeds: int
    n_draws: int
    target_sentences: int | None


@dataclass(frozen=True)
class Settings:
    """How is trained, beside the budget.

    Attributes:
        recipe: Rate, batches, dropout and so on.
        patience: Of a budget that stops early.
        beams: Of the search on test and dev.
        auxiliary_sentences: Most sentences of each auxiliary, or None for all.
        keep_weights: Whether the scored weights are kept.
    """

    recipe: Recipe
    patience: int
    beams: int
    auxiliary_sentences: int | None
    keep_weights: bool


def amounts_input(mode: BudgetMode, model: str) -> Amounts:
    """Ask how much is trained: updates, seeds, random families, text of the target."""
    with st.container(horizontal=True):
        updates = count_input(
            mode.rules.updates_label,
            "updates",
            PRESETS[chosen_preset(model)][1].updates,
            "An update reads a batch of text and changes the weights once.",
            high=MOST_UPDATES,
        )
        target_sentences = target_sentences_input()
    with st.container(horizontal=True):
        n_seeds = count_input(
            "Seeds",
            "seeds",
            1,
            "Runs of each arm. One can't tell luck of training from gain; two or more can.",
            high=MOST_SEEDS,
        )
        n_draws = count_input(
            "Random draws",
            "draws",
            2,
            "Random families of each size that the other arms have: the control. With one, the luck of the draw is not known.",
            high=MOST_SEEDS,
        )
    return Amounts(updates, n_seeds, n_draws, target_sentences)


def mode_input() -> BudgetMode:
    """Ask what the arms have in common, which decides much of the answer."""
    mode: BudgetMode = st.radio(
        "Budget",
        list(BudgetMode),
        format_func=lambda mode: mode.rules.label,
        captions=[mode.rules.words for mode in BudgetMode],
        help="Results of different budgets are never compared with one another.",
        **view_state.choice("budget", list(BudgetMode), code=lambda mode: mode.value),
    )
    return mode


def settings_input(model: str) -> Settings:
    """Ask how is trained, beginning from a preset."""
    recipe, budget = preset_input(model)
    columns = st.columns(3)
    with columns[0]:
        recipe = rate_inputs(recipe)
        every = count_input(
            "Updates between evaluations",
            "every",
            recipe.eval_every,
            "Dev is scored, a checkpoint is written.",
            high=MOST_UPDATES,
        )
        recipe = replace(recipe, eval_every=every)
    with columns[1]:
        recipe = batch_inputs(recipe)
    with columns[2]:
        patience = count_input(
            "Patience", "patience", budget.patience or 1, "Evaluations without gain that end a run.", high=1000
        )
        recipe = replace(
            recipe,
            dev_metric=st.selectbox(
                "Best weights by",
                DEV_METRICS,
                format_func=lambda metric: TRANSLATION.dev_metric(metric).label,
                help="On dev. The loss is quick; any other translates dev at each evaluation.",
                **view_state.choice("dev", DEV_METRICS, recipe.dev_metric),
            ),
            lora=lora_input(),
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        beams = count_input("Beams", "beams", 5, f"Width of the {TRANSLATION.search}.", high=100)
        auxiliary_sentences = auxiliary_sentences_input()
        temperature = temperature_input()
        keep = st.checkbox("Keep the trained weights", help="One copy per run.", **view_state.switch("keep"))
    _search_note(model)
    recipe = replace(recipe, temperature=temperature)
    return Settings(recipe, patience, beams, auxiliary_sentences, keep)


def _search_note(model: str) -> None:
    """What of the model's own generation settings holds, and what does not; nothing where it has none.

    Raises:
        ModelError: They can't be read.
    """
    settings = own_settings(resolve_model(model))
    for words, names in (("Not used, for all models are searched alike", settings.set_aside), ("Used", settings.told)):
        if names:
            st.caption(f"Of the model's own generation settings. {words}: {plain(', '.join(names))}.")
