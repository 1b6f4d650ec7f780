"""The arms of a comparison: which auxiliaries a target is fine-tuned with."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pseudofam_core.corpora.batches import shuffled_indices
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure

ZERO_SHOT, SINGLE, TRADITIONAL, RANDOM, ALL = "zero-shot", "single", "traditional", "random", "all"
ARM_NAMES = (ZERO_SHOT, SINGLE, TRADITIONAL, *(one.value for one in Measure), RANDOM, ALL)
"""Names that `named_arms` takes. ``random`` stands for one family per draw and size."""
ARM_MEASURES = tuple(one for one in Measure if one.row.is_usual_arm)
DEFAULT_ARMS = (ZERO_SHOT, SINGLE, TRADITIONAL, *(one.value for one in ARM_MEASURES), RANDOM, ALL)
"""What a comparison has where nothing else is said: the paper's measures, their normalised KL, and consensus."""


@dataclass(frozen=True)
class Arm:
    """A name and its auxiliaries. Arms of equal members are the same run, computed once and shown under both names.

    Attributes:
        name: ``zero-shot``, ``single``, ``traditional``, a measure, ``random-3-1`` (size and draw), ``all``, or the
            user's own.
        members: The auxiliaries, sorted, without the target; empty for the target alone. None is zero-shot.
    """

    name: str
    members: tuple[LanguagePair, ...] | None

    def __post_init__(self) -> None:
        """Refuse names that can't be part of a task's, and unsorted members."""
        if not self.name or "/" in self.name:
            raise ValueError(f"name must be a word without a slash. Got {self.name!r}.")
        if self.members is not None and list(self.members) != sorted(set(self.members)):
            raise ValueError(f"members must be sorted and distinct. Got {', '.join(map(str, self.members))}.")


def named_arms(
    names: Sequence[str],
    target: LanguagePair,
    pool: Sequence[LanguagePair],
    *,
    family_of: Callable[[Measure], Sequence[LanguagePair]],
    own: Sequence[LanguagePair] | None = None,
    n_draws: int = 1,
    seed: int = 1,
) -> tuple[Arm, ...]:
    """The arms of `names`, in their order, random ones last.

    A target whose traditional family has no other member in the pool has an empty traditional arm: the run is that of
    the target alone. Random families are drawn for each size that the traditional, the pseudo and the user's own arms
    named here have.

    Args:
        names: Of `ARM_NAMES`, or ``own``.
        target: The pair that is adapted to.
        pool: The pairs that auxiliaries are taken from.
        family_of: Gives the pseudo family of the target by a measure; called for the measures that are named.
        own: The user's own list, for ``own``.
        n_draws: Random families per size.
        seed: Of the draws.

    Raises:
        ValueError: A name is not known, or an auxiliary is the target or not of the pool.
    """
    others = sorted(set(pool) - {target})
    fixed: dict[str, Callable[[], Sequence[LanguagePair] | None]] = {
        ZERO_SHOT: lambda: None,
        SINGLE: lambda: (),
        TRADITIONAL: lambda: [one for one in others if _traditional(one) == _traditional(target)],
        ALL: lambda: others,
        **{one.value: functools.partial(family_of, one) for one in Measure},
        **({} if own is None else {"own": lambda: own}),
    }
    if unknown := [name for name in names if name not in {RANDOM, *fixed}]:
        raise ValueError(f"arms must be of {', '.join((*fixed, RANDOM))}. Got {', '.join(unknown)}.")
    arms = [Arm(name, _checked(fixed[name](), others, name)) for name in names if name != RANDOM]
    if RANDOM not in names:
        return tuple(arms)
    controlled = {len(arm.members) for arm in arms if arm.members and arm.name != ALL}
    return (*arms, *random_arms(target, others, sizes=controlled, n_draws=n_draws, seed=seed))


def random_arms(
    target: LanguagePair, pool: Sequence[LanguagePair], *, sizes: Iterable[int], n_draws: int, seed: int
) -> tuple[Arm, ...]:
    """Families drawn blindly: the control that tells the right family from merely more data.

    The target's own traditional and pseudo relatives may be drawn. Chance would draw them too, and a control without
    them would be worse than chance and flatter the families. The draw of one seed and number is one shuffle of the
    pool, so a larger size holds the smaller.

    Args:
        target: Left out of the draws.
        pool: What is drawn from.
        sizes: Numbers of members.
        n_draws: Families per size.
        seed: Of the draws.

    Raises:
        ValueError: A size is larger than the pool.
    """
    others = sorted(set(pool) - {target})
    if too_large := [size for size in sizes if size > len(others)]:
        raise ValueError(f"sizes must be at most {len(others)}, the pool without {target}. Got {max(too_large)}.")
    arms = []
    for draw in range(1, n_draws + 1):
        digest = hashlib.sha256(f"{seed} {target} {draw}".encode()).digest()
        order = shuffled_indices(len(others), seed=int.from_bytes(digest[:8], "big"))
        for size in sorted(set(sizes)):
            arms.append(Arm(f"{RANDOM}-{size}-{draw}", tuple(sorted(others[i] for i in order[:size]))))
    return tuple(arms)


def is_random(name: str) -> bool:
    """Whether an arm of this name was drawn blindly."""
    return name.startswith(f"{RANDOM}-")


def without_draw(name: str) -> str:
    """The name under which an arm is shown: random families of a size are one arm (``random-3-1`` → ``random-3``)."""
    return name.rpartition("-")[0] if is_random(name) else name


def distinct_members(arms: Iterable[Arm]) -> dict[tuple[LanguagePair, ...] | None, tuple[str, ...]]:
    """The runs that arms ask for: members, and the names they go by, in the order of the arms."""
    names: dict[tuple[LanguagePair, ...] | None, tuple[str, ...]] = {}
    for arm in arms:
        names[arm.members] = (*names.get(arm.members, ()), arm.name)
    return names


def _traditional(one: LanguagePair) -> str:
    return one.language.traditional_family


def _checked(
    members: Sequence[LanguagePair] | None, others: Sequence[LanguagePair], name: str
) -> tuple[LanguagePair, ...] | None:
    if members is None:
        return None
    if strange := sorted(set(members) - set(others)):
        raise ValueError(f"{name} must name pairs of the pool, without the target. Got {', '.join(map(str, strange))}.")
    return tuple(sorted(set(members)))
