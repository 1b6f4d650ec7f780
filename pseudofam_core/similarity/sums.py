"""MSE, KL and cosine of all ordered pairs of pairs, from matrix products over blocks.

With a reference R (one number per parameter), D_i = F_i − R and L_i = log((F_i + ε) / (R + ε))::

    Σ (F_i − F_j)²                        = G_ii + G_jj − 2 G_ij                         G = D·Dᵀ
    Σ F_t (log(F_t + ε) − log(F_a + ε))   = C_tt − C_ta                                  C = F·Lᵀ
    Σ F_i F_j                             = G_ij + Σ D_i R + Σ D_j R + Σ R²

exactly, whatever R. Rounding does depend on it: the nearer R to the diagonals, the fewer digits cancel. R is the median
of three of them, which one far outlier can't move. Where a difference is still smaller than 2⁻⁷ (KL: 2⁻⁸) of what it
is taken from, too many digits are lost, and that entry is summed again directly, term by term.

Agreement with the formulas, in units of: the value itself for MSE; Σ F_t |log((F_t + ε) / (F_a + ε))| for KL; 1 for
the cosine: about 1e-13, at worst 1e-12. The normalised KL agrees to 1e-15 beside, for its shares are rounded first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.similarity.diagonals import Diagonals, Names, Piece
from pseudofam_core.similarity.results import FloatMatrix
from pseudofam_core.similarity.spec import Measure

EPSILON = 1e-16
_CANCELS = {Measure.MSE: 2.0**-7, Measure.KL: 2.0**-8, Measure.KL_NORMALISED: 2.0**-8, Measure.COSINE: 2.0**-7}
# Numbers of a float64 tile: with two buffers as large, it stays in the processor's second cache.
_TILE_NUMBERS = 2**17


@dataclass(frozen=True)
class Sums:
    """What one read of all diagonals gives; rows and columns are the diagonals asked for, then R.

    Attributes:
        gram: G of above, with a row and a column for R. Zeros where it was not asked for.
        cross: C of above. Zeros where it was not asked for.
        totals: Sum of each diagonal.
    """

    gram: FloatMatrix
    cross: FloatMatrix
    totals: FloatMatrix


def sums_to_read(pool: Diagonals, names: Names, measures: Collection[Measure]) -> int:
    """Numbers that `matrices_of_sums` reads, if no two diagonals are nearly equal."""
    n_reads = (1 if measures else 0) + (Measure.KL_NORMALISED in measures)
    return n_reads * pool.count(names) * len(pool.pairs)


def matrices_of_sums(pool: Diagonals, names: Names, measures: Collection[Measure]) -> dict[Measure, FloatMatrix]:
    """The (n, n) values of each of `measures`, rows targets.

    One read of the files, one more for the normalised KL, and one more of diagonals that are nearly equal to others.
    Those of the normalised KL and the cosine are missing where a diagonal holds nothing but zeros.
    """
    if not measures:
        return {}
    rows, place = pool.distinct(names)
    squares = not {Measure.MSE, Measure.COSINE}.isdisjoint(measures)
    sums = _summed(pool, names, rows, squares=squares, logs=Measure.KL in measures)
    found = {}
    if Measure.MSE in measures:
        found[Measure.MSE] = _squared_distances(pool, names, rows, sums) / pool.count(names)
    if Measure.KL in measures:
        found[Measure.KL] = _divergences(pool, names, rows, sums, None)
    if Measure.COSINE in measures and sums.totals.all():
        found[Measure.COSINE] = _cosines(pool, names, rows, sums)
    if Measure.KL_NORMALISED in measures and sums.totals.all():
        shares = _summed(pool, names, rows, squares=False, logs=True, totals=sums.totals)
        found[Measure.KL_NORMALISED] = _divergences(pool, names, rows, shares, sums.totals)
    elif Measure.KL_NORMALISED in measures:
        pool.expect(-pool.count(names) * len(pool.pairs))
    return {measure: values[np.ix_(place, place)] for measure, values in found.items()}


# --- products --------------------------------------------------------------------------------------------------------


def _summed(
    pool: Diagonals, names: Names, rows: Sequence[int], *, squares: bool, logs: bool, totals: FloatMatrix | None = None
) -> Sums:
    """Sums over all parameters, each F divided by its total first where totals are given."""
    n = len(rows)
    kept = [_Compensated((n + 1, n + 1)), _Compensated((n, n)), _Compensated((n,))]
    for block in pool.blocks(names):
        parts = pool.share(lambda piece: _products(pool, rows, piece, squares, logs, totals), block)
        for part in parts:  # in the order of the pieces, whichever thread was faster
            for total, sums in zip(kept, (part.gram, part.cross, part.totals), strict=True):
                total.add(sums)
        pool.advance(sum(piece.size for piece in block) * len(pool.pairs))
    return Sums(*(total.value for total in kept))


def _products(
    pool: Diagonals, rows: Sequence[int], piece: Piece, squares: bool, logs: bool, divisors: FloatMatrix | None
) -> Sums:
    n = len(rows)
    values = [pool.values(row, piece) for row in rows]
    gram, cross, totals = np.zeros((n + 1, n + 1)), np.zeros((n, n)), np.zeros(n)
    width = max(64, _TILE_NUMBERS // n)
    # `np.dot` lets other threads work meanwhile. `@` keeps the interpreter's lock (NumPy 2.3).
    F, other = np.empty((n, width)), np.empty((n + 1, width))
    for start in range(0, piece.size, width):
        stop = min(start + width, piece.size)
        tile, scratch = F[:, : stop - start], other[:, : stop - start]
        for row, one in zip(tile, values, strict=True):
            row[:] = one[start:stop]
        if divisors is not None:
            tile /= divisors[:, None]
        R = _median(tile[0], tile[n // 2], tile[-1])
        if logs:
            L = np.add(tile, EPSILON, out=scratch[:n])
            L *= 1 / (R + EPSILON)
            cross += np.dot(tile, np.log(L, out=L).T)
        if squares:
            np.subtract(tile, R, out=scratch[:n])
            scratch[n] = R
            gram += np.dot(scratch, scratch.T)
        totals += tile.sum(axis=1)
    return Sums(gram, cross, totals)


def _median(first: FloatMatrix, second: FloatMatrix, third: FloatMatrix) -> FloatMatrix:
    return np.maximum(np.minimum(first, second), np.minimum(np.maximum(first, second), third))


class _Compensated:
    """A running sum that keeps what rounding drops (Neumaier, 1974), so that its error does not grow with the files."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._sum, self._dropped = np.zeros(shape), np.zeros(shape)

    def add(self, term: FloatMatrix) -> None:
        total = self._sum + term
        larger = np.abs(self._sum) >= np.abs(term)
        self._dropped += np.where(larger, (self._sum - total) + term, (term - total) + self._sum)
        self._sum = total

    @property
    def value(self) -> FloatMatrix:
        value: FloatMatrix = self._sum + self._dropped
        return value


# --- values ----------------------------------------------------------------------------------------------------------


def _squared_distances(pool: Diagonals, names: Names, rows: Sequence[int], sums: Sums) -> FloatMatrix:
    gram = sums.gram[:-1, :-1]
    lengths = gram.diagonal()
    scale = lengths[:, None] + lengths
    values = scale - 2 * gram
    np.fill_diagonal(values, 0)
    near = np.triu(values < _CANCELS[Measure.MSE] * scale, 1)
    _mend(pool, names, rows, values, near, _square)
    upper = np.triu(values, 1)
    return upper + upper.T


def _divergences(
    pool: Diagonals, names: Names, rows: Sequence[int], sums: Sums, divisors: FloatMatrix | None
) -> FloatMatrix:
    own = sums.cross.diagonal()[:, None]
    values = own - sums.cross
    scale = sums.totals[:, None] + np.abs(own) + np.abs(sums.cross)
    near = np.abs(values) < _CANCELS[Measure.KL] * scale
    np.fill_diagonal(near, False)
    _mend(pool, names, rows, values, near, _divergence, divisors)
    return values


def _cosines(pool: Diagonals, names: Names, rows: Sequence[int], sums: Sums) -> FloatMatrix:
    reference = sums.gram[-1]
    products = sums.gram[:-1, :-1] + reference[:-1, None] + reference[:-1] + reference[-1]
    lengths = np.sqrt(sums.gram.diagonal()[:-1]) + np.sqrt(reference[-1])
    norms = np.sqrt(np.maximum(products.diagonal(), 0))
    near = np.triu(norms[:, None] * norms < _CANCELS[Measure.COSINE] * lengths[:, None] * lengths)
    # Where a length is itself in doubt, so is every product that is divided by it.
    np.fill_diagonal(near, near.diagonal() | near.any(axis=0) | near.any(axis=1))
    _mend(pool, names, rows, products, near, np.dot)
    upper = np.triu(products)
    norms = np.sqrt(upper.diagonal())
    values = np.minimum((upper + np.triu(upper, 1).T) / (norms[:, None] * norms), 1)
    np.fill_diagonal(values, 1)
    return values


# --- directly --------------------------------------------------------------------------------------------------------


def _mend(
    pool: Diagonals,
    names: Names,
    rows: Sequence[int],
    values: FloatMatrix,
    near: npt.NDArray[np.bool_],
    term: Callable[[FloatMatrix, FloatMatrix], float],
    divisors: FloatMatrix | None = None,
) -> None:
    """Sum the entries that `near` marks again, term by term, in place."""
    entries = [(int(i), int(j)) for i, j in np.argwhere(near)]
    if not entries:
        return
    needed = sorted({row for entry in entries for row in entry})
    total = _Compensated((len(entries),))
    pool.expect(pool.count(names) * len(needed))

    def terms(piece: Piece) -> FloatMatrix:
        values = {row: pool.values(rows[row], piece) for row in needed}
        width = max(2**10, 2**18 // len(needed))
        sums = np.zeros(len(entries))
        for start in range(0, piece.size, width):
            F = {row: one[start : start + width].astype(np.float64) for row, one in values.items()}
            if divisors is not None:
                F = {row: one / divisors[row] for row, one in F.items()}
            sums += [term(F[i], F[j]) for i, j in entries]
        return sums

    for block in pool.blocks(names, rows=len(needed)):
        for part in pool.share(terms, block):
            total.add(part)
        pool.advance(sum(piece.size for piece in block) * len(needed))
    for entry, value in zip(entries, total.value, strict=True):
        values[entry] = value


def _square(F: FloatMatrix, G: FloatMatrix) -> float:
    return float(np.sum((F - G) ** 2))


def _divergence(target: FloatMatrix, auxiliary: FloatMatrix) -> float:
    """Σ F_t log(F_t / F_a) with the log of a ratio near 1 taken from the difference, which is exact."""
    difference = target - auxiliary
    smaller = np.minimum(target, auxiliary) + EPSILON
    return float(np.sum(np.copysign(target, difference) * np.log1p(np.abs(difference) / smaller)))
