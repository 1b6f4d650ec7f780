"""Finished runs as a table: looked through by words, and put together by what they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import fmean, stdev

from pseudofam_core.corpora.choices import source_name
from pseudofam_core.finetuning import Arm, FinetuneRun, with_weights
from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.run_settings import settings_that_differ
from pseudofam_core.scoring.metrics import Metric

_KEY_DIGITS = 8  # fewer are in many a key by chance


@dataclass(frozen=True)
class RunRow:
    """A finished run and what it is known as.

    Attributes:
        run: The run.
        arms: Names of the arms that it is a run of; empty where nobody can tell.
        name: What a person has called it; empty where nobody has.
        note: What a person has written about it.
    """

    run: FinetuneRun
    arms: tuple[str, ...] = ()
    name: str = ""
    note: str = ""

    @property
    def arm(self) -> str:
        """All names of its arm: ``overlap = kl``."""
        return " = ".join(self.arms)

    @property
    def auxiliaries(self) -> str:
        """Its auxiliaries, with their weights where they do not weigh alike; ``none``, or ``zero-shot``."""
        if self.run.is_zero_shot:
            return "zero-shot"
        return " ".join(with_weights([str(pair) for pair in self.run.members], self.run.spec.weights)) or "none"

    @property
    def budget(self) -> str:
        """How long it was trained: ``equal-updates, 100``."""
        budget = self.run.budget
        return "not trained" if budget is None else f"{budget.mode}, {budget.updates:,}"

    @property
    def seed(self) -> str:
        """Its seed, as text; zero-shot has none."""
        return "–" if self.run.seed is None else str(self.run.seed)

    @property
    def model(self) -> str:
        """What its base model is called."""
        return Path(self.run.workspace.model).name

    @property
    def corpus(self) -> str:
        """What its text is called."""
        return source_name(self.run.workspace.corpus)

    @property
    def day(self) -> str:
        """When it was finished: ``2026-01-31``."""
        return self.run.created[:10]

    def score(self, metric: Metric) -> float | None:
        """What it scored on its test text; None by a metric that it was not scored with."""
        value = self.run.scores["test"].get(metric.name)
        return None if value is None else float(value)

    @property
    def words(self) -> str:
        """All that is looked through, in lower case."""
        told = (self.name, self.note, self.run.target.label, str(self.run.target), self.arm, self.auxiliaries)
        made = (self.budget, f"seed-{self.seed}", self.model, self.corpus, self.run.device, self.day)
        return "\n".join((*told, *made)).casefold()


class GroupedBy(StrEnum):
    """What runs of a group share.

    Attributes:
        label: What people call it.
        of: A run's value of it.
    """

    label: str
    of: Callable[[RunRow], str]

    TARGET = "target", "Target", lambda row: row.run.target.label
    ARM = "arm", "Target and auxiliaries", lambda row: f"{row.run.target.label}: {row.arm or row.auxiliaries}"
    BUDGET = "budget", "Budget", lambda row: row.budget
    SEED = "seed", "Seed", lambda row: row.seed
    MODEL = "model", "Model and corpus", lambda row: f"{row.model} on {row.corpus}"
    DAY = "day", "Day", lambda row: row.day

    def __new__(cls, value: str, label: str, of: Callable[[RunRow], str]) -> GroupedBy:
        """A member with what it looks at."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.of = value, label, of
        return member


@dataclass(frozen=True)
class RunGroup:
    """Runs that share something.

    Attributes:
        value: What they share.
        rows: The runs.
    """

    value: str
    rows: tuple[RunRow, ...]

    @property
    def differing(self) -> tuple[str, ...]:
        """What differs among them so that their scores can't be held against each other: the target, settings, texts."""
        runs = [row.run for row in self.rows]
        targets = ("target",) if len({run.target for run in runs}) > 1 else ()
        return (*targets, *settings_that_differ(runs))

    def scores(self, metric: Metric) -> tuple[float, ...]:
        """The test scores of its runs; none where they can't be held against each other, or are of another metric."""
        scores = [row.score(metric) for row in self.rows]
        known = tuple(score for score in scores if score is not None)
        return () if self.differing or len(known) < len(scores) else known

    def mean(self, metric: Metric) -> float | None:
        """The mean over runs of one mixture, which differ in their seeds alone; None of any others."""
        return fmean(self.scores(metric)) if self._is_one_mixture and self.scores(metric) else None

    def spread(self, metric: Metric) -> float | None:
        """Standard deviation (n − 1) about that mean; None of fewer than two runs."""
        scores = self.scores(metric)
        return stdev(scores) if self._is_one_mixture and len(scores) > 1 else None

    @property
    def _is_one_mixture(self) -> bool:
        return len({row.run.mixture for row in self.rows}) == 1


def run_rows(
    runs: Iterable[FinetuneRun],
    arms: Mapping[LanguagePair, Sequence[Arm]],
    names: Mapping[str, tuple[str, str]] | None = None,
) -> tuple[RunRow, ...]:
    """The runs with their names, the newest first.

    Args:
        runs: Finished runs.
        arms: Each target's arms, as `arms_found` tells them.
        names: Name and note of runs, by key.
    """
    known = names or {}
    newest = sorted(runs, key=lambda run: (run.created, run.key), reverse=True)
    return tuple(
        RunRow(
            run,
            tuple(arm.name for arm in arms.get(run.target, ()) if arm.mixture == run.mixture),
            *known.get(run.key, ("", "")),
        )
        for run in newest
    )


def matching(rows: Iterable[RunRow], words: str) -> tuple[RunRow, ...]:
    """The rows in which every word occurs, in whatever case and column; all where there is no word.

    A word may also be the beginning of a key, of 8 digits or more.
    """
    wanted = words.casefold().split()
    return tuple(row for row in rows if all(word in row.words or _begins(row.run.key, word) for word in wanted))


def grouped(rows: Iterable[RunRow], by: GroupedBy) -> tuple[RunGroup, ...]:
    """The rows in groups that share a value, in the order in which the values are met first."""
    groups: dict[str, list[RunRow]] = {}
    for row in rows:
        groups.setdefault(by.of(row), []).append(row)
    return tuple(RunGroup(value, tuple(rows_alike)) for value, rows_alike in groups.items())


def _begins(key: str, word: str) -> bool:
    return len(word) >= _KEY_DIGITS and key.startswith(word)
