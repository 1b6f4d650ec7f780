"""What a model says of a batch's labels: their smoothed loss, and labels drawn from it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from pseudofam_core.models import loss
from pseudofam_core.models.loading import IGNORED_LABEL, TranslationModel
from pseudofam_core.models.tokenization import ModelFamily


def smoothed_loss(model: TranslationModel, inputs: Mapping[str, Tensor], label_smoothing: float) -> tuple[Tensor, int]:
    """Σ over a batch's tokens of -(1-ε) log p(y_t) - ε/V Σ_v log p(v), nats; and the number of tokens.

    Args:
        model: In whichever mode it is: in training mode, dropout is on.
        inputs: What `TranslationModel.collate` gives.
        label_smoothing: ε.
    """
    logits, labels = _aligned(model.family, _logits(model, inputs), inputs["labels"])
    counted = labels != IGNORED_LABEL
    return loss.smoothed_loss(logits[counted], labels[counted], smoothing=label_smoothing), int(counted.sum())


@torch.no_grad()
def drawn_labels(
    model: TranslationModel, inputs: Mapping[str, Tensor], sentences: Sequence[int], *, seed: int
) -> Tensor:
    """Labels like the batch's, each token drawn from p(y_t | x, y_<t) with the true y_<t (teacher forcing).

    Args:
        model: In evaluation mode.
        inputs: What `TranslationModel.collate` gives.
        sentences: A number for each sentence of the batch. With `seed` it decides what is drawn, whatever the batch.
        seed: Of the draw.
    """
    drawn = inputs["labels"].clone()
    logits, labels = _aligned(model.family, _logits(model, inputs), drawn)
    for sentence, scores, row in zip(sentences, logits, labels, strict=True):
        counted = row != IGNORED_LABEL
        row[counted] = _drawn(scores[counted], random.Random(f"{seed}:{sentence}"))
    return drawn


def _drawn(logits: Tensor, generator: random.Random) -> Tensor:
    """One class for each row of (T, V) logits, by the inverse of the cumulative distribution."""
    # In float32 a cumulative sum over 100,000 classes would be off by more than most of them weigh.
    cumulated = torch.softmax(logits.double(), -1).cumsum(-1)
    uniform = torch.tensor([[generator.random()] for _ in logits], dtype=torch.float64, device=logits.device)
    places = torch.searchsorted(cumulated, uniform * cumulated[:, -1:], right=True)[:, 0]
    return places.clamp(max=logits.shape[-1] - 1)


def _logits(model: TranslationModel, inputs: Mapping[str, Tensor]) -> Tensor:
    unlabelled = {name: tensor for name, tensor in inputs.items() if name != "labels"}
    logits: Tensor = model.module(**unlabelled, use_cache=False).logits
    return logits


def _aligned(family: ModelFamily, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (B, T, V) and, as a view of `labels`, the labels (B, T) that they predict."""
    if family is ModelFamily.CAUSAL:
        return logits[:, :-1], labels[:, 1:]
    if family is ModelFamily.CLASSIFIER:
        return logits[:, None], labels[:, None]
    return logits, labels
