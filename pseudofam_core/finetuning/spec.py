"""What a fine-tuning run is: frozen plain values, from which its key is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair

PRECISIONS = ("float32", "bf16", "fp16")
DEV_METRICS = ("loss", "bleu")


class BudgetMode(StrEnum):
    """What the arms of a comparison have in common. Results of two modes are not comparable."""

    EARLY_STOPPING = "early-stopping"
    EQUAL_UPDATES = "equal-updates"
    EQUAL_TARGET_TOKENS = "equal-target-tokens"


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
        if self.updates < 1:
            raise ValueError(f"updates must be at least 1. Got {self.updates}. Zero-shot is an arm of its own.")
        if self.mode is BudgetMode.EARLY_STOPPING:
            if self.patience is None or self.patience < 1:
                raise ValueError(f"patience must be at least 1 for early stopping. Got {self.patience}.")
        elif self.patience is not None:
            raise ValueError(f"patience is for early stopping only. Got {self.patience} for {self.mode}. Give None.")


@dataclass(frozen=True)
class Lora:
    """Train low-rank adapters of the attention's query and value projections instead of the weights (Hu et al., 2022).

    Attributes:
        rank: Rank of the adapters.
        alpha: Their output is scaled by alpha / rank.
        dropout: On their input.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse adapters that can't be made."""
        if self.rank < 1 or self.alpha < 1:
            raise ValueError(f"rank and alpha must be at least 1. Got {self.rank} and {self.alpha}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1). Got {self.dropout}.")


@dataclass(frozen=True)
class Recipe:
    """How to train. The defaults are the paper's settings (METHOD.md §4).

    Attributes:
        learning_rate: Peak of Adam's rate; it falls with the inverse square root after the warm-up.
        warmup_updates: Updates of linear warm-up.
        beta2: Adam's second decay; the first is 0.9. No weight decay.
        epsilon: Adam's.
        max_grad_norm: Gradients are scaled down to this norm, or 0 for never.
        dropout: Of hidden states.
        attention_dropout: Of attention weights, where the model tells the two apart.
        label_smoothing: Of the training loss.
        batch_tokens: Padded tokens of a batch, the longer side counted, as fairseq's ``--max-tokens``.
        accumulation: Batches of an update.
        temperature: A pair of n sentences is drawn in proportion to n^(1/temperature); None draws all alike (the paper).
        eval_every: Updates between two evaluations on dev; a checkpoint is written at each.
        dev_metric: What chooses the best weights: ``loss`` (nats a token, not smoothed) or ``bleu``.
        dev_beams: Beams of the dev translations where BLEU chooses.
        precision: ``float32``, or automatic mixed precision by ``bf16`` or ``fp16`` (fp16 needs a GPU).
        lora: Adapters, or None to train all weights.
    """

    learning_rate: float = 3e-5
    warmup_updates: int = 2_500
    beta2: float = 0.98
    epsilon: float = 1e-6
    max_grad_norm: float = 0.0
    dropout: float = 0.3
    attention_dropout: float = 0.1
    label_smoothing: float = 0.2
    batch_tokens: int = 4_096
    accumulation: int = 2
    temperature: float | None = None
    eval_every: int = 500
    dev_metric: str = "loss"
    dev_beams: int = 1
    precision: str = "float32"
    lora: Lora | None = None

    def __post_init__(self) -> None:
        """Refuse what can't be trained."""
        for name in ("learning_rate", "epsilon", "batch_tokens", "accumulation", "eval_every", "dev_beams"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive. Got {getattr(self, name)}.")
        for name in ("dropout", "attention_dropout", "label_smoothing", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1). Got {getattr(self, name)}.")
        for name in ("warmup_updates", "max_grad_norm"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative. Got {getattr(self, name)}.")
        if self.temperature is not None and not self.temperature > 0:
            raise ValueError(f"temperature must be positive, or None for uniform. Got {self.temperature}.")
        for name, known in (("dev_metric", DEV_METRICS), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}. Got {getattr(self, name)!r}.")


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
    precision="bf16",
)
"""For models of some ten million parameters on a CPU, such as the sample.

Chosen on dev loss alone (sample workspace, be→en, 50 updates, nats a token): from 2.524 a rate of 3e-4 came to 2.402 for
the target alone and 2.395 with two auxiliaries, 1e-4 to 2.422 and 2.418, and 1e-3 turned upwards after 20 updates. bf16
halves the time of an update where the CPU computes in it; elsewhere ask for float32.
"""

PRESETS: Mapping[str, tuple[Recipe, Budget]] = {
    "paper": (PAPER, Budget()),
    "small": (SMALL, Budget(updates=60, patience=3)),
}
"""Recipes with the budget that goes with each, by name."""


@dataclass(frozen=True)
class TextCut:
    """How much training text is taken, after cleaning: a sample by the workspace's seed; a larger cut holds a smaller.

    Attributes:
        target_sentences: Most sentences of the target, or None for all.
        auxiliary_sentences: Most sentences of each auxiliary, or None for all.
    """

    target_sentences: int | None = None
    auxiliary_sentences: int | None = None

    def __post_init__(self) -> None:
        """Refuse an empty cut."""
        for name in ("target_sentences", "auxiliary_sentences"):
            if (n := getattr(self, name)) is not None and n < 1:
                raise ValueError(f"{name} must be at least 1, or None for all. Got {n}.")


@dataclass(frozen=True)
class FinetuneSpec:
    """One run: what its scores depend on, and names for labels.

    Zero-shot is a run without training: budget, recipe and seed are None, and there are no members.

    Attributes:
        model_revision: Digest of the base model's files, or the hub's commit.
        target: The pair that is adapted to, and scored.
        members: The auxiliaries, sorted; without the target.
        train_digests: Digests of the training text: the target's, then each member's.
        dev_digest: Digest of the target's dev text.
        test_digest: Digest of the target's test text.
        budget: How long to train.
        recipe: How to train.
        beams: Width of the beam search on test and dev.
        max_length: Tokens at which a side is cut.
        seed: Of dropout, order and mixture.
        workspace: Where to find model and text. Not part of the key.
        cut: What was taken of the training text. Not part of the key, which has the digests.
    """

    model_revision: str
    target: LanguagePair
    members: tuple[LanguagePair, ...]
    train_digests: tuple[str, ...]
    dev_digest: str
    test_digest: str
    budget: Budget | None
    recipe: Recipe | None
    beams: int
    max_length: int
    seed: int | None
    workspace: Workspace = field(compare=False, metadata={"key": False})
    cut: TextCut = field(default_factory=TextCut, compare=False, metadata={"key": False})

    def __post_init__(self) -> None:
        """Refuse a run that is half zero-shot, or whose parts do not belong together."""
        trained = self.budget is not None
        if (self.recipe is not None) != trained or (self.seed is not None) != trained:
            raise ValueError("budget, recipe and seed must be given together, or all be None for zero-shot.")
        if len(self.train_digests) != (1 + len(self.members) if trained else 0):
            raise ValueError(f"train_digests must be the target's and each member's. Got {len(self.train_digests)}.")
        if self.target in self.members or list(self.members) != sorted(set(self.members)):
            raise ValueError(f"members must be sorted, distinct, and without the target. Got {self.members}.")
        if self.beams < 1:
            raise ValueError(f"beams must be at least 1. Got {self.beams}.")

    @property
    def is_zero_shot(self) -> bool:
        """Whether the base model is scored as it is."""
        return self.budget is None

    @property
    def pairs(self) -> tuple[LanguagePair, ...]:
        """The target, then its auxiliaries."""
        return (self.target, *self.members)
