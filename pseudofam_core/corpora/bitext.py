"""What every reader returns: aligned sentences of one pair, and the promise of a corpus."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from pseudofam_core.languages import LanguagePair

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Bitext:
    """Aligned sentences of one pair and split: ``sources[i]`` translates to ``targets[i]``.

    Where the pair is of a language with itself, ``targets[i]`` is a label of the text, or the answer to the prompt.

    Raises:
        ValueError: The two sides differ in length.
    """

    pair: LanguagePair
    split: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse sides of different length."""
        if len(self.sources) != len(self.targets):
            raise ValueError(f"sources and targets must align. Got {len(self.sources)} and {len(self.targets)} lines.")

    def __len__(self) -> int:
        """Number of sentence pairs."""
        return len(self.sources)

    def rows(self, indices: Iterable[int]) -> Bitext:
        """The rows at these places, in their order."""
        kept = list(indices)
        sources, targets = (tuple(side[i] for i in kept) for side in (self.sources, self.targets))
        return replace(self, sources=sources, targets=targets)

    @property
    def complete(self) -> Bitext:
        """The rows of which neither side is blank: what can be trained on and scored."""
        kept = [i for i in range(len(self)) if self.sources[i].strip() and self.targets[i].strip()]
        return self if len(kept) == len(self) else self.rows(kept)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the pair and both sides, in hexadecimal: equal exactly where the text is equal."""
        sha = hashlib.sha256(str(self.pair).encode())
        for line in (*self.sources, *self.targets):
            sha.update(b"\0" + line.encode())
        return sha.hexdigest()


class ParallelCorpus(Protocol):
    """A named source of bitexts. Opening one reads no text; `read` does."""

    @property
    def name(self) -> str:
        """Short name, for labels and manifests."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of what is not read, or is read as something else: a sentence each."""
        ...

    def pairs(self) -> tuple[LanguagePair, ...]:
        """The pairs it holds, sorted."""
        ...

    def readable(self) -> tuple[LanguagePair, ...]:
        """Every two languages that can be read side by side, in one direction, sorted; most corpora list fewer."""
        ...

    def splits(self, pair: LanguagePair) -> tuple[str, ...]:
        """The splits that exist for `pair`, in the order train, dev, test."""
        ...

    def read(self, pair: LanguagePair, split: str) -> Bitext:
        """Read one split of one pair. Rows that are aligned over all languages keep their place: some may be blank.

        Raises:
            CorpusError: The split is missing, empty or damaged, or there are several; the message names file and line.
        """
        ...

    def read_all(self, pair: LanguagePair, split: str) -> tuple[Bitext, ...]:
        """Every text of a split: more than one where nobody has said which is meant, or others are left aside.

        Raises:
            CorpusError: One is missing, empty or damaged.
        """
        ...
