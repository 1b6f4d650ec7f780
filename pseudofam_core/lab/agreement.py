"""How far two pools of estimates of the same pairs agree: order of the neighbours, families, kinship."""

from __future__ import annotations

from typing import Any

import numpy as np

from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.families.stability import members_of
from pseudofam_core.lab.experiment import Pool
from pseudofam_core.lab.uncertainty import over_targets
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import pool_similarity
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.store.cache import Cache
from pseudofam_core.structure.correlation import mantel, ordering_rows, row_correlations
from pseudofam_core.structure.kinship import relatives, relatives_before_others

TOP_FRACTION = 0.4
COLUMNS = {
    "rho": "Rank correlation of a target's row by both (mean over targets)",
    "rho_low": "Lower end of its 95 % interval over targets",
    "rho_high": "Upper end",
    "shared": "Members that both families share, of those in either (mean over targets)",
    "shared_low": "Lower end of its 95 % interval over targets",
    "shared_high": "Upper end",
    "nearest": "Same nearest neighbour (share of targets)",
    "kinship": "A relative stands before another language (share of cases; chance is 0.5)",
}


def matrix(pool: Pool, measure: Measure, cache: Cache) -> PairwiseMatrix:
    """A pool's matrix at K = 40 %."""
    return pool_similarity(pool, cache=cache).matrix(measure, TOP_FRACTION)


def agreement(reference: PairwiseMatrix, compared: PairwiseMatrix) -> dict[str, Any]:
    """The columns of `COLUMNS`: `compared` held against `reference`, kinship of `compared`; None where it is not defined.

    Raises:
        ValueError: Matrices over different pairs, or fewer than three.
    """
    if reference.pairs != compared.pairs or len(reference.pairs) < 3:
        raise ValueError(
            f"Both must be of the same 3 pairs or more. Got {len(reference.pairs)} and {len(compared.pairs)}. "
            "Name pairs that both have."
        )
    rows = [ordering_rows(each) for each in (reference, compared)]
    rho = over_targets(row_correlations(*rows))
    mine, theirs = (members_of(each, SelectionSpec()) for each in (reference, compared))
    shared = over_targets((mine & theirs).sum(axis=1) / (mine | theirs).sum(axis=1))
    kinship = relatives_before_others(compared.ordering_distances(), relatives(compared.pairs))
    return {
        "rho": rho.value,
        "rho_low": rho.low,
        "rho_high": rho.high,
        "shared": shared.value,
        "shared_low": shared.low,
        "shared_high": shared.high,
        "nearest": float(np.mean([np.argmin(a) == np.argmin(b) for a, b in zip(*rows, strict=True)])),
        "kinship": float(np.nanmean(kinship)) if np.isfinite(kinship).any() else None,
    }


def agreement_of_matrices(reference: PairwiseMatrix, compared: PairwiseMatrix) -> dict[str, Any]:
    """The rank correlation of both as wholes (`matrix_rho`) with its one-sided Mantel `p`, and the columns of `agreement`.

    Raises:
        ValueError: See `agreement`.
    """
    both = agreement(reference, compared)
    test = mantel(reference.symmetric_distances(), compared.symmetric_distances(), seed=1)
    return {"matrix_rho": test.correlation, "p": test.p_value, **both}


def common(pools: dict[str, Pool]) -> dict[str, Pool]:
    """Each pool without the pairs that another lacks."""
    pairs: set[LanguagePair] = set.intersection(*(set(pool) for pool in pools.values()))
    return {name: {pair: pool[pair] for pair in sorted(pairs)} for name, pool in pools.items()}
