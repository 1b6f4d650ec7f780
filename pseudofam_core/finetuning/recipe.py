"""How is trained: rate, batches, regularisation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pseudofam_core.models.machine import AUTO, capability
from pseudofam_core.tasks.translation import TRANSLATION

PRECISIONS = (AUTO, "float32", "bf16", "fp16")
DEV_METRICS = tuple(metric.name for metric in TRANSLATION.dev_metrics)


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
        dev_metric: What chooses the best weights: ``loss`` (nats a token, not smoothed), or a metric of the task by name.
        dev_beams: Beams of the outputs on dev where another metric than the loss chooses.
        precision: ``float32``, automatic mixed precision by ``bf16`` or ``fp16`` (fp16 needs a GPU), or ``auto``: what the
            machine that asks for a run trains in. A run has one of the others.
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
    precision: str = AUTO
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

    @property
    def settled(self) -> Recipe:
        """The same, ``auto`` replaced by what this machine trains in."""
        return replace(self, precision=capability().training) if self.precision == AUTO else self
