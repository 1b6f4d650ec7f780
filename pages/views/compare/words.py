"""What may be said of a comparison: which arms are better, how large a gain could have been seen, where there was none."""

from __future__ import annotations

from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.failure_signs import FailureSign, no_gain
from pseudofam_core.outcomes.results import Comparison, Question
from pseudofam_core.scoring.power import visible_gain
from pseudofam_core.scoring.significance import Word
from pseudofam_core.similarity.measures import Measure

_SAID = {
    Word.BETTER: "better",
    Word.WORSE: "worse",
    Word.DIFFERS: "differs on these sentences",
    Word.TIE: "a tie",
}


def verdict_words(comparison: Comparison, question: Question, *, against: str) -> str:
    """Which arms are better, tie and are worse, as the tests say: per target, or over them where there are several.

    Empty where nothing was tested.
    """
    several = len(comparison.targets) > 1
    where = f"Over {len(comparison.targets)} targets" if several else comparison.targets[0].label
    verdicts = comparison.verdicts(question, None if several else comparison.targets[0])
    parts = []
    for word, said in _SAID.items():
        if arms := [f"`{arm}`" for arm, verdict in verdicts.items() if verdict.word is word]:
            parts.append(f"**{said}**: {', '.join(arms)}")
    if not parts:
        return ""
    told = f"{where}, against {against}: {'; '.join(parts)}."
    lucky = any(verdict.word is Word.DIFFERS for verdict in verdicts.values())
    return f"{told} Whether that is better or worse, an only seed or draw can't tell from luck." if lucky else told


def power_words(comparison: Comparison, question: Question) -> str:
    """How large a true difference these runs could have shown: of single targets, and of their mean. Empty for no test."""
    by_target = [verdict for target in comparison.targets for verdict in comparison.verdicts(question, target).values()]
    if not by_target:
        return ""
    gains = [gain for verdict in by_target if (gain := visible_gain(verdict)) is not None]
    if not gains:
        return (
            "**What these runs could show**: no arm better or worse, for each has one seed, and what another seed would do is "
            "not known. Train two seeds or more, better three."
        )
    metric = comparison.task.tested
    least, most = (f"{end(gains):.{metric.decimals}f}" for end in (min, max))
    span = least if least == most else f"{least} to {most}"
    told = f"**What these runs could show**: a true difference of {span} {metric.label}"
    told += " on one target" if len(comparison.targets) > 1 else ""
    means = [gain for verdict in comparison.verdicts(question).values() if (gain := visible_gain(verdict)) is not None]
    if means:
        told += f", or of {max(means):.{metric.decimals}f} in the mean over targets,"
    return f"{told} would be found four times in five. A tie says no more than that a difference is likely smaller."


def no_gain_sign(comparison: Comparison, target: LanguagePair) -> FailureSign | None:
    """The sign of a target: of its pseudo family that scores best, where the test does not call that one better."""
    pinned = comparison.of(target, comparison.pinned)
    pseudo = [outcome for outcome in comparison.outcomes if outcome.target == target and outcome.arm in tuple(Measure)]
    tested = [outcome for outcome in pseudo if outcome.verdict and pinned and outcome.runs != pinned.runs]
    best = max(tested, key=lambda outcome: outcome.verdict.gain if outcome.verdict else 0.0, default=None)
    if best is None or best.verdict is None:
        return None
    alike = "` = `".join(outcome.arm for outcome in tested if outcome.runs == best.runs)
    return no_gain(target, alike, best.verdict, metric=comparison.task.tested, against=f"`{comparison.pinned}`")
