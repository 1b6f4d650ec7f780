"""Sums of squared mini-batch gradients, as the paper's scripts take them from training."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from pseudofam_core.estimates.fisher.likelihood import smoothed_loss
from pseudofam_core.models.loading import TranslationModel


class SquaredUpdates:
    """Adds up the squared gradients of training updates: the mean loss over the tokens of a few batches, dropout on.

    Args:
        model: Its weights are frozen between two updates, and never changed.
        names: Parameters to follow, by their names in ``named_parameters()``.
        label_smoothing: See `smoothed_loss`.
        seed: Of dropout.
    """

    def __init__(self, model: TranslationModel, names: Sequence[str], *, label_smoothing: float, seed: int) -> None:
        """Freeze the weights and make a zero total for each parameter."""
        model.module.requires_grad_(False)
        self._model = model
        self._parameters = {name: model.module.get_parameter(name) for name in names}
        self._label_smoothing, self._seed = label_smoothing, seed
        self.totals = {
            name: torch.zeros_like(parameter, dtype=torch.promote_types(parameter.dtype, torch.float32))
            for name, parameter in self._parameters.items()
        }

    def add(self, batches: Sequence[Mapping[str, Tensor]], *, update: int) -> float:
        """Add one update.

        Args:
            batches: Batches whose gradients are accumulated.
            update: Its number. With the seed it decides what dropout drops, whatever was added before.

        Returns:
            The summed loss, nats.
        """
        summed, n_tokens = 0.0, 0
        with self._training(update):
            for batch in batches:
                loss, n = smoothed_loss(self._model, batch, self._label_smoothing)
                if loss.requires_grad:  # where every layer that is followed was dropped, the gradient is 0
                    torch.autograd.backward(loss)
                summed, n_tokens = summed + float(loss.detach()), n_tokens + n
            for name, parameter in self._parameters.items():
                if parameter.grad is not None:  # a layer that was dropped as a whole has none
                    self.totals[name] += (parameter.grad.to(self.totals[name].dtype) / n_tokens).square()
        return summed

    @contextmanager
    def _training(self, update: int) -> Iterator[None]:
        """Dropout on, with its own random numbers, and gradients of the followed parameters alone."""
        module = self._model.module
        devices = [self._model.device] if self._model.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(random.Random(f"{self._seed}:{update}").getrandbits(63))
            module.train()
            for parameter in self._parameters.values():
                parameter.requires_grad_(True)
            try:
                yield
            finally:
                module.eval()
                for parameter in self._parameters.values():
                    parameter.requires_grad_(False)
                    parameter.grad = None
