"""How long is trained, and what the arms of a comparison have in common. All that depends on a mode stands in its entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pseudofam_core.finetuning.plan import Lengths, Plan, Weights, around_target, mixture, pair_weights
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.languages import LanguagePair


class Planner(Protocol):
    """Decides the batches of a run: a function of `plan`."""

    def __call__(
        self,
        lengths: Sequence[Lengths],
        pairs: Sequence[LanguagePair],
        recipe: Recipe,
        *,
        weights: Weights,
        n_updates: int,
        seed: int,
        n_processes: int,
    ) -> Plan:
        """The batches; see `Budget.plan`."""


@dataclass(frozen=True, kw_only=True)
class ModeRules:
    """What a budget mode means.

    Attributes:
        label: Its name on pages.
        words: What it gives an arm, in a sentence.
        updates_label: What `Budget.updates` counts, as the label of a field.
        stops_early: Whether dev decides: training ends where it stops improving, so that a budget has a patience and its
            updates are a cap, and the best weights are scored that were evaluated after the first update. Else all updates
            are done, and the last weights are scored.
        planned: Which batches are read.
        expected_updates: Updates of a run, of `Budget.updates` and the weights of its pairs, the target's first.
    """

    label: str
    words: str
    updates_label: str
    stops_early: bool
    planned: Planner
    expected_updates: Callable[[int, Sequence[float]], int]


class BudgetMode(StrEnum):
    """What the arms of a comparison have in common. Results of two modes are not comparable.

    Attributes:
        rules: What it means.
    """

    rules: ModeRules

    EARLY_STOPPING = (
        "early-stopping",
        ModeRules(
            label="Early stopping",
            words="Each arm trains until it stops improving on dev, and its best weights are scored: the paper's way.",
            updates_label="Updates at most",
            stops_early=True,
            planned=mixture,
            expected_updates=lambda updates, weights: updates,
        ),
    )
    EQUAL_UPDATES = (
        "equal-updates",
        ModeRules(
            label="Equal updates",
            words="Every arm gets as many updates, which its pairs share: with three auxiliaries the target gets a quarter.",
            updates_label="Updates",
            stops_early=False,
            planned=mixture,
            expected_updates=lambda updates, weights: updates,
        ),
    )
    EQUAL_TARGET_TOKENS = (
        "equal-target-tokens",
        ModeRules(
            label="Equal target tokens",
            words="Every arm sees the target equally often, and its auxiliaries on top: larger families train longer.",
            updates_label="Updates of the target alone",
            stops_early=False,
            planned=around_target,
            expected_updates=lambda updates, weights: round(updates * sum(weights) / weights[0]),
        ),
    )

    def __new__(cls, value: str, rules: ModeRules) -> BudgetMode:
        """A mode whose rules are not given, or not all of them, can't be imported."""
        mode = str.__new__(cls, value)
        mode._value_, mode.rules = value, rules
        return mode


@dataclass(frozen=True)
class Budget:
    """How long to train.

    Attributes:
        mode: `EARLY_STOPPING` trains until dev stops improving and scores the best weights that were evaluated after
            the first update. `EQUAL_UPDATES` gives every arm so many updates and scores the last weights.
            `EQUAL_TARGET_TOKENS` shows every arm exactly the target sentences that the target alone sees in so many
            updates, as often, and its auxiliaries on top; the last weights are scored.
        updates: The cap; the updates; the updates of the target alone.
        patience: Evaluations without improvement after which training ends (the paper: 10). Early stopping only.
    """

    mode: BudgetMode = BudgetMode.EARLY_STOPPING
    updates: int = 40_000
    patience: int | None = 10

    def __post_init__(self) -> None:
        """Refuse a budget that is empty or means two things."""
        if not isinstance(self.mode, BudgetMode):
            raise ValueError(f"mode must be one of {', '.join(BudgetMode)}. Got {self.mode!r}.")
        if self.updates < 1:
            raise ValueError(f"updates must be at least 1. Got {self.updates}. Zero-shot is an arm of its own.")
        if self.mode.rules.stops_early:
            if self.patience is None or self.patience < 1:
                raise ValueError(f"patience must be at least 1 for {self.mode}. Got {self.patience}.")
        elif self.patience is not None:
            early = " or ".join(mode for mode in BudgetMode if mode.rules.stops_early)
            raise ValueError(f"patience is for {early} only. Got {self.patience} for {self.mode}. Give None.")

    @classmethod
    def of(cls, mode: BudgetMode, updates: int, patience: int | None) -> Budget:
        """A budget of a mode, with the patience where the mode has one."""
        return cls(mode, updates, patience if mode.rules.stops_early else None)

    @property
    def stops_early(self) -> bool:
        """Whether dev decides when training ends and which weights are scored."""
        return self.mode.rules.stops_early

    def plan(
        self,
        lengths: Sequence[Lengths],
        pairs: Sequence[LanguagePair],
        recipe: Recipe,
        *,
        seed: int,
        weights: Sequence[float] = (),
        n_processes: int = 1,
    ) -> Plan:
        """Decide the batches of a run.

        Args:
            lengths: Tokens of each sentence (of its longer side) by pair, the target's first.
            pairs: The pairs that `lengths` belong to.
            recipe: Batch size, accumulation, temperature.
            seed: Of streams, mixture and order.
            weights: See `TrainingSpec.weights`.
            n_processes: That share the batches, as many of each update.
        """
        return self.mode.rules.planned(
            lengths,
            pairs,
            recipe,
            weights=pair_weights([*map(len, lengths)], recipe.temperature, weights),
            n_updates=self.updates,
            seed=seed,
            n_processes=n_processes,
        )

    def expected_updates(self, sizes: Sequence[int], recipe: Recipe, weights: Sequence[float] = ()) -> int:
        """Updates of a run, or the most that they can be, from the sentences of each of its pairs, the target's first."""
        return self.mode.rules.expected_updates(self.updates, pair_weights(sizes, recipe.temperature, weights).tolist())

    def ended(self, n_updates: int, *, planned: int) -> str:
        """Why training ended after so many of the planned updates: ``patience``, ``cap`` or ``budget``."""
        if not self.stops_early:
            return "budget"
        return "patience" if n_updates < planned else "cap"
