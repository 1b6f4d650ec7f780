"""Which parameters are the top k of a diagonal, for many k at once.

A float32 that is not negative is ordered as its bits are, read as an integer. Of parameters that tie, the earlier in
(sorted name, flat index) ranks higher; so each parameter has one rank, and enters the masks at the first k above it.
A parameter that is exactly zero enters none: a mask larger than the rest would be filled in the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.similarity.diagonals import Diagonals, Names

Bits = npt.NDArray[np.uint32]
Steps = npt.NDArray[np.uint16]
Counts = npt.NDArray[np.int64]
_Index = npt.NDArray[np.intp]

# A diagonal of at most so many parameters is sorted; a larger one is counted, in chunks.
_SORTED = 2**25
_CHUNK = 2**22
# Bits without the sign, 31, in two parts that are counted one after the other.
_LOW_BITS = 11
# Diagonals whose thresholds are found at once, for their memory.
_AT_ONCE = 4
# Bits of the look-up tables of all pairs together: 128 MB of 16-bit steps.
_TABLE_BITS = 26


def mask_sizes(n_parameters: int, fractions: Sequence[float]) -> Counts:
    """How many parameters the masks mark at most: round(K·P), halves to even, at least 1."""
    return np.array([max(1, round(fraction * n_parameters)) for fraction in fractions])


@dataclass(frozen=True)
class Thresholds:
    """Where one diagonal's masks end, in the order of `sizes`.

    Attributes:
        sizes: Parameters that each mask marks, zeros among them; never falling.
        bits: The smallest value in each mask, as bits.
        above: How many parameters are larger than it.
        ties: How many are equal to it.
    """

    sizes: Counts
    bits: Bits
    above: Counts
    ties: Counts


def threshold_reads(n_parameters: int) -> int:
    """How often `thresholds` reads the files."""
    return 1 if n_parameters <= _SORTED else 2


def thresholds(pool: Diagonals, names: Names, sizes: Counts) -> list[Thresholds]:
    """Of each diagonal of the pool: one read of the files, or two where they are large."""
    n_parameters, rows = pool.count(names), range(len(pool.pairs))
    find = _by_sorting if n_parameters <= _SORTED else _by_counting
    n_read = threshold_reads(n_parameters) * n_parameters
    of_rows: list[Thresholds] = []
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        of_rows += pool.share(lambda row: find(pool, row, names, sizes), some)
        pool.advance(n_read * len(some))
    return of_rows


def _by_sorting(pool: Diagonals, row: int, names: Names, sizes: Counts) -> Thresholds:
    ordered = next(_chunks(pool, row, names, pool.count(names)))
    ordered.sort()
    bits = ordered[len(ordered) - sizes]
    first, after = (np.searchsorted(ordered, bits, side=side) for side in ("left", "right"))
    return Thresholds(sizes, bits, len(ordered) - after, after - first)


def _by_counting(pool: Diagonals, row: int, names: Names, sizes: Counts) -> Thresholds:
    """The high bits of all values first, then the low bits of those that share a threshold's high bits."""
    n_high, n_low = 2 ** (31 - _LOW_BITS), 2**_LOW_BITS
    counts = np.zeros(n_high, dtype=np.int64)
    for bits in _chunks(pool, row, names, _CHUNK):
        counts += np.bincount((bits >> _LOW_BITS).astype(np.intp), minlength=n_high)
    high, left = _bin_of(counts, sizes)
    wanted, place = np.unique(high, return_inverse=True)
    is_wanted = np.zeros(n_high, dtype=np.bool_)
    is_wanted[wanted] = True
    fine = np.zeros(len(wanted) * n_low, dtype=np.int64)
    for bits in _chunks(pool, row, names, _CHUNK):
        near = bits[is_wanted.take((bits >> _LOW_BITS).astype(np.intp), mode="clip")]
        index = np.searchsorted(wanted, near >> _LOW_BITS) * n_low + (near & (n_low - 1))
        fine += np.bincount(index, minlength=fine.size)
    rows = fine.reshape(-1, n_low)[place]
    larger = rows[:, ::-1].cumsum(axis=1)[:, ::-1]
    low = (larger >= left[:, None]).sum(axis=1) - 1
    ties = np.take_along_axis(rows, low[:, None], axis=1)[:, 0]
    at_least = np.take_along_axis(larger, low[:, None], axis=1)[:, 0]
    return Thresholds(sizes, (high << _LOW_BITS | low).astype(np.uint32), sizes - left + at_least - ties, ties)


def _bin_of(counts: Counts, sizes: Counts) -> tuple[_Index, Counts]:
    """The bin in which the k-th largest lies, and how manieth it is there, from the largest."""
    larger: Counts = counts[::-1].cumsum()
    place = np.searchsorted(larger, sizes)
    bins = len(counts) - 1 - place
    return bins, sizes - (larger[place] - counts[bins])


def _chunks(pool: Diagonals, row: int, names: Names, size: int) -> Iterator[Bits]:
    """One diagonal's bits in the order of its parameters, in arrays of at most `size` that are the caller's own."""
    left = pool.count(names)
    chunk, filled = np.empty(min(size, left), dtype=np.uint32), 0
    for piece in pool.pieces(names):
        if filled + piece.size > len(chunk):
            yield chunk[:filled]
            chunk, filled = np.empty(max(piece.size, min(size, left)), dtype=np.uint32), 0
        chunk[filled : filled + piece.size] = bits_of(pool.values(row, piece))
        filled += piece.size
        left -= piece.size
        pool.release(row)
    yield chunk[:filled]


def bits_of(values: npt.NDArray[np.float32]) -> Bits:
    """Values as ordered integers. −0 is 0."""
    bits: Bits = values.view("<u4") & np.uint32(2**31 - 1)
    return bits


class Masks:
    """Tells of one diagonal's parameters in which masks they are. Asked for in order: ties depend on it.

    Args:
        cuts: Its thresholds.
        n_parameters: Length of the diagonal.
        n_pairs: How many such objects share the memory for tables.
    """

    def __init__(self, cuts: Thresholds, *, n_parameters: int, n_pairs: int) -> None:
        self._sizes = cuts.sizes
        # More bits leave fewer values to be looked at one by one; no more than the values can fill.
        wanted = min(_TABLE_BITS - n_pairs.bit_length(), n_parameters.bit_length())
        self._shift = 31 - max(8, min(20, wanted))
        self._table = self._look_up_table(cuts.bits)
        self._values, first = np.unique(cuts.bits, return_index=True)
        self._above = cuts.above[first]
        # Masks that end at a value or above it; the last entry is for what is larger than all.
        self._ending = np.append(len(cuts.bits) - np.searchsorted(np.sort(cuts.bits), self._values), 0)
        self._seen = np.zeros(len(self._values), dtype=np.int64)
        # Zeros, mostly: a third of a diagonal where units are dead.
        self._common = int(np.argmax(cuts.ties[first]))

    def steps(self, values: npt.NDArray[np.float32]) -> Steps:
        """The step at which each of the next parameters enters the masks.

        1 where all masks mark it, 2 where all but the first do, …, and the number of masks plus 1 where none does: of
        zeros always.
        """
        bits = bits_of(values)
        steps = self._table.take((bits >> self._shift).astype(np.intp), mode="clip")
        near = np.flatnonzero(steps == 0)
        if len(near):
            steps[near] = self._looked_at(bits[near])
        steps[bits == 0] = len(self._sizes) + 1
        return steps

    def _look_up_table(self, bits: Bits) -> Steps:
        """Steps by a value's high bits, 0 where a threshold has the same."""
        ending = np.bincount(bits >> self._shift, minlength=2 ** (31 - self._shift))
        later = ending[::-1].cumsum()[::-1]
        return np.where(ending == 0, later + 1, 0).astype(np.uint16)

    def _looked_at(self, bits: Bits) -> Steps:
        steps = np.empty(len(bits), dtype=np.uint16)
        common = bits == self._values[self._common]
        steps[common] = self._all_tied(int(np.count_nonzero(common)))
        rest = np.flatnonzero(~common)
        place = np.searchsorted(self._values, bits[rest])
        # Between two thresholds, or above all: the masks that end at the upper one leave it out.
        rest_steps = (self._ending[place] + 1).astype(np.uint16)
        equal = np.flatnonzero(self._values.take(place, mode="clip") == bits[rest])
        order = equal[np.argsort(place[equal].astype(np.uint16), kind="stable")]
        tied = place[order]
        earlier = np.arange(len(tied)) - np.searchsorted(tied, tied)
        ranks = self._above[tied] + self._seen[tied] + earlier
        rest_steps[order] = np.searchsorted(self._sizes, ranks, side="right") + 1
        self._seen += np.bincount(tied, minlength=len(self._seen))
        steps[rest] = rest_steps
        return steps

    def _all_tied(self, n_ties: int) -> Steps:
        """Steps of the next so many parameters that have the most common value."""
        first = self._above[self._common] + self._seen[self._common]
        self._seen[self._common] += n_ties
        ends = np.append(np.clip(self._sizes - first, 0, n_ties), n_ties)
        return np.repeat(np.arange(1, len(ends) + 1, dtype=np.uint16), np.diff(ends, prepend=0))
