"""What an estimate reads: a workspace's corpus, its pool, and the sentences drawn of each pair."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

from pseudofam_core.corpora import Bitext, CleaningReport, ParallelCorpus, clean, open_corpus
from pseudofam_core.corpora.batches import shuffled_indices
from pseudofam_core.corpora.bitext import SPLITS
from pseudofam_core.corpora.held_out import HeldOut, held_out, without
from pseudofam_core.corpora.stamps import Stamp, stamp_of
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import SAMPLE


def sample_corpus() -> Path:
    """The folder of the sample corpus, which ships with the package."""
    return Path(__file__).parents[1] / "sample" / "corpus"


def corpus_of(workspace: Workspace) -> ParallelCorpus:
    """Open the workspace's corpus."""
    return open_corpus(source_of(workspace))


def source_of(workspace: Workspace) -> str:
    """Where the workspace's corpus is."""
    return str(sample_corpus()) if workspace.corpus == SAMPLE else workspace.corpus


def pool_of(workspace: Workspace) -> tuple[LanguagePair, ...]:
    """The workspace's pairs, sorted: those it names, or all that its corpus has in the split.

    Raises:
        CorpusError: The corpus lacks a pair, or has none in the split.
    """
    corpus = corpus_of(workspace)
    if workspace.pairs is not None:
        return tuple(sorted(workspace.pairs))
    pairs = tuple(pair for pair in corpus.pairs() if workspace.split in corpus.splits(pair))
    if not pairs:
        have = [split for split in SPLITS if any(split in corpus.splits(pair) for pair in corpus.pairs())]
        raise CorpusError(
            f"{corpus.name} has no pair with a split named {workspace.split!r}; it has {', '.join(have)}. Take that (`--split "
            f"{have[0]}`, or Split in the app), or, where the text is for training, name its files so (`{workspace.split}.be`)."
        )
    return pairs


def drawn_text(
    workspace: Workspace, pair: LanguagePair, *, held: HeldOut | None = None
) -> tuple[Bitext, CleaningReport]:
    """The sentences that an estimate reads: shuffled by seed, cleaned, the first `max_sentences` taken.

    Corpora that are aligned over all languages give every pair the same sentences, but for what cleaning drops. From
    train, the dev and test sentences of all the corpus's pairs are left out first (`held_out_of`), so that no family is
    chosen by sentences that will score it.

    Args:
        workspace: What was asked for.
        pair: One pair of its pool.
        held: What `held_out_of` gives, where the caller has it already.

    Raises:
        CorpusError: The split is missing or damaged, or nothing is left after cleaning.
    """
    stamp = stamp_of(source_of(workspace))
    if stamp is None or held is not None:
        return _drawn(workspace, pair, held_out_of(workspace) if held is None else held)
    return _drawn_before(replace(workspace, pairs=None), pair, stamp)


@functools.lru_cache(maxsize=1)  # an estimate draws it for its key, then for its gradients
def _drawn_before(workspace: Workspace, pair: LanguagePair, stamp: Stamp) -> tuple[Bitext, CleaningReport]:
    return _drawn(workspace, pair, held_out_of(workspace))


def _drawn(workspace: Workspace, pair: LanguagePair, held: HeldOut) -> tuple[Bitext, CleaningReport]:
    corpus = corpus_of(workspace)
    bitext = without(corpus.read(pair, workspace.split), held)
    order = shuffled_indices(len(bitext), seed=workspace.seed)
    cleaned, report = clean(bitext.rows(order), workspace.cleaning)
    if not len(cleaned):
        raise CorpusError(f"Cleaning left no sentence of {pair} in {corpus.name}. Loosen the cleaning steps.")
    return cleaned.rows(range(len(cleaned))[: workspace.max_sentences]), report


def held_out_of(workspace: Workspace) -> HeldOut:
    """What an estimate from train must not see: dev and test of all the corpus's pairs. Nothing for other splits."""
    if workspace.split != "train" or not workspace.cleaning.drop_held_out:
        return {}
    stamp = stamp_of(source_of(workspace))
    if stamp is None:
        return _held_out(workspace.corpus, workspace.seed)
    return _held_out_before(source_of(workspace), workspace.seed, stamp)


@functools.lru_cache(maxsize=2)  # a job reads one pair after the other, and what is held out is the same
def _held_out_before(source: str, seed: int, stamp: Stamp) -> HeldOut:
    return _held_out(source, seed)


def _held_out(source: str, seed: int) -> HeldOut:
    corpus = open_corpus(source)
    try:
        pairs = corpus.pairs()
    except CorpusError:  # without English none is listed, and any can be named
        if not (pairs := corpus.readable()):
            raise
    return held_out(corpus, pairs, seed=seed)
