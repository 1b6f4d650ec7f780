"""Names for finished runs: an artifact knows its auxiliaries, and this tells which arms have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pseudofam_core.finetuning import Arm, FinetuneRun, named_arms, random_arms
from pseudofam_core.languages import LanguagePair


def arms_found(
    runs: Sequence[FinetuneRun],
    target: LanguagePair,
    pool: Sequence[LanguagePair],
    *,
    families: Mapping[str, Sequence[LanguagePair]],
    seed: int = 1,
) -> tuple[Arm, ...]:
    """The arms of a target that have finished runs, random ones and unnamed ones last.

    Random families are known by drawing them again: draws 1, 2, … of a size, as long as they have runs. A draw that is
    another arm's family is left out: nobody can tell whether it was asked for, and it is no control for itself. Runs
    that fit no arm are named by their auxiliaries (``with bg uk``).

    Args:
        runs: Finished runs; those of other targets are left out.
        target: The pair that was adapted to.
        pool: The pairs that auxiliaries were taken from.
        families: The target's pseudo families by arm name.
        seed: Of the random draws.
    """
    done = {None if run.is_zero_shot else run.members for run in runs if run.target == target}
    fixed = named_arms(("zero-shot", "single", "traditional", "all"), target, pool, family_of=lambda _: ())
    pseudo = [Arm(name, tuple(sorted(members))) for name, members in families.items()]
    named = [arm for arm in (*fixed[:3], *pseudo, fixed[3]) if arm.members in done]
    unnamed = {members for members in done if members} - {arm.members for arm in named}
    drawn = _draws(target, pool, done, unnamed, seed)
    rest = sorted(unnamed - {arm.members for arm in drawn})
    return (*named, *drawn, *(Arm(f"with {' '.join(one.language.code for one in own)}", own) for own in rest))


def _draws(
    target: LanguagePair,
    pool: Sequence[LanguagePair],
    done: set[tuple[LanguagePair, ...] | None],
    unnamed: set[tuple[LanguagePair, ...]],
    seed: int,
) -> list[Arm]:
    others = set(pool) - {target}
    found: list[Arm] = []
    for size in sorted({len(members) for members in unnamed if len(members) <= len(others)}):
        n_draws = 0
        # A pool of few pairs repeats its families: every one of them drawn is enough.
        while n_draws < len(done):
            arm = random_arms(target, pool, sizes=[size], n_draws=n_draws + 1, seed=seed)[-1]
            if arm.members not in done:
                break
            n_draws += 1
            if arm.members in unnamed:
                found.append(arm)
    return found
