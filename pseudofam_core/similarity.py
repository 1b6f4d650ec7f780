"""Compare the Fisher diagonals of a pool, pair by pair (METHOD.md §2).

With F_i the diagonal of pair i over P parameters, rows are targets t and columns auxiliaries a:

=============  ================================================================  =====================
measure        formula                                                           direction
=============  ================================================================  =====================
mse            1/P Σ_p (F_t − F_a)²                                              symmetric distance
kl             Σ_p F_t (log(F_t + ε) − log(F_a + ε)), ε = 1e-16                  directed, may be < 0
kl-normalised  the same after each F is divided by its own sum                   directed distance
overlap        #(M_t ∧ M_a) / #M_t, M the top K of the parameters by F           similarity in [0, 1]
=============  ================================================================  =====================

Every Fisher file is a ``.safetensors`` with a float32 tensor per parameter. Files are read in blocks, so that
memory does not grow with the model: about 200 MB, and for Overlap one pair's diagonal at a time besides. Sums are
float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from pseudofam_core.errors import DamagedArtifact
from pseudofam_core.languages import LanguagePair
from pseudofam_core.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.specs import Measure, Scope, SimilaritySpec

_EPSILON = 1e-16
# Parameters read at once, and the numbers that all pairs' blocks may hold together (64 MB of float32).
_BLOCK_PARAMETERS = 2**20
_BLOCK_NUMBERS = 2**24
# Columns compared at once: all pairs' float64 tiles then stay near the processor's cache.
_TILE = 2**11

_Report = Callable[[int, int], None]
_Array = npt.NDArray[Any]


def compared_parameters(names: Sequence[str]) -> tuple[str, ...]:
    """The parameters that similarity looks at: `names`, sorted, without ``k_proj.bias``.

    A key bias shifts all of a softmax's inputs alike, so its gradient is zero and its Fisher is rounding noise.
    """
    return tuple(sorted(name for name in set(names) if not name.endswith("k_proj.bias")))


def similarity_matrix(
    files: Mapping[LanguagePair, Path],
    *,
    measure: Measure,
    names: Sequence[str],
    top_fraction: float | None = None,
    scope: Scope | None = None,
    scope_names: Sequence[str] | None = None,
    report: _Report | None = None,
) -> PairwiseMatrix:
    """Compare every Fisher diagonal of a pool with every other.

    An Overlap mask marks exactly k = round(K·P) parameters (halves to even, at least 1), P counted in the scope. Of
    parameters that tie at the edge of the mask, the earlier in (sorted name, flat index) is marked.

    Args:
        files: The Fisher file of each pair; all hold the same names and shapes.
        measure: How two diagonals are compared.
        names: Parameters compared. Their order does not matter.
        top_fraction: Share K in (0, 1] that a mask marks. Overlap only.
        scope: Where the top K are taken: among `names`, or among `scope_names` before the mask is restricted to
            `names`, which makes Overlap directed. Overlap only.
        scope_names: A superset of `names`. For the model scope only.
        report: Called with numbers read and numbers to be read (parameters x pairs x passes).

    Returns:
        The matrix, pairs sorted, rows targets; ``n_parameters`` is in its provenance.

    Raises:
        ValueError: Arguments that don't fit together, files that hold different parameters, a value that is negative
            or not finite, a diagonal of zeros for kl-normalised, or a mask with nothing in `names`.
        DamagedArtifact: A file can't be read.
    """
    pairs = tuple(sorted(files))
    # One place says which K and scope belong to a measure.
    SimilaritySpec(tuple(str(files[pair]) for pair in pairs), pairs, measure, top_fraction, scope)
    compared = sorted(set(names))
    scoped = _scoped(compared, scope, scope_names)
    with ExitStack() as stack:
        pool = _Pool({pair: _opened(pair, files[pair], stack) for pair in pairs}, report)
        n_parameters = pool.count(compared)
        pool.n_to_read = pool.count(scoped) * len(pairs) * (1 if measure in (Measure.MSE, Measure.KL) else 2)
        match measure:
            case Measure.MSE:
                values = _summed(pool, compared, _squared_differences) / n_parameters
            case Measure.KL:
                values = _summed(pool, compared, _divergences)
            case Measure.KL_NORMALISED:
                values = _summed(pool, compared, _divergences, totals=_totals(pool, compared))
            case Measure.OVERLAP:
                assert top_fraction is not None  # SimilaritySpec demands it
                values = _overlaps(pool, compared, scoped, top_fraction)
    return PairwiseMatrix(pairs, values, measure, top_fraction, scope, {"n_parameters": n_parameters})


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


def _opened(pair: LanguagePair, path: Path, stack: ExitStack) -> Any:
    try:
        return stack.enter_context(safe_open(path, framework="np"))
    except (OSError, SafetensorError) as error:
        raise DamagedArtifact(f"The Fisher file of {pair} can't be read: {error}. Estimate the pair again.") from error


class _Pool:
    """The open Fisher files of a pool: read in blocks, checked on the way, counted for the report."""

    def __init__(self, handles: Mapping[LanguagePair, Any], report: _Report | None) -> None:
        self.pairs = tuple(handles)
        self.n_to_read = 0
        self._handles = handles
        self._report = report
        self._n_read = 0
        self._shapes = _common_shapes(handles)

    def count(self, names: Sequence[str]) -> int:
        """Parameters under `names`."""
        if missing := sorted(set(names) - self._shapes.keys()):
            raise ValueError(
                f"names must be parameters of the Fisher files. Got {missing[0]!r}. Estimate a group that holds it."
            )
        if not (size := sum(prod(self._shapes[name]) for name in names)):
            raise ValueError("names must hold at least one parameter. Got none. Name a group that the model has.")
        return size

    def blocks(self, names: Sequence[str]) -> Iterator[tuple[str, _Array]]:
        """Each name with (n_pairs, block) float32 values, block by block in the order of the parameters."""
        for name, rows in self._pieces(names, min(_BLOCK_PARAMETERS, _BLOCK_NUMBERS // len(self.pairs))):
            yield name, np.stack([self._read(pair, name, rows) for pair in self.pairs])

    def blocks_of(self, pair: LanguagePair, names: Sequence[str]) -> Iterator[_Array]:
        """One pair's values, block by block in the order of the parameters."""
        for name, rows in self._pieces(names, _BLOCK_PARAMETERS):
            yield self._read(pair, name, rows)

    def _pieces(self, names: Sequence[str], n_at_once: int) -> Iterator[tuple[str, slice | Any]]:
        """Names with slices of their first axis that hold about `n_at_once` parameters."""
        for name in names:
            shape = self._shapes[name]
            if not shape:
                yield name, ...
            elif prod(shape):
                step = max(1, n_at_once // prod(shape[1:]))
                # safetensors does not cut a slice off at the end of its axis.
                for start in range(0, shape[0], step):
                    yield name, slice(start, min(start + step, shape[0]))

    def _read(self, pair: LanguagePair, name: str, rows: slice | Any) -> _Array:
        values: _Array = self._handles[pair].get_slice(name)[rows].reshape(-1)
        # A NaN is the minimum of whatever holds it, and fails the comparison.
        if not (values.min() >= 0 and values.max() < np.inf):
            bad = values[~((values >= 0) & (values < np.inf))][0]
            raise ValueError(
                f"A Fisher diagonal must be finite and not negative. Got {bad} in {name} of {pair}. "
                "Estimate the pair again."
            )
        self._n_read += values.size
        if self._report:
            self._report(self._n_read, self.n_to_read)
        return values


def _common_shapes(handles: Mapping[LanguagePair, Any]) -> Mapping[str, tuple[int, ...]]:
    """Names and shapes that all files share."""
    layouts = {pair: _layout(handle) for pair, handle in handles.items()}
    (first, expected), *others = layouts.items()
    for pair, layout in others:
        if layout != expected:
            raise ValueError(
                f"All Fisher files of a pool must hold the same parameters. Got {_difference(layout, expected)} "
                f"for {pair}, compared with {first}. Estimate both with the same model and parameters."
            )
    if foreign := [name for name, (dtype, _) in expected.items() if dtype != "F32"]:
        raise ValueError(f"A Fisher file must hold float32. Got {expected[foreign[0]][0]} in {foreign[0]} of {first}.")
    return {name: shape for name, (_, shape) in expected.items()}


def _layout(handle: Any) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of each tensor of an open file."""
    parts = {name: handle.get_slice(name) for name in handle.keys()}  # noqa: SIM118  # not a dict
    return {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in parts.items()}


def _difference(layout: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """The first thing that differs, in words."""
    if missing := sorted(expected.keys() - layout.keys()):
        return f"no {missing[0]}"
    if added := sorted(layout.keys() - expected.keys()):
        return f"{added[0]} besides"
    name = min(name for name in layout if layout[name] != expected[name])
    (dtype, shape), (expected_dtype, expected_shape) = layout[name], expected[name]
    return f"{name} as {dtype} {list(shape)} instead of {expected_dtype} {list(expected_shape)}"


def _summed(
    pool: _Pool,
    names: Sequence[str],
    kernel: Callable[[FloatMatrix], FloatMatrix],
    *,
    totals: FloatMatrix | None = None,
) -> FloatMatrix:
    """The (n, n) sum of `kernel` over all tiles, each F divided by its total first where totals are given."""
    n = len(pool.pairs)
    sums = np.zeros((n, n))
    for _, block in pool.blocks(names):
        for start in range(0, block.shape[1], _TILE):
            tile = block[:, start : start + _TILE].astype(np.float64)
            sums += kernel(tile if totals is None else tile / totals[:, None])
    return sums


# Both kernels take differences before they sum. Products (F·Fᵀ) would be faster, but cancel where two diagonals are
# nearly equal, which is where neighbours are told apart; and einsum sums every row alike, so that two equal
# auxiliaries are at exactly the same distance.


def _squared_differences(F: FloatMatrix) -> FloatMatrix:
    sums = np.zeros((len(F), len(F)))
    for i in range(len(F) - 1):
        difference = F[i + 1 :] - F[i]
        sums[i, i + 1 :] = sums[i + 1 :, i] = np.einsum("jp,jp->j", difference, difference)
    return sums


def _divergences(F: FloatMatrix) -> FloatMatrix:
    logs = np.log(F + _EPSILON)
    return np.stack([np.einsum("ap,p->a", logs_t - logs, F_t) for F_t, logs_t in zip(F, logs, strict=True)])


def _totals(pool: _Pool, names: Sequence[str]) -> FloatMatrix:
    """Sum of each diagonal."""
    totals = np.array([sum(F.sum(dtype=np.float64) for F in pool.blocks_of(pair, names)) for pair in pool.pairs])
    if not totals.all():
        zero = pool.pairs[int(totals.argmin())]
        raise ValueError(
            f"A diagonal must have a positive sum to be normalised. Got only zeros for {zero}. "
            "Estimate the pair with more sentences, or leave it out of the pool."
        )
    return totals


def _overlaps(pool: _Pool, names: Sequence[str], scoped: Sequence[str], top_fraction: float) -> FloatMatrix:
    """Shares of each target's mask that each auxiliary's mask holds too."""
    cuts = [_Cut(pool, pair, scoped, top_fraction) for pair in pool.pairs]
    shared = np.zeros((len(cuts), len(cuts)), dtype=np.int64)
    compared = set(names)
    for name, block in pool.blocks(scoped):
        masks = np.stack([cut.mask(F) for cut, F in zip(cuts, block, strict=True)])
        if name in compared:
            shared += _shared(masks)
    n_marked = shared.diagonal()
    if not n_marked.all():
        empty = pool.pairs[int(n_marked.argmin())]
        raise ValueError(
            f"A mask must mark at least one compared parameter. Got none for {empty}: the top {top_fraction:g} of its "
            "model lies elsewhere. Raise top_fraction, or take scope=group."
        )
    return shared / n_marked[:, None]


class _Cut:
    """Where one pair's top K end: all above a threshold, and the first so many at it. Masks are asked for in order."""

    def __init__(self, pool: _Pool, pair: LanguagePair, names: Sequence[str], top_fraction: float) -> None:
        diagonal = np.empty(pool.count(names), dtype=np.float32)
        start = 0
        for block in pool.blocks_of(pair, names):
            diagonal[start : start + block.size] = block
            start += block.size
        k = max(1, round(top_fraction * diagonal.size))
        # In place: a partitioned copy would need the memory of a second diagonal.
        diagonal.partition(diagonal.size - k)
        self._threshold = diagonal[diagonal.size - k]
        self._n_ties_left = k - np.count_nonzero(diagonal > self._threshold)

    def mask(self, block: _Array) -> npt.NDArray[np.bool_]:
        """The mask of the next block."""
        mask: npt.NDArray[np.bool_] = block > self._threshold
        ties = np.flatnonzero(block == self._threshold)[: self._n_ties_left]
        mask[ties] = True
        self._n_ties_left -= len(ties)
        return mask


def _shared(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many parameters each two masks share: (n, n) counts over bits packed into 64-bit words."""
    n, n_parameters = masks.shape
    padded = np.zeros((n, -(-n_parameters // 64) * 8), dtype=np.uint8)
    padded[:, : -(-n_parameters // 8)] = np.packbits(masks, axis=1)
    words = padded.view(np.uint64)
    counts = np.zeros((n, n), dtype=np.int64)
    for i in range(n):
        counts[i, i:] = counts[i:, i] = np.bitwise_count(words[i:] & words[i]).sum(axis=1, dtype=np.int64)
    return counts
