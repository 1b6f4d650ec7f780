"""The text of a target's runs: what is trained on, what chooses the weights, what is scored, and no overlap of these.

Dev and test sentences of the target and of every pair of the pool are kept out of all training text, by either side.
That matters in corpora whose pairs share sentences: the English side of an auxiliary may hold the target's test
sentence. Two sentences count as equal where their letters, marks and digits are, whatever their case.
"""

from __future__ import annotations

import functools
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pseudofam_core.corpora import Bitext, ParallelCorpus, clean, sample_indices
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import corpus_of, pool_of
from pseudofam_core.finetuning.spec import TextCut
from pseudofam_core.languages import LanguagePair
from pseudofam_core.specs import Workspace

MOST_DEV_SENTENCES = 250
DEV_SHARE = 0.2


class FinetuneTexts:
    """Training, dev and test text for one target of a workspace. Each part is read once, when it is asked for.

    Args:
        workspace: Names corpus, pool, cleaning and seed. Held-out sentences are dropped whatever its cleaning says.
        target: The pair that is adapted to.
        cut: How much training text to take.

    Raises:
        CorpusError: The target has no train or no test split.
    """

    def __init__(self, workspace: Workspace, target: LanguagePair, cut: TextCut) -> None:
        """Open the corpus; no text is read yet."""
        self.workspace, self.target, self.cut = workspace, target, cut
        self._corpus = corpus_of(workspace)
        self._pool = tuple(sorted({target, *pool_of(workspace)}))
        if lacking := {"train", "test"} - set(self._corpus.splits(target)):
            raise CorpusError(
                f"{self._corpus.name} has no {' and no '.join(sorted(lacking))} split for {target}. Fine-tuning needs both."
            )
        self._trained: dict[LanguagePair, Bitext] = {}

    @functools.cached_property
    def test(self) -> Bitext:
        """The target's test split, untouched."""
        return self._corpus.read(self.target, "test")

    @functools.cached_property
    def dev(self) -> Bitext:
        """The target's dev split without its test sentences; see `dev_rows` where the corpus has none.

        Raises:
            CorpusError: Nothing is left.
        """
        dev = _without(dev_rows(self._corpus, self.target, seed=self.workspace.seed), _sentences([self.test]))
        return _filled(dev, "dev", self._corpus.name)

    def train(self, pair: LanguagePair) -> Bitext:
        """What a pair gives to training: cleaned, without anybody's dev and test sentences, cut.

        Raises:
            CorpusError: The pair has no train split, or nothing is left of it.
        """
        if pair not in self._trained:
            self._trained[pair] = self._read_train(pair)
        return self._trained[pair]

    @functools.cached_property
    def _held_out(self) -> Mapping[str, set[str]]:
        evaluated = [dev_rows(self._corpus, pair, seed=self.workspace.seed) for pair in self._pool]
        evaluated += [self._corpus.read(pair, "test") for pair in self._pool if "test" in self._corpus.splits(pair)]
        return _sentences(evaluated)

    def _read_train(self, pair: LanguagePair) -> Bitext:
        apart = _without(self._corpus.read(pair, "train"), self._held_out)
        cleaned, _ = clean(apart, replace(self.workspace.cleaning, drop_held_out=False))
        limit = self.cut.target_sentences if pair == self.target else self.cut.auxiliary_sentences
        kept = sample_indices(len(cleaned), min(len(cleaned), limit or len(cleaned)), seed=self.workspace.seed)
        return _filled(_rows(cleaned, kept), "train", self._corpus.name)


def open_texts(workspace: Workspace, target: LanguagePair, cut: TextCut | None = None) -> FinetuneTexts:
    """The text of a target's runs; see `FinetuneTexts`."""
    return FinetuneTexts(workspace, target, cut or TextCut())


def dev_rows(corpus: ParallelCorpus, pair: LanguagePair, *, seed: int) -> Bitext:
    """A pair's dev split, or, where the corpus has none, rows that are set apart from its train split.

    Then those rows are taken whose sentence on the pool's common side (English where it is one, else the target side)
    has the smallest SHA-256 together with the seed: a fifth of the rows, 250 at most. So pairs that share
    their sentences set apart the same ones, whatever rows they lack. Empty where the pair has neither split.
    """
    if "dev" in corpus.splits(pair):
        return corpus.read(pair, "dev")
    if "train" not in corpus.splits(pair):
        return Bitext(pair, "dev", (), ())
    train = corpus.read(pair, "train")
    common = train.sources if pair.source == "en" else train.targets
    ranks = [hashlib.sha256(f"{seed}\0{folded(line)}".encode()).digest() for line in common]
    n_dev = min(MOST_DEV_SENTENCES, max(1, int(len(train) * DEV_SHARE)))
    limit = sorted(ranks)[n_dev - 1]  # repetitions of a sentence go together
    return replace(_rows(train, [i for i, rank in enumerate(ranks) if rank <= limit]), split="dev")


def folded(sentence: str) -> str:
    """A sentence as it is compared: letters, marks and digits in lower case; the sentence itself where it has none."""
    normal = unicodedata.normalize("NFKC", sentence).casefold()
    return "".join(one for one in normal if unicodedata.category(one)[0] in "LMN") or normal.strip()


def _sentences(bitexts: Iterable[Bitext]) -> Mapping[str, set[str]]:
    """Folded sentences by language."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for bitext in bitexts:
        found[bitext.pair.source].update(map(folded, bitext.sources))
        found[bitext.pair.target].update(map(folded, bitext.targets))
    return found


def _without(bitext: Bitext, held_out: Mapping[str, set[str]]) -> Bitext:
    sources = held_out.get(bitext.pair.source, set())
    targets = held_out.get(bitext.pair.target, set())
    rows = zip(bitext.sources, bitext.targets, strict=True)
    return _rows(
        bitext, [i for i, row in enumerate(rows) if folded(row[0]) not in sources and folded(row[1]) not in targets]
    )


def _rows(bitext: Bitext, indices: Iterable[int]) -> Bitext:
    kept = list(indices)
    sources, targets = (tuple(side[i] for i in kept) for side in (bitext.sources, bitext.targets))
    return Bitext(bitext.pair, bitext.split, sources, targets)


def _filled(bitext: Bitext, split: str, name: str) -> Bitext:
    if not len(bitext):
        raise CorpusError(
            f"No {split} sentence of {bitext.pair} in {name} is left after cleaning and keeping dev and test apart."
        )
    return bitext
