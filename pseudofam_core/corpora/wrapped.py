"""What corpora that stand before another one have in common: all but the reading is the other's."""

from __future__ import annotations

from pseudofam_core.corpora.bitext import ParallelCorpus
from pseudofam_core.languages import LanguagePair


class WrappedCorpus:
    """Answers as the corpus behind it; a subclass reads in its own way.

    Args:
        corpus: The one behind it.
    """

    def __init__(self, corpus: ParallelCorpus) -> None:
        """Keep it; nothing is read."""
        self._corpus = corpus

    @property
    def name(self) -> str:
        """The corpus's."""
        return self._corpus.name

    @property
    def notes(self) -> tuple[str, ...]:
        """The corpus's."""
        return self._corpus.notes

    def pairs(self) -> tuple[LanguagePair, ...]:
        """The corpus's."""
        return self._corpus.pairs()

    def readable(self) -> tuple[LanguagePair, ...]:
        """The corpus's."""
        return self._corpus.readable()

    def splits(self, pair: LanguagePair) -> tuple[str, ...]:
        """The corpus's."""
        return self._corpus.splits(pair)
