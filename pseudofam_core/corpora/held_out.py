"""What is kept apart for choosing and scoring: dev and test sentences, out of all that is trained on or estimated from.

That matters in corpora whose pairs share sentences: the English side of an auxiliary may hold the target's test
sentence. Two sentences count as equal where their letters, marks and digits are, whatever their case.
"""

from __future__ import annotations

import hashlib
import logging
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

from pseudofam_core.corpora.bitext import Bitext, ParallelCorpus
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair

logger = logging.getLogger(__name__)
MOST_DEV_SENTENCES = 250
DEV_SHARE = 0.2

# Folded sentences by language.
HeldOut = Mapping[str, Set[str]]


def held_out(corpus: ParallelCorpus, pairs: Iterable[LanguagePair], *, seed: int) -> HeldOut:
    """The dev and test sentences of `pairs`, both sides. A pair whose splits can't be read can't be scored either."""
    return sentences_of(bitext for pair in pairs for bitext in _evaluated(corpus, pair, seed))


def _evaluated(corpus: ParallelCorpus, pair: LanguagePair, seed: int) -> list[Bitext]:
    try:
        splits = corpus.splits(pair)
        texts = [text for split in ("dev", "test") if split in splits for text in corpus.read_all(pair, split)]
        return texts if "dev" in splits else [dev_rows(corpus, pair, seed=seed), *texts]
    except CorpusError as error:
        logger.warning("Nothing of %s is held out: %s", pair, error)
        return []


def dev_rows(corpus: ParallelCorpus, pair: LanguagePair, *, seed: int) -> Bitext:
    """A pair's dev split, or, where the corpus has none, rows that are set apart from its train split.

    Then those rows are taken whose sentence on the pool's common side (English where it is one, else the target side)
    has the smallest SHA-256 together with the seed: a fifth of the rows, 250 at most. So pairs that share
    their sentences set apart the same ones, whatever rows they lack. Empty where the pair lacks train or test: what can't
    be scored needs no dev.

    Raises:
        CorpusError: A split can't be read.
    """
    if "dev" in corpus.splits(pair):
        return corpus.read(pair, "dev").complete
    if not {"train", "test"} <= set(corpus.splits(pair)):
        return Bitext(pair, "dev", (), ())
    train = corpus.read(pair, "train").complete
    common = train.sources if pair.source == "en" else train.targets
    ranks = [hashlib.sha256(f"{seed}\0{folded(line)}".encode()).digest() for line in common]
    n_dev = min(MOST_DEV_SENTENCES, max(1, int(len(train) * DEV_SHARE)))
    limit = sorted(ranks)[n_dev - 1]  # repetitions of a sentence go together
    return replace(train.rows(i for i, rank in enumerate(ranks) if rank <= limit), split="dev")


def folded(sentence: str) -> str:
    """A sentence as it is compared: letters, marks and digits in lower case; the sentence itself where it has none."""
    normal = unicodedata.normalize("NFKC", sentence).casefold()
    return "".join(character for character in normal if unicodedata.category(character)[0] in "LMN") or normal.strip()


def sentences_of(bitexts: Iterable[Bitext]) -> HeldOut:
    """Folded sentences by language."""
    sentences: defaultdict[str, set[str]] = defaultdict(set)
    for bitext in bitexts:
        sentences[bitext.pair.source].update(map(folded, bitext.sources))
        sentences[bitext.pair.target].update(map(folded, bitext.targets))
    return sentences


def without(bitext: Bitext, held_out: HeldOut) -> Bitext:
    """The rows of a bitext of which neither side is held out."""
    sources = held_out.get(bitext.pair.source, frozenset())
    targets = held_out.get(bitext.pair.target, frozenset())
    rows = zip(bitext.sources, bitext.targets, strict=True)
    return bitext.rows(
        i for i, row in enumerate(rows) if folded(row[0]) not in sources and folded(row[1]) not in targets
    )
