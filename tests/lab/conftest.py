"""A pool of five with made-up shards: relatives are alike in where they act, blocks in what they act on."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.languages import pair
from pseudofam_core.similarity.replicates import ShardSketches

POOL = tuple(sorted(pair(f"{code}-en") for code in ("be", "uk", "kk", "tr", "ja")))


def sketches_of(content: float, language: float, *, n_parameters: int = 400, seed: int = 1) -> ShardSketches:
    """As many shards as pairs: each parameter's value grows with its weight for the family, the pair and the block."""
    rng = np.random.default_rng(seed)
    families = {one.language.traditional_family: rng.normal(size=n_parameters) for one in POOL}
    of_pair = [
        language * (families[one.language.traditional_family] + rng.normal(size=n_parameters) / 2) for one in POOL
    ]
    of_block = [content * rng.normal(size=n_parameters) for _ in POOL]
    sums = [[np.exp(mine + theirs + rng.normal(size=n_parameters) / 10) for theirs in of_block] for mine in of_pair]
    counts = np.full((len(POOL), len(POOL)), 3)
    return ShardSketches(POOL, np.array(sums, np.float32) * 3, counts, n_parameters, True)


@pytest.fixture
def mixed():
    return sketches_of(content=1.0, language=1.0)
