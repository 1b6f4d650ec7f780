"""Which signal foresees that an auxiliary helps? Signals are held against measured gains, target by target.

Three statistics of a target's row, over the auxiliaries whose gain is known:

    Spearman:  ρ of signal and gain;
    NDCG@3:    of the signal's first three, with an auxiliary's gain above the row's smallest as its relevance;
    regret@k:  mean gain of the k best auxiliaries minus that of the signal's first k, in the units of the gains.

Ties of a signal are broken blindly: the expected value is taken. Where a signal knows nothing of an auxiliary it is given
the middle of the row, and a signal that says the same of all scores what blind choice scores: ρ = 0.

Targets are what is sampled: intervals come from a bootstrap over them, p from flipping the signs of their differences
(exact where there are few), corrected by Holm. The targets of one base share text and model, so they are less
independent than they are taken to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.metrics import ndcg_score

from pseudofam_core.scoring.significance import LEVEL, Interval, holm
from pseudofam_core.structure.correlation import spearman

FloatArray = npt.NDArray[np.float64]
REGRET_SIZES = (1, 2, 3)
BLIND = "blind choice"


@dataclass(frozen=True, eq=False)
class ByTarget:
    """How one signal does on each target.

    Attributes:
        spearman: (targets,) ρ of signal and gain.
        ndcg: (targets,) NDCG@3.
        regret: (sizes, targets) gain lost by the signal's first 1, 2 and 3.
    """

    spearman: FloatArray
    ndcg: FloatArray
    regret: FloatArray


@dataclass(frozen=True)
class Standing:
    """How one signal does over all targets; every p is two-sided and corrected by Holm over the signals.

    Attributes:
        signal: Its name, or `BLIND`.
        spearman: Mean ρ over targets, its interval, and p against blind choice.
        ndcg: Mean NDCG@3, likewise.
        regret: Mean regret by number of auxiliaries taken, likewise.
        p_against_best: Of the mean ρ being that of the best signal; 1 for the best itself.
    """

    signal: str
    spearman: Interval
    ndcg: Interval
    regret: Mapping[int, Interval]
    p_against_best: float


@dataclass(frozen=True)
class Judgement:
    """All signals, the best by mean ρ first, then blind choice.

    Attributes:
        standings: A row each.
        blind: What blind choice gives, the same statistics; p is 1.
        ceiling: Mean ρ over targets of the gains by one seed with those by another: what the ground truth's own noise leaves
            to be foreseen of a single seed by a signal that is right, and no bound for the mean of several, which signals are
            held against. None with one seed.
        n_targets: Targets that were judged.
    """

    standings: tuple[Standing, ...]
    blind: Standing
    ceiling: float | None
    n_targets: int

    @property
    def best(self) -> Standing:
        """The signal with the highest mean ρ."""
        return self.standings[0]


def judged(gains: FloatArray, signals: Mapping[str, FloatArray], *, seed: int = 1) -> Judgement:
    """Hold signals against the gains of single auxiliaries.

    Args:
        gains: (seeds, targets, auxiliaries) gain of an auxiliary, larger is better; NaN where it was not run, or is the
            target itself.
        signals: (targets, auxiliaries) by name, larger for those expected to help more; NaN where nothing is known.
        seed: Of the bootstrap and of the flipped signs.

    Raises:
        ValueError: No signal, shapes that differ, or fewer than two targets with three auxiliaries each.
    """
    truth, rows = _known(gains, signals)
    names = list(signals)
    each = {name: by_target(truth[rows], signals[name][rows]) for name in names}
    blind = by_target(truth[rows], np.zeros_like(truth[rows]))
    order = sorted(names, key=lambda name: -each[name].spearman.mean())
    against_best = _p_values([each[name].spearman - each[order[0]].spearman for name in order], seed)
    standings = _standings(order, each, blind, against_best, seed)
    alone = _standings([BLIND], {BLIND: blind}, blind, [1.0], seed)[0]
    return Judgement(standings, alone, _ceiling(gains[:, rows]), int(rows.sum()))


def by_target(gains: FloatArray, signal: FloatArray) -> ByTarget:
    """The statistics of each target's row: see the module.

    Args:
        gains: (targets, auxiliaries) with at least three known to a row.
        signal: (targets, auxiliaries).
    """
    pairs = [_known_entries(*row) for row in zip(gains, signal, strict=True)]
    return ByTarget(
        spearman=np.array([spearman(gain, sign) or 0.0 for gain, sign in pairs]),
        ndcg=np.array([_ndcg(gain, sign) for gain, sign in pairs]),
        regret=np.array([[_regret(gain, sign, size) for gain, sign in pairs] for size in REGRET_SIZES]),
    )


def _known(gains: FloatArray, signals: Mapping[str, FloatArray]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Mean gain over the seeds that are there, and which targets can be judged."""
    if not signals:
        raise ValueError("signals must be at least one. Got none.")
    if bad := [name for name, values in signals.items() if values.shape != gains.shape[1:]]:
        raise ValueError(
            f"signals must have the gains' targets and auxiliaries, {gains.shape[1:]}. Got {signals[bad[0]].shape} for {bad[0]}."
        )
    truth = seed_mean(gains)
    rows = np.isfinite(truth).sum(axis=1) >= max(REGRET_SIZES)
    if rows.sum() < 2:
        raise ValueError(
            f"gains must have at least 2 targets with {max(REGRET_SIZES)} auxiliaries each. Got {rows.sum()}. Run more of them."
        )
    return truth, rows


def seed_mean(gains: FloatArray) -> FloatArray:
    """(targets, auxiliaries) mean over the seeds that are there; NaN where none is."""
    counts = np.isfinite(gains).sum(axis=0)
    return np.divide(np.nansum(gains, axis=0), counts, out=np.full(gains.shape[1:], np.nan), where=counts > 0)


def _known_entries(gains: FloatArray, signal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A row without unknown gains; what the signal does not know stands in the middle of what it does."""
    known = np.isfinite(gains)
    values = signal[known]
    middle = np.median(values[np.isfinite(values)]) if np.isfinite(values).any() else 0.0
    return gains[known], np.where(np.isfinite(values), values, middle)


def _ndcg(gains: FloatArray, signal: FloatArray) -> float:
    relevance = gains - gains.min()
    return float(ndcg_score([relevance], [signal], k=3)) if relevance.any() else 1.0


def _regret(gains: FloatArray, signal: FloatArray, size: int) -> float:
    """Mean gain of the `size` best minus the expected mean gain of the signal's first ones."""
    cut = np.sort(signal)[-size]
    above, at = gains[signal > cut], gains[signal == cut]
    taken = above.sum() + (size - len(above)) * at.mean()
    return float((np.sort(gains)[-size:].sum() - taken) / size)


def _standings(
    order: Sequence[str], each: Mapping[str, ByTarget], blind: ByTarget, against_best: Sequence[float], seed: int
) -> tuple[Standing, ...]:
    rho = _intervals([each[name].spearman for name in order], blind.spearman, seed)
    ndcg = _intervals([each[name].ndcg for name in order], blind.ndcg, seed)
    regret = [
        _intervals([each[name].regret[i] for name in order], blind.regret[i], seed) for i in range(len(REGRET_SIZES))
    ]
    return tuple(
        Standing(name, rho[i], ndcg[i], {k: regret[j][i] for j, k in enumerate(REGRET_SIZES)}, against_best[i])
        for i, name in enumerate(order)
    )


def _intervals(values: Sequence[FloatArray], blind: FloatArray, seed: int) -> list[Interval]:
    """Mean over targets of each signal's statistic, with p of its being blind choice's."""
    p_values = _p_values([statistic - blind for statistic in values], seed)
    means = [_resampled_means(statistic, seed) for statistic in values]
    ends = [np.quantile(resampled, [LEVEL / 2, 1 - LEVEL / 2]) for resampled in means]
    return [
        Interval(float(statistic.mean()), float(low), float(high), p, float(mean.std(ddof=1)))
        for statistic, mean, (low, high), p in zip(values, means, ends, p_values, strict=True)
    ]


def _resampled_means(values: FloatArray, seed: int, n_resamples: int = 10_000) -> FloatArray:
    """(resamples,) mean over targets drawn with replacement; the same draws for the same seed and number of targets."""
    return values[np.random.default_rng(seed).integers(len(values), size=(n_resamples, len(values)))].mean(axis=1)


def _p_values(differences: Sequence[FloatArray], seed: int) -> list[float]:
    """The p of each mean difference being 0, by flipped signs, corrected by Holm."""
    stacked = np.stack(differences)
    test = stats.permutation_test(
        (stacked,),
        lambda difference, axis: difference.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        axis=1,
        n_resamples=9999,
        batch=1000,
        rng=np.random.default_rng(seed),
    )
    return holm([float(min(1.0, p)) for p in np.atleast_1d(test.pvalue)])


def _ceiling(gains: FloatArray) -> float | None:
    """Mean ρ, over targets and pairs of seeds, of the gains by one seed with those by another."""
    n_seeds = len(gains)
    rho = [
        value
        for first in range(n_seeds)
        for second in range(first)
        for row in range(gains.shape[1])
        if (value := spearman(gains[first, row], gains[second, row])) is not None
    ]
    return float(np.mean(rho)) if rho else None
