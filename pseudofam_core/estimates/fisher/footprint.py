"""How much memory an estimate will need, told from the model's configuration before its weights are read."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import psutil
import torch
from torch import nn

from pseudofam_core.errors import ModelError
from pseudofam_core.estimates.coordinates import MOST_KEPT, SUBSET_SIZE, kept_columns
from pseudofam_core.models.loading import auto_class, load_config
from pseudofam_core.models.parameters import select_parameters

_GIB = 2**30
_PROCESS = int(0.6 * _GIB)  # the interpreter, torch and transformers, their threads
_VOCABULARY = 2**15  # a weight with so many rows makes logits, which are counted by themselves
_LOGITS_COPIES = 4  # logits, their log-softmax, and the gradients of both


@dataclass(frozen=True)
class Footprint:
    """Bytes that an estimate takes at its peak, an upper bound.

    Attributes:
        process: The interpreter and its libraries.
        weights: The model's.
        fisher: The diagonal.
        shards: The shards' sums, of squares and of gradients.
        gradients: Whole gradients that are held at a time.
        activations: What the largest batch leaves for the backward pass, logits included.
    """

    process: int
    weights: int
    fisher: int
    shards: int
    gradients: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(vars(self).values())

    def __str__(self) -> str:
        """All of it in GiB, and the parts."""
        parts = ", ".join(f"{name} {size / _GIB:.2f}" for name, size in vars(self).items())
        return f"{self.total / _GIB:.2f} GiB ({parts})"


def predict_footprint(
    folder: Path,
    *,
    parameters: str,
    dtype: torch.dtype,
    batch_tokens: int,
    max_length: int,
    shards: int,
    dense_gradients: bool = False,
) -> Footprint:
    """Predict the peak memory of `estimate_fisher`, from ``config.json`` alone.

    A model without weights is made and its layers are counted. A batch of n tokens leaves the inputs and outputs of
    each layer for the backward pass, n x V logits and their copies, and, where attention is not fused, the weights of each head.

    Args:
        folder: A Hugging Face folder.
        parameters: See `Workspace`.
        dtype: Of weights and activations.
        batch_tokens: Padded size of a batch on its longer side.
        max_length: Tokens of a side beyond which a sentence is cut.
        shards: See `Workspace`.
        dense_gradients: Whether a whole gradient of each parameter is held, as `Estimator.PER_BATCH` does.

    Raises:
        ModelError: There is no configuration, or it is none of a known kind of model.
        ValueError: `parameters` selects nothing.
    """
    module = _weightless(folder, dtype)
    shapes = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    selected = select_parameters(shapes, parameters)
    n_selected = sum(prod(shapes[name]) for name in selected)
    n_kept = 0 if dense_gradients else sum(_n_kept(name, shapes[name]) for name in selected)
    whole = n_selected if dense_gradients else _n_in_unknown_layers(module, set(selected))
    n_tokens = max(batch_tokens, max_length)  # a sentence that is longer than the budget makes a batch alone
    return Footprint(
        process=_PROCESS,
        weights=sum(prod(shape) for shape in shapes.values()) * dtype.itemsize,
        fisher=n_selected * 4,
        shards=min(n_selected, SUBSET_SIZE) * (shards * 4 + 16)
        + min(n_kept, MOST_KEPT) * (shards * 4 + 8)
        + n_kept * 8,
        gradients=whole * (4 + dtype.itemsize),
        activations=n_tokens
        * (_numbers_per_token(module, max_length) * dtype.itemsize + _logits_per_token(module) * 4),
    )


def check_footprint(footprint: Footprint, device: str) -> None:
    """Refuse what will not fit.

    Raises:
        ModelError: More is needed than is free; the message names both.
    """
    needed, free = footprint.total, _available()
    if device == "cuda":
        needed, free = needed - footprint.process, _available_on_gpu()
    if needed > free:
        raise ModelError(
            f"The estimate needs up to {needed / _GIB:.1f} GiB of memory on {device}, and {free / _GIB:.1f} GiB are free: "
            f"{footprint}. Choose fewer parameters, bfloat16 or a smaller batch, or free some memory."
        )


def _available() -> int:
    """Bytes that this process may have in all: what it holds already, and what the machine has left."""
    return int(psutil.Process().memory_info().rss + psutil.virtual_memory().available)


def _available_on_gpu() -> int:
    return torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()


def _weightless(folder: Path, dtype: torch.dtype) -> nn.Module:
    config = load_config(folder)
    auto, _ = auto_class(config)
    try:
        with torch.device("meta"):
            module: nn.Module = auto.from_config(config, dtype=dtype)
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"{folder} is no translation, classification or causal language model: {first}") from error
    module.tie_weights()  # type: ignore[operator]  # of every Hugging Face model
    return module


def _n_kept(name: str, shape: tuple[int, ...]) -> int:
    """Numbers of a parameter's gradient that are added up."""
    columns = kept_columns(name, shape)
    return prod(shape[:-1]) * (columns.stop - columns.start)


def _n_in_unknown_layers(module: nn.Module, selected: set[str]) -> int:
    """Parameters that go through one plain backward pass per sentence: their gradients are whole."""
    known = (nn.Linear, nn.Embedding, nn.LayerNorm)
    return sum(
        parameter.numel()
        for prefix, layer in module.named_modules()
        if not isinstance(layer, known)
        for name, parameter in layer.named_parameters(prefix, recurse=False)
        if name in selected
    )


def _logits_per_token(module: nn.Module) -> int:
    """Float32 numbers that the loss takes: as many for a model of half precision, whose logits are made float32."""
    return _LOGITS_COPIES * int(getattr(module.config, "vocab_size", 0))


def _numbers_per_token(module: nn.Module, max_length: int) -> int:
    """Numbers per token that the layers leave for the backward pass, and those of one layer's gradients."""
    config = module.config
    heads = getattr(config, "num_attention_heads", 0) or getattr(config, "num_heads", 0)
    fused = getattr(config, "_attn_implementation", "") == "sdpa"
    n_attentions = sum(type(layer).__name__.endswith(("Attention", "SelfAttention")) for layer in module.modules())
    scores = 0 if fused else 3 * int(heads) * n_attentions * max_length
    return sum(map(_left_by, module.modules())) + scores


def _left_by(layer: nn.Module) -> int:
    """A weight matrix leaves its input or its output, the other being a neighbour's; a norm its input and result."""
    weight = getattr(layer, "weight", None)
    if isinstance(layer, nn.Embedding) or not isinstance(weight, nn.Parameter) or max(weight.shape) >= _VOCABULARY:
        return 0
    return int(max(weight.shape)) if weight.dim() == 2 else 2 * weight.numel()
