"""What the shares of resamples are worth: ``python -m benchmarks.stability --corpus DIR --pairs … --shards 16 --cache DIR``.

Question: a share says how often a family stays the same, or a member in it, when the sentences at hand are drawn again. How
often is it so with *other* sentences? Ground truth: the shards of a workspace's finished estimates are dealt into two halves
without a sentence in common, again and again; the shares of one half are held against the families of the other. Refuted would
be that a share is the most to hope for: by an interval of the difference, shares less truth, that lies below zero.

Estimate first (`pseudofam estimate` with the same options): nothing is computed from the model here. Both halves are compared
on the same sketch of the parameters, so that nothing but the sentences differs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._markdown import markdown
from pseudofam_core.commands.options import add_workspace, chosen_workspace
from pseudofam_core.estimates import Workspace, find_fisher, fisher_specs
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.families.stability import family_stability, members_of
from pseudofam_core.lab.blocks import same_lines
from pseudofam_core.lab.uncertainty import Mean, over_targets
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.replicates import ShardSketches
from pseudofam_core.similarity.resampling import bootstrap_replicates, sketch_matrix
from pseudofam_core.similarity.results import FloatMatrix
from pseudofam_core.similarity.sketches import shard_sketches
from pseudofam_core.store.cache import Cache

MEASURES = (Measure.OVERLAP, Measure.MSE, Measure.KL, Measure.KL_NORMALISED, Measure.HELLINGER)
_TOP_FRACTION = 0.4
_N_SPLITS, _N_REPLICATES = 20, 100
_OFTEN = 0.8


def main() -> None:
    """Print a table, a row per measure, and the RESULT line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_workspace(parser)
    options = parser.parse_args()
    workspace = chosen_workspace(options)
    sketches = kept_sketches(workspace, Cache(Path(options.cache)))
    rows = [row(sketches, measure) for measure in MEASURES]
    print(markdown(pd.DataFrame(rows)))
    n = int(sketches.counts.sum(axis=1).min()) // 2
    refuted = [line["measure"] for line in rows if line["difference_high"] < 0 or line["members_difference_high"] < 0]
    print("RESULT", json.dumps({"sentences": n, "targets": len(sketches.pairs), "rows": rows, "refuted": refuted}))


def kept_sketches(workspace: Workspace, cache: Cache) -> ShardSketches:
    """The shards of the workspace's estimates, all of which must be finished."""
    kept = {pair: find_fisher(spec, cache) for pair, spec in fisher_specs(workspace).items()}
    if missing := [str(pair) for pair, artifact in kept.items() if artifact is None]:
        raise SystemExit(f"Not estimated: {', '.join(missing)}. Run `pseudofam estimate` with the same options first.")
    found = {pair: artifact for pair, artifact in kept.items() if artifact is not None}
    return shard_sketches(found, together=same_lines(workspace, tuple(found)))


def row(sketches: ShardSketches, measure: Measure) -> dict[str, Any]:
    """What the shares of one half say, and what the other half gives, for a measure: means over targets."""
    said, true, said_in, true_in, often = (np.zeros((_N_SPLITS, len(sketches.pairs))) for _ in range(5))
    for split in range(_N_SPLITS):
        said[split], true[split], said_in[split], true_in[split], often[split] = _split(sketches, measure, split)
    unchanged, members = _mean(said - true), _mean(said_in - true_in)
    return {
        "measure": measure.label,
        "unchanged_said": float(said.mean()),
        "unchanged_true": float(true.mean()),
        "difference": unchanged.value,
        "difference_low": unchanged.low,
        "difference_high": unchanged.high,
        "members_said": float(np.nanmean(said_in)),
        "members_true": float(np.nanmean(true_in)),
        "members_difference_low": members.low,
        "members_difference_high": members.high,
        "said_often_true": float(np.nanmean(often)),
    }


def halves(sketches: ShardSketches, *, seed: int) -> tuple[ShardSketches, ShardSketches]:
    """Two halves of the shards without one in common; the same for all pairs where these share their sentences."""
    generator = np.random.default_rng(seed)
    n_pairs, n_shards = sketches.counts.shape
    if n_shards < 8:
        raise SystemExit(f"--shards must be at least 8, so that either half can be resampled. Got {n_shards}.")
    orders = [generator.permutation(n_shards) for _ in range(1 if sketches.shared_sentences else n_pairs)]
    orders = orders * n_pairs if sketches.shared_sentences else orders
    half = n_shards // 2
    first, second = (
        _some(sketches, np.array([order[places] for order in orders]))
        for places in (slice(half), slice(half, 2 * half))
    )
    return first, second


def _some(sketches: ShardSketches, places: np.ndarray) -> ShardSketches:
    rows = np.arange(len(places))[:, None]
    return ShardSketches(
        sketches.pairs,
        sketches.sums[rows, places],
        sketches.counts[rows, places],
        sketches.n_parameters,
        sketches.shared_sentences,
    )


def _split(sketches: ShardSketches, measure: Measure, seed: int) -> tuple[np.ndarray, ...]:
    """What one half says of each target, and whether the other half has it so.

    Returns:
        Five of (n,): the share of resamples that leave the family unchanged, and whether the other half's is the same; the mean
        share of its members, and the share of them in the other half's family; the latter of members that are in 80 % of the
        resamples. NaN where there is no such member.
    """
    k = _TOP_FRACTION if measure.has_masks else None
    first, second = halves(sketches, seed=seed)
    here = sketch_matrix(first, measure=measure, top_fraction=k)
    replicates = bootstrap_replicates(first, measure=measure, top_fraction=k, n_replicates=_N_REPLICATES, seed=seed)
    stability = family_stability(replicates, here, selection=SelectionSpec())
    now = members_of(here, SelectionSpec())
    other = members_of(sketch_matrix(second, measure=measure, top_fraction=k), SelectionSpec())
    often = now & (stability.shares >= _OFTEN)
    return (
        stability.unchanged,
        (now == other).all(axis=1).astype(float),
        _share(stability.shares, now),
        _share(other.astype(float), now),
        _share(other.astype(float), often),
    )


def _share(values: FloatMatrix, among: np.ndarray) -> np.ndarray:
    """Mean of each row's marked values; NaN where none is."""
    n = among.sum(axis=1)
    return np.where(n > 0, (values * among).sum(axis=1) / np.maximum(n, 1), np.nan)


def _mean(differences: np.ndarray) -> Mean:
    return over_targets(np.nanmean(differences, axis=0))


if __name__ == "__main__":
    main()
