"""Experiments without a model: finished runs whose test scores are drawn, for rates of error, coverage and power.

A run's "translations" are numbers in text, a line per sentence: what a metric sums up. `compare_arms` is driven as it is;
only the scorer is another, which reads these numbers. Two kinds: `Means`, whose score is a mean over sentences, so that all
true values are known exactly; and `Counts`, which draws matching n-grams and scores them by sacreBLEU's BLEU.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol
from unittest import mock

import numpy as np
from sacrebleu.metrics import BLEU

from pseudofam_core.estimates import Workspace
from pseudofam_core.finetuning import Arm, Budget, FinetuneRun, FinetuneSpec, Recipe
from pseudofam_core.finetuning.runs import Contribution
from pseudofam_core.languages import LanguagePair, languages
from pseudofam_core.store.cache import Artifact
from pseudofam_core.tasks.task import Task

TARGETS = tuple(LanguagePair(code, "en") for code in sorted(languages()) if code != "en")
_LENGTH = 12
_ORDERS = 4


class Drawn(Protocol):
    """What is drawn for one test set: statistics of each sentence, (sentences, counts), run after run."""

    metric: Any

    def test_set(self, rng: np.random.Generator, n_sentences: int) -> Any:
        """What all runs on one test set share."""

    def arm(self, rng: np.random.Generator, n_sentences: int) -> Any:
        """What the runs of an arm share on it."""

    def run(self, rng: np.random.Generator, test_set: Any, arm: Any, gain: float) -> np.ndarray:
        """The statistics of a run."""


class _MeanMetric:
    """The mean of the first column."""

    def _compute_score_from_stats(self, row: Sequence[float]) -> Any:
        return SimpleNamespace(score=row[0] / row[1])


@dataclass(frozen=True)
class Means:
    """Scores that are means over normal sentences: true differences are the gains, exactly.

    Attributes:
        seed_spread: Of a run on an endless test set: standard deviation over seeds.
        run_sentences: Standard deviation, in points of the score, of what the sentences do to one run.
        arm_sentences: The same of what they do to all runs of an arm.
    """

    seed_spread: float
    run_sentences: float = 0.6
    arm_sentences: float = 0.3
    metric: Any = field(default_factory=_MeanMetric)

    def test_set(self, rng: np.random.Generator, n_sentences: int) -> Any:
        return rng.normal(20, 10, n_sentences)

    def arm(self, rng: np.random.Generator, n_sentences: int) -> Any:
        return rng.normal(0, self.arm_sentences * n_sentences**0.5, n_sentences)

    def run(self, rng: np.random.Generator, test_set: Any, arm: Any, gain: float) -> np.ndarray:
        n = len(test_set)
        own = rng.normal(0, self.run_sentences * n**0.5, n) + rng.normal(0, self.seed_spread)
        return np.stack([test_set + arm + own + gain, np.ones(n)], axis=1)


class _CountedBleu(BLEU):
    """BLEU of sentences whose counts stand in the lines."""

    def _extract_corpus_statistics(self, hypotheses: Sequence[str], references: Any) -> Any:
        return [[int(one) for one in line.split()] for line in hypotheses]


@dataclass(frozen=True)
class Counts:
    """BLEU, from drawn numbers of matching n-grams; about 20 points.

    A part of the sentences is translated by every run as by the base model, as in fine-tuning. Seeds and gains act on
    the rest.

    Attributes:
        seed_spread: In BLEU, on an endless test set.
        unchanged: Share of sentences that a run leaves as they were.
    """

    seed_spread: float
    unchanged: float = 0.75
    metric: Any = field(default_factory=lambda: _CountedBleu(references=[["none"]]))

    def test_set(self, rng: np.random.Generator, n_sentences: int) -> Any:
        hard = rng.normal(0, 0.7, n_sentences)
        return hard, _counts(rng, hard)

    def arm(self, rng: np.random.Generator, n_sentences: int) -> Any:
        return rng.normal(0, 0.2, n_sentences)

    def run(self, rng: np.random.Generator, test_set: Any, arm: Any, gain: float) -> np.ndarray:
        hard, base = test_set
        shift = (gain + rng.normal(0, self.seed_spread)) / self.points_per_shift
        kept = rng.random(len(hard)) < self.unchanged
        return np.where(kept[:, None], base, _counts(rng, hard + arm + shift))

    @property
    def points_per_shift(self) -> float:
        """BLEU gained by a shift of one, near none; measured on as many sentences as take a second."""
        if self.unchanged not in _SLOPES:
            scores = []
            for shift in (-0.1, 0.1):
                rng = np.random.default_rng(1)
                hard = rng.normal(0, 0.7, 400_000)
                kept = rng.random(len(hard)) < self.unchanged
                counts = np.where(kept[:, None], _counts(rng, hard), _counts(rng, hard + shift))
                scores.append(self.metric._compute_score_from_stats(counts.sum(axis=0).tolist()).score)
            _SLOPES[self.unchanged] = (scores[1] - scores[0]) / 0.2
        return _SLOPES[self.unchanged]


_SLOPES: dict[float, float] = {}


def _counts(rng: np.random.Generator, logits: np.ndarray) -> np.ndarray:
    """BLEU's sufficient statistics of sentences of 12 words: lengths, matches and totals by order."""
    n = len(logits)
    columns, share = [np.full(n, _LENGTH)] * 2, 1 / (1 + np.exp(-(logits - 0.1)))
    matches = []
    for order in range(_ORDERS):
        matches.append(rng.binomial(_LENGTH - order, share))
        share = 0.65 * matches[-1] / (_LENGTH - order)
    totals = [np.full(n, _LENGTH - order) for order in range(_ORDERS)]
    return np.stack([*columns, *matches, *totals], axis=1)


@dataclass(frozen=True)
class Experiment:
    """Arms of targets, trained by seeds, with one that gains.

    Attributes:
        drawn: How scores come about.
        n_targets: Targets.
        n_arms: Arms of each; the first is pinned, the second may gain.
        n_seeds: Runs of each arm.
        n_sentences: Of each test set.
        gain: Of the second arm over the others.
    """

    drawn: Drawn
    n_targets: int = 1
    n_arms: int = 4
    n_seeds: int = 3
    n_sentences: int = 100
    gain: float = 0.0

    @property
    def arms(self) -> Mapping[LanguagePair, tuple[Arm, ...]]:
        """The arms of each target: the target alone, and with as many auxiliaries as their number."""
        own = (Arm("single", ()), *(Arm(f"arm-{i}", TARGETS[20 : 20 + i]) for i in range(1, self.n_arms)))
        return dict.fromkeys(TARGETS[: self.n_targets], own)

    def runs(self, rng: np.random.Generator) -> list[FinetuneRun]:
        """The finished runs of the experiment, once."""
        made = []
        for target, arms in self.arms.items():
            test_set = self.drawn.test_set(rng, self.n_sentences)
            for place, arm in enumerate(arms):
                shared = self.drawn.arm(rng, self.n_sentences)
                for seed in range(1, self.n_seeds + 1):
                    values = self.drawn.run(rng, test_set, shared, self.gain if place == 1 else 0.0)
                    lines = tuple(" ".join(map(repr, row)) for row in values.tolist())
                    made.append(_run(target, arm, seed, lines))
        return made

    @contextmanager
    def scored(self) -> Iterator[None]:
        """Let `compare_arms` read these runs."""
        with mock.patch.object(Task, "scorer", lambda _, bitext, __: _Scorer(self.drawn.metric, len(bitext))):
            yield


@dataclass(frozen=True, eq=False)
class _Scorer:
    """Reads the numbers in the lines; both metrics are the one."""

    metric: Any
    n: int

    @property
    def signatures(self) -> Mapping[str, str]:
        return dict.fromkeys(self.made, "made up")

    @property
    def kept(self) -> range:
        return range(self.n)

    @property
    def made(self) -> Mapping[str, Any]:
        return {"bleu": self.metric, "chrf": _MeanMetric()}

    def prepared(self, lines: Sequence[str]) -> list[str]:
        return list(lines)

    def statistics(self, lines: Sequence[str], metric: str) -> np.ndarray:
        return np.array([line.split() for line in lines], dtype=np.float64)


def _run(target: LanguagePair, arm: Arm, seed: int, lines: tuple[str, ...]) -> FinetuneRun:
    """A finished run with these lines as its translations, and nothing else to it."""
    members = arm.members or ()
    spec = FinetuneSpec(
        model_revision="model",
        target=target,
        members=members,
        train_digests=("text",) * (1 + len(members)),
        dev_digest="dev",
        test_digest="test",
        budget=Budget(),
        recipe=Recipe(precision="float32"),
        beams=5,
        max_length=256,
        seed=seed,
        workspace=Workspace(),
    )
    run = FinetuneRun(
        key=f"{target} {arm.name} {seed}",
        spec=spec,
        created="2026-01-01T00:00:00+00:00",
        scores={},
        contributions=tuple(Contribution(one, 50, 60, 70, 80, 90) for one in (target, *members)),
        loss_curve=(),
        dev_curve=(),
        updates=1,
        scored_update=1,
        stopped="budget",
        seconds={},
        seconds_per_update=0.0,
        device="cpu",
        workspace=spec.workspace,
        cut=spec.cut,
        version="made up",
        libraries={},
        artifact=Artifact("key", Path(), {}),
    )
    vars(run)["outputs"] = {"test": {"sources": lines, "references": lines, "hypotheses": lines}}
    return run
