"""From finished runs to verdicts: score each arm of each target, and test it against the pinned arm."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from statistics import fmean
from typing import Any, TypeVar

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.finetuning import RANDOM, Arm, FinetuneRun, Mixture, is_random, without_draw
from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.results import Average, Comparison, Outcome
from pseudofam_core.outcomes.run_settings import circumstances_that_differ, refuse_mixture
from pseudofam_core.scoring.protocols import Protocol
from pseudofam_core.scoring.scorer import Scorer
from pseudofam_core.scoring.significance import (
    LEVEL,
    FloatArray,
    Interval,
    PairedP,
    Replicates,
    Verdict,
    estimate,
    holm,
    paired_tests,
    pooled_spread,
    replicates,
    sentence_weights,
)
from pseudofam_core.tasks.task import Task

K = TypeVar("K")
RANDOMISATION = "approximate randomisation (sacreBLEU, 10,000 trials)"
SEEDS = (
    "variance between seeds, pooled over the target's arms, and bootstrap of what sentences do beyond it, Student's t"
)
_SAME = Verdict(Interval(0, 0, 0, 1), p=1, p_holm=1, n_tests=1, test="the same run")


def compare_arms(
    runs: Sequence[FinetuneRun],
    arms: Mapping[LanguagePair, Sequence[Arm]],
    *,
    pinned: str = "single",
    protocol: Protocol = Protocol.DETOKENISED,
    level: float = LEVEL,
    n_resamples: int = 1000,
) -> Comparison:
    """Score every arm that has finished runs, and test it against the pinned arm of its target.

    Where every arm of a target has one run, two are tested by sacreBLEU's approximate randomisation; where one has several
    seeds or draws, by `significance.estimate`, which counts their variance, pooled over the target's arms; only there is an
    arm called better or worse. The p of all
    arms and targets are corrected together (Holm), those of the averages among themselves. The same is done against
    random families of the same size, whatever is pinned: these are tests of another question, and corrected apart.

    Args:
        runs: Finished runs of these targets; those of no arm are left out.
        arms: Per target its arms, in the order to show. Arms without a finished run are left out.
        pinned: The arm that the others are held against, as shown: ``single``, ``random-3``.
        protocol: What text is scored.
        level: Of the tests and, as 1 - level, of the intervals.
        n_resamples: Of the sentences.

    Raises:
        ValueError: The runs differ in more than auxiliaries and seeds, or a target has no finished pinned arm.
    """
    scored = [
        arm
        for target, of_target in arms.items()
        for arm in _scored_arms(target, of_target, runs, protocol, n_resamples)
    ]
    used = {run.key: run for arm in scored for draw in arm.runs for run in draw}
    refuse_mixture(list(used.values()))
    by_name = {(arm.target, arm.arm): arm for arm in scored}
    for target in dict.fromkeys(arm.target for arm in scored):
        if (target, pinned) not in by_name:
            have = ", ".join(arm.arm for arm in scored if arm.target == target)
            raise ValueError(f"pinned must be an arm of {target} with a finished run: {have}. Got {pinned}.")
    if not scored:
        raise ValueError(
            f"runs must hold one of an arm of {', '.join(map(str, arms))}. Got none. Run `finetune` first."
        )
    against_pinned = _verdicts([(arm, by_name[arm.target, pinned]) for arm in scored], level)
    controlled = [(arm, control) for arm in scored if (control := _control_of(arm, by_name))]
    controls = {(arm.target, arm.arm): v for (arm, _), v in zip(controlled, _verdicts(controlled, level), strict=True)}
    outcomes = [
        _outcome(arm, by_name[arm.target, pinned], level, verdict, controls.get((arm.target, arm.arm)))
        for arm, verdict in zip(scored, against_pinned, strict=True)
    ]
    return Comparison(
        task=scored[0].task,
        pinned=pinned,
        protocol=protocol,
        level=level,
        budget=next((run.budget.mode.value for run in used.values() if run.budget), None),
        outcomes=tuple(outcomes),
        averages=_averages(by_name, pinned, level) if len({arm.target for arm in scored}) > 1 else (),
        signatures={
            f"{metric.label} into {arm.target.target}": arm.scorer.signatures[metric.name]
            for arm in scored
            for metric in arm.task.metrics
        },
        n_sentences={arm.target: len(arm.scorer.kept) for arm in scored},
        circumstances=circumstances_that_differ(list(used.values())),
    )


@dataclass(frozen=True, eq=False)
class _ScoredArm:
    """An arm's runs, in draws, and by metric their scores on the test set and its resamples."""

    target: LanguagePair
    arm: str
    mixtures: tuple[Mixture, ...]
    runs: tuple[tuple[FinetuneRun, ...], ...]
    scorer: Scorer
    replicates: Mapping[str, Replicates]
    luck: _Luck

    @property
    def task(self) -> Task:
        """What its models were fine-tuned to do."""
        return self.runs[0][0].task

    @property
    def tested(self) -> Replicates:
        """Its scores by the metric that is tested."""
        return self.replicates[self.task.tested.name]

    @property
    def all_runs(self) -> tuple[FinetuneRun, ...]:
        """Its runs, the draws one after the other."""
        return tuple(run for draw in self.runs for run in draw)

    @property
    def counts_luck(self) -> bool:
        """Whether it is known how far apart other seeds, or draws, would put its scores."""
        return self.tested.spread is not None

    @property
    def uncounted(self) -> str:
        """Whose luck is not counted: that of an only seed or draw."""
        if is_random(self.arm) and (self.luck is not _Luck.DRAW or not self.counts_luck):
            return f"one draw of {self.arm}"
        return f"one seed of {self.arm}" if self.luck is _Luck.SEED and not self.counts_luck else ""


class _Luck(Enum):
    """What chance decides of an arm's score, beside the sentences; where random families have draws, these do."""

    NONE = "none"
    SEED = "seed"
    DRAW = "draw"


def _scored_arms(
    target: LanguagePair, arms: Sequence[Arm], runs: Sequence[FinetuneRun], protocol: Protocol, n_resamples: int
) -> list[_ScoredArm]:
    of_target = [run for run in runs if run.target == target]
    if not of_target:
        return []
    refuse_mixture(of_target)
    texts = of_target[0].outputs["test"]
    scorer = of_target[0].task.scorer(Bitext(target, "test", texts["sources"], texts["references"]), protocol)
    weights = sentence_weights(len(scorer.kept), n_resamples=n_resamples)
    drawn: dict[str, list[tuple[Mixture, tuple[FinetuneRun, ...]]]] = {}
    for arm in arms:
        done = tuple(run for run in of_target if run.mixture == arm.mixture)
        draws = drawn.setdefault(without_draw(arm.name), [])
        # A family drawn twice is no second draw.
        if done and arm.mixture not in [mixture for mixture, _ in draws]:
            draws.append((arm.mixture, done))
    by_draw = any(len(draws) > 1 for draws in drawn.values())
    scored = []
    for name, draws in drawn.items():
        if draws:
            mixtures, in_draws = zip(*draws, strict=True)
            luck = _luck_of(name, in_draws, by_draw=by_draw)
            own_scores = _replicated(scorer, in_draws, weights, luck)
            scored.append(_ScoredArm(target, name, mixtures, in_draws, scorer, own_scores, luck))
    return _with_spread(scored)


def _luck_of(name: str, draws: Sequence[Sequence[FinetuneRun]], *, by_draw: bool) -> _Luck:
    if by_draw and is_random(name):
        return _Luck.DRAW
    return _Luck.NONE if draws[0][0].is_zero_shot else _Luck.SEED


def _replicated(
    scorer: Scorer, draws: Sequence[Sequence[FinetuneRun]], weights: FloatArray, luck: _Luck
) -> dict[str, Replicates]:
    """By metric: a replicate per draw where chance is in these, else per run."""
    groups = draws if luck is _Luck.DRAW else [(run,) for draw in draws for run in draw]
    return {
        name: replicates(
            metric,
            [[scorer.statistics(_hypotheses(run), name) for run in group] for group in groups],
            weights,
        )
        for name, metric in scorer.made.items()
    }


def _with_spread(scored: Sequence[_ScoredArm]) -> list[_ScoredArm]:
    """A target's arms with the spread that those of equal luck have in common."""
    distinct = {tuple(run.key for run in arm.all_runs): arm for arm in scored}.values()
    spreads = {
        (luck, name): pooled_spread([arm.replicates[name] for arm in distinct if arm.luck is luck])
        for luck in (_Luck.SEED, _Luck.DRAW)
        for name in {name: None for arm in distinct for name in arm.replicates}
    }
    return [
        replace(arm, replicates={n: replace(r, spread=spreads.get((arm.luck, n))) for n, r in arm.replicates.items()})
        for arm in scored
    ]


def _control_of(arm: _ScoredArm, scored: Mapping[tuple[LanguagePair, str], _ScoredArm]) -> _ScoredArm | None:
    """The random families of an arm's target and size; None for an arm without auxiliaries, and for random ones."""
    members, _ = arm.mixtures[0]
    return scored.get((arm.target, f"{RANDOM}-{len(members)}")) if members and not is_random(arm.arm) else None


def _verdicts(pairs: Sequence[tuple[_ScoredArm, _ScoredArm]], level: float) -> list[Verdict | None]:
    """The verdict of each arm against another, their p corrected together; None for an arm against itself."""
    # Arms of the same members are one run under two names: one test, and no test against itself.
    tests = {_test_key(*both): both for both in pairs if _test_key(*both)[0] != _test_key(*both)[1]}
    raw = {key: _verdict(arm, pinned, level) for key, (arm, pinned) in tests.items()}
    verdicts = _corrected(raw)
    same = replace(_SAME, n_tests=len(raw), level=level)
    return [None if arm is against else verdicts.get(_test_key(arm, against), same) for arm, against in pairs]


def _verdict(arm: _ScoredArm, pinned: _ScoredArm, level: float) -> Verdict:
    """The uncorrected verdict."""
    delta = estimate([(1, arm.tested), (-1, pinned.tested)], level=level)
    said: dict[str, Any] = {"caveat": _caveat([arm, pinned]), "higher_is_better": arm.task.tested.higher_is_better}
    if arm.counts_luck or pinned.counts_luck:
        return Verdict(delta, delta.p, delta.p, 1, SEEDS, level, **said)
    # What follows speaks of these two runs: other seeds may fall otherwise, and no verdict says better or worse.
    p = _paired_p(arm.scorer, arm.task.tested.name, *(_hypotheses(side.all_runs[0]) for side in (pinned, arm)))
    return Verdict(delta, p.randomisation, p.randomisation, 1, RANDOMISATION, level, p.bootstrap, **said)


@functools.lru_cache(maxsize=256)
def _paired_p(scorer: Scorer, metric: str, pinned: tuple[str, ...], hypotheses: tuple[str, ...]) -> PairedP:
    """Both tests of one run against another. They take a second, so that as more runs finish only these are tested."""
    lines = [scorer.prepared(translations) for translations in (pinned, hypotheses)]
    (p,) = paired_tests(scorer.made[metric], lines[0], lines[1:])
    return p


def _outcome(
    arm: _ScoredArm, pinned: _ScoredArm, level: float, verdict: Verdict | None, control: Verdict | None
) -> Outcome:
    observed = arm.tested.observed
    others = [] if verdict is None else [metric.name for metric in arm.task.others]
    return Outcome(
        target=arm.target,
        arm=arm.arm,
        members=tuple(members for members, _ in arm.mixtures),
        weights=arm.mixtures[0][1],
        seeds=tuple(sorted({run.seed for run in arm.all_runs if run.seed is not None})),
        scores={name: estimate([(1, replicated)], level=level) for name, replicated in arm.replicates.items()},
        spread=float(observed.std(ddof=1)) if len(observed) > 1 else None,
        verdict=verdict,
        deltas={
            name: estimate([(1.0, arm.replicates[name]), (-1.0, pinned.replicates[name])], level=level)
            for name in others
        },
        updates=_mean(arm, lambda run: run.scored_update),
        target_tokens=_mean(arm, lambda run: sum(contribution.target_tokens for contribution in run.contributions[:1])),
        auxiliary_tokens=_mean(
            arm, lambda run: sum(contribution.target_tokens for contribution in run.contributions[1:])
        ),
        runs=arm.runs,
        control=control,
    )


def _averages(scored: Mapping[tuple[LanguagePair, str], _ScoredArm], pinned: str, level: float) -> tuple[Average, ...]:
    """Each arm that has two targets or more over these, their p corrected together."""
    by_arm: dict[str, list[tuple[_ScoredArm, _ScoredArm]]] = {}
    controlled: dict[str, list[tuple[_ScoredArm, _ScoredArm]]] = {}
    for (target, arm), scored_arm in scored.items():
        by_arm.setdefault(arm, []).append((scored_arm, scored[target, pinned]))
        if control := _control_of(scored_arm, scored):
            controlled.setdefault(arm, []).append((scored_arm, control))
    by_arm, controlled = (
        {arm: pairs for arm, pairs in group.items() if len(pairs) > 1} for group in (by_arm, controlled)
    )
    verdicts = _mean_verdicts({arm: pairs for arm, pairs in by_arm.items() if arm != pinned}, level)
    controls = _mean_verdicts(controlled, level)
    return tuple(
        Average(
            arm=arm,
            targets=tuple(scored_arm.target for scored_arm, _ in pairs),
            scores={metric.name: _mean_score(metric.name, pairs, level) for metric in pairs[0][0].task.metrics},
            verdict=verdicts.get(arm),
            control=controls.get(arm),
            controlled=tuple(scored_arm.target for scored_arm, _ in controlled.get(arm, ())),
        )
        for arm, pairs in by_arm.items()
    )


def _mean_score(metric: str, pairs: Sequence[tuple[_ScoredArm, _ScoredArm]], level: float) -> Interval:
    return estimate([(1 / len(pairs), arm.replicates[metric]) for arm, _ in pairs], level=level)


def _mean_verdicts(by_arm: Mapping[str, Sequence[tuple[_ScoredArm, _ScoredArm]]], level: float) -> dict[str, Verdict]:
    """The verdict of each arm over its targets, their p corrected together."""
    return _corrected({arm: _mean_verdict(pairs, level) for arm, pairs in by_arm.items()})


def _mean_verdict(pairs: Sequence[tuple[_ScoredArm, _ScoredArm]], level: float) -> Verdict:
    """The uncorrected verdict over targets. Where both names are one run, the target adds 0, and no variance."""
    apart = [both for both in pairs if len(set(_test_key(*both))) == 2]
    if not apart:
        return _SAME
    signs = (1 / len(pairs), -1 / len(pairs))
    terms = [(sign, arm.tested) for both in apart for sign, arm in zip(signs, both, strict=True)]
    delta = estimate(terms, level=level)
    caveat = _caveat([arm for both in apart for arm in both])
    better = pairs[0][0].task.tested.higher_is_better
    return Verdict(delta, delta.p, delta.p, 1, SEEDS, level, caveat=caveat, higher_is_better=better)


def _corrected(raw: Mapping[K, Verdict]) -> dict[K, Verdict]:
    """The verdicts, their p corrected together."""
    corrected = holm([verdict.p for verdict in raw.values()])
    return {
        key: replace(verdict, p_holm=p, n_tests=len(raw))
        for (key, verdict), p in zip(raw.items(), corrected, strict=True)
    }


def _caveat(arms: Sequence[_ScoredArm]) -> str:
    uncounted = dict.fromkeys(arm.uncounted for arm in arms if arm.uncounted)
    return f"luck not counted: {' and '.join(uncounted)}" if uncounted else ""


def _test_key(arm: _ScoredArm, pinned: _ScoredArm) -> tuple[tuple[str, ...], tuple[str, ...]]:
    both = [tuple(run.key for run in side.all_runs) for side in (arm, pinned)]
    return both[0], both[1]


def _mean(arm: _ScoredArm, count: Callable[[FinetuneRun], int]) -> float:
    return fmean(count(run) for run in arm.all_runs)


def _hypotheses(run: FinetuneRun) -> tuple[str, ...]:
    return run.outputs["test"]["hypotheses"]
