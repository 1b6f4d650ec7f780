"""How far an estimate has come, on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pseudofam_core.errors import CacheError
from pseudofam_core.store.cache import DAMAGE
from pseudofam_core.store.writing import clear, flush, temporary_file

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
        """Load what was done into the tensors. Batches of another size can't be gone on with: they start anew.

        So does the estimate where the file is damaged or is another's: it is removed, and said so.

        Raises:
            CacheError: The file can't be removed.
        """
        if self._path is None:
            return Counts(batch_tokens)
        try:
            for leftover in self._path.parent.glob(f".{self._path.name}.*"):  # of one that was killed while it wrote
                leftover.unlink()
            if not self._path.exists():
                return Counts(batch_tokens)
            try:
                counts = self._verified()
            except DAMAGE as error:
                reason = f"{type(error).__name__}: {error}"
                logger.warning("%s is damaged (%s). It is removed, and the estimate begins anew.", self._path, reason)
                clear(self._path)
                return Counts(batch_tokens)
        except OSError as error:
            raise CacheError(f"The checkpoint {self._path} can't be used: {error}. Remove it.") from error
        if counts.batch_tokens != batch_tokens:
            logger.warning("%s has batches of %d tokens: starting anew.", self._path, counts.batch_tokens)
            return Counts(batch_tokens)
        with safe_open(self._path, framework="pt") as stored:
            for name, tensor in self._tensors.items():
                tensor.copy_(stored.get_tensor(name))
        return counts

    def tick(self, counts: Counts) -> None:
        """Write, if it is time."""
        if time.monotonic() - self._written > self._pause:
            self.write(counts)

    def write(self, counts: Counts) -> None:
        """Write beside, have it on the disk, then rename.

        Raises:
            CacheError: The disk is full, or closed to this user.
        """
        if self._path is None:
            return
        begun = time.monotonic()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with temporary_file(self._path) as beside:
                told = json.dumps(asdict(counts))
                here = {name: tensor.detach().contiguous().cpu() for name, tensor in self._tensors.items()}
                save_file(here, beside, metadata={"counts": told, "digest": self._digest(told, here.__getitem__)})
                flush(beside)
                beside.replace(self._path)
            flush(self._path.parent)
        except (OSError, SafetensorError) as error:
            raise CacheError(
                f"The checkpoint {self._path} can't be written: {error}. Free some space and run it again."
            ) from error
        self._written = time.monotonic()
        self._pause = max(self._seconds, 20 * (self._written - begun))

    def _verified(self) -> Counts:
        """The counts of the file, where all of it is what was written for this estimate.

        Raises:
            ValueError: It is not. What safetensors raises where it is none of its files.
        """
        assert self._path is not None
        with safe_open(self._path, framework="pt") as stored:
            about = stored.metadata() or {}
            if set(stored.keys()) != set(self._tensors):
                raise ValueError("it holds other parameters")
            if about.get("digest") != self._digest(about.get("counts", ""), stored.get_tensor):
                raise ValueError("its digest is another")
        return Counts(**json.loads(about["counts"]))

    def _digest(self, counts: str, tensor: Callable[[str], torch.Tensor]) -> str:
        """SHA-256 over the estimate's key (the folder's name), counts, and name, type, shape and bytes of each tensor."""
        assert self._path is not None
        sha = hashlib.sha256(f"{self._path.parent.name}\0{counts}\0".encode())
        for name in sorted(self._tensors):
            values = tensor(name)
            sha.update(f"{name}\0{values.dtype}\0{tuple(values.shape)}\0".encode())
            sha.update(values.reshape(-1).view(torch.uint8).numpy().data)
        return sha.hexdigest()
