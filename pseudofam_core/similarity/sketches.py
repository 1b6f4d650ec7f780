"""The shards of a pool's estimates, on as many of their parameters as fit into memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pseudofam_core.estimates import load_sketches, summarise
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.replicates import ShardSketches
from pseudofam_core.store.cache import Artifact

# Of the shards' values so many are held at once, 64 MiB: of a large pool fewer parameters.
_MOST_VALUES = 2**24


def shard_sketches(
    artifacts: Mapping[LanguagePair, Artifact], *, together: bool, most_values: int = _MOST_VALUES
) -> ShardSketches:
    """The shards of finished estimates; opened two pairs at a time, for all at once are large.

    Args:
        artifacts: See `load_sketches`.
        together: Whether shard s holds the same sentences for all pairs.
        most_values: Numbers held at once; where the shards have more, every so many-th parameter is left.

    Raises:
        ValueError: See `load_sketches`.
    """
    pairs = sorted(artifacts)
    sums, counts = [], []
    for pair in pairs:
        values, n = load_sketches({two: artifacts[two] for two in {pairs[0], pair}})
        mine = -1 if pair != pairs[0] else 0
        every = max(1, -(-values[mine].size * len(pairs) // most_values))
        sums.append(values[mine, :, ::every].copy())
        counts.append(n[mine])
    n_parameters = summarise(artifacts[pairs[0]]).n_parameters
    return ShardSketches(tuple(pairs), np.stack(sums), np.stack(counts), n_parameters, together)
