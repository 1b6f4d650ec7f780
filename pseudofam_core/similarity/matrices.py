"""Compare the Fisher diagonals of a pool, pair by pair (METHOD.md §2).

The formulas stand in `pseudofam_core.similarity.measures`; rows are targets, columns auxiliaries.

Every Fisher file is a ``.safetensors`` with a float32 tensor per parameter. Files are mapped and read in blocks, by all
processors; memory does not grow with their size (about 300 MB, and 4 KB for each two pairs). Sums are float64; their
accuracy is stated in `pseudofam_core.similarity.sums`. Equal diagonals are at distance exactly 0 and have equal rows
and columns, and the order of the pool does not change a bit of the values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from pseudofam_core.languages import LanguagePair
from pseudofam_core.progress import never
from pseudofam_core.similarity.diagonals import Diagonals
from pseudofam_core.similarity.measures import SUMMED, Measure
from pseudofam_core.similarity.results import OverlapCurve, PairwiseMatrix
from pseudofam_core.similarity.shared import shared_counts, shared_to_read
from pseudofam_core.similarity.spec import Scope, SimilaritySpec
from pseudofam_core.similarity.sums import SumKernel, sums_to_read, values_of_sums
from pseudofam_core.similarity.traits import FromSums

_Files = Mapping[LanguagePair, Path]
_Report = Callable[[int, int], None]


def similarity_matrix(
    files: _Files,
    *,
    measure: Measure,
    names: Sequence[str],
    top_fraction: float | None = None,
    scope: Scope | None = None,
    scope_names: Sequence[str] | None = None,
    report: _Report | None = None,
    should_stop: Callable[[], bool] = never,
    n_threads: int | None = None,
) -> PairwiseMatrix:
    """Compare every Fisher diagonal of a pool with every other, by one measure and at one K.

    A mask marks exactly k = round(K·P) parameters (halves to even, at least 1), P counted in the scope, or all that are
    not zero where these are fewer. Of parameters that tie at the edge of the mask, the earlier in (sorted name, flat
    index) is marked.

    Args:
        files: The Fisher file of each pair; all hold the same names and shapes.
        measure: How two diagonals are compared.
        names: Parameters compared. Their order does not matter.
        top_fraction: Share K in (0, 1] that a mask marks, any number. Overlap and Jaccard only.
        scope: Where the top K are taken: among `names`, or among `scope_names` before the mask is restricted to
            `names`, which makes Overlap directed. Overlap and Jaccard only.
        scope_names: A superset of `names`. For the model scope only.
        report: Called with numbers read and numbers to be read (parameters x pairs x reads). The second grows where
            another read turns out to be needed.
        should_stop: Asked now and then; a True ends the work.
        n_threads: Threads that compute; by default one per processor. They don't change the result.

    Returns:
        The matrix, pairs sorted, rows targets; ``n_parameters`` is in its provenance.

    Raises:
        ValueError: Arguments that don't fit together, files that hold different parameters, a value that is negative
            or not finite, a diagonal of zeros for a measure that needs a positive sum, or a mask with nothing in `names`.
        DamagedArtifact: A file can't be read.
        JobCancelled: `should_stop` said so.
    """
    if measure.combined:
        raise ValueError(f"measure must compare Fisher diagonals. Got {measure}, which combines other measures.")
    pairs = tuple(sorted(files))
    # One place says which K and scope belong to a measure.
    SimilaritySpec(tuple(str(files[pair]) for pair in pairs), pairs, measure, top_fraction, scope)
    compared = sorted(set(names))
    scoped = _scoped(compared, scope, scope_names)
    with Diagonals(files, report=report, should_stop=should_stop, n_threads=n_threads) as pool:
        provenance = {"n_parameters": pool.count(compared)}
        if not measure.has_masks:
            kernels = _kernels((measure,))
            pool.expect(sums_to_read(pool, compared, kernels.values()))
            values = values_of_sums(pool, compared, kernels)
            if measure not in values:
                raise _only_zeros(pool, compared, measure)
            return PairwiseMatrix(pairs, values[measure], measure, provenance=provenance)
        assert top_fraction is not None
        assert scope is not None  # SimilaritySpec demands both
        pool.expect(shared_to_read(pool, scoped))
        counts, nonzero = shared_counts(pool, compared, scoped, (top_fraction,))
    curve = OverlapCurve(pairs, (top_fraction,), counts, scope, nonzero, provenance)
    return curve.matrix(top_fraction, measure=measure)


def similarity_matrices(
    files: _Files,
    *,
    names: Sequence[str],
    measures: Collection[Measure] = SUMMED,
    report: _Report | None = None,
    should_stop: Callable[[], bool] = never,
    n_threads: int | None = None,
) -> dict[Measure, PairwiseMatrix]:
    """`similarity_matrix` by several measures without masks, in one read (normalised diagonals take another).

    Those that are not defined where a diagonal holds nothing but zeros are missing then.

    Args:
        files: See `similarity_matrix`.
        names: See `similarity_matrix`.
        measures: Of `SUMMED`.
        report: See `similarity_matrix`.
        should_stop: See `similarity_matrix`.
        n_threads: See `similarity_matrix`.

    Raises:
        ValueError: As `similarity_matrix`.
        DamagedArtifact: A file can't be read.
        JobCancelled: `should_stop` said so.
    """
    compared = _compared(files, names, measures)
    with Diagonals(files, report=report, should_stop=should_stop, n_threads=n_threads) as pool:
        provenance = {"n_parameters": pool.count(compared)}
        kernels = _kernels(measures)
        pool.expect(sums_to_read(pool, compared, kernels.values()))
        values = values_of_sums(pool, compared, kernels)
    return {measure: PairwiseMatrix(pool.pairs, values[measure], measure, provenance=provenance) for measure in values}


def similarity_of_files(
    files: _Files,
    *,
    names: Sequence[str],
    measures: Collection[Measure] = SUMMED,
    scope: Scope = Scope.GROUP,
    scope_names: Sequence[str] | None = None,
    n_steps: int = 1000,
    report: _Report | None = None,
    should_stop: Callable[[], bool] = never,
    n_threads: int | None = None,
) -> tuple[dict[Measure, PairwiseMatrix], OverlapCurve]:
    """`similarity_matrices`, and what the masks of each two pairs share at every K = 1/n_steps … 1.

    The curve takes two more reads, three where a diagonal has more than 16 million parameters. Its counts are exact.

    Args:
        files: See `similarity_matrix`.
        names: See `similarity_matrix`.
        measures: Of `SUMMED`; none for the curve alone.
        scope: See `similarity_matrix`.
        scope_names: See `similarity_matrix`.
        n_steps: Values of K.
        report: See `similarity_matrix`.
        should_stop: See `similarity_matrix`.
        n_threads: See `similarity_matrix`.

    Raises:
        ValueError: As `similarity_matrix`; but a mask with nothing in `names` is refused where its K is asked for.
        DamagedArtifact: A file can't be read.
        JobCancelled: `should_stop` said so.
    """
    compared = _compared(files, names, measures)
    scoped = _scoped(compared, scope, scope_names)
    fractions = tuple(step / n_steps for step in range(1, n_steps + 1))
    with Diagonals(files, report=report, should_stop=should_stop, n_threads=n_threads) as pool:
        provenance = {"n_parameters": pool.count(compared)}
        kernels = _kernels(measures)
        pool.expect(sums_to_read(pool, compared, kernels.values()) + shared_to_read(pool, scoped))
        values = values_of_sums(pool, compared, kernels)
        counts, nonzero = shared_counts(pool, compared, scoped, fractions)
    matrices = {
        measure: PairwiseMatrix(pool.pairs, values[measure], measure, provenance=provenance) for measure in values
    }
    return matrices, OverlapCurve(pool.pairs, fractions, counts, scope, nonzero, provenance)


def _compared(files: _Files, names: Sequence[str], measures: Collection[Measure]) -> list[str]:
    if masked := [measure.value for measure in measures if measure.has_masks]:
        raise ValueError(
            f"measures must do without masks. Got {masked[0]}. The curve of similarity_of_files has it at any K."
        )
    if len(files) < 2:
        raise ValueError(f"files must be of at least 2 pairs to compare. Got {len(files)}. Estimate another pair.")
    return sorted(set(names))


def _kernels(measures: Collection[Measure]) -> dict[Measure, SumKernel]:
    """By measure, those that are computed from sums."""
    return {measure: measure.computed.kernel for measure in measures if isinstance(measure.computed, FromSums)}


def _only_zeros(pool: Diagonals, names: Sequence[str], measure: Measure) -> ValueError:
    zero = next(pair for row, pair in enumerate(pool.pairs) if not pool.any(row, names))
    return ValueError(
        f"A diagonal must have a positive sum for {measure.label}. Got only zeros for {zero}. "
        "Estimate the pair with more sentences, or leave it out of the pool."
    )


def _scoped(compared: Sequence[str], scope: Scope | None, scope_names: Sequence[str] | None) -> list[str]:
    """Parameters among which the top K are taken."""
    if scope is not Scope.MODEL:
        if scope_names is not None:
            raise ValueError("scope_names is for scope=model only. Got it with another. Leave it out.")
        return list(compared)
    if scope_names is None:
        raise ValueError("scope_names must be given for scope=model. Got None. Name the parameters of the layers.")
    if missing := sorted(set(compared) - set(scope_names)):
        raise ValueError(f"scope_names must hold all of names. Got no {missing[0]!r}. Add it, or drop it from names.")
    return sorted(set(scope_names))
