"""Numbers and names of a report as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pseudofam_core.corpora.choices import source_name
from pseudofam_core.estimates import Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.scoring.metrics import Metric
from pseudofam_core.scoring.significance import Interval
from pseudofam_core.similarity.measures import Measure


def listed(pairs: Iterable[LanguagePair]) -> str:
    """``Ukrainian · uk, Serbian · sr``; a dash for none."""
    return ", ".join(pair.label for pair in pairs) or "–"


def joined(words: Sequence[str]) -> str:
    """``one, two and three``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def as_sentence(words: str) -> str:
    """With a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def counted(n: int, word: str) -> str:
    """``1 auxiliary``, ``3 auxiliaries``."""
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{n:,} {word if n == 1 else plural}"


def unbroken(pair: LanguagePair) -> str:
    """Name and code that stay on one line of a table."""
    return pair.label.replace(" ", "\u00a0")


def score_words(score: Interval, metric: Metric, *, signed: bool = False) -> str:
    """``12.3 (11.0 to 13.6)``."""
    n, sign = metric.decimals, "+" if signed else ""
    return f"{score.value:{sign}.{n}f} ({score.low:{sign}.{n}f} to {score.high:{sign}.{n}f})".replace("-", "−")


def gain_words(gain: float) -> str:
    """``+0.041``, in nats a token."""
    return f"{gain:+.3f}".replace("-", "−")


def model_words(workspace: Workspace) -> str:
    """The model by the last part of its name, as pages write it."""
    return Path(workspace.model).name or workspace.model


def corpus_words(workspace: Workspace) -> str:
    """The corpus by its name."""
    return source_name(workspace.corpus)


def value_words(measure: Measure, value: float) -> str:
    """A measure's own value, with five digits."""
    return f"{value:.4f}" if measure.is_similarity else f"{value:.5g}"
