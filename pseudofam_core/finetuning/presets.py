"""Recipes that are known to serve, each with the budget that goes with it."""

from __future__ import annotations

from collections.abc import Mapping

from pseudofam_core.finetuning.budget import Budget
from pseudofam_core.finetuning.recipe import Recipe

PAPER = Recipe()
"""The settings of Ma et al. (2023), for models like m2m100_418M."""

SMALL = Recipe(
    learning_rate=3e-4,
    warmup_updates=20,
    max_grad_norm=1.0,
    dropout=0.1,
    label_smoothing=0.1,
    batch_tokens=512,
    accumulation=1,
    eval_every=10,
)
"""For models of some ten million parameters on a CPU, such as the sample.

Chosen on dev loss alone (sample workspace, be→en, 50 updates, nats a token): from 2.524 a rate of 3e-4 came to 2.402 for
the target alone and 2.395 with two auxiliaries, 1e-4 to 2.422 and 2.418, and 1e-3 turned upwards after 20 updates. bf16
halves the time of an update where the CPU computes in it, and takes several times as long where it does not: `auto` asks the CPU.
"""

PRESETS: Mapping[str, tuple[Recipe, Budget]] = {
    "paper": (PAPER, Budget()),
    "small": (SMALL, Budget(updates=60, patience=3)),
}
"""Recipes with the budget that goes with each, by name."""
