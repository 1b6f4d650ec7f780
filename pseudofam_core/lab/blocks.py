"""Estimates whose sentences are dealt into many blocks (shards), so that their parts can be combined without another pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pseudofam_core.estimates import drawn_text, pool_of
from pseudofam_core.estimates.spec import Estimator, Workspace
from pseudofam_core.lab.ready import Texts
from pseudofam_core.languages import LanguagePair

FEWEST, MOST = 8, 24
_USUAL = 16


def blocked(workspace: Workspace, others: tuple[str, ...]) -> dict[str, Workspace]:
    """The workspace's estimates with a block for each pair, or with its own shards where they are enough; in large pools 16."""
    n_pairs = len(pool_of(workspace))
    n_blocks = n_pairs if FEWEST <= n_pairs <= MOST else _USUAL
    if max(n_pairs, FEWEST) <= workspace.shards <= MOST:
        n_blocks = workspace.shards
    return {"blocks": replace(workspace, estimator=Estimator.PER_SENTENCE, mini_batches=None, shards=n_blocks)}


def same_lines(texts: Texts) -> bool:
    """Whether all pairs have the same sentences in the same order, so that block s is the same text for each."""
    sides = ({text.targets for text in texts.values()}, {text.sources for text in texts.values()})
    return min(map(len, sides)) == 1


def drawn_together(workspace: Workspace, pairs: Sequence[LanguagePair]) -> bool:
    """The same of the texts that a workspace's estimates have read."""
    return same_lines({pair: drawn_text(workspace, pair)[0] for pair in pairs})
