"""The loss that models are trained by, evaluated by, and whose gradients are squared."""

from __future__ import annotations

import torch
from torch import Tensor

from pseudofam_core.models.loading import IGNORED_LABEL


def smoothed_loss(logits: Tensor, labels: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Σ over the tokens that count of -(1-ε) log p(y_t) - ε/V Σ_v log p(v), in nats, in the logits' number format.

    Args:
        logits: (..., V) of each token.
        labels: (...) class of each; those of `IGNORED_LABEL` do not count.
        smoothing: ε.
    """
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, -2),
        labels.flatten(),
        ignore_index=IGNORED_LABEL,
        label_smoothing=smoothing,
        reduction="sum",
    )


def sentence_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """(B,) of each sentence, Σ over its tokens that count of -log p(y_t), in nats, in the logits' number format.

    Args:
        logits: (B, T, V) of each token.
        labels: (B, T) class of each; those of `IGNORED_LABEL` do not count.
    """
    each = torch.nn.functional.cross_entropy(
        logits.flatten(0, -2), labels.flatten(), ignore_index=IGNORED_LABEL, reduction="none"
    )
    return each.view(labels.shape).sum(dim=1)
