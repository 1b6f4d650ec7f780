"""How far the pairs of a pool translate the same sentences."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from pseudofam_core.corpora.bitext import Bitext


def shared_targets(bitexts: Sequence[Bitext]) -> float:
    """Mean share of target sentences that two pairs of the pool have in common.

    For sets A and B of distinct target sentences the share is |A ∩ B| / |A ∪ B|, averaged over all pairs
    of bitexts: 1.0 where all have the same sentences, 0.0 where no two share one. Low values warn that a
    similarity of pairs may speak of content instead of language. For a pool from one language into many,
    sources take the targets' place.

    Raises:
        ValueError: Fewer than two bitexts, or they have neither target nor source language in common.
    """
    if len(bitexts) < 2:
        raise ValueError(f"bitexts must be at least two, to compare. Got {len(bitexts)}.")
    shares = [_share(side, other) for side, other in itertools.combinations(_common_side(bitexts), 2)]
    return statistics.fmean(shares)


def _common_side(bitexts: Sequence[Bitext]) -> list[frozenset[str]]:
    if len({bitext.pair.target for bitext in bitexts}) == 1:
        return [frozenset(bitext.targets) for bitext in bitexts]
    if len({bitext.pair.source for bitext in bitexts}) == 1:
        return [frozenset(bitext.sources) for bitext in bitexts]
    pairs = ", ".join(str(bitext.pair) for bitext in bitexts)
    raise ValueError(f"bitexts must share their target language, or their source language. Got {pairs}.")


def _share(side: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard index; 1 for two empty sets, which are equal."""
    return len(side & other) / len(side | other) if side or other else 1.0
