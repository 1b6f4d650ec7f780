"""Finished runs of a transfer matrix with made-up losses, stored as the stage stores them; no model is trained."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from safetensors.numpy import save_file

from pseudofam_core.finetuning import TrainingSpec, texts_of_targets
from pseudofam_core.languages import LanguagePair
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage
from pseudofam_core.transfer import TransferRequest, specs_of_target
from pseudofam_core.transfer.runs import AFTER, BEFORE, LOSSES_FILE, TOKENS, transfer_key

Losses = Callable[[LanguagePair, LanguagePair | None, int], float]


def store_losses(cache: Cache, spec: TrainingSpec, after: np.ndarray, n_tokens: np.ndarray) -> None:
    """Keep a run that ended with these losses, nats by sentence."""
    losses = {BEFORE: after + 1.0, AFTER: np.asarray(after, np.float64), TOKENS: np.asarray(n_tokens, np.int64)}
    summary = {
        "contributions": [
            {"pair": one, "available": 9, "sentences": 9, "source_tokens": 9, "target_tokens": 9, "updates": 9}
            for one in spec.pairs
        ],
        "updates": 100,
        "seconds": {"training": 4.0, "all": 5.0},
        "device": "cpu",
        "workspace": spec.workspace,
        "cut": spec.cut,
        "version": "test",
        "libraries": {},
    }
    cache.store(
        Stage.TRANSFER,
        transfer_key(spec),
        spec=spec,
        summary=summary,
        write=lambda folder: save_file(losses, folder / LOSSES_FILE),
    )


def store_matrix(cache: Cache, request: TransferRequest, loss: Losses, *, n_sentences: int = 40) -> None:
    """Keep the runs of a request: the mean dev loss of each in nats a token, or NaN for one that is not run."""
    texts = texts_of_targets(request.workspace, request.targets, request.cut)
    n_tokens = np.random.default_rng(0).integers(4, 12, n_sentences)
    for target in request.targets:
        for (member, seed), spec in specs_of_target(request, target, texts[target]).items():
            if np.isfinite(mean := loss(target, member, seed)):
                apart = np.random.default_rng(hash_of(spec)).normal(0, 0.2, n_sentences)
                nats = n_tokens * (mean + apart - (n_tokens @ apart) / n_tokens.sum())
                store_losses(cache, spec, nats, n_tokens)


def hash_of(spec: TrainingSpec) -> int:
    """A seed that is the same in every process."""
    return int(transfer_key(spec)[:8], 16)
