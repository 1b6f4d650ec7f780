"""Sums of squared per-sentence gradients from one forward and backward pass over a batch.

The weights are frozen, so autograd makes gradients of activations only. For a Linear layer the gradient of
sentence b is g_bᵀ a_b, with the layer's input a and the gradient g at its output; it is made tile by tile,
squared and added. No gradient of a whole weight is kept per sentence.

Layers whose use of a parameter is known are handled this way (Linear, embeddings, LayerNorm and RMSNorm);
every other parameter goes through one plain backward pass per sentence, so none is missing or wrong.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pseudofam_core.fisher.contributions import Contribution, Outer, Rows, Summed, add_squares

logger = logging.getLogger(__name__)
_Parts = Callable[[nn.Module, Tensor, Tensor], dict[str, Contribution]]


class SquaredGradients:
    """Adds up squared per-sentence gradients of a model's loss over batches.

    Args:
        module: A Hugging Face model whose output has ``loss``, the mean over the labels that are not -100.
            Its weights are frozen; it must be in evaluation mode.
        names: Parameters to follow, by their names in ``named_parameters()``.

    Raises:
        ValueError: A name is not the model's, or the model is in training mode (dropout would make
            the gradients random).
    """

    def __init__(self, module: nn.Module, names: Sequence[str]) -> None:
        """Freeze the weights and make a zero total for each parameter."""
        parameters = dict(module.named_parameters())
        if unknown := [name for name in names if name not in parameters]:
            raise ValueError(f"names must be parameters of the model. Got {unknown[0]!r}.")
        if module.training:
            raise ValueError("module must be in evaluation mode. Got training mode. Call module.eval() first.")
        module.requires_grad_(False)
        self._module = module
        self._parameters = {name: parameters[name] for name in names}
        self._uses: dict[str, list[Contribution]] = defaultdict(list)
        self._calls: Counter[str] = Counter()
        self._unknown: set[str] | None = None
        self._followed: dict[nn.Module, tuple[_Parts, dict[str, str]]] = {}
        self.totals = {name: torch.zeros_like(one, dtype=_precision(one)) for name, one in self._parameters.items()}

    def add(self, inputs: Mapping[str, Tensor]) -> float:
        """Add one batch.

        Args:
            inputs: What the model takes, ``labels`` included; first dimension: sentences.

        Returns:
            The batch's summed negative log-likelihood, nats.
        """
        if self._unknown is None:
            self._unknown = self._survey({name: one[:1] for name, one in inputs.items()})
        self._calls.clear()
        with self._hooks():
            loss = _summed_loss(self._module, inputs)
            torch.autograd.backward(loss)
        for name, parts in self._uses.items():
            add_squares(self.totals[name], parts)
        self._uses.clear()
        self._add_one_by_one(inputs)
        return float(loss.detach())

    def _survey(self, sentence: Mapping[str, Tensor]) -> set[str]:
        """Find the modules to follow; return the parameters that no known module accounts for.

        A module is followed only if its first dimension is the batch: it must be 2 for a batch of two
        and 1 for a batch of one. T5's relative-position table, looked up once for all sentences, is not.
        """
        names = {id(one): name for name, one in self._parameters.items()}
        unknown: set[str] = set()
        for module in self._module.modules():
            owned = {local: names[id(one)] for local, one in module._parameters.items() if id(one) in names}
            parts = _parts_of(module)
            if parts is None:
                unknown.update(owned.values())
            elif owned:
                self._followed[module] = (parts, owned)
        unknown |= self._unbatched(sentence)
        if unknown:
            logger.info("%d parameters go sentence by sentence: %s …", len(unknown), sorted(unknown)[0])
        return unknown

    def _unbatched(self, sentence: Mapping[str, Tensor]) -> set[str]:
        """Parameters of followed modules whose first dimension is not the batch."""
        seen = [self._leading_sizes({name: torch.cat([one] * n) for name, one in sentence.items()}) for n in (1, 2)]
        return {
            name
            for module, (_, owned) in self._followed.items()
            for name in owned.values()
            if any(run.get(module, {n}) != {n} for n, run in enumerate(seen, start=1))
        }

    def _leading_sizes(self, inputs: Mapping[str, Tensor]) -> dict[nn.Module, set[int]]:
        """First dimensions of each followed module's (B, T, …) inputs and outputs; 0 where it has none."""
        sizes: dict[nn.Module, set[int]] = defaultdict(set)

        def note(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
            whole = arguments and isinstance(arguments[0], Tensor) and isinstance(output, Tensor) and output.dim() == 3
            sizes[module].update({arguments[0].shape[0], output.shape[0]} if whole else {0})

        handles = [module.register_forward_hook(note) for module in self._followed]
        with torch.no_grad():
            self._module(**inputs)
        for handle in handles:
            handle.remove()
        return sizes

    @contextmanager
    def _hooks(self) -> Iterator[None]:
        """Record the uses of followed parameters; make every embedding a start of the graph."""
        handles = [
            module.register_forward_hook(_start_graph)
            for module in self._module.modules()
            if isinstance(module, nn.Embedding)
        ]
        handles += [module.register_forward_hook(self._record) for module in self._followed]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _record(self, module: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
        parts, owned = self._followed[module]
        wanted = {local: name for local, name in owned.items() if name not in (self._unknown or ())}
        if not wanted or not output.requires_grad:
            return
        self._calls.update(wanted.values())
        received = arguments[0].detach()

        def on_gradient(gradient: Tensor) -> None:
            for local, part in parts(module, received, gradient.detach()).items():
                if local in wanted:
                    self._take(wanted[local], part)

        output.register_hook(on_gradient)  # type: ignore[no-untyped-call]  # torch gives it no types

    def _take(self, name: str, part: Contribution) -> None:
        """Square a parameter's only use at once; keep the parts of one that is used several times."""
        if self._calls[name] == 1:
            add_squares(self.totals[name], [part])
        else:
            self._uses[name].append(part)

    def _add_one_by_one(self, inputs: Mapping[str, Tensor]) -> None:
        """The plain way, for parameters that no known module accounts for."""
        followed = [self._parameters[name] for name in sorted(self._unknown or ())]
        if not followed:
            return
        for one in followed:
            one.requires_grad_(True)
        try:
            for sentence in range(len(inputs["labels"])):
                loss = _summed_loss(self._module, {k: v[sentence : sentence + 1] for k, v in inputs.items()})
                if not loss.requires_grad:
                    return  # a fixed table, like Marian's positions, is read without gradient: its Fisher is zero
                gradients = torch.autograd.grad(loss, followed, allow_unused=True)
                for name, gradient in zip(sorted(self._unknown or ()), gradients, strict=True):
                    if gradient is not None:
                        self.totals[name] += gradient.to(self.totals[name].dtype).square()
        finally:
            for one in followed:
                one.requires_grad_(False)


def _summed_loss(module: nn.Module, inputs: Mapping[str, Tensor]) -> Tensor:
    """Σ over sentences and tokens of -log p, from the mean that Hugging Face models return."""
    n_tokens = (inputs["labels"] != -100).sum()
    loss: Tensor = module(**inputs, use_cache=False).loss
    return loss * n_tokens


def _start_graph(module: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> Tensor:
    return output.detach().requires_grad_(True)


def _precision(parameter: Tensor) -> torch.dtype:
    """Squares are added in float32, or in float64 for a float64 model."""
    return torch.float64 if parameter.dtype == torch.float64 else torch.float32


def _parts_of(module: nn.Module) -> _Parts | None:
    """How a module uses its own parameters, or None where that is not known."""
    if type(module) is nn.Linear:
        return _linear
    if type(module) is nn.Embedding or type(module).__name__.endswith("ScaledWordEmbedding"):
        return _embedding
    if type(module) is nn.LayerNorm:
        return _layer_norm
    if type(module).__name__ == "T5LayerNorm":
        return _t5_layer_norm
    return None


def _linear(module: nn.Module, received: Tensor, gradient: Tensor) -> dict[str, Contribution]:
    precise = _precision(gradient)
    gradient = gradient.to(precise)
    return {"weight": Outer(gradient, received.to(precise)), "bias": Summed(gradient)}


def _embedding(module: Any, received: Tensor, gradient: Tensor) -> dict[str, Contribution]:
    scaled = gradient.to(_precision(gradient)) * float(getattr(module, "embed_scale", 1.0))
    if module.padding_idx is not None:
        scaled = scaled * received.ne(module.padding_idx)[..., None]  # autograd gives the padding row no gradient
    return {"weight": Rows(scaled, received)}


def _layer_norm(module: Any, received: Tensor, gradient: Tensor) -> dict[str, Contribution]:
    precise = _precision(gradient)
    normal = nn.functional.layer_norm(received.to(precise), module.normalized_shape, eps=module.eps)
    return {"weight": Summed(gradient.to(precise) * normal), "bias": Summed(gradient.to(precise))}


def _t5_layer_norm(module: Any, received: Tensor, gradient: Tensor) -> dict[str, Contribution]:
    precise = _precision(gradient)
    variance = received.float().square().mean(-1, keepdim=True)  # float32 whatever the model's precision, as T5 does
    normal = received.to(precise) * torch.rsqrt(variance + module.variance_epsilon)
    return {"weight": Summed(gradient.to(precise) * normal)}
