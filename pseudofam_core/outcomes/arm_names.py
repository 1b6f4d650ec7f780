"""Names for finished runs: an artifact knows its auxiliaries, and this tells which arms have them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from pseudofam_core.families.selection import paper_family
from pseudofam_core.finetuning import (
    ARM_MEASURES,
    WEIGHTED,
    Arm,
    FinetuneRun,
    Members,
    Mixture,
    named_arms,
    random_arms,
    with_weights,
)
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.pools import PoolSimilarity


def arm_families(
    similarities: PoolSimilarity, target: LanguagePair, top_fraction: float
) -> dict[str, tuple[LanguagePair, ...]]:
    """The target's families that arms are named by: of each measure of arms that is defined for the pool, by the paper's rule.

    Args:
        similarities: The pool's comparison.
        target: Whose; one that the pool lacks has none.
        top_fraction: K.
    """
    if target not in similarities.curve.pairs:
        return {}
    matrices = similarities.defined(top_fraction, measures=ARM_MEASURES)
    return {measure.value: paper_family(matrix, target) for measure, matrix in matrices.items()}


def arms_found(
    runs: Sequence[FinetuneRun],
    target: LanguagePair,
    pool: Sequence[LanguagePair],
    *,
    families: Mapping[str, Members],
    seed: int = 1,
) -> tuple[Arm, ...]:
    """The arms of a target that have finished runs, random ones and unnamed ones last.

    Random families are known by drawing them again: draws 1, 2, … of a size, as long as they have runs. A draw that is
    another arm's family is left out: nobody can tell whether it was asked for, and it is no control for itself. Runs
    that fit no arm are named by their auxiliaries (``with bg uk``), weighted ones by a digest (``weighted-3fa2b1``).

    Args:
        runs: Finished runs; those of other targets are left out.
        target: The pair that was adapted to.
        pool: The pairs that auxiliaries were taken from.
        families: The target's pseudo families, and what else arms were made of, by arm name.
        seed: Of the random draws.
    """
    done = {run.mixture for run in runs if run.target == target}
    fixed = named_arms(("zero-shot", "single", "traditional", "all"), target, pool, family_of=lambda _: ())
    others = [Arm.of(name, members) for name, members in families.items()]
    named = [arm for arm in (*fixed[:3], *others, fixed[3]) if arm.mixture in done]
    unnamed = {mixture for mixture in done if mixture[0]} - {arm.mixture for arm in named}
    drawn = _draws(target, pool, done, unnamed, seed)
    rest = sorted(unnamed - {arm.mixture for arm in drawn})
    return (*named, *drawn, *(Arm(_described(members or (), weights), members, weights) for members, weights in rest))


def _described(members: Sequence[LanguagePair], weights: Sequence[float]) -> str:
    """A name for what no arm is known by. Of weights it tells no more than that they differ from others."""
    if not weights:
        return f"with {' '.join(pair.language.code for pair in members)}"
    told = " ".join(with_weights([str(pair) for pair in members], weights))
    return f"{WEIGHTED}-{hashlib.sha256(told.encode()).hexdigest()[:6]}"


def _draws(
    target: LanguagePair,
    pool: Sequence[LanguagePair],
    done: set[Mixture],
    unnamed: set[Mixture],
    seed: int,
) -> list[Arm]:
    others = set(pool) - {target}
    drawn: list[Arm] = []
    sizes = {len(members or ()) for members, weights in unnamed if not weights}
    for size in sorted(size for size in sizes if size <= len(others)):
        n_draws = 0
        # A pool of few pairs repeats its families: every one of them drawn is enough.
        while n_draws < len(done):
            arm = random_arms(target, pool, sizes=[size], n_draws=n_draws + 1, seed=seed)[-1]
            if arm.mixture not in done:
                break
            n_draws += 1
            if arm.mixture in unnamed:
                drawn.append(arm)
    return drawn
