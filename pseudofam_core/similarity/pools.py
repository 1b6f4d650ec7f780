"""From finished Fisher estimates to a pool's comparison, found in the cache or computed and kept there.

One pass over the estimates' files (`pseudofam_core.similarity.matrices`) gives the matrices of all measures and the Overlap curve
over every K; they are kept as one small artifact. After that a measure and a K are a look-up. NumPy only: the pass over
a small model's files takes a second or two. For large models it belongs in a job (`pool_similarity_cost` tells).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from pseudofam_core.errors import DamagedArtifact
from pseudofam_core.estimates import FISHER_FILE, imported_pairs, summarise
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.parameters import compared_parameters, select_parameters
from pseudofam_core.progress import Progress, Report, ShouldStop, never, silent
from pseudofam_core.similarity.consensus import consensus
from pseudofam_core.similarity.matrices import similarity_matrix, similarity_of_files
from pseudofam_core.similarity.measures import FISHER_MEASURES, Measure
from pseudofam_core.similarity.results import OverlapCurve, PairwiseMatrix
from pseudofam_core.similarity.spec import PoolSpec, Scope, SimilaritySpec
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.keys import canonical
from pseudofam_core.store.stages import Stage

# A comparison holds all measures: another one, or another version of one, makes it another.
COMPARISON_VERSION = sum(measure.row.version for measure in FISHER_MEASURES)
_FILE = "comparison.safetensors"
_CURVE, _NONZERO = "shared", "nonzero"
_N_STEPS = 1000
# A pass reads the files so often: the sums, the normalised sums, the thresholds (twice where files are large), the masks.
_READS = 5
_SHARED = ("model_revision", "parameters", "estimator", "max_length", "precision", "mini_batches")


@dataclass(frozen=True, eq=False)
class PoolSimilarity:
    """Everything that comparing a pool's estimates gives. Nothing is read or computed when it is asked.

    Attributes:
        spec: What was compared.
        matrices: The matrix of each measure without masks. Those that a diagonal of nothing but zeros does not have
            (`SumKernel.needs_positive_sum`) are missing.
        curve: Shared parameters at every K.
        provenance: Model, corpus, estimator, counts, key.
    """

    spec: PoolSpec
    matrices: Mapping[Measure, PairwiseMatrix]
    curve: OverlapCurve
    provenance: Mapping[str, Any] = field(repr=False)

    def matrix(self, measure: Measure, top_fraction: float = 0.4) -> PairwiseMatrix:
        """The matrix of a measure; `top_fraction`, a step of the curve, counts for Overlap, Jaccard and the consensus.

        Raises:
            ValueError: K is not a step of the curve, a mask marks nothing that is compared, or a diagonal of nothing
                but zeros that the measure is not defined for.
        """
        if measure.combined:
            return consensus([self.matrix(part, top_fraction) for part in measure.combined])
        if measure.has_masks:
            return self.curve.matrix(top_fraction, measure=measure)
        if measure not in self.matrices:
            raise ValueError(
                f"A diagonal must have a positive sum for {measure.label}. Got only zeros for one of "
                f"{', '.join(map(str, self.spec.pairs))}. Estimate it with more sentences, or leave it out of the pool."
            )
        return self.matrices[measure]

    def defined(
        self, top_fraction: float = 0.4, *, measures: Iterable[Measure] = Measure
    ) -> dict[Measure, PairwiseMatrix]:
        """The matrices of those measures that are defined for the pool, in their order; see `matrix`."""
        matrices = {}
        for measure in measures:
            try:
                matrices[measure] = self.matrix(measure, top_fraction)
            except ValueError:  # a diagonal of zeros, or a K that no mask reaches
                continue
        return matrices


def pool_spec(
    estimates: Mapping[LanguagePair, Artifact], *, scope: Scope = Scope.GROUP, group: str | None = None
) -> PoolSpec:
    """Describe the comparison of a pool.

    Args:
        estimates: Finished estimates by pair; of one model and one way of estimating.
        scope: Where the top K of masks are taken.
        group: Parameters compared. By default ``ffn`` where the scope is the model, else all that were estimated.

    Raises:
        ValueError: Fewer than two estimates, or estimates that can't be compared with one another.
    """
    pairs = tuple(sorted(estimates))
    specs = {pair: summarise(estimates[pair]).spec for pair in pairs}
    for name in _SHARED:
        values = {str(pair): canonical(getattr(specs[pair], name)) for pair in pairs}
        if any(value != values[str(pairs[0])] for value in values.values()):
            raise ValueError(f"estimates must share their {name} to be compared. Got {values}.")
    estimated = specs[pairs[0]].parameters if pairs else ""
    return PoolSpec(
        fishers=tuple(estimates[pair].key for pair in pairs),
        pairs=pairs,
        scope=scope,
        group=group or ("ffn" if scope is Scope.MODEL else estimated),
    )


def similarity_spec(
    estimates: Mapping[LanguagePair, Artifact],
    measure: Measure,
    *,
    top_fraction: float = 0.4,
    scope: Scope = Scope.GROUP,
    group: str | None = None,
) -> SimilaritySpec:
    """Describe one matrix of a pool.

    Args:
        estimates: See `pool_spec`.
        measure: How two diagonals are compared.
        top_fraction: K; used by Overlap and Jaccard only.
        scope: Where the top K are taken; used by Overlap and Jaccard only.
        group: See `pool_spec`.

    Raises:
        ValueError: See `pool_spec`.
    """
    masks = measure.has_masks
    pool = pool_spec(estimates, scope=scope if masks else Scope.GROUP, group=group)
    return SimilaritySpec(
        fishers=pool.fishers,
        pairs=pool.pairs,
        measure=measure,
        top_fraction=top_fraction if masks else None,
        scope=scope if masks else None,
        group=pool.group,
    )


def pool_similarity_cost(estimates: Mapping[LanguagePair, Artifact]) -> int:
    """Bytes that comparing these estimates reads, all reads of the pass together: what decides whether it needs a job."""
    return _READS * sum(estimate.file(FISHER_FILE).stat().st_size for estimate in estimates.values())


def find_pool_similarity(
    estimates: Mapping[LanguagePair, Artifact],
    *,
    cache: Cache,
    scope: Scope = Scope.GROUP,
    group: str | None = None,
) -> PoolSimilarity | None:
    """The finished comparison of a pool, or None. Opens its small artifact and no estimate.

    Raises:
        ValueError: See `pool_spec`.
    """
    spec = pool_spec(estimates, scope=scope, group=group)
    artifact = cache.find(Stage.COMPARISON, Stage.COMPARISON.key(spec, version=COMPARISON_VERSION), spec=spec)
    return readable(artifact, lambda kept: _loaded(spec, kept, estimates))


def pool_similarity(
    estimates: Mapping[LanguagePair, Artifact],
    *,
    cache: Cache,
    scope: Scope = Scope.GROUP,
    group: str | None = None,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> PoolSimilarity:
    """Everything about a pool: from the cache, or computed from the estimates' files and kept.

    Args:
        estimates: See `pool_spec`.
        cache: Where comparisons are kept.
        scope: See `pool_spec`.
        group: See `pool_spec`.
        report: Receives the progress.
        should_stop: Asked between blocks.

    Raises:
        ValueError: See `pool_spec`; or an estimate that holds NaN, or a `group` that selects nothing.
        DamagedArtifact: An estimate's file can't be read.
        CacheError: The result can't be kept.
        JobCancelled: `should_stop` said so. Nothing is kept.
    """
    if (finished := find_pool_similarity(estimates, cache=cache, scope=scope, group=group)) is not None:
        return finished
    spec = pool_spec(estimates, scope=scope, group=group)
    files, names, scope_names = _inputs(estimates, spec.scope, spec.group)
    started = time.monotonic()

    def count(n_read: int, n_to_read: int) -> None:
        rate = n_read / max(time.monotonic() - started, 1e-9)
        report(Progress("comparing", n_read, n_to_read, "numbers", rate))

    matrices, curve = similarity_of_files(
        files,
        names=names,
        scope=spec.scope,
        scope_names=scope_names,
        n_steps=_N_STEPS,
        report=count,
        should_stop=should_stop,
    )

    def write(folder: Path) -> None:
        # By step first, as it is laid out: a look-up at one K then reads one stretch.
        counts = np.ascontiguousarray(np.moveaxis(curve.shared, 2, 0))
        arrays = {_CURVE: counts, _NONZERO: np.array(curve.nonzero)}
        save_file({**arrays, **{measure.value: matrices[measure].values for measure in matrices}}, folder / _FILE)

    key = Stage.COMPARISON.key(spec, version=COMPARISON_VERSION)
    artifact = cache.store(Stage.COMPARISON, key, spec=spec, summary=dict(curve.provenance), write=write)
    return _loaded(spec, artifact, estimates)


def similarity(
    estimates: Mapping[LanguagePair, Artifact],
    spec: SimilaritySpec,
    cache: Cache,
    *,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> PairwiseMatrix:
    """The matrix of `spec`: looked up in the pool's comparison, which is computed first where it is missing.

    A K that is not a step of the curve is computed by itself, exactly, and kept.

    Raises:
        ValueError: See `pool_similarity` and `PoolSimilarity.matrix`.
        DamagedArtifact: See `pool_similarity`.
        CacheError: See `pool_similarity`.
        JobCancelled: See `pool_similarity`.
    """
    scope, top_fraction = spec.scope or Scope.GROUP, spec.top_fraction or 1.0
    if abs(top_fraction * _N_STEPS - round(top_fraction * _N_STEPS)) > 1e-6 or top_fraction < 0.5 / _N_STEPS:
        return _between_steps(estimates, spec, cache)
    pool = pool_similarity(
        estimates, cache=cache, scope=scope, group=spec.group, report=report, should_stop=should_stop
    )
    return pool.matrix(spec.measure, top_fraction)


def provenance(estimates: Mapping[LanguagePair, Artifact]) -> dict[str, Any]:
    """What a reader needs to make a pool's estimates again: plain values for CSV comments and tooltips."""
    summaries = [summarise(estimate) for estimate in estimates.values()]
    first, counts = summaries[0], [summary.n_sentences for summary in summaries]
    imported = " ".join(map(str, imported_pairs(estimates)))
    return {
        **{name: getattr(first.workspace, name) for name in ("model", "corpus", "split", "seed")},
        **{name: value for name in _SHARED if (value := canonical(getattr(first.spec, name))) is not None},
        "sentences": str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}",
        "version": first.version,
        **({"imported": imported} if imported else {}),
    }


def _inputs(
    estimates: Mapping[LanguagePair, Artifact], scope: Scope, group: str
) -> tuple[dict[LanguagePair, Path], tuple[str, ...], tuple[str, ...] | None]:
    """Files, the parameters compared, and those among which the model scope takes its masks."""
    files = {pair: estimates[pair].file(FISHER_FILE) for pair in sorted(estimates)}
    first = next(iter(files))
    try:
        with safe_open(files[first], framework="numpy") as stored:
            names = compared_parameters(list(stored.keys()))
    except (OSError, SafetensorError) as error:
        raise DamagedArtifact(f"The Fisher file of {first} can't be read: {error}. Estimate the pair again.") from error
    scope_names = select_parameters(names, "layers") if scope is Scope.MODEL else None
    return files, select_parameters(names, group), scope_names


def _loaded(spec: PoolSpec, artifact: Artifact, estimates: Mapping[LanguagePair, Artifact]) -> PoolSimilarity:
    known = {**provenance(estimates), "compared": spec.group, "key": artifact.key}
    stored = load_file(artifact.file(_FILE))
    counts, nonzero = np.moveaxis(stored.pop(_CURVE), 0, 2), tuple(stored.pop(_NONZERO).tolist())
    steps = tuple(step / _N_STEPS for step in range(1, _N_STEPS + 1))
    curve = OverlapCurve(spec.pairs, steps, counts, spec.scope, nonzero, known)
    matrices = {
        Measure(name): PairwiseMatrix(spec.pairs, values, Measure(name), provenance=known)
        for name, values in stored.items()
    }
    return PoolSimilarity(spec, matrices, curve, known)


def _square(artifact: Artifact, n_pairs: int) -> npt.NDArray[np.float64]:
    """The values of a single matrix.

    Raises:
        ValueError: They are not those of so many pairs.
    """
    values = load_file(artifact.file(_FILE))["values"]
    if values.shape != (n_pairs, n_pairs):
        raise ValueError(f"values must be {n_pairs} × {n_pairs}. Got {values.shape}")
    return values


def _between_steps(estimates: Mapping[LanguagePair, Artifact], spec: SimilaritySpec, cache: Cache) -> PairwiseMatrix:
    """A measure with masks at a K that the curve does not hold."""
    key = Stage.SIMILARITY.key(spec, version=spec.measure.row.version)
    values = readable(cache.find(Stage.SIMILARITY, key, spec=spec), lambda kept: _square(kept, len(spec.pairs)))
    if values is None:
        assert spec.scope is not None  # SimilaritySpec demands it of measures with masks
        files, names, scope_names = _inputs(estimates, spec.scope, spec.group)
        matrix = similarity_matrix(
            files,
            measure=spec.measure,
            names=names,
            top_fraction=spec.top_fraction,
            scope=spec.scope,
            scope_names=scope_names,
        )

        def write(folder: Path) -> None:
            save_file({"values": np.ascontiguousarray(matrix.values)}, folder / _FILE)

        values = _square(cache.store(Stage.SIMILARITY, key, spec=spec, summary={}, write=write), len(spec.pairs))
    return PairwiseMatrix(
        pairs=spec.pairs,
        values=values,
        measure=spec.measure,
        top_fraction=spec.top_fraction,
        scope=spec.scope,
        provenance={**provenance(estimates), "compared": spec.group, "key": key},
    )
