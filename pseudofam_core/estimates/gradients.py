"""The mean gradient of a text at the kept coordinates: beside its Fisher estimate, or, where that lacks it, by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import load_file

from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates.coordinates import MOST_KEPT, kept_columns, kept_parameters, subset_positions
from pseudofam_core.estimates.lookup import find_fisher
from pseudofam_core.estimates.spec import Estimator, FisherSpec
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.stages import Stage

GRADIENT_FILE = "gradients.safetensors"
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gradient:
    """Gradients of −log p by shard of a text, at the kept coordinates (`pseudofam_core.estimates.coordinates`).

    Attributes:
        values: (S, m) float32 sums over each shard's sentences. Nats.
        n_tokens: (S,) target tokens of each shard.
    """

    values: npt.NDArray[np.float32]
    n_tokens: npt.NDArray[np.int64]

    def mean(self, shards: Sequence[int] | None = None) -> FloatArray:
        """(m,) gradient of the mean loss, nats a token; of some shards alone, each as often as it is named."""
        chosen = range(len(self.n_tokens)) if shards is None else shards
        weights = np.bincount(list(chosen), minlength=len(self.n_tokens)).astype(np.float64)
        mean: FloatArray = weights @ self.values.astype(np.float64) / (weights @ self.n_tokens)
        return mean


def gradient_spec(spec: FisherSpec) -> FisherSpec:
    """What a gradient depends on: an estimate's spec, without what it is squared by."""
    return replace(spec, estimator=Estimator.PER_SENTENCE, seed=None, mini_batches=None)


def find_gradient(spec: FisherSpec, cache: Cache) -> Gradient | None:
    """The kept gradient of a text, or None."""
    spec = gradient_spec(spec)
    estimate = find_fisher(spec, cache)
    if estimate is not None and GRADIENT_FILE in estimate.files:
        return readable(estimate, _read)
    return readable(cache.find(Stage.GRADIENT, Stage.GRADIENT.key(spec), spec=spec), _read)


def kept_diagonal(fisher: Path) -> FloatArray:
    """(m,) the Fisher diagonal in an estimate's file at the kept coordinates, nats²."""
    with safe_open(fisher, framework="numpy") as stored:
        slices = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118  # a file is no mapping
        shapes = {name: tuple(piece.get_shape()) for name, piece in slices.items()}
        kept = {name: slices[name][..., kept_columns(name, shapes[name])] for name in kept_parameters(shapes)}
    flat = np.concatenate([array.reshape(-1) for array in kept.values()])
    positions = subset_positions({name: array.shape for name, array in kept.items()}, MOST_KEPT)
    return flat[positions].astype(np.float64)


def _read(artifact: Artifact) -> Gradient:
    arrays = load_file(artifact.file(GRADIENT_FILE))
    values, n_tokens = arrays["values"], arrays["n_tokens"]
    if values.ndim != 2 or n_tokens.shape != values.shape[:1]:
        raise MalformedValue(f"The gradient {artifact.key[:8]} must have a row for each shard. Got {values.shape}.")
    return Gradient(values, n_tokens)
