"""The two factors of every per-sentence gradient of linear weights: g_n = Σ_t (gradient at the output)_t ⊗ (input)_t."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pseudofam_core.estimates.fisher.contributions import Contribution, Outer
from pseudofam_core.estimates.fisher.squares import summed_loss
from pseudofam_core.estimates.fisher.uses import Layout, Parts, Uses

Floats = npt.NDArray[np.float32]
Factors = tuple[Floats, Floats]  # of a sentence: (T, out) gradients at the output, (T, in) inputs


def sentence_factors(module: nn.Module, names: Sequence[str], inputs: Mapping[str, Tensor]) -> dict[str, list[Factors]]:
    """By weight, the factors of each sentence of a batch; tokens whose gradient is zero (padding) are left out.

    The gradient of sentence n, (out, in), is ``outputs.T @ inputs``.

    Args:
        module: In evaluation mode; its weights are frozen.
        names: Weights that one linear layer uses once for each sentence.
        inputs: What the model takes, ``labels`` included.

    Raises:
        ValueError: A parameter that is used otherwise.
    """
    module.requires_grad_(False)
    followed = {id(module.get_parameter(name)): name for name in names}
    uses = _Kept(followed, inputs)
    with uses:
        loss = summed_loss(module, inputs)
    torch.autograd.backward(loss)
    odd = [name for name in names if uses.layouts.get(name) != {Layout.BATCHED} or len(uses.kept.get(name, [])) != 1]
    parts = {name: uses.kept[name][0] for name in names if name not in odd}
    odd += [name for name, part in parts.items() if not isinstance(part, Outer)]
    if odd:
        raise ValueError(
            f"parameters must be weights of linear layers, each used once. Got {sorted(odd)[0]}. Take ffn for the whole "
            "Fisher matrix."
        )
    return {name: _by_sentence(part) for name, part in parts.items() if isinstance(part, Outer)}


class _Kept(Uses):
    """Keeps what each use adds to the gradients of its parameters."""

    def __init__(self, names: Mapping[int, str], inputs: Mapping[str, Tensor]) -> None:
        lengths = {size for tensor in inputs.values() for size in tensor.shape[1:]}
        super().__init__(names, n_sentences=len(inputs["labels"]), n_tokens=lengths)
        self.kept: dict[str, list[Contribution]] = {}

    def used(self, parts: Parts, output: Tensor) -> None:
        output.register_hook(lambda gradient: self._keep(parts, gradient))  # type: ignore[no-untyped-call]

    def _keep(self, parts: Mapping[str, Callable[[Tensor], Contribution]], gradient: Tensor) -> None:
        for name, part in parts.items():
            self.kept.setdefault(name, []).append(part(gradient.detach()))


def _by_sentence(part: Outer) -> list[Factors]:
    acts = part.outputs.ne(0).any(-1)
    return [
        (outputs[mine].float().cpu().numpy(), inputs[mine].float().cpu().numpy())
        for outputs, inputs, mine in zip(part.outputs, part.inputs, acts, strict=True)
    ]
