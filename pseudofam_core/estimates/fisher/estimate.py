"""The Fisher diagonal of a model for one bitext: estimators, shards, progress, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import JobCancelled
from pseudofam_core.estimates.coordinates import SUBSET_SIZE
from pseudofam_core.estimates.fisher.checkpoint import Checkpoint, Counts
from pseudofam_core.estimates.fisher.gradients import GradientSketch, GradientSums
from pseudofam_core.estimates.fisher.likelihood import drawn_labels
from pseudofam_core.estimates.fisher.mini_batches import SquaredUpdates
from pseudofam_core.estimates.fisher.plan import Step, sentence_steps, update_steps
from pseudofam_core.estimates.fisher.shards import ShardSums, Sketch
from pseudofam_core.estimates.fisher.squares import SquaredGradients
from pseudofam_core.estimates.spec import Estimator, MiniBatches
from pseudofam_core.models.loading import IGNORED_LABEL, TranslationModel
from pseudofam_core.models.parameters import select_parameters
from pseudofam_core.models.tokenization import EncodedPair
from pseudofam_core.progress import Meter, Report, ShouldStop, never, silent


@dataclass(frozen=True)
class FisherDiagonal:
    """The diagonal of the empirical Fisher information, and what it was counted over.

    Attributes:
        values: One tensor per parameter, shaped like it, on the CPU. Nats².
        sketch: What each shard of the sentences adds, for a subset of the parameters.
        gradient: What is kept of the gradient itself; None of an estimator that squares others than the text's own.
        n_sentences: Sentences read.
        n_source_tokens: Source tokens, special ones included.
        n_target_tokens: Target tokens, special ones included.
        loss: Summed negative log-likelihood, nats; of drawn labels, or smoothed and with dropout, as the estimator has it.
    """

    values: dict[str, torch.Tensor]
    sketch: Sketch
    gradient: GradientSketch | None
    n_sentences: int
    n_source_tokens: int
    n_target_tokens: int
    loss: float


def estimate_fisher(
    model: TranslationModel,
    bitext: Bitext,
    *,
    parameters: str = "ffn",
    estimator: Estimator = Estimator.PER_SENTENCE,
    mini_batches: MiniBatches | None = None,
    seed: int = 1,
    shards: int = 8,
    subset_size: int = SUBSET_SIZE,
    max_length: int = 256,
    batch_tokens: int = 1024,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 20.0,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> FisherDiagonal:
    """Estimate the diagonal of the empirical Fisher information.

    F_p = 1/N Σ_n (∂ log p(y_n | x_n) / ∂θ_p)²: one gradient per sentence pair n, its tokens'
    log-likelihoods summed, padding excluded, dropout off (Ma et al., 2023; Kunstner et al., 2019). The other
    estimators replace y_n by a draw from the model, or n by a training update (`Estimator`).

    Args:
        model: Its weights are frozen, and otherwise unchanged.
        bitext: The N sentence pairs.
        parameters: See `Workspace`.
        estimator: See `Workspace`.
        mini_batches: See `Workspace`. Their dropout is the model's: `load_model` takes it.
        seed: Of drawn labels, of dropout and of the order of training batches.
        shards: See `Workspace`.
        subset_size: Parameters whose sums are kept for each shard.
        max_length: Tokens of a side beyond which a sentence is cut.
        batch_tokens: Padded size of a batch on its longer side. It changes speed and memory, not the result;
            `Estimator.PER_BATCH` has its own.
        checkpoint: File to go on from and to write to; removed by whoever stores the result.
        checkpoint_seconds: Time between two writes. A stop writes at once.
        report: Receives progress in sentences.
        should_stop: Asked after each batch.

    Raises:
        ValueError: The bitext is empty or `parameters` selects nothing.
        LanguageNotCovered: The model lacks a language.
        JobCancelled: `should_stop` said so; the checkpoint holds what was done.
    """
    if not len(bitext):
        raise ValueError(f"bitext must hold at least one sentence pair. {bitext.pair} {bitext.split} has none left.")
    encoded = model.encode(bitext, max_length=max_length)
    lengths = [model.n_tokens(sentence) for sentence in encoded]
    names = select_parameters(model.parameters(), parameters)
    gradients: GradientSums | None = None
    if estimator is Estimator.PER_BATCH:
        settings = mini_batches or MiniBatches()
        steps = update_steps(lengths, settings, shards=shards, seed=seed)
        totals, add = _updates(model, encoded, names, settings, seed)
    else:
        steps = sentence_steps(lengths, batch_tokens=batch_tokens, shards=shards)
        is_drawn = estimator is Estimator.SAMPLED
        gradients = None if is_drawn else _gradient_sums(model, names, steps)
        totals, add = _sentences(model, encoded, names, seed if is_drawn else None, gradients)
    sums = ShardSums(totals, 1 + max(step.shard for step in steps), size=subset_size)
    kept = {**totals, **(gradients.state if gradients else {})}
    saved = Checkpoint(checkpoint, kept, sums.values, seconds=checkpoint_seconds)
    counts = saved.resume(batch_tokens)
    meter = Meter(report, should_stop, phase="estimating", total=len(encoded), done=counts.n_sentences)
    try:
        for place, step in list(enumerate(steps))[counts.n_steps :]:
            loss = add(place, step)
            if place + 1 == len(steps) or steps[place + 1].shard != step.shard:
                sums.take(step.shard)
                if gradients:
                    gradients.take(step.shard)
            counts = Counts(batch_tokens, place + 1, counts.n_sentences + step.n_sentences, counts.loss + loss)
            saved.tick(counts)
            meter.advance(step.n_sentences)
    except JobCancelled:  # raised between two batches, where the totals are whole
        saved.write(counts)
        raise
    sums.put_back()
    squared = [_n_squared(steps, shard, estimator) for shard in range(len(sums.values))]
    return FisherDiagonal(
        {name: total.div_(sum(squared)).cpu() for name, total in totals.items()},
        sketch=sums.sketch(squared),
        gradient=gradients.sketch() if gradients else None,
        n_sentences=len(encoded),
        n_source_tokens=sum(len(sentence.source) for sentence in encoded),
        n_target_tokens=sum(len(sentence.target) for sentence in encoded),
        loss=counts.loss,
    )


_Add = Callable[[int, Step], float]


def _gradient_sums(model: TranslationModel, names: Sequence[str], steps: Sequence[Step]) -> GradientSums:
    parameters = model.parameters()
    return GradientSums({name: parameters[name] for name in names}, 1 + max(step.shard for step in steps))


def _sentences(
    model: TranslationModel,
    encoded: Sequence[EncodedPair],
    names: Sequence[str],
    drawing_seed: int | None,
    gradients: GradientSums | None,
) -> tuple[Mapping[str, torch.Tensor], _Add]:
    """Totals of squared per-sentence gradients, and what adds a step to them; labels drawn where there is a seed."""
    squares = SquaredGradients(model.module, names, sums=gradients)

    def add(place: int, step: Step) -> float:
        (batch,) = step.batches
        inputs = model.collate([encoded[i] for i in batch])
        if drawing_seed is not None:
            inputs["labels"] = drawn_labels(model, inputs, batch, seed=drawing_seed)
        if gradients:
            gradients.n_tokens[step.shard] += int((inputs["labels"] != IGNORED_LABEL).sum())
        return squares.add(inputs)

    return squares.totals, add


def _updates(
    model: TranslationModel, encoded: Sequence[EncodedPair], names: Sequence[str], settings: MiniBatches, seed: int
) -> tuple[Mapping[str, torch.Tensor], _Add]:
    """Totals of squared gradients of training updates, and what adds a step to them."""
    updates = SquaredUpdates(model, names, label_smoothing=settings.label_smoothing, seed=seed)

    def add(place: int, step: Step) -> float:
        batches = [model.collate([encoded[i] for i in batch]) for batch in step.batches]
        return updates.add(batches, update=place)

    return updates.totals, add


def _n_squared(steps: Sequence[Step], shard: int, estimator: Estimator) -> int:
    """How many gradients were squared for a shard."""
    mine = [step for step in steps if step.shard == shard]
    return len(mine) if estimator is Estimator.PER_BATCH else sum(step.n_sentences for step in mine)
