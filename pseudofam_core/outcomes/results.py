"""How arms scored and stand against the pinned arm: what `arm_comparison` finds, and tables and charts show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from pseudofam_core.finetuning import FinetuneRun
from pseudofam_core.languages import LanguagePair
from pseudofam_core.scoring.protocols import Protocol
from pseudofam_core.scoring.significance import Interval, Verdict
from pseudofam_core.tasks.task import Task


@dataclass(frozen=True)
class Outcome:
    """How one arm of one target scored.

    Attributes:
        target: The pair that was adapted to.
        arm: Its name; random families of one size are one arm (``random-3``), compared as a distribution.
        members: Auxiliaries of each draw, one draw but for random families; None is zero-shot.
        weights: Of the auxiliaries, where they do not weigh alike: see `TrainingSpec.weights`.
        seeds: Of its runs, sorted; empty for zero-shot.
        scores: Mean over the runs, with its interval, by name of the task's metric.
        spread: Standard deviation of the tested metric over the draws, else over the seeds; None of one.
        verdict: The tested metric against the pinned arm's; None for the pinned arm itself.
        deltas: Each other metric minus the pinned arm's, by its name; empty for the pinned arm itself.
        updates: Updates behind the scored weights, mean over runs.
        target_tokens: Target-side tokens of the target pair that they read, mean over runs.
        auxiliary_tokens: The same of all auxiliaries together.
        runs: The runs, in draws.
        control: The same against random families of the same size, which tells the right languages from merely more
            text. None where none was trained, and for random families themselves.
    """

    target: LanguagePair
    arm: str
    members: tuple[tuple[LanguagePair, ...] | None, ...]
    seeds: tuple[int, ...]
    scores: Mapping[str, Interval]
    spread: float | None
    verdict: Verdict | None
    deltas: Mapping[str, Interval]
    updates: float
    target_tokens: float
    auxiliary_tokens: float
    runs: tuple[tuple[FinetuneRun, ...], ...] = field(repr=False, compare=False)
    control: Verdict | None = None
    weights: tuple[float, ...] = ()

    @property
    def n_draws(self) -> int:
        """Families drawn; 1 for every arm but random ones."""
        return len(self.members)


@dataclass(frozen=True)
class Average:
    """An arm over several targets: the mean of its scores and of its differences from the pinned arm.

    Attributes:
        arm: Its name.
        targets: The targets that have it and the pinned arm. The interval speaks of these, not of targets at large.
        scores: Mean scores, by name of the task's metric.
        verdict: None for the pinned arm.
        control: Against random families of the same size, over the targets that have one; None where none has.
        controlled: Those targets.
    """

    arm: str
    targets: tuple[LanguagePair, ...]
    scores: Mapping[str, Interval]
    verdict: Verdict | None
    control: Verdict | None = None
    controlled: tuple[LanguagePair, ...] = ()


class Question(Enum):
    """What an arm is held against: the arm that a user pinned, or random families of its own size."""

    PINNED = "pinned"
    RANDOM = "random"

    def verdict(self, outcome: Outcome | Average) -> Verdict | None:
        """The answer for one arm; None where it was not asked."""
        return outcome.verdict if self is Question.PINNED else outcome.control

    def targets(self, average: Average) -> tuple[LanguagePair, ...]:
        """The targets behind the answer for an average."""
        return average.targets if self is Question.PINNED else average.controlled


@dataclass(frozen=True)
class Comparison:
    """Arms held against the pinned one.

    Attributes:
        task: What the models were fine-tuned to do: it names metrics, and which of them is tested.
        pinned: Name of the arm that differences are taken from.
        protocol: What text was scored.
        level: Below which a corrected p lets one say better or worse.
        budget: The budget mode of all trained runs; None where none was trained.
        outcomes: By target, then in the order of the arms.
        averages: Arms over the targets; empty for one target.
        signatures: sacreBLEU's, by metric and its target language.
        n_sentences: Sentences scored, by target.
        circumstances: What differs between the runs beside auxiliaries and seeds, without forbidding to compare them.
    """

    task: Task
    pinned: str
    protocol: Protocol
    level: float
    budget: str | None
    outcomes: tuple[Outcome, ...]
    averages: tuple[Average, ...]
    signatures: Mapping[str, str]
    n_sentences: Mapping[LanguagePair, int]
    circumstances: Mapping[str, tuple[str, ...]]

    @property
    def targets(self) -> tuple[LanguagePair, ...]:
        """The targets, in order."""
        return tuple(dict.fromkeys(outcome.target for outcome in self.outcomes))

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms, in order."""
        return tuple(dict.fromkeys(outcome.arm for outcome in self.outcomes))

    def of(self, target: LanguagePair, arm: str) -> Outcome | None:
        """The outcome of one arm of one target, where there is one."""
        return next((outcome for outcome in self.outcomes if (outcome.target, outcome.arm) == (target, arm)), None)

    def same_runs(self, *targets: LanguagePair) -> Mapping[str, tuple[str, ...]]:
        """The arms that differ for any of these targets, each with all its names; the pinned arm goes by its own first.

        Families that are equal are one run: by whatever names it was asked for, it is no second result.
        """
        names: dict[tuple[object, ...], list[str]] = {}
        for arm in sorted(self.arms, key=lambda arm: arm != self.pinned):
            runs = tuple(self._runs(self.of(target, arm)) for target in targets)
            names.setdefault(runs if any(runs) else (arm,), []).append(arm)
        order = {arm: place for place, arm in enumerate(self.arms)}
        groups = sorted(names.values(), key=lambda alike: min(map(order.__getitem__, alike)))
        return {alike[0]: tuple(alike) for alike in groups}

    def verdicts(self, question: Question, target: LanguagePair | None = None) -> Mapping[str, Verdict]:
        """The verdicts of one target, by default those of the averages, by names; arms that were not tested are left out.

        Arms of the same runs are one: ``mse = overlap``. An average over some of the targets only says so behind its name:
        ``overlap (3 of 5)``.
        """
        by_names: dict[str, Verdict | None] = {}
        names = {
            first: " = ".join(alike) for first, alike in self.same_runs(*([target] if target else self.targets)).items()
        }
        if target is not None:
            by_names = {
                names[outcome.arm]: question.verdict(outcome)
                for outcome in self.outcomes
                if outcome.target == target and outcome.arm in names
            }
        else:
            averages = (average for average in self.averages if average.arm in names)
            by_names = {
                f"{names[average.arm]}{self._partly(question, average)}": question.verdict(average)
                for average in averages
            }
        return {arm: verdict for arm, verdict in by_names.items() if verdict}

    @staticmethod
    def _runs(outcome: Outcome | None) -> tuple[str, ...]:
        return () if outcome is None else tuple(run.key for draw in outcome.runs for run in draw)

    def _partly(self, question: Question, average: Average) -> str:
        n, n_targets = len(question.targets(average)), len(self.targets)
        return "" if n == n_targets else f" ({n} of {n_targets})"
