"""Arms made of what was measured, or of signals that tell help from harm: auxiliaries chosen, or weighed.

``foreseen-3`` has the three auxiliaries with the largest mean gain for other targets, ``measured-3`` those with the largest
gain for the target itself, each tried alone. ``weighted-…`` has all auxiliaries that are expected to help, each with a weight:
by these gains, or by a signed signal.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from pseudofam_core.errors import PseudoFamError
from pseudofam_core.estimates import pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import FORESEEN, MEASURED, WEIGHTED, FinetuneRun, Members, weights_of
from pseudofam_core.languages import LanguagePair
from pseudofam_core.signals import SIGNALS, find_signal_matrices
from pseudofam_core.store.cache import Cache
from pseudofam_core.transfer.judge import FloatArray, seed_mean
from pseudofam_core.transfer.results import TransferMatrix

USUAL_SIZE, USUAL_SIGN = 3, "gradient-fisher"
SIGNED = tuple(signal.name for signal in SIGNALS.values() if signal.is_signed)
WEIGHT_SOURCES = (FORESEEN, MEASURED, *SIGNED)
"""What weights may come from: gains elsewhere, the target's own, a signed signal."""
Known = Mapping[str, Mapping[LanguagePair, float]]
"""By source, of `WEIGHT_SOURCES`, what it says of each auxiliary of a target; sources that say nothing are left out."""
_WAYS = {
    FORESEEN: "No gain of another target than {target} is measured with this model and text. Run `transfer` for some first",
    MEASURED: "No gain of {target} is measured with this model and text. Run `transfer --targets {target}` first",
}
_WAY_TO_A_SIGNAL = "{source} is not computed of {target}. Run `signals --targets {target} --signals {source}` first"


def gains_of(measured: TransferMatrix | None, target: LanguagePair) -> Known:
    """What each auxiliary gained, in nats a token: in the mean over other targets (`FORESEEN`), and for the target (`MEASURED`)."""
    if measured is None:
        return {}
    mean, itself = measured.mean, np.array([measured_target == target for measured_target in measured.targets])
    rows = {FORESEEN: seed_mean(mean[~itself]), MEASURED: seed_mean(mean[itself])}
    return _known({name: dict(zip(measured.auxiliaries, row, strict=True)) for name, row in rows.items()}, target)


def kept_signs(workspace: Workspace, target: LanguagePair, cache: Cache) -> Known:
    """What the signed signals say whose evidence is there; no model is loaded and nothing is computed.

    Raises:
        ModelError: There is no such model.
        CorpusError: The corpus can't be read.
    """
    if target not in pool_of(workspace):
        return {}
    matrices = find_signal_matrices(workspace, cache, signals=SIGNED, targets=(target,))
    return _known(
        {name: dict(zip(matrix.auxiliaries, matrix.values[0], strict=True)) for name, matrix in matrices.items()},
        target,
    )


def largest(gains: Mapping[LanguagePair, float], n: int) -> tuple[LanguagePair, ...]:
    """The `n` auxiliaries of the largest gains, the largest first; of equal ones the first by name.

    Raises:
        ValueError: There are fewer.
    """
    if n > len(gains):
        raise ValueError(f"size must be at most {len(gains)}, the auxiliaries whose gains are measured. Got {n}.")
    return tuple(sorted(gains, key=lambda auxiliary: (-gains[auxiliary], auxiliary))[:n])


def spelled_out(names: Iterable[str], *, size: int, weights_from: Sequence[str]) -> list[str]:
    """Names of arms with what ``foreseen``, ``measured`` and ``weighted`` stand for: one of this size, one of each source."""
    stand_for = {way: [f"{way}-{size}"] for way in (FORESEEN, MEASURED)}
    stand_for[WEIGHTED] = [f"{WEIGHTED}-{source}" for source in weights_from]
    return [spelled for name in names for spelled in stand_for.get(name, [name])]


def further_arms(
    target: LanguagePair, gains: Callable[[], Known], signs: Callable[[], Known], *, size: int
) -> dict[str, Callable[[], Members]]:
    """What the arms have that `spelled_out` names, for `named_arms`.

    Args:
        target: The pair that is adapted to.
        gains: Gives what `gains_of` does, where it is asked for.
        signs: Gives what `kept_signs` does.
        size: Auxiliaries of the arms that choose some.

    Returns:
        By name, a function that raises PseudoFamError where its source says nothing, and ValueError where it knows fewer
        auxiliaries than `size`.
    """

    def said(source: str) -> Mapping[LanguagePair, float]:
        known = gains() if source in _WAYS else signs()
        if source not in known:
            way = _WAYS.get(source, _WAY_TO_A_SIGNAL).format(target=target, source=source)
            raise PseudoFamError(f"{way}, with the same model, corpus and cache, or leave out the arms by it.")
        return known[source]

    chosen = {f"{way}-{size}": functools.partial(lambda way: largest(said(way), size), way) for way in _WAYS}
    weighed = {
        f"{WEIGHTED}-{source}": functools.partial(lambda source: weights_of(said(source)), source)
        for source in WEIGHT_SOURCES
    }
    return {**chosen, **weighed}


def families_told(
    runs: Sequence[FinetuneRun], target: LanguagePair, gains: Known, signs: Callable[[], Known]
) -> dict[str, Members]:
    """What arms of a target would have by gains and signals as they are now, in the sizes of its finished runs: for names."""
    done = [run for run in runs if run.target == target]
    told: dict[str, Members] = {
        f"{way}-{size}": largest(gains[way], size)
        for size in sorted({len(run.members) for run in done if run.members})
        for way in _WAYS
        if size < len(gains.get(way, ()))  # of all of them there is no choice
    }
    if any(run.spec.weights for run in done):
        told |= {f"{WEIGHTED}-{source}": weights_of(said) for source, said in {**gains, **signs()}.items()}
    return told


def _known(rows: Mapping[str, Mapping[LanguagePair, FloatArray]], target: LanguagePair) -> Known:
    """The numbers among them, the target's own left out."""
    known = {
        name: {
            auxiliary: float(value) for auxiliary, value in row.items() if auxiliary != target and np.isfinite(value)
        }
        for name, row in rows.items()
    }
    return {name: row for name, row in known.items() if row}
