"""How far an estimate has come, on disk."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

logger = logging.getLogger(__name__)
_SHARDS = "/shards"  # no parameter has a slash in its name


@dataclass(frozen=True)
class Counts:
    """How far an estimate has come.

    Attributes:
        batch_tokens: What it is batched with: another size is another order.
        n_steps: Steps done.
        n_sentences: Sentences done.
        loss: Their summed loss, nats.
    """

    batch_tokens: int
    n_steps: int = 0
    n_sentences: int = 0
    loss: float = 0.0


class Checkpoint:
    """A file with running totals and the sums of finished shards, written now and then.

    Args:
        path: The file, or None for no checkpoint.
        totals: Running totals by parameter name.
        shards: Sums by shard.
        seconds: Least time between two writes. Large models wait longer, so that a twentieth of the time at most goes
            into writing.
    """

    def __init__(
        self, path: Path | None, totals: Mapping[str, torch.Tensor], shards: torch.Tensor, *, seconds: float
    ) -> None:
        """Remember the tensors; nothing is read or written yet."""
        self._path = path
        self._tensors = {**totals, _SHARDS: shards}
        self._seconds = seconds
        self._pause = seconds
        self._written = time.monotonic()

    def resume(self, batch_tokens: int) -> Counts:
        """Load what was done into the tensors. Batches of another size can't be gone on with: they start anew."""
        if self._path is None or not self._path.exists():
            return Counts(batch_tokens)
        with safe_open(self._path, framework="pt") as stored:
            counts = Counts(**json.loads(stored.metadata()["counts"]))
            if counts.batch_tokens != batch_tokens:
                logger.warning("%s has batches of %d tokens: starting anew.", self._path, counts.batch_tokens)
                return Counts(batch_tokens)
            for name, tensor in self._tensors.items():
                tensor.copy_(stored.get_tensor(name))
        return counts

    def tick(self, counts: Counts) -> None:
        """Write, if it is time."""
        if time.monotonic() - self._written > self._pause:
            self.write(counts)

    def write(self, counts: Counts) -> None:
        """Write beside, then rename."""
        if self._path is None:
            return
        begun = time.monotonic()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".writing")
        save_file(self._tensors, beside, metadata={"counts": json.dumps(asdict(counts))})
        os.replace(beside, self._path)
        self._written = time.monotonic()
        self._pause = max(self._seconds, 20 * (self._written - begun))
