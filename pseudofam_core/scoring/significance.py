"""Is a difference in score more than luck? Paired tests, intervals that count seeds and sentences, Holm's correction.

Two runs are compared by sacreBLEU's own paired tests, which speak of other sentences and of no other seed: nothing more
than "differs on these sentences" is said of them. Where arms were trained with several seeds, the score of an arm is the
mean over its n runs, and a score moves for three reasons:

    arm × sentences:  some sentences suit one arm better, whatever the seed;
    seeds:            a run is better or worse on all sentences alike;
    run × sentences:  two runs of an arm do well on different sentences.

The variance s² between the runs of an arm, all scored on one test set, holds the last two. The bootstrap of the sentences
(paired: all arms on the same resamples) gives the first and, of the mean over runs, 1 / n of the last. So that this is not
counted twice, it is taken out of the bootstrap's: over resamples, the runs of an arm move apart from their mean by its
variance c. The squared error of a difference is

    max(0, bootstrap − Σ c / n) + Σ s² / n,

and interval and p come from Student's t with Satterthwaite's degrees of freedom. Percentiles of a hierarchical bootstrap
(resample seeds, then sentences) would be the usual way, but with 3 seeds there is little to resample. For the same reason
s² and c are pooled over the arms of a target, as in an analysis of variance, which assumes that their scores differ by seed
about as much: an s² of each arm's own is by chance small in some, and Holm's correction finds these.
`python -m benchmarks.verdicts` measures level, coverage and power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.base import Metric
from sacrebleu.significance import PairedTest, Result
from scipy import stats

FloatArray = npt.NDArray[np.float64]
LEVEL = 0.05


@dataclass(frozen=True)
class Interval:
    """A score, or a difference of scores, with its interval.

    Attributes:
        value: On the test set as it is.
        low: Lower end of the interval, at confidence 1 - level.
        high: Upper end.
        p: Two-sided p of the true value being 0. Of use for differences only.
        error: Standard error.
        freedom: Degrees of freedom of Student's t behind interval and p.
    """

    value: float
    low: float
    high: float
    p: float
    error: float = 0.0
    freedom: float = inf


@dataclass(frozen=True, eq=False)
class Spread:
    """How far apart chance puts scores that ought to be the same: seeds of an arm, or random families of a size.

    Attributes:
        variance: Between replicates scored on one test set, pooled over arms.
        freedom: Degrees of freedom behind it.
        sentences: The part of `variance` that is due to the sentences: how far replicates move apart when these are drawn
            again. The rest is what would be left on an endless test set.
    """

    variance: float
    freedom: int
    sentences: float = 0.0


@dataclass(frozen=True, eq=False)
class Replicates:
    """The scores of one arm on one test set: one per seed, or per draw of a random family.

    Attributes:
        observed: (n,) score of each replicate on the test set.
        resampled: (resamples, n) the same on each resample of its sentences.
        n_sentences: Sentences of the test set.
        spread: Of the replicates; None where it is not known, or there is none. Arms whose spread was pooled share it.
    """

    observed: FloatArray
    resampled: FloatArray
    n_sentences: int
    spread: Spread | None = None


def pooled_spread(arms: Sequence[Replicates]) -> Spread | None:
    """The spread of replicates within arms; None where no arm has two.

    Args:
        arms: Different arms: one that is given twice would count twice.
    """
    several = [arm for arm in arms if len(arm.observed) > 1]
    freedom = sum(len(arm.observed) - 1 for arm in several)
    if not freedom:
        return None
    between = sum(float(np.square(arm.observed - arm.observed.mean()).sum()) for arm in several)
    moved = [arm.resampled - arm.resampled.mean(axis=1, keepdims=True) for arm in several]
    apart = sum(float(np.var(shift, axis=0, ddof=1).sum()) for shift in moved)
    return Spread(between / freedom, freedom, apart / freedom)


def sentence_weights(n_sentences: int, *, n_resamples: int = 1000, seed: int = 12345) -> FloatArray:
    """How often each sentence is drawn, per bootstrap resample: (n_resamples, n_sentences).

    The same arguments give the same draws, so that arms, and targets with the same sentences, are resampled together.
    """
    shares = np.full(n_sentences, 1 / n_sentences)
    return np.random.default_rng(seed).multinomial(n_sentences, shares, size=n_resamples).astype(np.float64)


def replicates(metric: Metric, runs: Sequence[Sequence[FloatArray]], weights: FloatArray) -> Replicates:
    """Score every replicate of an arm, on the test set and on its resamples.

    Args:
        metric: What scores.
        runs: Per replicate, the sufficient statistics of its runs, each (sentences, counts). The score of a replicate is
            the mean over its runs.
        weights: From `sentence_weights`.
    """
    whole = np.ones((1, weights.shape[1]))
    observed = [np.mean([_scores(metric, whole @ run) for run in replicate]) for replicate in runs]
    resampled = [np.mean([_scores(metric, weights @ run) for run in replicate], axis=0) for replicate in runs]
    return Replicates(np.array(observed), np.stack(resampled, axis=1), weights.shape[1])


def estimate(terms: Sequence[tuple[float, Replicates]], *, level: float = LEVEL) -> Interval:
    """The weighted sum of the mean scores of arms, its interval and p.

    ``[(1, a)]`` is an arm's score, ``[(1, a), (-1, b)]`` a difference; the same with 1/T over T targets is a macro-average
    over these targets. An arm without spread adds no variance of seeds: the interval then does not count it.
    """
    value = float(sum(weight * arm.observed.mean() for weight, arm in terms))
    sentences = float(np.var(sum(weight * arm.resampled.mean(axis=1) for weight, arm in terms), ddof=1))
    shares: dict[Spread, float] = {}
    for weight, arm in terms:
        if arm.spread:
            shares[arm.spread] = shares.get(arm.spread, 0.0) + weight**2 / len(arm.observed)
    # What sentences do to single runs is in the spread already.
    alike = max(0.0, sentences - sum(share * spread.sentences for spread, share in shares.items()))
    parts = [(alike, min(arm.n_sentences for _, arm in terms) - 1)]
    parts += [(share * spread.variance, spread.freedom) for spread, share in shares.items()]
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return Interval(value, value, value, p=1.0 if value == 0 else 0.0)
    # Satterthwaite (1946): few seeds mean few degrees of freedom, as far as seeds make the variance.
    freedom = variance**2 / sum(part**2 / max(1, degrees) for part, degrees in parts)
    error = variance**0.5
    reach = float(stats.t.ppf(1 - level / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(value) / error, freedom))
    return Interval(value, value - reach, value + reach, p, error, freedom)


@dataclass(frozen=True)
class PairedP:
    """Two-sided p of a system against the pinned one, by sacreBLEU's paired tests.

    Attributes:
        randomisation: By approximate randomisation, 10,000 trials. Never below 2^(1 - k) where k sentences score
            differently: no swapping of k sentences can tell more.
        bootstrap: By the paired bootstrap, 1,000 resamples.
    """

    randomisation: float
    bootstrap: float


def paired_tests(
    metric: Metric, pinned: Sequence[str], systems: Sequence[Sequence[str]], *, n_trials: int = 0, n_resamples: int = 0
) -> tuple[PairedP, ...]:
    """Run sacreBLEU's paired tests of each system against the pinned one.

    Args:
        metric: With the references inside (`Scorer.made`).
        pinned: Hypotheses of the pinned system, as the metric takes them.
        systems: Hypotheses of the others.
        n_trials: Of approximate randomisation; 0 is sacreBLEU's 10,000.
        n_resamples: Of the bootstrap; 0 is sacreBLEU's 1,000.
    """
    named = [("pinned", pinned), *((str(place), system) for place, system in enumerate(systems))]
    randomisation = _p_values(PairedTest(named, {"metric": metric}, None, test_type="ar", n_samples=n_trials))
    bootstrap = _p_values(PairedTest(named, {"metric": metric}, None, test_type="bs", n_samples=n_resamples))
    # sacreBLEU counts only trials that exceed the difference: of two systems that differ in one sentence, none does.
    floors = [2.0 ** (1 - _n_different(metric, pinned, system)) for system in systems]
    return tuple(
        PairedP(min(1.0, max(p, floor)), bootstrapped)
        for p, floor, bootstrapped in zip(randomisation, floors, bootstrap, strict=True)
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number (Holm, 1979): below a level, each holds with all the others."""
    n = len(p_values)
    corrected, reached = [0.0] * n, 0.0
    for rank, i in enumerate(sorted(range(n), key=lambda i: p_values[i])):
        reached = max(reached, min(1.0, (n - rank) * p_values[i]))
        corrected[i] = reached
    return corrected


class Word(StrEnum):
    """What may be said of a difference."""

    BETTER = "better"
    WORSE = "worse"
    DIFFERS = "differs on these sentences"
    TIE = "tie"

    @property
    def short(self) -> str:
        """The first word of it."""
        return self.value.split()[0]


@dataclass(frozen=True)
class Verdict:
    """A difference from the pinned arm, and what may be said of it.

    Attributes:
        delta: Score minus the pinned arm's, with its interval.
        p: Of the named test, uncorrected.
        p_holm: Corrected for all tests of the comparison.
        n_tests: How many those are.
        test: The test.
        level: Below which `p_holm` lets one say better or worse.
        p_bootstrap: By sacreBLEU's paired bootstrap, where the two arms have one run each.
        caveat: What the test does not count, the luck of an only seed or draw, or an empty string. With one, a difference
            is never called better or worse.
        higher_is_better: Of the score.
    """

    delta: Interval
    p: float
    p_holm: float
    n_tests: int
    test: str
    level: float = LEVEL
    p_bootstrap: float | None = None
    caveat: str = ""
    higher_is_better: bool = True

    @property
    def gain(self) -> float:
        """How much better the score is than the pinned arm's; negative where it is worse."""
        return self.delta.value if self.higher_is_better else -self.delta.value

    @property
    def word(self) -> Word:
        """Better or worse only where the corrected test says so, and counts all that chance decides."""
        if self.p_holm >= self.level or self.delta.value == 0:
            return Word.TIE
        if self.caveat:
            return Word.DIFFERS
        return Word.BETTER if self.gain > 0 else Word.WORSE

    @property
    def words(self) -> str:
        """The verdict as a sentence's end, with its p, the correction and the caveat."""
        tests = f"after Holm over {self.n_tests} tests" if self.n_tests > 1 else "one test"
        caveat = f"; {self.caveat}" if self.caveat else ""
        return f"{self.word} (p = {self.p_holm:.3g} {tests}, level {self.level:g}{caveat})"


def _scores(metric: Metric, sums: FloatArray) -> FloatArray:
    """The score of each row of summed statistics."""
    return np.array([metric._compute_score_from_stats(row).score for row in sums.tolist()])


def _p_values(test: PairedTest) -> list[float]:
    _, table = test()
    (results,) = (column for name, column in table.items() if name != "System")
    return [result.p_value for result in results if isinstance(result, Result) and result.p_value is not None]


def _n_different(metric: Metric, first: Sequence[str], second: Sequence[str]) -> int:
    both = (metric._extract_corpus_statistics(lines, None) for lines in (first, second))
    return sum(a != b for a, b in zip(*both, strict=True))
