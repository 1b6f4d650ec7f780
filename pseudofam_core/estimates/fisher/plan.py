"""Which sentences go through the model together, in which order, and to which shard they belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pseudofam_core.corpora.batches import shuffled_indices, token_batches
from pseudofam_core.estimates.spec import MiniBatches


@dataclass(frozen=True)
class Step:
    """What is added to the totals at once.

    Attributes:
        shard: The shard it belongs to.
        batches: Indices of sentences: one batch, or those of one training update.
    """

    shard: int
    batches: tuple[tuple[int, ...], ...]

    @property
    def n_sentences(self) -> int:
        """Sentences in all its batches."""
        return sum(map(len, self.batches))


def sentence_steps(lengths: Sequence[int], *, batch_tokens: int, shards: int) -> list[Step]:
    """Batches of sentences of similar length, shard after shard.

    Sentence n is of shard n mod S. Sentences are drawn in random order, so shards are random; and where pairs have
    the same sentences in the same order, sentence n is in the same shard for every pair.
    """
    steps = []
    for shard in range(min(shards, len(lengths))):
        members = range(shard, len(lengths), shards)
        batches = token_batches([lengths[i] for i in members], max_tokens=batch_tokens)
        # Shuffled, so that the rate foretells the rest.
        for place in shuffled_indices(len(batches), seed=shard):
            steps.append(Step(shard, (tuple(members[i] for i in batches[place]),)))
    return steps


def update_steps(lengths: Sequence[int], mini_batches: MiniBatches, *, shards: int, seed: int) -> list[Step]:
    """Training updates in random order, shard after shard.

    The batches are those of the whole text, as in training; update n is of shard n mod S.
    """
    batches = token_batches(lengths, max_tokens=mini_batches.tokens)
    order = shuffled_indices(len(batches), seed=seed)
    n = mini_batches.accumulation
    updates = [tuple(tuple(batches[i]) for i in order[start : start + n]) for start in range(0, len(order), n)]
    dealt = [(shard, update) for shard in range(shards) for update in updates[shard::shards]]
    return [Step(shard, update) for shard, update in dealt]
