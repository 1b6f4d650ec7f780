"""From finished Fisher estimates to a matrix, found in the cache or computed and kept there.

NumPy only: the pass over a small model's files takes about a second. For large models it belongs in a job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from pseudofam_core.cache import Artifact, Cache
from pseudofam_core.estimates import FISHER_FILE
from pseudofam_core.hashing import key_of
from pseudofam_core.languages import LanguagePair
from pseudofam_core.parameters import select_parameters
from pseudofam_core.results import PairwiseMatrix
from pseudofam_core.similarity import compared_parameters, similarity_matrix
from pseudofam_core.specs import Measure, Scope, SimilaritySpec

SIMILARITY_STAGE = "similarity"
SIMILARITY_VERSION = 1
_FILE = "matrix.safetensors"
_SHARED = ("model_revision", "parameters", "estimator", "max_length")


def similarity_spec(
    estimates: Mapping[LanguagePair, Artifact],
    measure: Measure,
    *,
    top_fraction: float = 0.4,
    scope: Scope = Scope.GROUP,
    group: str | None = None,
) -> SimilaritySpec:
    """Describe the comparison of a pool.

    Args:
        estimates: Finished estimates by pair; of one model and one way of estimating.
        measure: How two diagonals are compared.
        top_fraction: K; used by Overlap only.
        scope: Where the top K are taken; used by Overlap only.
        group: Parameters compared. By default ``ffn`` where the scope is the model, else all that were estimated.

    Raises:
        ValueError: Fewer than two estimates, or estimates that can't be compared with one another.
    """
    pairs = tuple(sorted(estimates))
    for name in _SHARED:
        values = {str(pair): estimates[pair].manifest["spec"][name] for pair in pairs}
        if len(set(values.values())) > 1:
            raise ValueError(f"estimates must share their {name} to be compared. Got {values}.")
    overlap = measure is Measure.OVERLAP
    estimated = estimates[pairs[0]].manifest["spec"]["parameters"] if pairs else ""
    return SimilaritySpec(
        fishers=tuple(estimates[pair].key for pair in pairs),
        pairs=pairs,
        measure=measure,
        top_fraction=top_fraction if overlap else None,
        scope=scope if overlap else None,
        group=group or ("ffn" if overlap and scope is Scope.MODEL else estimated),
    )


def compare(
    estimates: Mapping[LanguagePair, Artifact],
    spec: SimilaritySpec,
    cache: Cache,
    *,
    report: Callable[[int, int], None] | None = None,
) -> PairwiseMatrix:
    """The matrix of `spec`: from the cache, or computed from the estimates' files and kept.

    Raises:
        ValueError: An estimate holds NaN, or `group` selects nothing.
    """
    key = key_of(SIMILARITY_STAGE, SIMILARITY_VERSION, spec)
    artifact = cache.find(SIMILARITY_STAGE, key)
    if artifact is None:
        artifact = _computed(estimates, spec, key, cache, report)
    return PairwiseMatrix(
        pairs=spec.pairs,
        values=load_file(artifact.file(_FILE))["values"],
        measure=spec.measure,
        top_fraction=spec.top_fraction,
        scope=spec.scope,
        provenance={**provenance(estimates), "compared": spec.group, "key": key},
    )


def provenance(estimates: Mapping[LanguagePair, Artifact]) -> dict[str, Any]:
    """What a reader needs to make a pool's estimates again: plain values for CSV comments and tooltips."""
    first = next(iter(estimates.values())).manifest
    counts = [one.manifest["n_sentences"] for one in estimates.values()]
    return {
        **{name: first["workspace"][name] for name in ("model", "corpus", "split", "seed")},
        **{name: first["spec"][name] for name in _SHARED},
        "sentences": str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}",
        "version": first["version"],
    }


def _computed(
    estimates: Mapping[LanguagePair, Artifact],
    spec: SimilaritySpec,
    key: str,
    cache: Cache,
    report: Callable[[int, int], None] | None,
) -> Artifact:
    files = {pair: estimates[pair].file(FISHER_FILE) for pair in spec.pairs}
    with safe_open(files[spec.pairs[0]], framework="numpy") as stored:
        names = compared_parameters(list(stored.keys()))
    scoped = spec.scope is Scope.MODEL
    matrix = similarity_matrix(
        files,
        measure=spec.measure,
        names=select_parameters(names, spec.group),
        top_fraction=spec.top_fraction,
        scope=spec.scope,
        scope_names=select_parameters(names, "layers") if scoped else None,
        report=report,
    )

    def write(folder: Path) -> None:
        save_file({"values": np.ascontiguousarray(matrix.values)}, folder / _FILE)

    return cache.store(SIMILARITY_STAGE, key, spec=spec, summary={}, write=write)
