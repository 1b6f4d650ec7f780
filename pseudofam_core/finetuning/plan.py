"""Which sentences each update reads: decided by seed beforehand, so that a resumed run sees the same ones.

Every pair has a stream of its own: its sentences shuffled, again and again, by seed and pair. All arms of a target read
the same stream of target sentences; a pair that is drawn more often comes further in its stream.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.corpora.batches import shuffled_indices, token_batches
from pseudofam_core.finetuning.spec import Budget, BudgetMode, Recipe
from pseudofam_core.languages import LanguagePair

_CHUNK_BATCHES = 50  # sentences are drawn and sorted by length in chunks of about this many batches
Lengths = npt.NDArray[np.int64]
Batch = tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The batches of a run; each iteration gives the same ones. Serves a DataLoader as its ``batch_sampler``.

    Attributes:
        draw: Begins the batches anew: numbers of sentences, counted through all pairs, the target's first.
        n_batches: How many there are.
        accumulation: Batches of an update; the last update may have fewer.
    """

    draw: Callable[[], Iterator[Batch]]
    n_batches: int
    accumulation: int

    def __iter__(self) -> Iterator[Batch]:
        """The batches, in order."""
        return itertools.islice(self.draw(), self.n_batches)

    def __len__(self) -> int:
        """Number of batches."""
        return self.n_batches

    @property
    def n_updates(self) -> int:
        """Updates in all."""
        return -(-self.n_batches // self.accumulation)

    def updates(self) -> Iterator[list[int]]:
        """Sentence numbers of each update."""
        batches = iter(self)
        while update := list(itertools.islice(batches, self.accumulation)):
            yield [sentence for batch in update for sentence in batch]


def plan_batches(
    lengths: Sequence[Lengths],
    pairs: Sequence[LanguagePair],
    budget: Budget,
    recipe: Recipe,
    *,
    seed: int,
    n_processes: int = 1,
) -> Plan:
    """Decide the batches of a run.

    Args:
        lengths: Tokens of each sentence (of its longer side) by pair, the target's first.
        pairs: The pairs that `lengths` belong to.
        budget: How many: `Budget.updates` of them where training stops early or updates are equal; with equal target
            tokens, as many as it takes to read the sentences that the target alone would have read.
        recipe: Batch size, accumulation, temperature.
        seed: Of streams, mixture and order.
        n_processes: That share the batches, as many of each update.
    """
    n_batches = budget.updates * recipe.accumulation
    if budget.mode is not BudgetMode.EQUAL_TARGET_TOKENS or len(pairs) == 1:
        return Plan(lambda: _Drawing(lengths, pairs, recipe, seed).endless(), n_batches, recipe.accumulation)
    alone = itertools.islice(_Drawing(lengths[:1], pairs[:1], recipe, seed).endless(), n_batches)
    batches = _Drawing(lengths, pairs, recipe, seed).around([sentence for batch in alone for sentence in batch])
    batches = _in_shares(batches, n_processes, at_least=len(batches) // recipe.accumulation * recipe.accumulation)
    return Plan(lambda: iter(batches), len(batches), recipe.accumulation)


class _Drawing:
    """Draws sentences of several pairs and groups them."""

    def __init__(self, lengths: Sequence[Lengths], pairs: Sequence[LanguagePair], recipe: Recipe, seed: int) -> None:
        self._lengths = np.concatenate(list(lengths))
        self._max_tokens = recipe.batch_tokens
        sizes = np.array([len(one) for one in lengths])
        self._starts = np.cumsum(sizes) - sizes
        self._weights = np.ones(len(pairs)) if recipe.temperature is None else sizes ** (1 / recipe.temperature)
        self._streams = [_stream(int(n), f"{seed} {pair}") for n, pair in zip(sizes, pairs, strict=True)]
        self._chunk = max(1, int(_CHUNK_BATCHES * self._max_tokens / self._lengths.mean()))
        self._rng = np.random.default_rng(seed)

    def endless(self) -> Iterator[Batch]:
        """Batches of a mixture that never ends."""
        shares = self._weights / self._weights.sum()
        while True:
            yield from self._grouped(self._next(self._rng.choice(len(shares), size=self._chunk, p=shares)))

    def around(self, target_sentences: Sequence[int]) -> list[Batch]:
        """Batches of exactly these target sentences, and of auxiliaries in proportion to their weights."""
        counts = np.rint(len(target_sentences) * self._weights[1:] / self._weights[0]).astype(int)
        which = np.repeat(np.arange(1, len(self._weights)), counts)
        shuffled = self._rng.permutation(np.concatenate([np.asarray(target_sentences), self._next(which)]))
        chunks = np.array_split(shuffled, max(1, round(len(shuffled) / self._chunk)))
        return [batch for chunk in chunks for batch in self._grouped(chunk)]

    def _next(self, which: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The next sentence of each pair's stream that `which` names."""
        return np.array([self._starts[pair] + next(self._streams[pair]) for pair in which], dtype=np.int64)

    def _grouped(self, sentences: npt.NDArray[np.int64]) -> list[Batch]:
        """Batches of like length, in random order."""
        batches = token_batches(self._lengths[sentences].tolist(), max_tokens=self._max_tokens)
        return [tuple(sentences[batches[i]].tolist()) for i in self._rng.permutation(len(batches))]


def _in_shares(batches: Sequence[Batch], n: int, *, at_least: int) -> list[Batch]:
    """The batches, some halved, so that their number is a multiple of `n`; as near to it as it gets.

    Those from `at_least` on, of the last update, are halved where there are any to halve: its gradient stays the same.
    """
    shared = list(batches)
    while len(shared) % n:
        can_be = [at for at, batch in enumerate(shared) if len(batch) > 1]
        if not can_be:
            break
        in_last = [at for at in can_be if at >= at_least]
        at = max(in_last, key=lambda at: len(shared[at])) if in_last else can_be[-1]
        half = len(shared[at]) // 2
        shared[at : at + 1] = [shared[at][:half], shared[at][half:]]
    return shared


def _stream(n: int, name: str) -> Iterator[int]:
    """The sentences of a pair in ever new orders, decided by `name`."""
    for epoch in itertools.count():
        digest = hashlib.sha256(f"{name} {epoch}".encode()).digest()
        yield from shuffled_indices(n, seed=int.from_bytes(digest[:8], "big"))
