"""How a model is trained, asked for: what Fine-tune and Transfer have in common."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.components import view_state
from pages.components.inputs import MOST_SENTENCES
from pseudofam_core.finetuning import PRECISIONS, PRESETS, Budget, Lora, Recipe
from pseudofam_core.models.hub import SAMPLE
from pseudofam_core.models.machine import AUTO, Capability, capability

MOST_UPDATES, MOST_SEEDS = 10**7, 50
_LARGEST_RANK = 4096


def preset_input(model: str) -> tuple[Recipe, Budget]:
    """Ask for a preset: what the settings begin from."""
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
        help="What all settings begin from. What you change below stays changed.",
        **view_state.choice("preset", presets, _usual_preset(model)),
    )
    return PRESETS[preset]


def target_sentences_input() -> int | None:
    """Ask how much of the target's text is taken."""
    target_sentences: int | None = st.number_input(
        "Target sentences",
        1,
        MOST_SENTENCES,
        step=50,
        placeholder="all",
        help="Train on so many sentences of the target. With less text of its own, auxiliaries matter more. Empty: all.",
        **view_state.optional_number("target_sentences", int, low=1, high=MOST_SENTENCES),
    )
    return target_sentences


def auxiliary_sentences_input() -> int | None:
    """Ask how much of each auxiliary's text is taken."""
    auxiliary_sentences: int | None = st.number_input(
        "Sentences per auxiliary",
        1,
        MOST_SENTENCES,
        step=50,
        placeholder="all",
        help="Most sentences of each auxiliary. Empty: all.",
        **view_state.optional_number("auxiliary_sentences", int, low=1, high=MOST_SENTENCES),
    )
    return auxiliary_sentences


def temperature_input() -> float | None:
    """Ask how pairs of different size share a batch."""
    temperature: float | None = st.number_input(
        "Sampling temperature",
        0.0,
        1000.0,
        step=1.0,
        placeholder="all pairs alike",
        help="A pair of n sentences is drawn in proportion to n^(1/T). Empty: all alike, as in the paper.",
        **view_state.optional_number("temperature", float, low=0.0, high=1000.0),
    )
    return temperature


def rate_inputs(recipe: Recipe) -> Recipe:
    """Ask how fast the weights change."""
    rate = st.number_input(
        "Learning rate",
        0.0,
        1.0,
        step=1e-5,
        format="%.1e",
        help="Peak of Adam's rate.",
        **view_state.number("rate", recipe.learning_rate, low=0.0, high=1.0),
    )
    warmup = count_input(
        "Warm-up updates", "warmup", recipe.warmup_updates, "The rate rises so long.", low=0, high=MOST_UPDATES
    )
    return replace(recipe, learning_rate=rate, warmup_updates=warmup)


def batch_inputs(recipe: Recipe) -> Recipe:
    """Ask what an update reads, and in which number format."""
    tokens = count_input("Tokens per batch", "batch", recipe.batch_tokens, "Padded, of the longer side.", high=10**6)
    batches = count_input(
        "Batches per update", "batches", recipe.accumulation, "Gradients added up before an update.", high=10**4
    )
    precision = st.selectbox(
        "Number format",
        PRECISIONS,
        format_func=lambda precision: f"auto: {_machine().training}" if precision == AUTO else precision,
        help="`auto` is what this machine trains in: bf16 where it computes in it, else fp16 on a GPU, else float32.",
        **view_state.choice("precision", PRECISIONS, recipe.precision),
    )
    if precision == "bf16" and (slowdown := _machine().bfloat16_slowdown) is not None:
        st.warning(f"bf16 is emulated here: a product takes {slowdown:.1f} times as long as in float32.")
    return replace(recipe, batch_tokens=tokens, accumulation=batches, precision=precision)


@st.cache_resource(show_spinner="Asking what this machine computes in …")
def _machine() -> Capability:
    return capability()


def lora_input() -> Lora | None:
    """Ask whether adapters are trained."""
    rank = st.number_input(
        "LoRA rank",
        1,
        _LARGEST_RANK,
        step=8,
        placeholder="off: all weights",
        help="Train low-rank adapters instead of all weights; the package peft does it. Empty: all weights.",
        **view_state.optional_number("lora", int, low=1, high=_LARGEST_RANK),
    )
    return None if rank is None else Lora(rank=rank, alpha=2 * rank)


def count_input(label: str, name: str, default: int, words: str, *, high: int, low: int = 1) -> int:
    """Ask for a whole number from `low` to `high`."""
    tied = view_state.number(name, default, low=low, high=high)
    n: int = st.number_input(label, low, high, step=1, help=words, **tied)
    return n


def chosen_preset(model: str) -> str:
    """The preset of the address: updates stand above its control and begin from it."""
    said = view_state.text_of("preset")
    return said if said is not None and said in PRESETS else _usual_preset(model)


def _usual_preset(model: str) -> str:
    return "small" if model == SAMPLE else "paper"
