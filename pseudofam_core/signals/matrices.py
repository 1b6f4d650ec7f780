"""From a workspace to what each signal says of its pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pseudofam_core import __version__
from pseudofam_core.estimates import (
    pool_of,
)
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.progress import Report, ShouldStop, never, silent
from pseudofam_core.signals.fisher import turned
from pseudofam_core.signals.pool_evidence import EvidenceMaking, PoolEvidence
from pseudofam_core.signals.results import FloatMatrix, SignalMatrix, is_itself
from pseudofam_core.signals.table import SIGNALS, Need, Signal, signals_of
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.store.cache import Cache


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
    pool = EvidenceMaking(workspace, cache, _checked(workspace, targets), report=report, should_stop=should_stop)
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
    pool = PoolEvidence(workspace, cache, _checked(workspace, targets))
    return _matrices(pool, signals_of(None if signals is None else tuple(signals)))


def _checked(workspace: Workspace, targets: Sequence[LanguagePair] | None) -> tuple[LanguagePair, ...]:
    pool = pool_of(workspace)
    if unknown := [pair for pair in targets or () if pair not in pool]:
        raise ValueError(f"targets must be of the pool, {', '.join(map(str, pool))}. Got {unknown[0]}.")
    return pool if targets is None else tuple(targets)


def _matrices(pool: PoolEvidence, signals: Sequence[Signal]) -> dict[str, SignalMatrix]:
    computed = {signal.name: _VALUES[signal.needs](pool, signal) for signal in signals}
    return {name: _matrix(pool, name, values) for name, values in computed.items() if values is not None}


def _imported(pool: PoolEvidence, signal: Signal) -> Mapping[str, object]:
    """The estimates behind a signal that came in as files."""
    told = pool.fisher.provenance if signal.needs is Need.FISHER and pool.fisher else {}
    return {"imported": told["imported"]} if "imported" in told else {}


def _matrix(pool: PoolEvidence, name: str, values: FloatMatrix) -> SignalMatrix:
    provenance = {
        **{field: getattr(pool.workspace, field) for field in _TOLD},
        "model_revision": pool.revision,
        "version": __version__,
        **_imported(pool, SIGNALS[name]),
    }
    return SignalMatrix(
        name, pool.targets, pool.pairs, np.where(is_itself(pool.targets, pool.pairs), np.nan, values), provenance
    )


_TOLD = ("model", "corpus", "split", "parameters", "estimator", "max_sentences", "max_length", "precision", "seed")


def _of_languages(pool: PoolEvidence, signal: Signal) -> FloatMatrix | None:
    return _of_each(pool, signal, {pair: pair.language for pair in pool.pairs})


def _of_texts(pool: PoolEvidence, signal: Signal) -> FloatMatrix | None:
    return _of_each(pool, signal, pool.texts)


def _of_states(pool: PoolEvidence, signal: Signal) -> FloatMatrix | None:
    return _of_each(pool, signal, pool.states)


def _of_gradients(pool: PoolEvidence, signal: Signal) -> FloatMatrix | None:
    return _of_both(pool, signal, pool.target_gradients, pool.auxiliary_gradients)


def _of_weighted_gradients(pool: PoolEvidence, signal: Signal) -> FloatMatrix | None:
    return _of_both(pool, signal, pool.weighted_gradients, pool.auxiliary_gradients)


def _of_each(pool: PoolEvidence, signal: Signal, evidence: Mapping[LanguagePair, Any] | None) -> FloatMatrix | None:
    return _of_both(pool, signal, evidence, evidence)


def _of_both(
    pool: PoolEvidence,
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
            row[:] = [signal.value(targets[target], auxiliaries[pair]) for pair in pool.pairs]
    return values


def _of_estimates(pool: PoolEvidence, signal: Signal) -> FloatMatrix | None:
    assert isinstance(signal.value, Measure)
    if pool.fisher is None or (whole := turned(pool.fisher, signal.value)) is None:
        return None
    return whole[[pool.fisher.spec.pairs.index(target) for target in pool.targets]]


_VALUES: Mapping[Need, Callable[[PoolEvidence, Signal], FloatMatrix | None]] = {
    Need.LANGUAGES: _of_languages,
    Need.TEXT: _of_texts,
    Need.STATES: _of_states,
    Need.GRADIENTS: _of_gradients,
    Need.WEIGHTED_GRADIENTS: _of_weighted_gradients,
    Need.FISHER: _of_estimates,
}
