"""The half of a corpus's training text that a model does not read, so that there is something left to learn from it.

What is guaranteed: no sentence stands in both halves, in whatever pair and on whatever side. Sentences that are
translations of one another, over any number of steps and pairs, form a group, and a group is kept back or read as a whole.
Two sentences of a language are the same where `folded` says so.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pseudofam_core.corpora.bitext import Bitext, ParallelCorpus
from pseudofam_core.corpora.held_out import folded, held_out, without
from pseudofam_core.errors import CorpusError

KEPT_BACK_FILE = "kept_back.json"
_DIGITS = 16  # of SHA-256, in hexadecimal: two of a million sentences coincide with a chance of 3e-8

_Sentence = tuple[str, str]  # language, digest


@dataclass(frozen=True)
class KeptBack:
    """Which sentences of a corpus a model has not read.

    Attributes:
        corpus: Its name, for messages.
        corpus_digest: SHA-256 over the training text of all its pairs, as it was split.
        share: The share of the groups of sentences that was asked for.
        seed: Of the split.
        sentences: Digests of the sentences kept back, by language; see `sentence_digest`.
    """

    corpus: str
    corpus_digest: str
    share: float
    seed: int
    sentences: Mapping[str, Set[str]]

    def without_kept(self, bitext: Bitext) -> Bitext:
        """The rows of which neither side is kept back."""
        return self._rows(bitext, kept=False)

    def only_kept(self, bitext: Bitext) -> Bitext:
        """The rows of which both sides are kept back."""
        return self._rows(bitext, kept=True)

    def _rows(self, bitext: Bitext, *, kept: bool) -> Bitext:
        sides = ((bitext.pair.source, bitext.sources), (bitext.pair.target, bitext.targets))
        marks = [[sentence_digest(line) in self.sentences.get(code, ()) for line in lines] for code, lines in sides]
        return bitext.rows(i for i, both in enumerate(zip(*marks, strict=True)) if both == (kept, kept))


def keep_back(corpus: ParallelCorpus, *, share: float, seed: int) -> KeptBack:
    """Split the training text of all pairs of a corpus, whichever of them will be read.

    Dev and test sentences of the corpus are not listed, and whoever reads the other half must leave them out. A group of
    sentences (see above) is kept back where the hash of its first member and the seed says so; where pairs share few
    sentences, groups are small, and the halves come out as asked for. Text whose sentences are all joined can't be split,
    and is refused.

    Args:
        corpus: What is split.
        share: Of the groups, between 0 and 1, both left out.
        seed: Of the split; another one keeps back other groups.

    Raises:
        ValueError: `share` is out of range.
        CorpusError: A train split can't be read, or one of the halves would be empty.
    """
    if not 0 < share < 1:
        raise ValueError(f"keep_back must be between 0 and 1. Got {share}.")
    pairs = [pair for pair in corpus.pairs() if "train" in corpus.splits(pair)]
    held = held_out(corpus, corpus.pairs(), seed=seed)
    sha = hashlib.sha256()
    rows: list[tuple[_Sentence, _Sentence]] = []
    for pair in pairs:
        bitext = without(corpus.read(pair, "train").complete, held)
        sha.update(f"{bitext.digest}\n".encode())
        rows += zip(_sentences(pair.source, bitext.sources), _sentences(pair.target, bitext.targets), strict=True)
    kept: defaultdict[str, set[str]] = defaultdict(set)
    n_read = 0
    for group in _groups(rows):
        if _falls_below(share, f"{seed}\0{min(group)}"):
            for language, digest in group:
                kept[language].add(digest)
        else:
            n_read += 1
    if not kept or not n_read:
        raise CorpusError(
            f"The training text of {corpus.name} can't be split: its sentences are all joined by shared translations. "
            "Take another corpus or another share."
        )
    return KeptBack(corpus.name, sha.hexdigest(), share, seed, dict(kept))


def sentence_digest(sentence: str) -> str:
    """The first 16 hexadecimal digits of SHA-256 of a sentence as it is compared (`folded`)."""
    return hashlib.sha256(folded(sentence).encode()).hexdigest()[:_DIGITS]


def write_kept_back(kept: KeptBack, folder: Path) -> None:
    """List the sentences kept back beside a model, as ``kept_back.json``: digests alone, no text."""
    sentences = {language: sorted(digests) for language, digests in sorted(kept.sentences.items())}
    text = json.dumps({**vars(kept), "sentences": sentences}, ensure_ascii=False, indent=0)
    beside = folder / f"{KEPT_BACK_FILE}.partial"
    beside.write_text(text, encoding="utf-8")
    beside.replace(folder / KEPT_BACK_FILE)


def read_kept_back(folder: Path) -> KeptBack:
    """What the model in a folder has not read.

    Raises:
        CorpusError: The folder lists nothing, or the list is damaged.
    """
    path = folder.expanduser() / KEPT_BACK_FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CorpusError(
            "There is no list of sentences that the model has kept back. Name the folder of a model that was trained with "
            "`pretrain --keep-back`.",
            path=path,
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(f"The list of sentences kept back can't be read: {error!r}.", path=path) from error


@functools.lru_cache(maxsize=4)
def _read(path: Path, mtime_ns: int) -> KeptBack:
    values = json.loads(path.read_text(encoding="utf-8"))
    sentences = {language: frozenset(digests) for language, digests in values["sentences"].items()}
    return KeptBack(**{**values, "sentences": sentences})


def _sentences(language: str, lines: Iterable[str]) -> list[_Sentence]:
    return [(language, sentence_digest(line)) for line in lines]


def _groups(rows: Sequence[tuple[_Sentence, _Sentence]]) -> Iterable[list[_Sentence]]:
    """The sentences that rows join, over any number of steps."""
    place = {sentence: i for i, sentence in enumerate(dict.fromkeys(sentence for row in rows for sentence in row))}
    sources, targets = ([place[row[side]] for row in rows] for side in (0, 1))
    # Opening SciPy takes a moment that the first page, which asks this room for a corpus, must not wait for.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = coo_array((np.ones(len(rows), np.int8), (sources, targets)), shape=(len(place), len(place)))
    groups: defaultdict[int, list[_Sentence]] = defaultdict(list)
    for sentence, group in zip(place, connected_components(joined, directed=False)[1], strict=True):
        groups[int(group)].append(sentence)
    return groups.values()


def _falls_below(share: float, text: str) -> bool:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") < share * 2**64
