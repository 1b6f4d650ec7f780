"""A corpus limited to the training text that a model has not read."""

from __future__ import annotations

from pseudofam_core.corpora.bitext import Bitext, ParallelCorpus
from pseudofam_core.corpora.kept_back import KeptBack
from pseudofam_core.corpora.wrapped import WrappedCorpus
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair


class LimitedCorpus(WrappedCorpus):
    """A corpus whose train splits hold only rows that a model has kept back; dev and test, and its pairs, are the corpus's own.

    Args:
        corpus: What is limited. It may be another than the one that was split: only listed sentences pass.
        kept: The model's list.
    """

    def __init__(self, corpus: ParallelCorpus, kept: KeptBack) -> None:
        """Keep both; nothing is read."""
        super().__init__(corpus)
        self._kept = kept

    @property
    def name(self) -> str:
        """Says that it is a part."""
        return f"{self._corpus.name} (kept back)"

    def read(self, pair: LanguagePair, split: str) -> Bitext:
        """The rows of which both sides are kept back; another split than train as it is.

        Raises:
            CorpusError: The corpus can't be read, or nothing of the pair was kept back.
        """
        return self._limited(self._corpus.read(pair, split))

    def read_all(self, pair: LanguagePair, split: str) -> tuple[Bitext, ...]:
        """Every text of a split, each limited likewise.

        Raises:
            CorpusError: As of `read`.
        """
        return tuple(map(self._limited, self._corpus.read_all(pair, split)))

    def _limited(self, bitext: Bitext) -> Bitext:
        if bitext.split != "train":
            return bitext
        if not len(limited := self._kept.only_kept(bitext)):
            raise CorpusError(
                f"Nothing of {bitext.pair} in {self._corpus.name} was kept back: the list is of {self._kept.corpus}. Leave "
                "the pair out, or name the corpus that the model was trained from."
            )
        return limited
