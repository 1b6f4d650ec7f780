"""What is kept of a text's gradient: its shards' sums at a seeded choice of coordinates.

Of each matrix a stretch of columns is kept (`kept_columns`). A matrix's sum over a batch is then
one thin product, ``outputsᵀ @ inputs[columns]``, where the whole one would cost a large part of a pass. Where stretches are
more than `MOST_KEPT` numbers in all, a random subset of these is kept. At the kept coordinates sums are exact, so that they
can be weighted by a Fisher diagonal there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.estimates.coordinates import MOST_KEPT, kept_columns, kept_parameters, subset_positions
from pseudofam_core.estimates.fisher.contributions import Contribution, Outer, Rows
from pseudofam_core.estimates.fisher.plan import sentence_steps
from pseudofam_core.models.loading import IGNORED_LABEL, TranslationModel
from pseudofam_core.models.parameters import select_parameters
from pseudofam_core.models.tokenization import EncodedPair
from pseudofam_core.progress import Meter, Report, ShouldStop, never, silent


@dataclass(frozen=True)
class GradientSketch:
    """Sums of gradients of −log p by shard, at the coordinates that are kept.

    Attributes:
        values: (S, m) float32 sums over each shard's sentences. Nats.
        n_tokens: (S,) target tokens in each shard. The sum over all shards, over their tokens, is the mean gradient.
    """

    values: Tensor
    n_tokens: Tensor


class GradientSums:
    """Adds up gradients at the kept coordinates, batch by batch, and takes the sums of one shard after another.

    Args:
        parameters: Those that are followed, by name.
        n_shards: S.
    """

    def __init__(self, parameters: Mapping[str, Tensor], n_shards: int) -> None:
        """Choose the coordinates, all sums zero."""
        every = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
        shapes = {name: every[name] for name in kept_parameters(every)}
        self.columns = {name: kept_columns(name, shape) for name, shape in shapes.items()}
        self.totals = {
            name: torch.zeros(
                (*shape[:-1], self.columns[name].stop - self.columns[name].start),
                device=parameters[name].device,
                dtype=torch.float64 if parameters[name].dtype == torch.float64 else torch.float32,
            )
            for name, shape in shapes.items()
        }
        sizes = {name: tuple(total.shape) for name, total in self.totals.items()}
        self._positions = torch.from_numpy(subset_positions(sizes, MOST_KEPT))
        dtype = next(iter(self.totals.values())).dtype
        self.values = torch.zeros(n_shards, len(self._positions), dtype=dtype)
        self.n_tokens = torch.zeros(n_shards, dtype=torch.int64)

    @property
    def state(self) -> dict[str, Tensor]:
        """All that changes, by names that no parameter has: what a checkpoint holds."""
        totals = {f"/gradient/{name}": total for name, total in self.totals.items()}
        return {**totals, "/gradients": self.values, "/tokens": self.n_tokens}

    def sketch(self) -> GradientSketch:
        """All shards' sums with their tokens."""
        return GradientSketch(self.values, self.n_tokens)

    def add_parts(self, name: str, parts: Sequence[Contribution]) -> None:
        """Add the uses of a parameter in one batch: see `contributions`."""
        if name not in self.totals:
            return
        total, columns = self.totals[name], self.columns[name]
        for part in parts:
            outputs = part.outputs.flatten(0, 1).to(total.dtype)
            if isinstance(part, Outer):
                total.addmm_(outputs.T, part.inputs.flatten(0, 1)[:, columns].to(total.dtype))
            elif isinstance(part, Rows):
                total.index_add_(0, part.ids.flatten(), outputs[:, columns])
            else:
                total += outputs[:, columns].sum(0)

    def add(self, name: str, gradient: Tensor) -> None:
        """Add a whole gradient of a parameter."""
        if name in self.totals:
            self.totals[name] += gradient[..., self.columns[name]].to(self.totals[name].dtype)

    def take(self, shard: int) -> None:
        """Move the sums since the last call to a shard's row."""
        flat = torch.cat([total.reshape(-1).cpu() for total in self.totals.values()])
        self.values[shard] = flat[self._positions]
        for total in self.totals.values():
            total.zero_()


def gradient_sketch(
    model: TranslationModel,
    bitext: Bitext,
    *,
    parameters: str,
    shards: int,
    max_length: int,
    batch_tokens: int = 1024,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> GradientSketch:
    """The gradient of a text alone, by a plain backward pass a batch, without squares.

    Args:
        model: In evaluation mode; its weights are frozen again afterwards.
        bitext: The text.
        parameters: As of `estimate_fisher`, and so are the others.
        shards: Sentence n is of shard n mod S; fewer where there are fewer sentences.
        max_length: Tokens of a side beyond which a sentence is cut.
        batch_tokens: Padded size of a batch on its longer side: speed and memory, not the result.
        report: Receives progress in sentences.
        should_stop: Asked after each batch.

    Raises:
        ValueError: The bitext is empty, or `parameters` selects nothing.
        LanguageNotCovered: The model lacks a language.
        JobCancelled: `should_stop` said so.
    """
    if not len(bitext):
        raise ValueError(f"bitext must hold at least one sentence pair. {bitext.pair} {bitext.split} has none left.")
    encoded = model.encode(bitext, max_length=max_length)
    steps = sentence_steps([model.n_tokens(sentence) for sentence in encoded], batch_tokens=batch_tokens, shards=shards)
    names = select_parameters(model.parameters(), parameters)
    followed = {name: parameter for name, parameter in model.parameters().items() if name in names}
    sums = GradientSums(followed, 1 + max(step.shard for step in steps))
    meter = Meter(report, should_stop, phase="reading gradients", total=len(encoded))
    for place, step in enumerate(steps):
        (batch,) = step.batches
        sums.n_tokens[step.shard] += _add_batch(model, followed, sums, [encoded[i] for i in batch])
        if place + 1 == len(steps) or steps[place + 1].shard != step.shard:
            sums.take(step.shard)
        meter.advance(step.n_sentences)
    return sums.sketch()


def _add_batch(
    model: TranslationModel, followed: Mapping[str, Tensor], sums: GradientSums, batch: Sequence[EncodedPair]
) -> int:
    """Add a batch's gradient; gives its target tokens."""
    inputs = model.collate(batch)
    n_tokens = int((inputs["labels"] != IGNORED_LABEL).sum())
    model.module.requires_grad_(False)
    for parameter in followed.values():
        parameter.requires_grad_(True)
    try:
        loss = model.module(**inputs, use_cache=False).loss * n_tokens
        gradients = torch.autograd.grad(loss, list(followed.values()), allow_unused=True)
    finally:
        for parameter in followed.values():
            parameter.requires_grad_(False)
    for name, gradient in zip(followed, gradients, strict=True):
        if gradient is not None:
            sums.add(name, gradient)
    return n_tokens
