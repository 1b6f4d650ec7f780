"""Kept runs of a transfer matrix: dev losses of a target by sentence, before training and after the last update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import Contribution, TextCut, TrainingSpec
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.restoring import known_of, restored
from pseudofam_core.store.stages import Stage

LOSSES_FILE = "losses.safetensors"
BEFORE, AFTER, TOKENS = "before", "after", "tokens"


@dataclass(frozen=True, kw_only=True)
class TransferRecord:
    """What a run writes into its manifest.

    Attributes:
        contributions: What the target gave, then the auxiliary.
        updates: Updates done.
        seconds: Wall time: ``training``; ``all``, with reading, copying the model and evaluating.
        device: What computed: ``cpu``, ``cuda``.
        workspace: What was asked for.
        cut: What was taken of the training text.
        version: Of this package.
        libraries: Versions by name.
    """

    contributions: tuple[Contribution, ...]
    updates: int
    seconds: Mapping[str, float]
    device: str
    workspace: Workspace
    cut: TextCut
    version: str
    libraries: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TransferRun(TransferRecord):
    """A finished run.

    Attributes:
        key: Of the artifact.
        spec: What was trained.
        before: (sentences,) dev loss of the base by sentence: nats, summed over its tokens.
        after: (sentences,) the same after the last update.
        n_tokens: (sentences,) target tokens.
    """

    key: str
    spec: TrainingSpec
    before: npt.NDArray[np.float64] = field(repr=False, compare=False)
    after: npt.NDArray[np.float64] = field(repr=False, compare=False)
    n_tokens: npt.NDArray[np.int64] = field(repr=False, compare=False)


def transfer_key(spec: TrainingSpec) -> str:
    """The key under which the cache holds the run of `spec`."""
    return Stage.TRANSFER.key(spec)


def find_transfer(spec: TrainingSpec, cache: Cache) -> TransferRun | None:
    """The finished run of `spec`, or None."""
    return readable(cache.find(Stage.TRANSFER, transfer_key(spec), spec=spec), transfer_run_of)


def transfer_run_of(artifact: Artifact) -> TransferRun:
    """Read a finished run.

    Raises:
        MalformedValue: It is none.
    """
    place = f"manifest of transfer run {artifact.key[:8]}"
    spec = restored(dict[str, Any], artifact.spec, place=f"{place}.spec")
    aside = {name: value for name, value in artifact.summary.items() if name in ("workspace", "cut")}
    record = restored(TransferRecord, known_of(TransferRecord, artifact.summary), place=place)
    losses = load_file(artifact.file(LOSSES_FILE))
    if len({losses[name].shape for name in (BEFORE, AFTER, TOKENS)}) != 1:
        raise MalformedValue(f"The losses of transfer run {artifact.key[:8]} must be of the same sentences.")
    return TransferRun(
        **vars(record),
        key=artifact.key,
        spec=restored(TrainingSpec, {**spec, **aside}, place=f"{place}.spec"),
        before=losses[BEFORE],
        after=losses[AFTER],
        n_tokens=losses[TOKENS],
    )
