"""The known ways in which the method fails, told from its results, each with what to do (METHOD: open questions).

A threshold is a judgement, so each states its reason. Below it nothing is claimed: no sign is not a proof of health.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pseudofam_core.languages import LanguagePair
from pseudofam_core.scoring.metrics import Metric
from pseudofam_core.scoring.significance import Verdict, Word
from pseudofam_core.similarity.measures import Measure

# MSE and KL add up over parameters: with half of the mass in a hundredth of them, these few decide as much as all others.
MOST_TOP_SHARE = 0.5
# Kendall's and Spearman's conventions both call a rank correlation below one half weak.
LEAST_AGREEMENT = 0.5
# Fewer gradients than shards that can be drawn again: nothing tells how far F would be another for another text.
FEWEST_GRADIENTS = 4
MORE_GRADIENTS = (
    "Estimate more sentences, make the updates smaller (`--update-tokens`, `--accumulation`), or take per-sentence."
)
_NO_GAIN = {
    Word.WORSE: "does worse than",
    Word.TIE: "can't be told from",
    Word.DIFFERS: "does worse on these sentences than",
}
# Of fewer targets a share says nothing: five alike come about by chance once in 32 times.
FEWEST_TARGETS = 5


@dataclass(frozen=True)
class FailureSign:
    """Something in the results that speaks against relying on them.

    Attributes:
        title: What was seen, in a few words.
        words: The figures, and what they were held against.
        advice: What to do.
    """

    title: str
    words: str
    advice: str


def dominated_by_few(top_shares: Mapping[LanguagePair, float]) -> FailureSign | None:
    """Whether some Fisher diagonals have half of their mass or more in 1% of the parameters.

    Args:
        top_shares: Share of the mass that the largest 1% hold, by pair.
    """
    many = {pair: share for pair, share in top_shares.items() if share >= MOST_TOP_SHARE}
    if not many:
        return None
    worst = max(many, key=many.__getitem__)
    return FailureSign(
        "A few parameters dominate.",
        f"In {len(many)} of {len(top_shares)} pairs the largest 1% of the parameters hold half of the Fisher mass or more; "
        f"{worst.label} has {many[worst]:.0%} there. MSE and KL then compare little else.",
        "Prefer Overlap, which counts which parameters matter and not how much, or take more sentences.",
    )


def few_gradients(n_gradients: Mapping[LanguagePair, int]) -> FailureSign | None:
    """Whether some Fisher diagonals are the mean of so few squared gradients that their noise is not even known.

    Args:
        n_gradients: Gradients squared, by pair: sentences, or training updates.
    """
    few = {pair: n for pair, n in n_gradients.items() if n < FEWEST_GRADIENTS}
    if not few:
        return None
    least = min(few, key=few.__getitem__)
    seen = "is one squared gradient" if few[least] == 1 else f"is the mean of {few[least]} squared gradients"
    return FailureSign(
        "Few gradients.",
        f"In {len(few)} of {len(n_gradients)} pairs fewer than {FEWEST_GRADIENTS} gradients were squared: F of {least.label} "
        f"{seen}. With per-batch a gradient is that of a whole training update.",
        MORE_GRADIENTS,
    )


def stopping_at_two(sizes: Sequence[int], *, by_chance: float) -> FailureSign | None:
    """Whether families stop at two members at least as often as with nothing to find; by the paper's rule only.

    Args:
        sizes: Members of every target's family.
        by_chance: Share of families that would stop there with nothing to find (`families.chance`).
    """
    smallest = sum(size <= 2 for size in sizes)
    if len(sizes) < FEWEST_TARGETS or smallest < by_chance * len(sizes):
        return None
    return FailureSign(
        "Families stop at two.",
        f"{smallest} of {len(sizes)} families have only the two members that the rule always takes. With nothing "
        f"to find, this pool's values dealt out blindly, it would be {by_chance:.0%} of them: where a family ends says "
        "little here.",
        "Trust the order of the neighbours rather than the size. Look at the first radius and at K, or take the nearest k.",
    )


def measures_that_disagree(agreement: Mapping[tuple[Measure, Measure], float]) -> FailureSign | None:
    """Whether two measures put the neighbours in orders that have little to do with each other.

    Args:
        agreement: Rank correlation of the neighbours' orders, averaged over targets, in [−1, 1], by pair of measures.
    """
    low = {measures: value for measures, value in agreement.items() if value < LEAST_AGREEMENT}
    if not low:
        return None
    first, second = min(low, key=low.__getitem__)
    return FailureSign(
        "The measures disagree.",
        f"{first.label} and {second.label} order the neighbours with a mean rank correlation of {low[first, second]:.2f} "
        "(1 is the same order, 0 is unrelated).",
        "Distrust families that only one measure gives. Raw KL follows how hard a pair is for the model: compare it with "
        "KL (normalised). Fine-tune the families that the measures share.",
    )


def no_gain(target: LanguagePair, arm: str, verdict: Verdict, *, metric: Metric, against: str) -> FailureSign | None:
    """Whether the test calls a pseudo family neither better nor, where the luck of seeds is not counted, ahead.

    Args:
        target: What was adapted.
        arm: The family's.
        verdict: Of its score.
        metric: Which score.
        against: The arm it is held against, in words.
    """
    if verdict.word is Word.BETTER or (verdict.word is Word.DIFFERS and verdict.gain > 0):
        return None
    delta, n = verdict.delta, metric.decimals
    seen = _NO_GAIN[verdict.word]
    return FailureSign(
        f"No gain in {metric.label} shown.",
        f"For {target.label} the pseudo family `{arm}` {seen} {against} by the test: the difference is {delta.value:+.{n}f} "
        f"{metric.label}, its interval runs from {delta.low:+.{n}f} to {delta.high:+.{n}f}.",
        "Look at the budget (under equal updates a family dilutes the target), at random families of the same size, and at "
        "more seeds.",
    )
