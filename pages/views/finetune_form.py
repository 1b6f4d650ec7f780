"""How long and how is trained: the part of Fine-tune's form below the arms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from pages.components import view_state
from pseudofam_core.finetuning import DEV_METRICS, PRECISIONS, PRESETS, BudgetMode, Lora, Recipe
from pseudofam_core.models.decoding import own_settings
from pseudofam_core.models.hub import SAMPLE, resolve_model
from pseudofam_core.models.machine import AUTO, Capability, capability
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
        updates = _count(
            mode.rules.updates_label,
            "updates",
            PRESETS[_chosen_preset(model)][1].updates,
            "An update reads a batch of text and changes the weights once.",
        )
        target_sentences = st.number_input(
            "Target sentences",
            1,
            step=50,
            placeholder="all",
            help="Train on so many sentences of the target. With less text of its own, auxiliaries matter more. Empty: all.",
            **view_state.optional_number("target_sentences", int, low=1),
        )
    with st.container(horizontal=True):
        n_seeds = _count(
            "Seeds", "seeds", 1, "Runs of each arm. One can't tell luck of training from gain; two or more can."
        )
        n_draws = _count(
            "Random draws", "draws", 1, "Random families of each size that the other arms have: the control."
        )
    return Amounts(updates, n_seeds, n_draws, target_sentences)


def mode_input() -> BudgetMode:
    """Ask what the arms have in common, which decides much of the answer."""
    mode: BudgetMode = st.radio(
        "Budget",
        list(BudgetMode),
        format_func=lambda one: one.rules.label,
        captions=[one.rules.words for one in BudgetMode],
        help="Results of different budgets are never compared with one another.",
        **view_state.choice("budget", list(BudgetMode), code=lambda one: one.value),
    )
    return mode


def settings_input(model: str) -> Settings:
    """Ask how is trained, beginning from a preset."""
    presets = list(PRESETS)
    preset = st.radio(
        "Preset",
        presets,
        horizontal=True,
        format_func={"paper": "As in the paper", "small": "Small model"}.__getitem__,
        captions=[
            "For models like m2m100_418M: up to 40,000 updates, hours on a GPU.",
            "For some ten million parameters on a CPU, such as the sample: minutes.",
        ],
        **view_state.choice("preset", presets, _usual_preset(model)),
    )
    recipe, budget = PRESETS[preset]
    columns = st.columns(3)
    with columns[0]:
        recipe = _pace_inputs(recipe)
    with columns[1]:
        recipe = _batch_inputs(recipe)
    with columns[2]:
        patience = _count("Patience", "patience", budget.patience or 1, "Evaluations without gain that end a run.")
        recipe = replace(
            recipe,
            dev_metric=st.selectbox(
                "Best weights by",
                DEV_METRICS,
                format_func=lambda one: TRANSLATION.dev_metric(one).label,
                help="On dev. The loss is quick; any other translates dev at each evaluation.",
                **view_state.choice("dev", DEV_METRICS, recipe.dev_metric),
            ),
            lora=_lora_input(),
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        beams = _count("Beams", "beams", 5, f"Width of the {TRANSLATION.search}.")
        auxiliary_sentences = st.number_input(
            "Sentences per auxiliary",
            1,
            step=50,
            placeholder="all",
            help="Most sentences of each auxiliary. Empty: all.",
            **view_state.optional_number("auxiliary_sentences", int, low=1),
        )
        temperature = st.number_input(
            "Sampling temperature",
            0.0,
            step=1.0,
            placeholder="all pairs alike",
            help="A pair of n sentences is drawn in proportion to n^(1/T). Empty: all alike, as in the paper.",
            **view_state.optional_number("temperature", float, low=0.0),
        )
        keep = st.checkbox("Keep the trained weights", help="One copy per run.", **view_state.switch("keep"))
    _search_note(model)
    recipe = replace(recipe, temperature=temperature)
    return Settings(recipe, patience, beams, auxiliary_sentences, keep)


def _search_note(model: str) -> None:
    """What of the model's own generation settings holds, and what does not; nothing where it has none.

    Raises:
        ModelError: They can't be read.
    """
    own = own_settings(resolve_model(model))
    for words, settings in (("Not used, for all models are searched alike", own.set_aside), ("Used", own.told)):
        if settings:
            st.caption(f"Of the model's own generation settings. {words}: `{'`, `'.join(settings)}`.")


def _pace_inputs(recipe: Recipe) -> Recipe:
    rate = st.number_input(
        "Learning rate",
        0.0,
        step=1e-5,
        format="%.1e",
        help="Peak of Adam's rate.",
        **view_state.number("rate", recipe.learning_rate, low=0.0),
    )
    warmup = _count("Warm-up updates", "warmup", recipe.warmup_updates, "The rate rises so long.", low=0)
    every = _count("Updates between evaluations", "every", recipe.eval_every, "Dev is scored, a checkpoint is written.")
    return replace(recipe, learning_rate=rate, warmup_updates=warmup, eval_every=every)


def _batch_inputs(recipe: Recipe) -> Recipe:
    tokens = _count("Tokens per batch", "batch", recipe.batch_tokens, "Padded, of the longer side.")
    batches = _count("Batches per update", "batches", recipe.accumulation, "Gradients added up before an update.")
    precision = st.selectbox(
        "Number format",
        PRECISIONS,
        format_func=lambda one: f"auto: {_machine().training}" if one == AUTO else one,
        help="`auto` is what this machine trains in: bf16 where it computes in it, else fp16 on a GPU, else float32.",
        **view_state.choice("precision", PRECISIONS, recipe.precision),
    )
    if precision == "bf16" and (slowdown := _machine().bfloat16_slowdown) is not None:
        st.warning(f"bf16 is emulated here: a product takes {slowdown:.1f} times as long as in float32.")
    return replace(recipe, batch_tokens=tokens, accumulation=batches, precision=precision)


@st.cache_resource(show_spinner="Asking what this machine computes in …")
def _machine() -> Capability:
    return capability()


def _lora_input() -> Lora | None:
    rank = st.number_input(
        "LoRA rank",
        1,
        step=8,
        placeholder="off: all weights",
        help="Train low-rank adapters instead of all weights; the package peft does it. Empty: all weights.",
        **view_state.optional_number("lora", int, low=1),
    )
    return None if rank is None else Lora(rank=rank, alpha=2 * rank)


def _count(label: str, name: str, default: int, words: str, *, low: int = 1) -> int:
    n: int = st.number_input(label, low, step=1, help=words, **view_state.number(name, default, low=low))
    return n


def _chosen_preset(model: str) -> str:
    """The preset of the address: updates stand above its control and begin from it."""
    said = view_state.text_of("preset")
    return said if said is not None and said in PRESETS else _usual_preset(model)


def _usual_preset(model: str) -> str:
    return "small" if model == SAMPLE else "paper"
