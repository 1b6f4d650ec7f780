"""A corpus limited to the training text that a model has not read."""

from __future__ import annotations

from pseudofam_core.corpora.bitext import Bitext, ParallelCorpus
from pseudofam_core.corpora.kept_back import KeptBack
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair


class LimitedCorpus:
    """A corpus whose train splits hold only rows that a model has kept back; dev and test are the corpus's own.

    Args:
        corpus: What is limited. It may be another than the one that was split: only listed sentences pass.
        kept: The model's list.
    """

    def __init__(self, corpus: ParallelCorpus, kept: KeptBack) -> None:
        """Keep both; nothing is read."""
        self._corpus, self._kept = corpus, kept

    @property
    def name(self) -> str:
        """Says that it is a part."""
        return f"{self._corpus.name} (kept back)"

    @property
    def notes(self) -> tuple[str, ...]:
        """The corpus's."""
        return self._corpus.notes

    def pairs(self) -> tuple[LanguagePair, ...]:
        """All pairs of the corpus, whether anything of them was kept back or not."""
        return self._corpus.pairs()

    def readable(self) -> tuple[LanguagePair, ...]:
        """The corpus's."""
        return self._corpus.readable()

    def splits(self, pair: LanguagePair) -> tuple[str, ...]:
        """The corpus's."""
        return self._corpus.splits(pair)

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
        if not len(found := self._kept.only_kept(bitext)):
            raise CorpusError(
                f"Nothing of {bitext.pair} in {self._corpus.name} was kept back: the list is of {self._kept.corpus}. Leave "
                "the pair out, or name the corpus that the model was trained from."
            )
        return found
