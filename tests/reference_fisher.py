"""The slow, obvious twin of the Fisher estimator: one sentence, one backward pass."""

from __future__ import annotations

import torch

from pseudofam_core.models import TranslationModel
from pseudofam_core.tokenization import EncodedPair


def squared_gradients(model: TranslationModel, encoded: list[EncodedPair]) -> dict[str, torch.Tensor]:
    """Σ_n (∂ log p(y_n | x_n) / ∂θ)² for every parameter, from batches of one sentence."""
    totals = {name: torch.zeros_like(one) for name, one in model.module.named_parameters()}
    for one in encoded:
        model.module.requires_grad_(True)
        model.module.zero_grad(set_to_none=True)
        _log_likelihood(model, one).backward()
        for name, parameter in model.module.named_parameters():
            if parameter.grad is not None:
                totals[name] += parameter.grad**2
    model.module.zero_grad(set_to_none=True)
    return totals


def summed_loss(model: TranslationModel, encoded: list[EncodedPair]) -> float:
    """-Σ_n log p(y_n | x_n), nats."""
    return -sum(float(_log_likelihood(model, one).detach()) for one in encoded)


def _log_likelihood(model: TranslationModel, one: EncodedPair) -> torch.Tensor:
    """log p(y | x) written out from the logits, with the decoder's input shifted by hand."""
    config = model.module.config
    target = torch.tensor(one.target)
    begun = torch.tensor([[config.decoder_start_token_id, *one.target[:-1]]])
    logits = model.module(input_ids=torch.tensor([one.source]), decoder_input_ids=begun).logits[0]
    return torch.log_softmax(logits, -1)[torch.arange(len(target)), target].sum()
