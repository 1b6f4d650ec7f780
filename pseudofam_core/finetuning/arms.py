"""The arms of a comparison: which auxiliaries a target is fine-tuned with."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pseudofam_core.corpora.batches import shuffled_indices
from pseudofam_core.finetuning.weights import refuse_bad_weights
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure

ZERO_SHOT, SINGLE, TRADITIONAL, RANDOM, ALL = "zero-shot", "single", "traditional", "random", "all"
ARM_NAMES = (ZERO_SHOT, SINGLE, TRADITIONAL, *(measure.value for measure in Measure), RANDOM, ALL)
"""Names that `named_arms` takes. ``random`` stands for one family per draw and size."""
ARM_MEASURES = tuple(measure for measure in Measure if measure.row.is_usual_arm)
DEFAULT_ARMS = (ZERO_SHOT, SINGLE, TRADITIONAL, *(measure.value for measure in ARM_MEASURES), RANDOM, ALL)
"""What a comparison has where nothing else is said: the paper's measures, their normalised KL, and consensus."""
FORESEEN, MEASURED, WEIGHTED, OWN = "foreseen", "measured", "weighted", "own"
"""Names that begin those of further arms (``foreseen-3``: size; ``weighted-gradient-fisher``: by what), and the user's own."""
Members = Sequence[LanguagePair] | Mapping[LanguagePair, float]
"""Auxiliaries that weigh alike, or the weight of each."""
Mixture = tuple[tuple[LanguagePair, ...] | None, tuple[float, ...]]
"""What two arms of the same run have in common: members and weights."""


@dataclass(frozen=True)
class Arm:
    """A name and its auxiliaries. Arms of equal members and weights are the same run, computed once and shown under both names.

    Attributes:
        name: ``zero-shot``, ``single``, ``traditional``, a measure, ``random-3-1`` (size and draw), ``all``, or another.
        members: The auxiliaries, sorted, without the target; empty for the target alone. None is zero-shot.
        weights: See `TrainingSpec.weights`.
    """

    name: str
    members: tuple[LanguagePair, ...] | None
    weights: tuple[float, ...] = field(default=(), metadata={"key": "if set"})

    def __post_init__(self) -> None:
        """Refuse names that can't be part of a task's, unsorted members, and weights of others."""
        if not self.name or "/" in self.name:
            raise ValueError(f"name must be a word without a slash. Got {self.name!r}.")
        if self.members is not None and list(self.members) != sorted(set(self.members)):
            raise ValueError(f"members must be sorted and distinct. Got {', '.join(map(str, self.members))}.")
        refuse_bad_weights(self.weights, self.members or ())

    @classmethod
    def of(cls, name: str, members: Members | None) -> Arm:
        """An arm of pairs in any order, or of their weights; equal weights are none."""
        if members is None:
            return cls(name, None)
        ordered = tuple(sorted(set(members)))
        weights = tuple(members[pair] for pair in ordered) if isinstance(members, Mapping) else ()
        return cls(name, ordered, () if set(weights) <= {1.0} else weights)

    @property
    def mixture(self) -> Mixture:
        """What its run is known by among those of its target."""
        return self.members, self.weights


def named_arms(
    names: Sequence[str],
    target: LanguagePair,
    pool: Sequence[LanguagePair],
    *,
    family_of: Callable[[Measure], Sequence[LanguagePair]],
    further: Mapping[str, Callable[[], Members]] | None = None,
    n_draws: int = 1,
    seed: int = 1,
) -> tuple[Arm, ...]:
    """The arms of `names`, in their order, random ones last.

    A target whose traditional family has no other member in the pool has an empty traditional arm: the run is that of
    the target alone. Random families are drawn for each size that the other arms named here have, but ``all``.

    Args:
        names: Of `ARM_NAMES`, or of `further`.
        target: The pair that is adapted to.
        pool: The pairs that auxiliaries are taken from.
        family_of: Gives the pseudo family of the target by a measure; called for the measures that are named.
        further: What other arms have, by name; asked for those that are named.
        n_draws: Random families per size.
        seed: Of the draws.

    Raises:
        ValueError: A name is not known, or an auxiliary is the target or not of the pool.
    """
    others = sorted(set(pool) - {target})
    fixed: dict[str, Callable[[], Members | None]] = {
        ZERO_SHOT: lambda: None,
        SINGLE: lambda: (),
        TRADITIONAL: lambda: [pair for pair in others if _traditional(pair) == _traditional(target)],
        ALL: lambda: others,
        **{measure.value: functools.partial(family_of, measure) for measure in Measure},
        **(further or {}),
    }
    if unknown := [name for name in names if name not in {RANDOM, *fixed}]:
        raise ValueError(f"arms must be of {', '.join((*fixed, RANDOM))}. Got {', '.join(unknown)}.")
    arms = [Arm.of(name, _checked(fixed[name](), others, name)) for name in names if name != RANDOM]
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


def distinct_arms(arms: Iterable[Arm]) -> dict[Arm, tuple[str, ...]]:
    """The runs that arms ask for: the first arm of each, and the names it goes by, in the order of the arms."""
    first: dict[Mixture, Arm] = {}
    names: dict[Arm, tuple[str, ...]] = {}
    for arm in arms:
        same = first.setdefault(arm.mixture, arm)
        names[same] = (*names.get(same, ()), arm.name)
    return names


def in_order_of_training(arms: Iterable[Arm]) -> list[Arm]:
    """The runs that arms ask for, in the order in which they say something.

    The model as it is, the target alone, the user's own family, the other families; then the controls.
    """

    def place(run: tuple[Arm, tuple[str, ...]]) -> tuple[bool, bool, bool, bool]:
        arm, names = run
        controls = all(name in (TRADITIONAL, ALL) or is_random(name) for name in names)
        return (arm.members is not None, arm.members != (), OWN not in names, controls)

    return [arm for arm, _ in sorted(distinct_arms(arms).items(), key=place)]


def with_weights(names: Sequence[str], weights: Sequence[float]) -> list[str]:
    """Names of an arm's auxiliaries, each with its weight where they do not weigh alike."""
    return [f"{name} × {weight:g}" for name, weight in zip(names, weights, strict=True)] if weights else list(names)


def _traditional(pair: LanguagePair) -> str:
    return pair.language.traditional_family


def _checked(members: Members | None, others: Sequence[LanguagePair], name: str) -> Members | None:
    if strange := sorted(set(members or ()) - set(others)):
        raise ValueError(f"{name} must name pairs of the pool, without the target. Got {', '.join(map(str, strange))}.")
    return members
