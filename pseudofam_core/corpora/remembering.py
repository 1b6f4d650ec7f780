"""A corpus that reads the text of one pair once, however often it is asked for."""

from __future__ import annotations

from pseudofam_core.corpora.bitext import Bitext, ParallelCorpus
from pseudofam_core.corpora.wrapped import WrappedCorpus
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair


class RememberingCorpus(WrappedCorpus):
    """A corpus that keeps what it has read of a pair. Others' text is read when it is asked for, and not kept.

    Args:
        corpus: What is read.
        pair: Whose text is kept.
    """

    def __init__(self, corpus: ParallelCorpus, pair: LanguagePair) -> None:
        """Keep both; nothing is read."""
        super().__init__(corpus)
        self._pair = pair
        self._kept: dict[str, tuple[Bitext, ...]] = {}

    def read(self, pair: LanguagePair, split: str) -> Bitext:
        """As the corpus reads it.

        Raises:
            CorpusError: As of the corpus.
        """
        if pair != self._pair:
            return self._corpus.read(pair, split)
        try:
            texts = self.read_all(pair, split)
        except CorpusError:  # perhaps of a text that is left aside
            texts = ()
        return texts[0] if len(texts) == 1 else self._corpus.read(pair, split)

    def read_all(self, pair: LanguagePair, split: str) -> tuple[Bitext, ...]:
        """As the corpus reads them.

        Raises:
            CorpusError: As of the corpus.
        """
        if pair != self._pair:
            return self._corpus.read_all(pair, split)
        if split not in self._kept:
            self._kept[split] = self._corpus.read_all(pair, split)
        return self._kept[split]
