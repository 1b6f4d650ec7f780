"""What text is scored: detokenised text of the untouched test set, or tokenised text of a filtered one.

The two are never mixed in one comparison. The first is the default; the second is how the paper's scripts score.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from string import punctuation

from sacremoses import MosesPunctNormalizer, MosesTokenizer  # type: ignore[import-untyped]  # ships no types

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.languages import language

# The paper's scripts segment these targets with tools of their own; the others with Moses, which is what is here.
_NOT_MOSES = frozenset({"ar", "hi", "ja", "ko", "my", "ne", "ro", "si", "th", "zh"})
_WITHOUT_SPACES = frozenset({"Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt"})
_MARKS = frozenset(punctuation + "—|–")
_LONGEST, _LARGEST_RATIO = 250, 3


class Protocol(StrEnum):
    """What text is scored."""

    DETOKENISED = "detokenised"
    TOKENISED_FILTERED = "tokenised-filtered"

    @property
    def label(self) -> str:
        """One sentence that says what the numbers are."""
        return _LABELS[self.value]


_LABELS = {
    "detokenised": "Detokenised text, all sentences of the test set.",
    "tokenised-filtered": (
        "Tokenised text on a filtered test set, after the paper's scripts: not to be held against other scores. "
        "Kept: sentences less than half punctuation, of 1 to 250 words and at most 3 times the other side's. "
        "Ours: words counted (Moses; characters where a script has no spaces), not the scripts' SentencePiece pieces; "
        "no filter by the model's character histograms; sources as they are, not normalised before translation."
    ),
}


def require_protocol(protocol: Protocol, bitext: Bitext) -> None:
    """Refuse a protocol that is not defined for a bitext's target language.

    Raises:
        ValueError: It can't be tokenised as in the paper.
    """
    target = language(bitext.pair.target).code
    without_moses = target in _NOT_MOSES or language(target).script in _WITHOUT_SPACES
    if protocol is Protocol.TOKENISED_FILTERED and without_moses:
        raise ValueError(
            f"protocol tokenised-filtered needs a target language that the paper's scripts split with Moses. "
            f"Got {target}. Score detokenised text."
        )


def kept_rows(protocol: Protocol, bitext: Bitext) -> tuple[int, ...]:
    """Positions of the sentences that are scored."""
    return tuple(range(len(bitext))) if protocol is Protocol.DETOKENISED else filtered(bitext)


def as_scored(protocol: Protocol, lines: Sequence[str], code: str) -> list[str]:
    """Lines of a language as the metrics take them."""
    return list(lines) if protocol is Protocol.DETOKENISED else tokenised(lines, code)


def tokenised(lines: Sequence[str], code: str) -> list[str]:
    """Lines with punctuation normalised and split by Moses' rules, as the paper's scripts do before scoring."""
    normalise = MosesPunctNormalizer(code, pre_replace_unicode_punct=True, post_remove_control_chars=True).normalize
    split = MosesTokenizer(code).tokenize
    return [split(normalise(line), escape=False, return_str=True) for line in lines]


def filtered(bitext: Bitext) -> tuple[int, ...]:
    """Positions of the sentences that the tokenised, filtered protocol keeps; `Protocol.label` gives the rule."""
    lengths = [_lengths(lines, code) for lines, code in _sides(bitext)]
    mostly_marks = [[_mostly_marks(line) for line in lines] for lines, _ in _sides(bitext)]
    return tuple(
        i
        for i, (source, target) in enumerate(zip(*lengths, strict=True))
        if not (mostly_marks[0][i] or mostly_marks[1][i])
        and min(source, target) >= 1
        and max(source, target) <= min(_LONGEST, _LARGEST_RATIO * min(source, target))
    )


def _sides(bitext: Bitext) -> tuple[tuple[Sequence[str], str], ...]:
    return (bitext.sources, bitext.pair.source), (bitext.targets, bitext.pair.target)


def _lengths(lines: Sequence[str], code: str) -> list[int]:
    if language(code).script in _WITHOUT_SPACES:
        return [sum(not unicodedata.category(letter).startswith("Z") for letter in line) for line in lines]
    return [len(line.split()) for line in tokenised(lines, code)]


def _mostly_marks(line: str) -> bool:
    return 2 * sum(letter in _MARKS for letter in line) >= len(line)
