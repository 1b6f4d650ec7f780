"""Sums of squared per-sentence gradients from one forward and backward pass over a batch.

The weights are frozen, so autograd makes gradients of activations only. For a Linear layer the gradient of
sentence b is g_bᵀ a_b, with the layer's input a and the gradient g at its output; it is made tile by tile,
squared and added. No gradient of a whole weight is kept per sentence.

Parameters whose every use is known are handled this way (Linear, embeddings, positions, norms: see `uses`);
every other parameter goes through one plain backward pass per sentence, so none is missing or wrong.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from pseudofam_core.estimates.fisher.contributions import Contribution, add_squares
from pseudofam_core.estimates.fisher.gradients import GradientSums
from pseudofam_core.estimates.fisher.relative_positions import bias_per_sentence
from pseudofam_core.estimates.fisher.uses import Layout, Parts, Uses

logger = logging.getLogger(__name__)
_AddParts = Callable[[str, Sequence[Contribution]], None]


class SquaredGradients:
    """Adds up squared per-sentence gradients of a model's loss over batches.

    Args:
        module: A Hugging Face model whose output has ``loss``, the mean over the labels that are not -100
            (a causal model never predicts the first token: its label must be -100).
            Its weights are frozen; it must be in evaluation mode.
        names: Parameters to follow, by their names in ``named_parameters()``.
        sums: What adds up the gradients themselves on the way, or None.

    Attributes:
        totals: Σ of squared gradients by parameter, nats², float32 (float64 for a float64 model).
            They may be changed in place between batches: filled from stored ones, or emptied for the next shard.

    Raises:
        ValueError: A name is not the model's, or the model is in training mode (dropout would make
            the gradients random).
    """

    def __init__(self, module: nn.Module, names: Sequence[str], *, sums: GradientSums | None = None) -> None:
        """Freeze the weights and make a zero total for each parameter."""
        parameters = dict(module.named_parameters())
        if unknown := [name for name in names if name not in parameters]:
            raise ValueError(f"names must be parameters of the model. Got {unknown[0]!r}.")
        if module.training:
            raise ValueError("module must be in evaluation mode. Got training mode. Call module.eval() first.")
        module.requires_grad_(False)
        self._module = module
        self._parameters = {name: parameters[name] for name in names}
        self._unknown: set[str] | None = None
        self._sums = sums
        self.totals = {
            name: torch.zeros_like(
                parameter, dtype=torch.float64 if parameter.dtype == torch.float64 else torch.float32
            )
            for name, parameter in self._parameters.items()
        }

    def add(self, inputs: Mapping[str, Tensor]) -> float:
        """Add one batch.

        Args:
            inputs: What the model takes, ``labels`` included; first dimension: sentences.

        Returns:
            The batch's summed negative log-likelihood, nats.
        """
        if self._unknown is None:
            self._unknown = self._survey({name: tensor[:1] for name, tensor in inputs.items()})
        taken = _Taken(self._followed(), inputs, self._add_parts)
        loss = self._forward(taken, inputs)
        taken.left_out = _not_known(taken)
        self._unknown |= taken.left_out
        if loss.requires_grad:
            torch.autograd.backward(loss)
        taken.add_those_used_often()
        self._add_one_by_one(inputs)
        return float(loss.detach())

    def _add_parts(self, name: str, parts: Sequence[Contribution]) -> None:
        add_squares(self.totals[name], parts)
        if self._sums is not None:
            self._sums.add_parts(name, parts)

    def _followed(self) -> dict[int, str]:
        return {
            id(parameter): name for name, parameter in self._parameters.items() if name not in (self._unknown or ())
        }

    def _forward(self, uses: Uses, inputs: Mapping[str, Tensor]) -> Tensor:
        with uses, bias_per_sentence(self._module, self._followed(), uses, len(inputs["labels"])):
            return summed_loss(self._module, inputs)

    def _survey(self, sentence: Mapping[str, Tensor]) -> set[str]:
        """Find the parameters with a use that is not known, by a forward pass over copies of a sentence.

        Their number differs from every length, so that a first dimension of this size is the batch.
        """
        lengths = _lengths(sentence)
        n_copies = next(n for n in range(2, 2 + len(lengths) + 1) if n not in lengths)
        copies = {name: torch.cat([tensor] * n_copies) for name, tensor in sentence.items()}
        uses = Uses(self._followed(), n_sentences=n_copies, n_tokens=lengths)
        self._forward(uses, copies)
        unknown = _not_known(uses) | self._with_gradient(set(self._parameters) - set(uses.layouts), sentence)
        if unknown:
            logger.info("%d parameters go sentence by sentence: %s …", len(unknown), sorted(unknown)[0])
        return unknown

    def _with_gradient(self, unseen: Iterable[str], sentence: Mapping[str, Tensor]) -> set[str]:
        """Those of the parameters that no torch function was seen to read which have a gradient all the same."""
        return set(self._gradients(sorted(unseen), sentence))

    def _add_one_by_one(self, inputs: Mapping[str, Tensor]) -> None:
        """The plain way, for parameters with a use that is not known."""
        names = sorted(self._unknown or ())
        for sentence in range(len(inputs["labels"]) if names else 0):
            alone = {key: value[sentence : sentence + 1] for key, value in inputs.items()}
            for name, gradient in self._gradients(names, alone).items():
                if self._sums is not None:
                    self._sums.add(name, gradient)
                self.totals[name] += gradient.to(self.totals[name].dtype).square_()

    def _gradients(self, names: Sequence[str], inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The plain gradients of the summed loss, for those of the parameters that have one."""
        followed = [self._parameters[name] for name in names]
        if not followed:
            return {}
        for parameter in followed:
            parameter.requires_grad_(True)
        try:
            loss = summed_loss(self._module, inputs)
            if not loss.requires_grad:
                return {}
            gradients = torch.autograd.grad(loss, followed, allow_unused=True)
        finally:
            for parameter in followed:
                parameter.requires_grad_(False)
        return {name: gradient for name, gradient in zip(names, gradients, strict=True) if gradient is not None}


class _Taken(Uses):
    """The uses in one batch, added in the backward pass.

    A parameter's only use is added at once; the parts of one that is used several times are kept to the end.
    """

    def __init__(self, names: Mapping[int, str], inputs: Mapping[str, Tensor], add: _AddParts) -> None:
        super().__init__(names, n_sentences=len(inputs["labels"]), n_tokens=_lengths(inputs))
        self.left_out: set[str] = set()
        self._add = add
        self._calls: Counter[str] = Counter()
        self._kept: dict[str, list[Contribution]] = defaultdict(list)

    def used(self, parts: Parts, output: Tensor) -> None:
        self._calls.update(parts.keys())

        def on_gradient(gradient: Tensor) -> None:
            for name, part in parts.items():
                if name in self.left_out:
                    continue
                if self._calls[name] == 1:
                    self._add(name, [part(gradient.detach())])
                else:
                    self._kept[name].append(part(gradient.detach()))

        output.register_hook(on_gradient)  # type: ignore[no-untyped-call]  # torch gives it no types

    def add_those_used_often(self) -> None:
        """Add what waits for all parts of a gradient."""
        while self._kept:
            name, parts = self._kept.popitem()
            self._add(name, parts)


def _not_known(uses: Uses) -> set[str]:
    """Parameters with a use that is not known, or whose rows may be tokens of any sentences."""
    doubtful = {Layout.OTHER, Layout.POOLED} if uses.is_routed else {Layout.OTHER}
    return {name for name, layouts in uses.layouts.items() if layouts & doubtful}


def _lengths(inputs: Mapping[str, Tensor]) -> set[int]:
    return {size for tensor in inputs.values() for size in tensor.shape[1:]}


def summed_loss(module: nn.Module, inputs: Mapping[str, Tensor]) -> Tensor:
    """Σ over sentences and tokens of -log p, from the mean that Hugging Face models return."""
    n_tokens = (inputs["labels"] != -100).sum()
    loss: Tensor = module(**inputs, use_cache=False).loss
    return loss * n_tokens
