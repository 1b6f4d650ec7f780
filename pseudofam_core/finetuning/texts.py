"""The text of a target's runs: what is trained on, what chooses the weights, what is scored, and no overlap of these.

Dev and test sentences of the target and of every pair of the pool are kept out of all training text, by either side.
`pseudofam_core.corpora.held_out` says what counts as equal. Families are told from estimates, and these may be of another
corpus, in which all languages have the same sentences: then too they must not have read what chooses or scores a model.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace

from pseudofam_core.corpora import Bitext, ParallelCorpus, clean, sample_indices
from pseudofam_core.corpora.held_out import HeldOut, dev_rows, held_out, sentences_of, without
from pseudofam_core.corpora.remembering import RememberingCorpus
from pseudofam_core.corpora.stamps import Stamp, stamp_of
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import corpus_of, drawn_text, held_out_of, pool_of, source_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning.spec import TextCut
from pseudofam_core.languages import LanguagePair


class _TrainingText:
    """What the pairs of a pool give to training, without anybody's dev and test sentences. Each is read once.

    Args:
        corpus: What is read.
        pool: The pairs whose dev and test are kept out.
        workspace: Names cleaning and seed.
    """

    def __init__(self, corpus: ParallelCorpus, pool: tuple[LanguagePair, ...], workspace: Workspace) -> None:
        """Keep them; no text is read yet."""
        self.pool = pool
        self._corpus, self._workspace = corpus, workspace
        self._kept: dict[tuple[LanguagePair, int | None], Bitext] = {}

    def of(self, pair: LanguagePair, limit: int | None) -> Bitext:
        """The text of a pair, cleaned, cut to `limit` sentences, or None for all.

        Raises:
            CorpusError: The pair has no train split, or nothing is left of it.
        """
        if (pair, limit) not in self._kept:
            self._kept[pair, limit] = self._read(pair, limit)
        return self._kept[pair, limit]

    @functools.cached_property
    def _held_out(self) -> HeldOut:
        return held_out(self._corpus, self.pool, seed=self._workspace.seed)

    def _read(self, pair: LanguagePair, limit: int | None) -> Bitext:
        apart = without(self._corpus.read(pair, "train"), self._held_out)
        cleaned, _ = clean(apart, replace(self._workspace.cleaning, drop_held_out=False))
        kept = sample_indices(len(cleaned), min(len(cleaned), limit or len(cleaned)), seed=self._workspace.seed)
        return _filled(cleaned.rows(kept), "train", self._corpus.name)


class FinetuneTexts:
    """Training, dev and test text for one target of a workspace. Each part is read once, when it is asked for.

    Args:
        workspace: Names corpus, pool, cleaning and seed. Held-out sentences are dropped whatever its cleaning says.
        target: The pair that is adapted to.
        cut: How much training text to take.
        beside: The text of another target of the same pool and workspace, which has read some training text already.

    Raises:
        CorpusError: The target has no train or no test split.
    """

    def __init__(
        self, workspace: Workspace, target: LanguagePair, cut: TextCut, *, beside: FinetuneTexts | None = None
    ) -> None:
        """Open the corpus; no text is read yet."""
        self.workspace, self.target, self.cut = workspace, target, cut
        self._corpus = RememberingCorpus(corpus_of(workspace), target)
        pool = tuple(sorted({target, *pool_of(workspace)}))
        self._training: _TrainingText
        if beside is not None and (beside.workspace, beside._training.pool) == (workspace, pool):
            self._training = beside._training
        else:
            self._training = _TrainingText(self._corpus, pool, workspace)
        if lacking := {"train", "test"} - set(self._corpus.splits(target)):
            raise CorpusError(
                f"{self._corpus.name} has no {' and no '.join(sorted(lacking))} split for {target}. Fine-tuning needs both."
            )

    @functools.cached_property
    def test(self) -> Bitext:
        """The target's test split: the sentences as the file holds them, rows with a blank side left out."""
        return self._corpus.read(self.target, "test").complete

    @functools.cached_property
    def dev(self) -> Bitext:
        """The target's dev split without its test sentences; see `dev_rows` where the corpus has none.

        Raises:
            CorpusError: Nothing is left.
        """
        dev = without(dev_rows(self._corpus, self.target, seed=self.workspace.seed), sentences_of([self.test]))
        return _filled(dev, "dev", self._corpus.name)

    def train(self, pair: LanguagePair) -> Bitext:
        """What a pair gives to training: cleaned, without anybody's dev and test sentences, cut.

        Raises:
            CorpusError: The pair has no train split, or nothing is left of it.
        """
        return self._training.of(
            pair, self.cut.target_sentences if pair == self.target else self.cut.auxiliary_sentences
        )


def open_texts(workspace: Workspace, target: LanguagePair, cut: TextCut | None = None) -> FinetuneTexts:
    """The text of a target's runs; see `FinetuneTexts`. A process that opens it again has what it has read, till a file changes."""
    stamp = stamp_of(source_of(workspace))
    if stamp is None:
        return FinetuneTexts(workspace, target, cut or TextCut())
    return _opened(workspace, target, cut or TextCut(), stamp)


@functools.lru_cache(maxsize=2)  # that of the job, and the whole of it, by which families are refused
def _opened(workspace: Workspace, target: LanguagePair, cut: TextCut, stamp: Stamp) -> FinetuneTexts:
    return FinetuneTexts(workspace, target, cut)


def texts_of_targets(
    workspace: Workspace, targets: Iterable[LanguagePair], cut: TextCut | None = None
) -> dict[LanguagePair, FinetuneTexts]:
    """The text of several targets of one pool, in which training text is read once for all of them.

    Raises:
        CorpusError: A target has no train or no test split.
    """
    opened: dict[LanguagePair, FinetuneTexts] = {}
    for target in targets:
        first = next(iter(opened.values()), None)
        opened[target] = FinetuneTexts(workspace, target, cut or TextCut(), beside=first)
    return opened


def tuned_workspace(estimated: Workspace, corpus: str) -> Workspace:
    """The workspace that a pool is fine-tuned on, whose families are told from the estimates of another.

    Args:
        estimated: The workspace of the estimates.
        corpus: What is trained on and scored with.

    Raises:
        CorpusError: The corpus of the estimates can't be opened.
    """
    if corpus == estimated.corpus:
        return estimated
    return replace(estimated, corpus=corpus, split="train", pairs=pool_of(estimated))


def refuse_lacking(tuned: Workspace) -> None:
    """Refuse to train on a corpus that lacks pairs of the pool: families may hold any of them.

    Raises:
        CorpusError: It can't be opened, or has no training text for a pair that the workspace names.
    """
    opened = corpus_of(tuned)
    if lacking := [str(pair) for pair in tuned.pairs or () if "train" not in opened.splits(pair)]:
        raise CorpusError(
            f"The corpus to fine-tune on, {opened.name}, has no training text for {', '.join(lacking)}. Take another, or "
            "leave these pairs out of the pool."
        )


def refuse_seen(estimated: Workspace, pairs: Iterable[LanguagePair], texts: FinetuneTexts) -> None:
    """Refuse to tell families by estimates that have read dev or test sentences of the target.

    Estimates from the train split of the same corpus can't have: there they are left out.

    Args:
        estimated: The workspace of the estimates.
        pairs: The pairs whose estimates tell them.
        texts: The target's text.

    Raises:
        CorpusError: A pair's estimate has read such a sentence.
    """
    by_construction = estimated.split == "train" and estimated.cleaning.drop_held_out
    if by_construction and estimated.corpus == texts.workspace.corpus:
        return
    scored, held = sentences_of([texts.dev, texts.test]), held_out_of(estimated)
    for pair in pairs:
        drawn, _ = drawn_text(estimated, pair, held=held)
        if n := len(drawn) - len(without(drawn, scored)):
            raise CorpusError(
                f"Families of {texts.target} can't be told from {corpus_of(estimated).name}, {estimated.split}: {n} of the "
                f"sentences that the estimate of {pair} read are dev or test sentences of {texts.target}, and would be "
                "scored by what they chose. Estimate from another split or corpus."
            )


def _filled(bitext: Bitext, split: str, name: str) -> Bitext:
    if not len(bitext):
        raise CorpusError(
            f"No {split} sentence of {bitext.pair} in {name} is left after cleaning and keeping dev and test apart."
        )
    return bitext
