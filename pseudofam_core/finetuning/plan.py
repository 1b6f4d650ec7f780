"""Which sentences each update reads: decided by seed beforehand, so that a resumed run sees the same ones.

Every pair has a stream of its own: its sentences shuffled, again and again, by seed and pair. All arms of a target read
the same stream of target sentences; a pair that is drawn more often comes further in its stream. What is drawn for how
long depends on the mode of the budget: see `budget`.

Batches are drawn while they are read. Equal target tokens shuffle all sentences of a run at once: those are kept, in 4
bytes each, and the sizes of the batches.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.corpora.batches import grouped, shuffled
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.languages import LanguagePair

_CHUNK_BATCHES = 50  # sentences are drawn and sorted by length in chunks of about this many batches
Lengths = npt.NDArray[np.int64]
Sentences = npt.NDArray[np.int32]
Sizes = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]
Batch = tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The batches of a run; each iteration gives the same ones. Serves a DataLoader as its ``batch_sampler``.

    Attributes:
        draw: Begins the batches anew: numbers of sentences, counted through all pairs, the target's first.
        n_batches: How many there are.
        accumulation: Batches of an update; the last update may have fewer.
    """

    draw: Callable[[], Iterator[Sentences]]
    n_batches: int
    accumulation: int

    def __iter__(self) -> Iterator[Batch]:
        """The batches, in order."""
        return (tuple(batch.tolist()) for batch in self._batches())

    def __len__(self) -> int:
        """Number of batches."""
        return self.n_batches

    @property
    def n_updates(self) -> int:
        """Updates in all."""
        return -(-self.n_batches // self.accumulation)

    def updates(self) -> Iterator[Sentences]:
        """Sentence numbers of each update."""
        batches = self._batches()
        while update := list(itertools.islice(batches, self.accumulation)):
            yield np.concatenate(update)

    def share(self, rank: int, n: int) -> Plan:
        """Every n-th batch from the one at `rank` on: what one of `n` processes reads.

        Raises:
            ValueError: An update, perhaps the last one, has not as many batches for each of them.
        """
        if self.n_batches % n or self.accumulation % n:
            raise ValueError(
                f"processes must share {self.n_batches} batches, {self.accumulation} an update, evenly. Got {n} "
                "processes. Start fewer of them, or change the budget by an update."
            )
        return Plan(
            lambda: itertools.islice(self._batches(), rank, None, n), self.n_batches // n, self.accumulation // n
        )

    def _batches(self) -> Iterator[Sentences]:
        return itertools.islice(self.draw(), self.n_batches)


def mixture(
    lengths: Sequence[Lengths],
    pairs: Sequence[LanguagePair],
    recipe: Recipe,
    *,
    weights: Weights,
    n_updates: int,
    seed: int,
    n_processes: int,
) -> Plan:
    """Exactly so many updates, which all pairs share by their weights; see `Budget.plan`.

    Every update has the recipe's batches, so that nothing depends on `n_processes`.
    """
    n_batches = n_updates * recipe.accumulation
    return Plan(lambda: _streaming(lengths, pairs, recipe, weights, seed).endless(), n_batches, recipe.accumulation)


def drawn_anew(lengths: Sequence[Lengths], *, n_batches: int, max_tokens: int, temperature: float, seed: int) -> Plan:
    """Batches of a mixture, an update each, whose sentences are drawn again and again without regard to those before.

    Args:
        lengths: Tokens of every sentence, by pair.
        n_batches: How many; more of them with the same seed begin with fewer.
        max_tokens: Padded tokens of a batch.
        temperature: See `Recipe.temperature`.
        seed: Of the draw.
    """
    weights = pair_weights([*map(len, lengths)], temperature)
    return Plan(lambda: _Drawing(lengths, weights, max_tokens, seed).endless(), n_batches, 1)


def around_target(
    lengths: Sequence[Lengths],
    pairs: Sequence[LanguagePair],
    recipe: Recipe,
    *,
    weights: Weights,
    n_updates: int,
    seed: int,
    n_processes: int,
) -> Plan:
    """The target sentences that the target alone would read in so many updates, and auxiliaries by their weights on top.

    See `Budget.plan`. As many updates as that takes.
    """
    alone = mixture(
        lengths[:1], pairs[:1], recipe, weights=weights[:1], n_updates=n_updates, seed=seed, n_processes=n_processes
    )
    if len(pairs) == 1:
        return alone
    sentences, sizes = _streaming(lengths, pairs, recipe, weights, seed).around(np.concatenate(list(alone.updates())))
    n_in_full = len(sizes) // recipe.accumulation * recipe.accumulation
    ends = np.cumsum(_in_shares(sizes, n_processes, at_least=n_in_full))
    return Plan(lambda: _cut(sentences, ends), len(ends), recipe.accumulation)


def pair_weights(sizes: Sequence[int], temperature: float | None, given: Sequence[float] = ()) -> Weights:
    """Weight of each pair, the target's first: by its number of sentences (`Recipe.temperature`), times `TrainingSpec.weights`."""
    by_size = np.ones(len(sizes)) if temperature is None else np.asarray(sizes) ** (1 / temperature)
    return by_size * [1.0, *given] if given else by_size


class _Drawing:
    """Draws sentences of several pairs, each anew, and groups them."""

    def __init__(self, lengths: Sequence[Lengths], weights: Weights, max_tokens: int, seed: int) -> None:
        every = np.concatenate(list(lengths))
        self._lengths = every.astype(np.min_scalar_type(every.max()))  # sorted faster when small
        self._max_tokens, self._weights = max_tokens, weights
        self._sizes = np.array([*map(len, lengths)])
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._chunk = max(1, int(_CHUNK_BATCHES * max_tokens / every.mean()))
        self._rng = np.random.default_rng(seed)

    def endless(self) -> Iterator[Sentences]:
        """Batches of a mixture that never ends."""
        shares = self._weights / self._weights.sum()
        while True:
            yield from self._grouped(self._next(self._rng.choice(len(shares), size=self._chunk, p=shares)))

    def _next(self, which: npt.NDArray[np.int64]) -> Sentences:
        """A sentence of each pair that `which` names."""
        drawn = self._starts[which] + (self._rng.random(len(which)) * self._sizes[which]).astype(int)
        return drawn.astype(np.int32)

    def _grouped(self, sentences: Sentences) -> list[Sentences]:
        """Batches of like length, in random order."""
        order, ends = grouped(self._lengths[sentences], max_tokens=self._max_tokens)
        batches = np.split(sentences[order], ends[:-1])
        return [batches[i] for i in self._rng.permutation(len(batches))]


class _Streaming(_Drawing):
    """Draws every pair's sentences in the order of its stream."""

    def __init__(
        self,
        lengths: Sequence[Lengths],
        weights: Weights,
        max_tokens: int,
        seed: int,
        pairs: Sequence[LanguagePair],
    ) -> None:
        super().__init__(lengths, weights, max_tokens, seed)
        named = zip(self._sizes.tolist(), self._starts.tolist(), pairs, strict=True)
        self._streams = [_Stream(n, start, f"{seed} {pair}") for n, start, pair in named]

    def around(self, target_sentences: Sentences) -> tuple[Sentences, Sizes]:
        """Exactly these target sentences, and auxiliaries in proportion to their weights.

        Returns:
            The sentences of all batches, one batch after the other, and the number of sentences of each batch.
        """
        counts = np.rint(len(target_sentences) * self._weights[1:] / self._weights[0]).astype(int)
        ends = np.cumsum([len(target_sentences), *counts])
        sentences = np.empty(ends[-1], dtype=np.int32)
        for begin, end, stream in zip(ends[:-1], ends[1:], self._streams[1:], strict=True):
            sentences[begin:end] = stream.take(end - begin)
        sentences[: ends[0]] = target_sentences
        self._rng.shuffle(sentences)
        sizes = []
        for chunk in np.array_split(sentences, max(1, round(len(sentences) / self._chunk))):
            batches = self._grouped(chunk)
            sizes += [len(batch) for batch in batches]
            chunk[:] = np.concatenate(batches)
        return sentences, np.array(sizes)

    def _next(self, which: npt.NDArray[np.int64]) -> Sentences:
        """The next sentence of each pair's stream that `which` names."""
        sentences = np.empty(len(which), dtype=np.int32)
        for pair, stream in enumerate(self._streams):
            named = which == pair
            sentences[named] = stream.take(int(named.sum()))
        return sentences


def _streaming(
    lengths: Sequence[Lengths], pairs: Sequence[LanguagePair], recipe: Recipe, weights: Weights, seed: int
) -> _Streaming:
    return _Streaming(lengths, weights, recipe.batch_tokens, seed, pairs)


class _Stream:
    """The sentences of a pair in ever new orders, decided by `name`; their numbers begin at `start`."""

    def __init__(self, n: int, start: int, name: str) -> None:
        self._n, self._start, self._name = n, start, name
        self._epoch, self._left = 0, np.empty(0, dtype=np.int32)

    def take(self, size: int) -> Sentences:
        """The next `size` sentences."""
        taken = [self._left[:size]]
        self._left, size = self._left[size:], size - len(taken[0])
        while size > 0:
            shuffled = self._shuffled()
            taken.append(shuffled[:size])
            self._left, size = shuffled[size:], size - len(taken[-1])
        return np.concatenate(taken)

    def _shuffled(self) -> Sentences:
        """The order of the next epoch."""
        digest = hashlib.sha256(f"{self._name} {self._epoch}".encode()).digest()
        self._epoch += 1
        return shuffled(self._n, seed=int.from_bytes(digest[:8], "big")) + np.int32(self._start)


def _in_shares(sizes: Sizes, n: int, *, at_least: int) -> Sizes:
    """Sizes of the batches, some halved, so that their number is a multiple of `n`; as near to it as it gets.

    Those from `at_least` on, of the last update, are halved where there are any to halve: its gradient stays the same.
    """
    while len(sizes) % n:
        can_be = np.flatnonzero(sizes > 1)
        if not len(can_be):
            break
        in_last = can_be[can_be >= at_least]
        at = in_last[np.argmax(sizes[in_last])] if len(in_last) else can_be[-1]
        half = sizes[at] // 2
        sizes = np.concatenate([sizes[:at], [half, sizes[at] - half], sizes[at + 1 :]])
    return sizes


def _cut(sentences: Sentences, ends: Sizes) -> Iterator[Sentences]:
    """The sentences in batches that end where `ends` says."""
    begin = 0
    for end in ends:
        yield sentences[begin:end]
        begin = end
