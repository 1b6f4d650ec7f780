"""The Fisher diagonal of a model for one bitext: batches, progress, checkpoints."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pseudofam_core.corpora.batches import token_batches
from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import JobCancelled
from pseudofam_core.fisher.squares import SquaredGradients
from pseudofam_core.models import TranslationModel
from pseudofam_core.parameters import select_parameters
from pseudofam_core.progress import Meter, Report, ShouldStop, never, silent
from pseudofam_core.tokenization import encode

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FisherDiagonal:
    """The diagonal of the empirical Fisher information, and what it was counted over.

    Attributes:
        values: One tensor per parameter, shaped like it, on the CPU. Nats².
        n_sentences: Sentences read.
        n_source_tokens: Source tokens, special ones included.
        n_target_tokens: Target tokens, special ones included.
        loss: Summed negative log-likelihood, nats.
    """

    values: dict[str, torch.Tensor]
    n_sentences: int
    n_source_tokens: int
    n_target_tokens: int
    loss: float


@dataclass(frozen=True)
class _Counts:
    """How far an estimate has come."""

    batch_tokens: int
    n_batches: int = 0
    n_sentences: int = 0
    loss: float = 0.0


def estimate_fisher(
    model: TranslationModel,
    bitext: Bitext,
    *,
    parameters: str = "ffn",
    max_length: int = 256,
    batch_tokens: int = 1024,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 20.0,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> FisherDiagonal:
    """Estimate the diagonal of the empirical Fisher information.

    F_p = 1/N Σ_n (∂ log p(y_n | x_n) / ∂θ_p)²: one gradient per sentence pair n, its tokens'
    log-likelihoods summed, padding excluded, dropout off (Ma et al., 2023; Kunstner et al., 2019).

    Args:
        model: Its weights are frozen, and otherwise unchanged.
        bitext: The N sentence pairs.
        parameters: See `Workspace`.
        max_length: Tokens of a side beyond which a sentence is cut.
        batch_tokens: Padded size of a batch on its longer side. It changes speed and memory, not the result.
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
    encoded = encode(model.tokenizer, model.family, bitext, max_length=max_length)
    squares = SquaredGradients(model.module, select_parameters(model.parameters(), parameters))
    batches = _batches([max(len(one.source), len(one.target)) for one in encoded], batch_tokens)
    counts = _resume(checkpoint, squares, batch_tokens)
    written = time.monotonic()
    meter = Meter(report, should_stop, phase="estimating", total=len(encoded), done=counts.n_sentences)
    try:
        for batch in batches[counts.n_batches :]:
            loss = squares.add(model.collate([encoded[i] for i in batch]))
            counts = _Counts(batch_tokens, counts.n_batches + 1, counts.n_sentences + len(batch), counts.loss + loss)
            if time.monotonic() - written > checkpoint_seconds:
                _write(checkpoint, squares, counts)
                written = time.monotonic()
            meter.advance(len(batch))
    except JobCancelled:  # raised between two batches, where the totals are whole
        _write(checkpoint, squares, counts)
        raise
    return FisherDiagonal(
        {name: (total / len(encoded)).cpu() for name, total in squares.totals.items()},
        n_sentences=len(encoded),
        n_source_tokens=sum(len(one.source) for one in encoded),
        n_target_tokens=sum(len(one.target) for one in encoded),
        loss=counts.loss,
    )


def _batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Batches of similar length, in a fixed shuffled order so that the rate foretells the rest."""
    batches = token_batches(lengths, max_tokens=batch_tokens)
    return [batches[i] for i in np.random.default_rng(0).permutation(len(batches))]


def _write(checkpoint: Path | None, squares: SquaredGradients, counts: _Counts) -> None:
    if checkpoint is None:
        return
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    beside = checkpoint.with_suffix(".writing")
    save_file(squares.totals, beside, metadata={"counts": json.dumps(vars(counts))})
    os.replace(beside, checkpoint)


def _resume(checkpoint: Path | None, squares: SquaredGradients, batch_tokens: int) -> _Counts:
    """Load the totals so far. Batches of another size can't be gone on with: they start anew."""
    if checkpoint is None or not checkpoint.exists():
        return _Counts(batch_tokens)
    with safe_open(checkpoint, framework="pt") as stored:
        counts = _Counts(**json.loads(stored.metadata()["counts"]))
        if counts.batch_tokens != batch_tokens:
            logger.warning("%s was made with batches of %d tokens: starting anew.", checkpoint, counts.batch_tokens)
            return _Counts(batch_tokens)
        for name, total in squares.totals.items():
            total.copy_(stored.get_tensor(name))
    return counts
