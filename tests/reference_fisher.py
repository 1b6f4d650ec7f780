"""The slow, obvious twin of the Fisher estimator: one sentence, one backward pass."""

from __future__ import annotations

import random

import torch

from pseudofam_core.models.loading import TranslationModel
from pseudofam_core.models.tokenization import EncodedPair, ModelFamily


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


def summed_gradients(model: TranslationModel, encoded: list[EncodedPair]) -> dict[str, torch.Tensor]:
    """−Σ_n ∂ log p(y_n | x_n) / ∂θ for every parameter, from batches of one sentence."""
    totals = {name: torch.zeros_like(one) for name, one in model.module.named_parameters()}
    for one in encoded:
        model.module.requires_grad_(True)
        model.module.zero_grad(set_to_none=True)
        _log_likelihood(model, one).backward()
        for name, parameter in model.module.named_parameters():
            if parameter.grad is not None:
                totals[name] -= parameter.grad
    model.module.zero_grad(set_to_none=True)
    return totals


def summed_loss(model: TranslationModel, encoded: list[EncodedPair]) -> float:
    """-Σ_n log p(y_n | x_n), nats."""
    return -sum(float(_log_likelihood(model, one).detach()) for one in encoded)


def squared_updates(
    model: TranslationModel, updates: list[list[list[EncodedPair]]], *, label_smoothing: float, seed: int
) -> dict[str, torch.Tensor]:
    """Mean over updates of (∂ smoothed loss / ∂θ)², the loss averaged over the tokens of an update's batches.

    The paper's scripts: dropout on, batches padded as in training. The masks of dropout are those of the estimator,
    seeded the same way.
    """
    totals = {name: torch.zeros_like(one) for name, one in model.module.named_parameters()}
    model.module.train()
    for place, batches in enumerate(updates):
        torch.manual_seed(random.Random(f"{seed}:{place}").getrandbits(63))
        model.module.requires_grad_(True)
        model.module.zero_grad(set_to_none=True)
        summed, n_tokens = torch.tensor(0.0, dtype=torch.float64), 0
        for batch in batches:
            inputs = model.collate(batch)
            labels = inputs.pop("labels")
            logs = torch.log_softmax(model.module(**inputs).logits, -1)
            for sentence, tokens in enumerate(labels):
                for position, token in enumerate(tokens):
                    if token != -100:
                        log = logs[sentence, position]
                        summed = summed - (1 - label_smoothing) * log[token] - label_smoothing * log.mean()
                        n_tokens += 1
        (summed / n_tokens).backward()
        for name, parameter in model.module.named_parameters():
            if parameter.grad is not None:
                totals[name] += parameter.grad**2 / len(updates)
    model.module.eval()
    model.module.zero_grad(set_to_none=True)
    return totals


def token_gradients(model: TranslationModel, one: EncodedPair, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """p(v | x, y_<t), (T, V), and ∂ log p(v | x, y_<t) / ∂θ, (T, V, …): every token of the vocabulary at every place."""
    parameter = model.parameters()[name]
    parameter.requires_grad_(True)
    logs = torch.log_softmax(token_logits(model, one), -1)
    gradients = [
        torch.stack([torch.autograd.grad(value, parameter, retain_graph=True)[0] for value in log]) for log in logs
    ]
    parameter.requires_grad_(False)
    return logs.detach().exp(), torch.stack(gradients)


def _log_likelihood(model: TranslationModel, one: EncodedPair) -> torch.Tensor:
    """log p(y | x), summed over the target's tokens."""
    target = torch.tensor(one.target)
    return torch.log_softmax(token_logits(model, one), -1)[torch.arange(len(target)), target].sum()


def token_logits(model: TranslationModel, one: EncodedPair) -> torch.Tensor:
    """(T, V) logits of a target's tokens, with what the model reads before each of them written out by hand."""
    if model.family is ModelFamily.CLASSIFIER:
        return model.module(input_ids=torch.tensor([one.source])).logits
    if model.family is ModelFamily.CAUSAL:
        return model.module(input_ids=torch.tensor([one.source + one.target])).logits[0, len(one.source) - 1 : -1]
    begun = torch.tensor([[model.module.config.decoder_start_token_id, *one.target[:-1]]])
    return model.module(input_ids=torch.tensor([one.source]), decoder_input_ids=begun).logits[0]
