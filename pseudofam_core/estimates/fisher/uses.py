"""Every use of a model's parameters in a forward pass, seen where it happens.

A `torch.overrides.TorchFunctionMode` sees each torch function that is called, so a parameter is followed through
whatever module calls it: ``linear`` of any layer, an embedding that is tied, scaled or looked up by position. A
function that is not known to `READINGS` and reads a followed parameter is seen too, and makes it unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from pseudofam_core.estimates.fisher.contributions import Contribution, Outer, Rows, Summed

_Make = Callable[[Tensor, Tensor], Contribution]
Parts = Mapping[str, Callable[[Tensor], Contribution]]


@dataclass(frozen=True)
class Reading:
    """How one call reads parameters.

    Attributes:
        received: What the parameters meet: activations (…, d) or ids; its first dimension should be the batch.
        parts: The tensors that may be parameters, each with what makes its contribution from `received`
            and the gradient at the output, both as (B, T, …).
    """

    received: Tensor
    parts: list[tuple[Tensor | None, _Make]]


class Layout(Enum):
    """Where the sentences are in what a parameter meets."""

    BATCHED = "first dimension"
    POOLED = "first of two dimensions, (B, d): also what (tokens, d) looks like if there are B tokens"
    SHARED = "nowhere: positions (T,) or (1, T), looked up once for all sentences"
    OTHER = "not known"


def _summed(received: Tensor, gradient: Tensor) -> Summed:
    return Summed(_precise(gradient))


def _scaled(received: Tensor, gradient: Tensor) -> Summed:
    return Summed(_precise(gradient) * _precise(received))


def _precise(tensor: Tensor) -> Tensor:
    """Sixteen-bit numbers as float32, before they are added up."""
    return tensor.float() if tensor.element_size() < 4 else tensor


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Reading:
    return Reading(input, [(weight, lambda x, g: Outer(g, x)), (bias, _summed)])


def _addmm(input: Tensor, mat1: Tensor, mat2: Tensor, **scales: Any) -> Reading:
    """GPT-2's Conv1D, a Linear whose weight is (in, out)."""
    return Reading(mat1, [] if scales else [(mat2, lambda x, g: Outer(x, g)), (input, _summed)])


def _embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Reading:
    def rows(ids: Tensor, gradient: Tensor) -> Rows:
        if padding_idx is not None:  # autograd gives the padding row no gradient
            gradient = gradient * ids.ne(padding_idx % len(weight))[..., None]
        return Rows(gradient, ids)

    # With max_norm, a look-up changes the weight; with scale_grad_by_freq, its gradient is another. Neither is known.
    return Reading(input, [] if max_norm is not None or scale_grad_by_freq else [(weight, rows)])


def _layer_norm(
    input: Tensor,
    normalized_shape: list[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Reading:
    def scaled(x: Tensor, gradient: Tensor) -> Summed:
        return _scaled(functional.layer_norm(_precise(x), normalized_shape, eps=eps), gradient)

    return Reading(input, [(weight, scaled), (bias, _summed)] if len(normalized_shape) == 1 else [])


def _rms_norm(
    input: Tensor, normalized_shape: list[int], weight: Tensor | None = None, eps: float | None = None
) -> Reading:
    def scaled(x: Tensor, gradient: Tensor) -> Summed:
        return _scaled(functional.rms_norm(_precise(x), normalized_shape, eps=eps), gradient)

    return Reading(input, [(weight, scaled)] if len(normalized_shape) == 1 else [])


def _product(input: Any, other: Any, **options: Any) -> Reading:
    """A scale, (d,), times activations, in either order: the norms of T5 and Llama."""
    if options or not isinstance(input, Tensor) or not isinstance(other, Tensor):
        return Reading(torch.empty(0), [])
    scale, received = (input, other) if input.dim() == 1 else (other, input)
    return Reading(received, [(scale, _scaled)] if scale.shape == received.shape[-1:] and received.dim() > 1 else [])


READINGS: Mapping[Any, Callable[..., Reading]] = {
    functional.linear: _linear,
    functional.embedding: _embedding,
    functional.layer_norm: _layer_norm,
    functional.rms_norm: _rms_norm,
    torch.addmm: _addmm,
    torch.mul: _product,
    Tensor.mul: _product,
    Tensor.__mul__: _product,
    Tensor.__rmul__: _product,
}


class Uses(TorchFunctionMode):
    """Sees the uses of parameters while it is active.

    Args:
        names: Names of the followed parameters by ``id``.
        n_sentences: B.
        n_tokens: The lengths that a row of positions may have.

    Attributes:
        layouts: How each parameter was met; a parameter that was read in an unknown way has `Layout.OTHER`.
        is_routed: Whether any Linear met a number of tokens that is not the batch's, as in a mixture of experts.
            (B, d) may then be B tokens of any sentences.
    """

    def __init__(self, names: Mapping[int, str], *, n_sentences: int, n_tokens: set[int]) -> None:
        super().__init__()
        self._names = names
        self._n_sentences = n_sentences
        self._n_tokens = n_tokens
        self.layouts: dict[str, set[Layout]] = {}
        self.is_routed = False

    def used(self, parts: Parts, output: Tensor) -> None:
        """Called at each known use with the output, which requires a gradient, and what this makes of it."""

    def saw(self, name: str, layout: Layout) -> None:
        """Note a use."""
        self.layouts.setdefault(name, set()).add(layout)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Look away."""
        names, self._names = self._names, {}
        try:
            yield
        finally:
            self._names = names

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the function, and note the followed parameters that it reads."""
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        followed = [parameter for parameter in _tensors([args, list(kwargs.values())]) if id(parameter) in self._names]
        if not torch.is_grad_enabled():  # a fixed table, like Marian's positions: nothing flows back
            return output
        if func is functional.linear and _layout(args[0], self._n_sentences, set()) is Layout.OTHER:
            self.is_routed = True
        results = [tensor for tensor in _tensors([output]) if tensor.is_floating_point()]
        if not followed or not results or output is followed[0]:
            return output
        return self._note(followed, output, READINGS[func](*args, **kwargs) if func in READINGS else None)

    def _note(self, followed: list[Tensor], output: Any, reading: Reading | None) -> Any:
        parts = {id(parameter): make for parameter, make in reading.parts if parameter is not None} if reading else {}
        if reading is None or any(id(parameter) not in parts for parameter in followed):
            for parameter in followed:
                self.saw(self._names[id(parameter)], Layout.OTHER)
            return output
        layout = _layout(reading.received, self._n_sentences, self._n_tokens)
        for parameter in followed:
            self.saw(self._names[id(parameter)], layout)
        if layout is Layout.OTHER:
            return output
        received = reading.received
        if layout is Layout.SHARED:
            received = received.reshape(1, -1).expand(self._n_sentences, -1)
            output = output.reshape(1, *output.shape[-2:]).expand(self._n_sentences, -1, -1)
        output = output if output.requires_grad else start_graph(output)
        sentences = _by_sentence(received.detach(), self._n_sentences)
        self.used(
            {self._names[id(parameter)]: self._part(parts[id(parameter)], sentences) for parameter in followed}, output
        )
        return output

    def _part(self, make: _Make, received: Tensor) -> Callable[[Tensor], Contribution]:
        return lambda gradient: make(received, gradient.reshape(self._n_sentences, -1, gradient.shape[-1]))


def start_graph(output: Tensor) -> Tensor:
    """The same numbers, from which on autograd makes gradients. Not a leaf: a model may change it in place."""
    return output.detach().requires_grad_(True).clone()


def _by_sentence(received: Tensor, n_sentences: int) -> Tensor:
    """(B, d), (B, T, d), (B, T, …, d) or (B·T, d) as (B, T, d); ids as (B, T)."""
    width = received.shape[-1:] if received.is_floating_point() else ()
    return received.reshape(n_sentences, -1, *width)


def _layout(received: Tensor, n_sentences: int, n_tokens: set[int]) -> Layout:
    is_ids = not received.is_floating_point()
    if received.dim() + is_ids > 2 and received.shape[0] == n_sentences:
        return Layout.BATCHED
    if is_ids and received.dim() in (1, 2) and received.numel() == received.shape[-1] and received.numel() in n_tokens:
        return Layout.SHARED
    if is_ids or received.dim() != 2:
        return Layout.OTHER
    if _is_flattened_batch(received, n_sentences):
        return Layout.BATCHED
    return Layout.POOLED if received.shape[0] == n_sentences else Layout.OTHER


def _is_flattened_batch(received: Tensor, n_sentences: int) -> bool:
    """Whether (B·T, d) is a plain view of (B, …): only then are its rows known to be in the sentences' order."""
    base = received._base
    return (
        base is not None
        and base.dim() > 2
        and base.shape[0] == n_sentences
        and base.numel() == received.numel() == base.stride(0) * n_sentences
        and received.is_contiguous()
    )


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
