"""From a workspace to what each signal says of its pool: evidence found in the cache, or made and kept there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from pseudofam_core import __version__
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
from pseudofam_core.progress import Report, ShouldStop, never, silent
from pseudofam_core.signals.evidence import EvidenceSpec, evidence_spec, find_evidence, keep_evidence, text_of
from pseudofam_core.signals.fisher import turned
from pseudofam_core.signals.gradients import TargetGradient
from pseudofam_core.signals.results import FloatMatrix, SignalMatrix
from pseudofam_core.signals.states import EncoderStates
from pseudofam_core.signals.table import SIGNALS, Need, Signal, signals_of
from pseudofam_core.signals.texts import TextProfile
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity, find_pool_similarity, pool_similarity
from pseudofam_core.store.cache import Artifact, Cache

logger = logging.getLogger(__name__)
T = TypeVar("T", TextProfile, EncoderStates)
K = TypeVar("K")


def signal_matrices(
    workspace: Workspace,
    cache: Cache,
    *,
    signals: Sequence[str] | None = None,
    targets: Sequence[LanguagePair] | None = None,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> dict[str, SignalMatrix]:
    """What each signal says of every target and every auxiliary of a pool; what it needs is found or computed, and kept.

    Args:
        workspace: Model, corpus, pool and estimator.
        cache: Where evidence and estimates are kept.
        signals: Names of `SIGNALS`; all by default.
        targets: Pairs of the pool; all by default. Every pair of the pool is an auxiliary.
        report: Receives progress, one pair after the other.
        should_stop: Asked after each batch.

    Returns:
        A matrix for each signal, by name, in the table's order. A measure that a diagonal of nothing but zeros does not
        have is left out.

    Raises:
        ValueError: An unknown signal, or a target that is not of the pool.
        PseudoFamError: Model or text can't be read, or `should_stop` said so.
    """
    pool = _Making(workspace, cache, _checked(workspace, targets), report=report, should_stop=should_stop)
    return _matrices(pool, signals_of(None if signals is None else tuple(signals)))


def find_signal_matrices(
    workspace: Workspace,
    cache: Cache,
    *,
    signals: Sequence[str] | None = None,
    targets: Sequence[LanguagePair] | None = None,
) -> dict[str, SignalMatrix]:
    """Those of `signal_matrices` whose evidence is there already, whole: no model is loaded and nothing is computed.

    Raises:
        ValueError: As `signal_matrices`.
        PseudoFamError: The corpus can't be read.
    """
    pool = _Pool(workspace, cache, _checked(workspace, targets))
    return _matrices(pool, signals_of(None if signals is None else tuple(signals)))


def _checked(workspace: Workspace, targets: Sequence[LanguagePair] | None) -> tuple[LanguagePair, ...]:
    pool = pool_of(workspace)
    if unknown := [one for one in targets or () if one not in pool]:
        raise ValueError(f"targets must be of the pool, {', '.join(map(str, pool))}. Got {unknown[0]}.")
    return pool if targets is None else tuple(targets)


@dataclass
class _Pool:
    """A pool's evidence, as far as it is kept. Each kind is looked up once."""

    workspace: Workspace
    cache: Cache
    targets: tuple[LanguagePair, ...]

    @cached_property
    def pairs(self) -> tuple[LanguagePair, ...]:
        return pool_of(self.workspace)

    @cached_property
    def texts(self) -> Mapping[LanguagePair, TextProfile] | None:
        return self._evidence(TextProfile)

    @cached_property
    def states(self) -> Mapping[LanguagePair, EncoderStates] | None:
        return self._evidence(EncoderStates)

    @cached_property
    def fisher(self) -> PoolSimilarity | None:
        return self._compared(self.estimates) if self.estimates is not None and len(self.pairs) > 1 else None

    @cached_property
    def estimates(self) -> Mapping[LanguagePair, Artifact] | None:
        return _whole({pair: self._estimate(pair) for pair in self.pairs})

    @cached_property
    def auxiliary_gradients(self) -> Mapping[LanguagePair, FloatArray] | None:
        return _whole({pair: self._mean_gradient(self._drawn(pair)) for pair in self.pairs})

    @cached_property
    def target_gradients(self) -> Mapping[LanguagePair, FloatArray] | None:
        """Of the targets that have dev text."""
        texts = {target: self._dev(target) for target in self.targets}
        return _whole({target: self._mean_gradient(dev) for target, dev in texts.items() if dev is not None})

    @cached_property
    def weighted_gradients(self) -> Mapping[LanguagePair, TargetGradient] | None:
        if self.estimates is None or self.target_gradients is None:
            return None
        kept = {target: kept_diagonal(self.estimates[target].file(FISHER_FILE)) for target in self.target_gradients}
        return {target: TargetGradient(one, kept[target]) for target, one in self.target_gradients.items()}

    @cached_property
    def revision(self) -> str:
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
        found = self._gradient(spec_of_text(self.workspace, bitext, revision=self.revision), bitext)
        return None if found is None else found.mean()

    def _gradient(self, spec: FisherSpec, bitext: Bitext) -> Gradient | None:
        return find_gradient(spec, self.cache)

    def _compared(self, estimates: Mapping[LanguagePair, Artifact]) -> PoolSimilarity | None:
        return find_pool_similarity(estimates, cache=self.cache)


@dataclass
class _Making(_Pool):
    """A pool's evidence; what is missing is made and kept."""

    report: Report
    should_stop: ShouldStop

    def _one(self, kind: type[T], pair: LanguagePair) -> T:
        spec, bitext = self._asked(kind, pair)
        if (found := find_evidence(kind, spec, self.cache)) is not None:
            return found
        from pseudofam_core.signals import computing  # opens torch

        made = computing.make_evidence(kind, spec, bitext, report=self.report, should_stop=self.should_stop)
        return keep_evidence(made, spec, self.cache)

    def _estimate(self, pair: LanguagePair) -> Artifact:
        if (found := super()._estimate(pair)) is not None:
            return found
        from pseudofam_core.signals import computing  # opens torch

        spec = self._fisher_spec(pair)
        return computing.compute(spec, self.cache, pool=self.pairs, report=self.report, should_stop=self.should_stop)

    def _gradient(self, spec: FisherSpec, bitext: Bitext) -> Gradient:
        if (found := find_gradient(spec, self.cache)) is not None:
            return found
        from pseudofam_core.signals import computing  # opens torch

        return computing.compute_gradient(spec, bitext, self.cache, report=self.report, should_stop=self.should_stop)

    def _compared(self, estimates: Mapping[LanguagePair, Artifact]) -> PoolSimilarity | None:
        return pool_similarity(estimates, cache=self.cache, report=self.report, should_stop=self.should_stop)


def _whole(found: Mapping[LanguagePair, K | None]) -> dict[LanguagePair, K] | None:
    """The same, or None where one is missing."""
    kept = {pair: one for pair, one in found.items() if one is not None}
    return kept if len(kept) == len(found) else None


def _matrices(pool: _Pool, signals: Sequence[Signal]) -> dict[str, SignalMatrix]:
    found = {one.name: _VALUES[one.needs](pool, one) for one in signals}
    return {name: _matrix(pool, name, values) for name, values in found.items() if values is not None}


def _imported(pool: _Pool, signal: Signal) -> Mapping[str, object]:
    """The estimates behind a signal that came in as files."""
    told = pool.fisher.provenance if signal.needs is Need.FISHER and pool.fisher else {}
    return {"imported": told["imported"]} if "imported" in told else {}


def _matrix(pool: _Pool, name: str, values: FloatMatrix) -> SignalMatrix:
    itself = np.array([[target == auxiliary for auxiliary in pool.pairs] for target in pool.targets])
    provenance = {
        **{field: getattr(pool.workspace, field) for field in _TOLD},
        "model_revision": pool.revision,
        "version": __version__,
        **_imported(pool, SIGNALS[name]),
    }
    return SignalMatrix(name, pool.targets, pool.pairs, np.where(itself, np.nan, values), provenance)


_TOLD = ("model", "corpus", "split", "parameters", "estimator", "max_sentences", "max_length", "precision", "seed")


def _of_languages(pool: _Pool, signal: Signal) -> FloatMatrix | None:
    return _of_each(pool, signal, {pair: pair.language for pair in pool.pairs})


def _of_texts(pool: _Pool, signal: Signal) -> FloatMatrix | None:
    return _of_each(pool, signal, pool.texts)


def _of_states(pool: _Pool, signal: Signal) -> FloatMatrix | None:
    return _of_each(pool, signal, pool.states)


def _of_gradients(pool: _Pool, signal: Signal) -> FloatMatrix | None:
    return _of_both(pool, signal, pool.target_gradients, pool.auxiliary_gradients)


def _of_weighted_gradients(pool: _Pool, signal: Signal) -> FloatMatrix | None:
    return _of_both(pool, signal, pool.weighted_gradients, pool.auxiliary_gradients)


def _of_each(pool: _Pool, signal: Signal, evidence: Mapping[LanguagePair, Any] | None) -> FloatMatrix | None:
    return _of_both(pool, signal, evidence, evidence)


def _of_both(
    pool: _Pool,
    signal: Signal,
    targets: Mapping[LanguagePair, Any] | None,
    auxiliaries: Mapping[LanguagePair, Any] | None,
) -> FloatMatrix | None:
    """(targets, pairs), NaN in the rows of targets without evidence; None where the auxiliaries' is not whole."""
    assert callable(signal.value)
    if targets is None or auxiliaries is None:
        return None
    values = np.full((len(pool.targets), len(pool.pairs)), np.nan)
    for row, target in zip(values, pool.targets, strict=True):
        if target in targets:
            row[:] = [signal.value(targets[target], auxiliaries[one]) for one in pool.pairs]
    return values


def _of_estimates(pool: _Pool, signal: Signal) -> FloatMatrix | None:
    assert isinstance(signal.value, Measure)
    if pool.fisher is None or (whole := turned(pool.fisher, signal.value)) is None:
        return None
    return whole[[pool.fisher.spec.pairs.index(target) for target in pool.targets]]


_VALUES: Mapping[Need, Callable[[_Pool, Signal], FloatMatrix | None]] = {
    Need.LANGUAGES: _of_languages,
    Need.TEXT: _of_texts,
    Need.STATES: _of_states,
    Need.GRADIENTS: _of_gradients,
    Need.WEIGHTED_GRADIENTS: _of_weighted_gradients,
    Need.FISHER: _of_estimates,
}
