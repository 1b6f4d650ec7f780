"""What the signals of a pool look at: found in the cache, or made and kept there. Each kind is looked up once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from pseudofam_core.corpora import Bitext
from pseudofam_core.corpora.held_out import HeldOut
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import (
    FISHER_FILE,
    drawn_text,
    find_fisher,
    fisher_spec,
    held_out_of,
    pool_of,
    spec_of_text,
)
from pseudofam_core.estimates.gradients import FloatArray, Gradient, find_gradient, kept_diagonal
from pseudofam_core.estimates.spec import FisherSpec, Workspace
from pseudofam_core.finetuning.texts import open_texts
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.progress import Report, ShouldStop
from pseudofam_core.signals.evidence import EvidenceSpec, evidence_spec, find_evidence, keep_evidence, text_of
from pseudofam_core.signals.gradients import TargetGradient
from pseudofam_core.signals.states import EncoderStates
from pseudofam_core.signals.texts import TextProfile
from pseudofam_core.similarity.pools import PoolSimilarity, find_pool_similarity, pool_similarity
from pseudofam_core.store.cache import Artifact, Cache

logger = logging.getLogger(__name__)
T = TypeVar("T", TextProfile, EncoderStates)
K = TypeVar("K")


@dataclass
class PoolEvidence:
    """A pool's evidence, as far as it is kept. Each kind is looked up once."""

    workspace: Workspace
    cache: Cache
    targets: tuple[LanguagePair, ...]

    @cached_property
    def pairs(self) -> tuple[LanguagePair, ...]:
        """The pool."""
        return pool_of(self.workspace)

    @cached_property
    def texts(self) -> Mapping[LanguagePair, TextProfile] | None:
        """What each text holds; None where it is not kept for all, as in all that follows."""
        return self._evidence(TextProfile)

    @cached_property
    def states(self) -> Mapping[LanguagePair, EncoderStates] | None:
        """The encoder's mean states."""
        return self._evidence(EncoderStates)

    @cached_property
    def fisher(self) -> PoolSimilarity | None:
        """The estimates, compared; None also for a pool of one."""
        return self._compared(self.estimates) if self.estimates is not None and len(self.pairs) > 1 else None

    @cached_property
    def estimates(self) -> Mapping[LanguagePair, Artifact] | None:
        """Fisher diagonals."""
        return _whole({pair: self._estimate(pair) for pair in self.pairs})

    @cached_property
    def auxiliary_gradients(self) -> Mapping[LanguagePair, FloatArray] | None:
        """Mean projected gradients of the training loss, of each pair."""
        return _whole({pair: self._mean_gradient(self._drawn(pair)) for pair in self.pairs})

    @cached_property
    def target_gradients(self) -> Mapping[LanguagePair, FloatArray] | None:
        """Mean projected gradients of the dev loss, of the targets that have dev text."""
        texts = {target: self._dev(target) for target in self.targets}
        return _whole({target: self._mean_gradient(dev) for target, dev in texts.items() if dev is not None})

    @cached_property
    def weighted_gradients(self) -> Mapping[LanguagePair, TargetGradient] | None:
        """Those of the targets, with the kept entries of their Fisher diagonals."""
        if self.estimates is None or self.target_gradients is None:
            return None
        kept = {target: kept_diagonal(self.estimates[target].file(FISHER_FILE)) for target in self.target_gradients}
        return {target: TargetGradient(gradient, kept[target]) for target, gradient in self.target_gradients.items()}

    @cached_property
    def revision(self) -> str:
        """Of the model."""
        return resolve_model(self.workspace.model).revision

    @cached_property
    def _held(self) -> HeldOut:
        return held_out_of(self.workspace)

    def _evidence(self, kind: type[T]) -> Mapping[LanguagePair, T] | None:
        return _whole({pair: self._one(kind, pair) for pair in self.pairs})

    def _one(self, kind: type[T], pair: LanguagePair) -> T | None:
        return find_evidence(kind, self._asked(kind, pair)[0], self.cache)

    def _asked(self, kind: type[T], pair: LanguagePair) -> tuple[EvidenceSpec, Bitext]:
        bitext = text_of(kind, self.workspace, pair, held=self._held)
        return evidence_spec(kind, self.workspace, bitext, revision=self.revision), bitext

    def _estimate(self, pair: LanguagePair) -> Artifact | None:
        return find_fisher(self._fisher_spec(pair), self.cache)

    def _fisher_spec(self, pair: LanguagePair) -> FisherSpec:
        return fisher_spec(self.workspace, pair, revision=self.revision, held=self._held)

    def _drawn(self, pair: LanguagePair) -> Bitext:
        return drawn_text(self.workspace, pair, held=self._held)[0]

    def _dev(self, target: LanguagePair) -> Bitext | None:
        """What chooses the weights in fine-tuning; None, and said so, where the corpus lets nothing be tuned or scored."""
        try:
            return open_texts(self.workspace, target).dev
        except CorpusError as error:
            logger.warning("The gradients say nothing of %s: %s", target, error)
            return None

    def _mean_gradient(self, bitext: Bitext) -> FloatArray | None:
        gradient = self._gradient(spec_of_text(self.workspace, bitext, revision=self.revision), bitext)
        return None if gradient is None else gradient.mean()

    def _gradient(self, spec: FisherSpec, bitext: Bitext) -> Gradient | None:
        return find_gradient(spec, self.cache)

    def _compared(self, estimates: Mapping[LanguagePair, Artifact]) -> PoolSimilarity | None:
        return find_pool_similarity(estimates, cache=self.cache)


@dataclass
class EvidenceMaking(PoolEvidence):
    """A pool's evidence; what is missing is made and kept."""

    report: Report
    should_stop: ShouldStop

    def _one(self, kind: type[T], pair: LanguagePair) -> T:
        spec, bitext = self._asked(kind, pair)
        if (kept := find_evidence(kind, spec, self.cache)) is not None:
            return kept
        from pseudofam_core.signals import computing  # opens torch

        made = computing.make_evidence(kind, spec, bitext, report=self.report, should_stop=self.should_stop)
        return keep_evidence(made, spec, self.cache)

    def _estimate(self, pair: LanguagePair) -> Artifact:
        if (estimate := super()._estimate(pair)) is not None:
            return estimate
        from pseudofam_core.signals import computing  # opens torch

        spec = self._fisher_spec(pair)
        return computing.compute(spec, self.cache, pool=self.pairs, report=self.report, should_stop=self.should_stop)

    def _gradient(self, spec: FisherSpec, bitext: Bitext) -> Gradient:
        if (gradient := find_gradient(spec, self.cache)) is not None:
            return gradient
        from pseudofam_core.signals import computing  # opens torch

        return computing.compute_gradient(spec, bitext, self.cache, report=self.report, should_stop=self.should_stop)

    def _compared(self, estimates: Mapping[LanguagePair, Artifact]) -> PoolSimilarity | None:
        return pool_similarity(estimates, cache=self.cache, report=self.report, should_stop=self.should_stop)


def _whole(evidence: Mapping[LanguagePair, K | None]) -> dict[LanguagePair, K] | None:
    """The same, or None where one is missing."""
    kept = {pair: value for pair, value in evidence.items() if value is not None}
    return kept if len(kept) == len(evidence) else None
