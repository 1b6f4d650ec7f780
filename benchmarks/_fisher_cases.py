"""What the Fisher engine is measured on: models with random weights, batches, and one way per competitor."""

from __future__ import annotations

import copy
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import M2M100Config, M2M100ForConditionalGeneration

from pseudofam_core.estimates.fisher import SquaredGradients
from pseudofam_core.models.parameters import select_parameters

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Geometry:
    """The sizes of a model and of a batch."""

    name: str
    d_model: int
    ffn: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int
    n_sentences: int
    n_tokens: int


# The vocabulary is in proportion to the layers, as if all 12 + 12 were there with m2m100's 128,112 pieces (the sample
# model has its own): logits would otherwise outweigh everything, for every competitor alike.
GEOMETRIES = (
    Geometry("the sample model", 256, 1024, 4, 3, 10_109, 32, 16),
    Geometry("half of m2m100's width, 2 + 2 layers", 512, 2048, 2, 2, 21_352, 16, 32),
    Geometry("m2m100_418M's width, 1 + 1 layers", 1024, 4096, 1, 1, 10_676, 16, 24),
)


def model_of(geometry: Geometry) -> nn.Module:
    """An M2M100 with random weights, in evaluation mode."""
    torch.manual_seed(0)
    heads = geometry.d_model // 64
    config = M2M100Config(
        vocab_size=geometry.vocabulary,
        d_model=geometry.d_model,
        encoder_layers=geometry.encoder_layers,
        decoder_layers=geometry.decoder_layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=geometry.ffn,
        decoder_ffn_dim=geometry.ffn,
    )
    return M2M100ForConditionalGeneration(config).eval()


def batch_of(geometry: Geometry) -> Batch:
    """Sentences of similar length, as in batches sorted by length: 80 to 100 per cent of the longest."""
    generator = torch.Generator().manual_seed(1)
    shape = (geometry.n_sentences, geometry.n_tokens)
    sides = []
    for _ in ("source", "target"):
        ids = torch.randint(4, geometry.vocabulary, shape, generator=generator)
        lengths = torch.randint(int(0.8 * geometry.n_tokens), geometry.n_tokens + 1, shape[:1], generator=generator)
        lengths[0] = geometry.n_tokens
        sides.append((ids, torch.arange(geometry.n_tokens) < lengths[:, None]))
    (source, seen), (target, counted) = sides
    labels = target.masked_fill(~counted, -100)
    start = torch.full((len(target), 1), 2)
    return {
        "input_ids": source.masked_fill(~seen, 1),
        "attention_mask": seen.long(),
        "decoder_input_ids": torch.cat([start, target.masked_fill(~counted, 1)[:, :-1]], 1),
        "labels": labels,
    }


def summed_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Σ -log p over the batch's tokens."""
    loss: Tensor = model(**batch, use_cache=False).loss
    return loss * (batch["labels"] != -100).sum()


def ffn_names(model: nn.Module) -> list[str]:
    """The parameters of the `ffn` group."""
    return select_parameters({name: tuple(one.shape) for name, one in model.named_parameters()}, "ffn")


def ours(model: nn.Module) -> tuple[Callable[[Batch], object], dict[str, Tensor]]:
    """The engine, and its totals."""
    squares = SquaredGradients(model, ffn_names(model))
    return squares.add, squares.totals


def passes_alone(model: nn.Module) -> tuple[Callable[[Batch], object], dict[str, Tensor]]:
    """The engine's forward and backward passes, but for the squares: it follows one bias only."""
    squares = SquaredGradients(model, [ffn_names(model)[0].replace("weight", "bias")])
    return squares.add, squares.totals


def plain(model: nn.Module) -> Callable[[Batch], object]:
    """A plain forward and backward pass with the gradients of all weights."""
    model.requires_grad_(True)

    def step(batch: Batch) -> None:
        model.zero_grad(set_to_none=True)
        summed_loss(model, batch).backward()

    return step


def naive(model: nn.Module) -> tuple[Callable[[Batch], object], dict[str, Tensor]]:
    """One forward and backward pass per sentence, for the gradients of `ffn` alone; and its totals."""
    model.requires_grad_(False)
    followed = {name: model.get_parameter(name).requires_grad_(True) for name in ffn_names(model)}
    totals = {name: torch.zeros_like(one) for name, one in followed.items()}

    def step(batch: Batch) -> None:
        for i in range(len(batch["labels"])):
            one = {name: value[i : i + 1] for name, value in batch.items()}
            gradients = torch.autograd.grad(summed_loss(model, one), list(followed.values()))
            for total, gradient in zip(totals.values(), gradients, strict=True):
                total.addcmul_(gradient, gradient)

    return step, totals


def kronfluence(model: nn.Module) -> tuple[Callable[[Batch], object], dict[str, Tensor]] | None:
    """Kronfluence's diagonal strategy, its hooks driven directly; and the totals of its calls so far, by `totals()`."""
    if importlib.util.find_spec("kronfluence") is None:
        return None
    from kronfluence.analyzer import prepare_model
    from kronfluence.arguments import FactorArguments
    from kronfluence.module.tracked_module import ModuleMode
    from kronfluence.module.utils import set_mode, update_factor_args
    from kronfluence.task import Task

    layers = [name.removesuffix(".weight") for name in ffn_names(model)]

    class Ffn(Task):
        def compute_train_loss(self, batch: Any, model: nn.Module, sample: bool = False) -> Tensor:
            return summed_loss(model, batch)

        def compute_measurement(self, batch: Any, model: nn.Module) -> Tensor:
            return summed_loss(model, batch)

        def get_influence_tracked_modules(self) -> list[str]:
            return layers

    task = Ffn()
    model = prepare_model(model, task)
    update_factor_args(model, FactorArguments(strategy="diagonal", use_empirical_fisher=True))
    set_mode(model, ModuleMode.LAMBDA, layers, release_memory=True)

    def step(batch: Batch) -> None:
        model.zero_grad(set_to_none=True)
        task.compute_train_loss(batch, model).backward()

    totals: dict[str, Tensor] = {}

    def first(batch: Batch) -> None:
        step(batch)
        if not totals:
            for name in layers:
                # The bias is in the last column.
                totals[f"{name}.weight"] = model.get_submodule(name).storage["lambda_matrix"][:, :-1].clone()

    return first, totals


def opacus(model: nn.Module) -> tuple[Callable[[Batch], object], dict[str, Tensor]] | None:
    """Opacus' per-sample gradients, squared and summed; and its totals."""
    if importlib.util.find_spec("opacus") is None:
        return None
    from opacus.grad_sample import GradSampleModule

    for part in model.modules():
        for name in ("dropout", "attention_dropout", "activation_dropout"):
            if hasattr(part, name):
                setattr(part, name, 0.0)
    model.requires_grad_(False)
    names = ffn_names(model)
    for name in names:
        model.get_parameter(name).requires_grad_(True)
    warnings.filterwarnings("ignore", message="Full backward hook is firing")  # the inputs are ids
    wrapped = GradSampleModule(model.train(), loss_reduction="sum", strict=False)
    totals = {name: torch.zeros_like(model.get_parameter(name)) for name in names}

    def step(batch: Batch) -> None:
        wrapped.zero_grad(set_to_none=True)
        summed_loss(wrapped, batch).backward()
        for name, total in totals.items():
            parameter = model.get_parameter(name)
            total += parameter.grad_sample.square_().sum(0)
            parameter.grad_sample = None

    return step, totals


def twin(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """The same by the naive loop in float64."""
    step, totals = naive(copy.deepcopy(model).double())
    step(batch)
    return totals
