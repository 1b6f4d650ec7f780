"""What each pair contributed to a run, counted from its plan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pseudofam_core.finetuning.plan import Plan
from pseudofam_core.finetuning.runs import Contribution
from pseudofam_core.languages import LanguagePair

Counts = npt.NDArray[np.int64]


class Ledger:
    """Adds up a plan's updates, in order.

    Args:
        plan: The batches.
        pairs: The pairs, the target first.
        source_lengths: Tokens of every source sentence, by pair.
        target_lengths: Tokens of every target sentence, by pair.
    """

    def __init__(
        self,
        plan: Plan,
        pairs: Sequence[LanguagePair],
        source_lengths: Sequence[Counts],
        target_lengths: Sequence[Counts],
    ) -> None:
        """Open at update 0."""
        self._pairs, self._updates, self._at = pairs, plan.updates(), 0
        self._available = [*map(len, source_lengths)]
        self._pair_of = np.repeat(np.arange(len(pairs)), self._available)
        self._tokens = np.concatenate(source_lengths), np.concatenate(target_lengths)
        self._read = np.zeros((4, len(pairs)), dtype=np.int64)  # sentences, source tokens, target tokens, updates

    def n_tokens(self, update: int) -> int:
        """Source and target tokens read up to an update, which must not lie before the last one asked for."""
        self._advance(update)
        return int(self._read[1:3].sum())

    def contributions(self, update: int) -> tuple[Contribution, ...]:
        """What each pair gave up to an update, which must not lie before the last one asked for."""
        self._advance(update)
        counts = zip(self._pairs, self._available, *self._read.tolist(), strict=True)
        return tuple(Contribution(*count) for count in counts)

    def _advance(self, update: int) -> None:
        while self._at < update:
            sentences = next(self._updates)
            which, n = self._pair_of[sentences], len(self._pairs)
            counted = np.bincount(which, minlength=n)
            tokens = [
                np.bincount(which, weights=lengths[sentences], minlength=n).astype(np.int64) for lengths in self._tokens
            ]
            self._read += np.stack([counted, *tokens, counted > 0])
            self._at += 1
