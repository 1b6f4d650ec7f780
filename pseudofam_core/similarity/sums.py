"""Sums over all ordered pairs of pairs, from matrix products over blocks: what the measures without masks are made of.

With a reference R (one number per parameter), D_i = F_i − R and L_i = log((F_i + ε) / (R + ε))::

    Σ (F_i − F_j)²                        = G_ii + G_jj − 2 G_ij                         G = D·Dᵀ
    Σ F_t (log(F_t + ε) − log(F_a + ε))   = C_tt − C_ta                                  C = F·Lᵀ
    Σ F_i F_j                             = G_ij + Σ D_i R + Σ D_j R + Σ R²

exactly, whatever R. Rounding does depend on it: the nearer R to the diagonals, the fewer digits cancel. R is the median
of three of them, which one far outlier can't move. Where a difference is still smaller than 2⁻⁷ (logs: 2⁻⁸) of what it
is taken from, too many digits are lost, and that entry is summed again directly, term by term.

Agreement with the formulas, in units of: the value itself for squared differences; Σ F_t |log((F_t + ε) / (F_a + ε))|
for divergences; 1 for the cosine: about 1e-13, at worst 1e-12. What is made of normalised diagonals agrees to 1e-15
beside, for its shares are rounded first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pseudofam_core.similarity.diagonals import Diagonals, Names, Piece

FloatMatrix = npt.NDArray[np.float64]
_K = TypeVar("_K")

EPSILON = 1e-16
_NEAR_SQUARE, _NEAR_LOG = 2.0**-7, 2.0**-8
# Numbers of a float64 tile: with two buffers as large, it stays in the processor's second cache.
_TILE_NUMBERS = 2**17


class Product(Enum):
    """What a pass can sum over all parameters, of the above."""

    SQUARES = "G, with a row and a column for R"
    LOGS = "C"
    ROOTS = "G of √F in F's place"


@dataclass(frozen=True)
class Sums:
    """What one read of all diagonals gives; rows and columns are the diagonals asked for.

    Attributes:
        products: Those asked for.
        totals: Sum of each diagonal.
    """

    products: Mapping[Product, FloatMatrix]
    totals: FloatMatrix


@dataclass(frozen=True)
class Pass:
    """A read of all diagonals with its sums, and the way to sum single entries again.

    Attributes:
        pool: The diagonals.
        names: Parameters compared.
        rows: The diagonals compared.
        sums: What the read gave.
        divisors: What each diagonal was divided by first, or None.
    """

    pool: Diagonals
    names: Names
    rows: Sequence[int]
    sums: Sums
    divisors: FloatMatrix | None


@dataclass(frozen=True)
class SumKernel:
    """How a measure comes out of sums.

    Attributes:
        product: What it needs of the pass.
        values: The measure's (n, n) values, rows targets.
        normalised: Whether each diagonal is divided by its sum first, which takes a read of its own.
        needs_positive_sum: Whether it has no value where a diagonal holds nothing but zeros.
    """

    product: Product
    values: Callable[[Pass], FloatMatrix]
    normalised: bool = False
    needs_positive_sum: bool = False


def sums_to_read(pool: Diagonals, names: Names, kernels: Collection[SumKernel]) -> int:
    """Numbers that `values_of_sums` reads, if no two diagonals are nearly equal."""
    n_reads = (1 if kernels else 0) + any(kernel.normalised for kernel in kernels)
    return n_reads * pool.count(names) * len(pool.pairs)


def values_of_sums(pool: Diagonals, names: Names, kernels: Mapping[_K, SumKernel]) -> dict[_K, FloatMatrix]:
    """The (n, n) values by each kernel, under its name.

    One read of the files, one more where diagonals are normalised, and one more of diagonals that are nearly equal to
    others. Kernels that need a positive sum are missing where a diagonal holds nothing but zeros.
    """
    if not kernels:
        return {}
    rows, place = pool.distinct(names)
    plain = [kernel.product for kernel in kernels.values() if not kernel.normalised]
    sums = _summed(pool, names, rows, products=plain)
    passes = {False: Pass(pool, names, rows, sums, None)}
    if shares := [kernel.product for kernel in kernels.values() if kernel.normalised]:
        if sums.totals.all():
            normalised = _summed(pool, names, rows, products=shares, divisors=sums.totals)
            passes[True] = Pass(pool, names, rows, normalised, sums.totals)
        else:
            pool.expect(-pool.count(names) * len(pool.pairs))
    matrices = {
        name: kernel.values(passes[kernel.normalised])
        for name, kernel in kernels.items()
        if sums.totals.all() or not kernel.needs_positive_sum
    }
    return {name: np.ascontiguousarray(values[np.ix_(place, place)]) for name, values in matrices.items()}


# --- values ----------------------------------------------------------------------------------------------------------


def mean_squared_differences(read: Pass) -> FloatMatrix:
    """1/P Σ (F_t − F_a)²."""
    return _squared_distances(read, Product.SQUARES, _square) / read.pool.count(read.names)


def hellinger_distances(read: Pass) -> FloatMatrix:
    """1/√2 ‖√F_t − √F_a‖₂, between 0 and 1 where each F sums to 1."""
    return np.sqrt(np.minimum(_squared_distances(read, Product.ROOTS, _square_of_roots) / 2, 1))


def divergences(read: Pass) -> FloatMatrix:
    """Σ F_a (log(F_a + ε) − log(F_t + ε)), the direction of the paper's scripts."""
    return reverse_divergences(read).T


def reverse_divergences(read: Pass) -> FloatMatrix:
    """Σ F_t (log(F_t + ε) − log(F_a + ε))."""
    cross = read.sums.products[Product.LOGS]
    diagonal = cross.diagonal()[:, None]
    values = diagonal - cross
    scale = read.sums.totals[:, None] + np.abs(diagonal) + np.abs(cross)
    near = np.abs(values) < _NEAR_LOG * scale
    np.fill_diagonal(near, False)
    _mend(read, values, near, _divergence)
    return values


def cosines(read: Pass) -> FloatMatrix:
    """Σ F_t F_a / (|F_t| |F_a|)."""
    gram = read.sums.products[Product.SQUARES]
    reference = gram[-1]
    products = gram[:-1, :-1] + reference[:-1, None] + reference[:-1] + reference[-1]
    lengths = np.sqrt(gram.diagonal()[:-1]) + np.sqrt(reference[-1])
    norms = np.sqrt(np.maximum(products.diagonal(), 0))
    near = np.triu(norms[:, None] * norms < _NEAR_SQUARE * lengths[:, None] * lengths)
    # Where a length is itself in doubt, so is every product that is divided by it.
    np.fill_diagonal(near, near.diagonal() | near.any(axis=0) | near.any(axis=1))
    _mend(read, products, near, np.dot)
    upper = np.triu(products)
    norms = np.sqrt(upper.diagonal())
    values = np.minimum((upper + np.triu(upper, 1).T) / (norms[:, None] * norms), 1)
    np.fill_diagonal(values, 1)
    return values


def _squared_distances(read: Pass, product: Product, term: Callable[[FloatMatrix, FloatMatrix], float]) -> FloatMatrix:
    """Symmetric to the bit; `term` is what the product sums, for entries that are summed directly."""
    gram = read.sums.products[product][:-1, :-1]
    lengths = gram.diagonal()
    scale = lengths[:, None] + lengths
    values = scale - 2 * gram
    np.fill_diagonal(values, 0)
    _mend(read, values, np.triu(values < _NEAR_SQUARE * scale, 1), term)
    upper = np.triu(values, 1)
    return upper + upper.T


# --- products --------------------------------------------------------------------------------------------------------


def _summed(
    pool: Diagonals,
    names: Names,
    rows: Sequence[int],
    *,
    products: Collection[Product],
    divisors: FloatMatrix | None = None,
) -> Sums:
    """Sums over all parameters, each F divided by its divisor first where there are any."""
    asked = [product for product in Product if product in products]
    kept = [*(_Compensated() for _ in asked), _Compensated()]
    for block in pool.blocks(names):
        parts = pool.share(lambda piece: _of_piece(pool, rows, piece, asked, divisors), block)
        for part in parts:  # in the order of the pieces, whichever thread was faster
            for total, sums in zip(kept, part, strict=True):
                total.add(sums)
        pool.advance(sum(piece.size for piece in block) * len(pool.pairs))
    *summed, totals = (total.value for total in kept)
    return Sums(dict(zip(asked, summed, strict=True)), totals)


def _of_piece(
    pool: Diagonals, rows: Sequence[int], piece: Piece, products: Sequence[Product], divisors: FloatMatrix | None
) -> list[FloatMatrix]:
    """Each product over one piece, then the totals."""
    n = len(rows)
    values = [pool.values(row, piece) for row in rows]
    sums: list[FloatMatrix | float] = [0.0] * (len(products) + 1)
    width = max(64, _TILE_NUMBERS // n)
    F, buffer = np.empty((n, width)), np.empty((n + 1, width))
    for start in range(0, piece.size, width):
        stop = min(start + width, piece.size)
        tile, scratch = F[:, : stop - start], buffer[:, : stop - start]
        for row, diagonal in zip(tile, values, strict=True):
            row[:] = diagonal[start:stop]
        if divisors is not None:
            tile /= divisors[:, None]
        R = _median(tile[0], tile[n // 2], tile[-1])
        of_tile = [*(_OF_TILE[product](tile, R, scratch) for product in products), tile.sum(axis=1)]
        sums = [total + part for total, part in zip(sums, of_tile, strict=True)]
    return [np.asarray(total) for total in sums]


# `np.dot` lets other threads work meanwhile. `@` keeps the interpreter's lock (NumPy 2.3).


def _gram(tile: FloatMatrix, R: FloatMatrix, scratch: FloatMatrix) -> FloatMatrix:
    np.subtract(tile, R, out=scratch[:-1])
    scratch[-1] = R
    return np.dot(scratch, scratch.T)


def _cross(tile: FloatMatrix, R: FloatMatrix, scratch: FloatMatrix) -> FloatMatrix:
    L = np.add(tile, EPSILON, out=scratch[:-1])
    L *= 1 / (R + EPSILON)
    return np.dot(tile, np.log(L, out=L).T)


def _gram_of_roots(tile: FloatMatrix, R: FloatMatrix, scratch: FloatMatrix) -> FloatMatrix:
    np.sqrt(tile, out=scratch[:-1])
    np.sqrt(R, out=scratch[-1])
    scratch[:-1] -= scratch[-1]
    return np.dot(scratch, scratch.T)


_OF_TILE: Mapping[Product, Callable[[FloatMatrix, FloatMatrix, FloatMatrix], FloatMatrix]] = {
    Product.SQUARES: _gram,
    Product.LOGS: _cross,
    Product.ROOTS: _gram_of_roots,
}


def _median(first: FloatMatrix, second: FloatMatrix, third: FloatMatrix) -> FloatMatrix:
    return np.maximum(np.minimum(first, second), np.minimum(np.maximum(first, second), third))


class _Compensated:
    """A running sum that keeps what rounding drops (Neumaier, 1974), so that its error does not grow with the files."""

    def __init__(self) -> None:
        self._sum: FloatMatrix = np.zeros(())
        self._dropped: FloatMatrix = np.zeros(())

    def add(self, term: FloatMatrix) -> None:
        total = self._sum + term
        larger = np.abs(self._sum) >= np.abs(term)
        self._dropped = self._dropped + np.where(larger, (self._sum - total) + term, (term - total) + self._sum)
        self._sum = total

    @property
    def value(self) -> FloatMatrix:
        value: FloatMatrix = self._sum + self._dropped
        return value


# --- directly --------------------------------------------------------------------------------------------------------


def _mend(
    read: Pass,
    values: FloatMatrix,
    near: npt.NDArray[np.bool_],
    term: Callable[[FloatMatrix, FloatMatrix], float],
) -> None:
    """Sum the entries that `near` marks again, term by term, in place."""
    entries = [(int(i), int(j)) for i, j in np.argwhere(near)]
    if not entries:
        return
    pool, names = read.pool, read.names
    needed = sorted({row for entry in entries for row in entry})
    total = _Compensated()
    pool.expect(pool.count(names) * len(needed))
    terms = partial(_terms, read, entries, needed, term)
    for block in pool.blocks(names, rows=len(needed)):
        for part in pool.share(terms, block):
            total.add(part)
        pool.advance(sum(piece.size for piece in block) * len(needed))
    for entry, value in zip(entries, total.value, strict=True):
        values[entry] = value


def _terms(
    read: Pass,
    entries: Sequence[tuple[int, int]],
    needed: Sequence[int],
    term: Callable[[FloatMatrix, FloatMatrix], float],
    piece: Piece,
) -> FloatMatrix:
    """The sums of `entries` over one piece."""
    values = {row: read.pool.values(read.rows[row], piece) for row in needed}
    width = max(2**10, 2**18 // len(needed))
    sums = np.zeros(len(entries))
    for start in range(0, piece.size, width):
        F = {row: diagonal[start : start + width].astype(np.float64) for row, diagonal in values.items()}
        if read.divisors is not None:
            F = {row: diagonal / read.divisors[row] for row, diagonal in F.items()}
        sums += [term(F[i], F[j]) for i, j in entries]
    return sums


def _square(F: FloatMatrix, G: FloatMatrix) -> float:
    return float(np.sum((F - G) ** 2))


def _square_of_roots(F: FloatMatrix, G: FloatMatrix) -> float:
    return _square(np.sqrt(F), np.sqrt(G))


def _divergence(target: FloatMatrix, auxiliary: FloatMatrix) -> float:
    """Σ F_t log(F_t / F_a) with the log of a ratio near 1 taken from the difference, which is exact."""
    difference = target - auxiliary
    smaller = np.minimum(target, auxiliary) + EPSILON
    return float(np.sum(np.copysign(target, difference) * np.log1p(np.abs(difference) / smaller)))
