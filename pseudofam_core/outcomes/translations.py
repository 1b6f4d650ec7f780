"""Translations of several arms side by side, those first on which the arms differ most, with the differences marked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.results import Comparison, Outcome

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Span:
    """A piece of a translation, spaces included, and whether it differs from the pinned arm's."""

    text: str
    differs: bool


@dataclass(frozen=True)
class Translated:
    """One test sentence as several arms translate it.

    Attributes:
        position: In the test set, from 0.
        source: The sentence.
        reference: Its reference translation.
        spans: Translation by arm, in pieces, against the pinned arm's; the pinned arm's own is one piece.
        scores: Of the task's sentence metric, by arm.
    """

    position: int
    source: str
    reference: str
    spans: dict[str, tuple[Span, ...]]
    scores: dict[str, float]

    def disagreement_of(self, arms: Iterable[str]) -> float:
        """The highest score of these arms minus the lowest."""
        scores = [self.scores[arm] for arm in arms]
        return max(scores) - min(scores)


def side_by_side(comparison: Comparison, target: LanguagePair, *, n: int | None = 50) -> tuple[Translated, ...]:
    """Test sentences of a target as each arm translates them, by falling disagreement of the arms.

    Of an arm with several runs, its first run speaks: the first draw's, with the first seed.

    Args:
        comparison: Names arms and pinned arm.
        target: One of its targets.
        n: Sentences returned, or None for all of the test set.

    Raises:
        ValueError: The target is not one of the comparison.
    """
    outcomes = {outcome.arm: outcome for outcome in comparison.outcomes if outcome.target == target}
    if not outcomes:
        raise ValueError(f"target must be one of {', '.join(map(str, comparison.targets))}. Got {target}.")
    texts = _first_run(outcomes[comparison.pinned])
    lines = {arm: _first_run(outcome)["hypotheses"] for arm, outcome in outcomes.items()}
    score, sentences = comparison.task.sentence_score(target.target), []
    for i, (source, reference) in enumerate(zip(texts["sources"], texts["references"], strict=True)):
        translated = {arm: hypotheses[i] for arm, hypotheses in lines.items()}
        spans = {arm: word_differences(translated[comparison.pinned], text) for arm, text in translated.items()}
        scores = {arm: score(text, reference) for arm, text in translated.items()}
        sentences.append(Translated(i, source, reference, spans, scores))
    return tuple(sorted(sentences, key=lambda sentence: -sentence.disagreement_of(sentence.scores))[:n])


def word_differences(pinned: str, other: str) -> tuple[Span, ...]:
    """`other` in pieces: words that `pinned` does not have at that place are marked. Joined, the pieces are `other`."""
    before, after = _WORDS.findall(pinned), _WORDS.findall(other)
    opcodes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return tuple(Span("".join(after[i:j]), tag != "equal") for tag, _, _, i, j in opcodes if i < j)


def marked_html(spans: Sequence[Span]) -> str:
    """The pieces as HTML, differences in ``<mark>``. What a translation holds is text, to HTML as to Markdown."""
    return "".join(f"<mark>{_safe(span.text)}</mark>" if span.differs else _safe(span.text) for span in spans)


def _safe(text: str) -> str:
    """The text with every sign that is no letter, digit or space as a character reference."""
    return re.sub(r"[^\w\s]|_", lambda sign: f"&#{ord(sign[0])};", text)


def _first_run(outcome: Outcome) -> dict[str, tuple[str, ...]]:
    return dict(min(outcome.runs[0], key=lambda run: run.seed or 0).outputs["test"])
