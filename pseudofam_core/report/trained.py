"""What fine-tuning brought for one target: its finished runs of one kind, held against a pinned arm."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from pseudofam_core.estimates import Workspace, pool_of
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.finetuning import Members, is_random, open_texts, runs_of, shipped_runs, without_draw
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.outcomes.arm_names import arm_families, arms_found
from pseudofam_core.outcomes.results import Comparison, Outcome
from pseudofam_core.outcomes.run_settings import comparable
from pseudofam_core.outcomes.testing import compare_arms
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.store.cache import Cache
from pseudofam_core.transfer.arms import Known, families_told, kept_signs

_PINNED = ("single", "traditional", "zero-shot")


@dataclass(frozen=True, eq=False)
class Trained:
    """The runs of a target that may be compared with one another.

    Attributes:
        comparison: Of its arms.
        n_other_runs: Finished runs of other settings, which are left out: those shown have the newest.
        are_shipped: Whether they ship with the sample; where there are others of the target, those count alone.
    """

    comparison: Comparison
    n_other_runs: int
    are_shipped: bool

    def of(self, family: PseudoFamily) -> Outcome | None:
        """The arm that was trained with exactly this family, the first where it has several names; None where none was."""
        members = tuple(sorted(family.members))
        named = (outcome for outcome in self.comparison.outcomes if not is_random(outcome.arm) and not outcome.weights)
        return next((outcome for outcome in named if outcome.members == (members,)), None)


def trained(
    tuned: Workspace,
    target: LanguagePair,
    similarities: PoolSimilarity,
    gains: Known,
    cache: Cache,
    *,
    top_fraction: float,
) -> Trained | None:
    """The newest runs of a target that may be compared, tested; None where none is finished.

    Args:
        tuned: What was trained on and scored with.
        target: The pair that was adapted to.
        similarities: What names arms by their measures.
        gains: What names arms by measured gains.
        cache: Where runs are kept.
        top_fraction: K.

    Raises:
        PseudoFamError: Model or text can't be read, or runs can't be scored.
        ValueError: Runs can't be compared.
    """
    revision, digest = resolve_model(tuned.model).revision, open_texts(tuned, target).test.digest
    finished = runs_of(cache, target=target, model_revision=revision, test_digest=digest)
    shipped = [
        run for run in shipped_runs(model_revision=revision) if (run.target, run.test_digest) == (target, digest)
    ]
    groups = comparable(finished or shipped)
    if not groups:
        return None
    told = families_told(groups[0], target, gains, functools.partial(kept_signs, tuned, target, cache))
    families: dict[str, Members] = {**arm_families(similarities, target, top_fraction), **told}
    arms = arms_found(groups[0], target, pool_of(tuned), families=families, seed=tuned.seed)
    names = [without_draw(arm.name) for arm in arms]
    pinned = next((name for name in _PINNED if name in names), names[0])
    others = {run.key for group in groups for run in group} - {run.key for run in groups[0]}
    return Trained(compare_arms(groups[0], {target: arms}, pinned=pinned), len(others), are_shipped=not finished)
