"""From a workspace to what each signal says of its pool: evidence found in the cache, or made and kept there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from pseudofam_core import __version__
from pseudofam_core.corpora import Bitext
from pseudofam_core.corpora.held_out import HeldOut
from pseudofam_core.estimates import find_fisher, fisher_spec, held_out_of, pool_of
from pseudofam_core.estimates.spec import FisherSpec, Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.progress import Report, ShouldStop, never, silent
from pseudofam_core.signals.evidence import EvidenceSpec, evidence_spec, find_evidence, keep_evidence, text_of
from pseudofam_core.signals.results import FloatMatrix, SignalMatrix
from pseudofam_core.signals.states import EncoderStates
from pseudofam_core.signals.table import SIGNALS, Need, Signal, signals_of
from pseudofam_core.signals.texts import TextProfile
from pseudofam_core.similarity.measures import SUMMED, Measure
from pseudofam_core.similarity.pools import PoolSimilarity, find_pool_similarity, pool_similarity
from pseudofam_core.store.cache import Artifact, Cache

T = TypeVar("T", TextProfile, EncoderStates)


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
        found = {pair: self._estimate(pair) for pair in self.pairs}
        kept = {pair: one for pair, one in found.items() if one is not None}
        return self._compared(kept) if len(kept) == len(found) > 1 else None

    @cached_property
    def revision(self) -> str:
        return resolve_model(self.workspace.model).revision

    @cached_property
    def _held(self) -> HeldOut:
        return held_out_of(self.workspace)

    def _evidence(self, kind: type[T]) -> Mapping[LanguagePair, T] | None:
        found = {pair: self._one(kind, pair) for pair in self.pairs}
        kept = {pair: one for pair, one in found.items() if one is not None}
        return kept if len(kept) == len(found) else None

    def _one(self, kind: type[T], pair: LanguagePair) -> T | None:
        return find_evidence(kind, self._asked(kind, pair)[0], self.cache)

    def _asked(self, kind: type[T], pair: LanguagePair) -> tuple[EvidenceSpec, Bitext]:
        bitext = text_of(kind, self.workspace, pair, held=self._held)
        return evidence_spec(kind, self.workspace, bitext, revision=self.revision), bitext

    def _estimate(self, pair: LanguagePair) -> Artifact | None:
        return find_fisher(self._fisher_spec(pair), self.cache)

    def _fisher_spec(self, pair: LanguagePair) -> FisherSpec:
        return fisher_spec(self.workspace, pair, revision=self.revision, held=self._held)

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

    def _compared(self, estimates: Mapping[LanguagePair, Artifact]) -> PoolSimilarity | None:
        return pool_similarity(estimates, cache=self.cache, report=self.report, should_stop=self.should_stop)


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


def _of_each(pool: _Pool, signal: Signal, evidence: Mapping[LanguagePair, Any] | None) -> FloatMatrix | None:
    """(targets, pairs), or None where the evidence is not whole."""
    assert callable(signal.value)
    if evidence is None:
        return None
    return np.array(
        [[signal.value(evidence[target], evidence[one]) for one in pool.pairs] for target in pool.targets], np.float64
    )


def _of_estimates(pool: _Pool, signal: Signal) -> FloatMatrix | None:
    """A measure, turned: similarities as they are, distances (of KL the size, as the paper takes it) negative."""
    assert isinstance(signal.value, Measure)
    parts = set(signal.value.combined or (signal.value,))
    if pool.fisher is None or parts & set(SUMMED) - set(pool.fisher.matrices):
        return None
    matrix = pool.fisher.matrix(signal.value)
    rows = [pool.fisher.spec.pairs.index(target) for target in pool.targets]
    return (matrix.values if signal.value.is_similarity else -matrix.ordering_distances())[rows]


_VALUES: Mapping[Need, Callable[[_Pool, Signal], FloatMatrix | None]] = {
    Need.LANGUAGES: _of_languages,
    Need.TEXT: _of_texts,
    Need.STATES: _of_states,
    Need.FISHER: _of_estimates,
}
