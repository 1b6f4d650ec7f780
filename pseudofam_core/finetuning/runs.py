"""Finished runs: found by spec, listed for a target, read without opening weights or a model."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning.arms import Mixture
from pseudofam_core.finetuning.budget import Budget, BudgetMode
from pseudofam_core.finetuning.pace import Pace, of_any_version
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.finetuning.spec import FinetuneSpec, TextCut
from pseudofam_core.languages import LanguagePair
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.restoring import known_of, restored
from pseudofam_core.store.stages import Stage
from pseudofam_core.tasks.task import Task

logger = logging.getLogger(__name__)
OUTPUTS_FILE = "outputs.json"


@dataclass(frozen=True)
class Contribution:
    """What a pair gave to the weights that were scored: what came after them is not counted.

    Attributes:
        pair: The target or an auxiliary.
        available: Sentences to draw from.
        sentences: Sentences read, repetitions counted.
        source_tokens: Their source tokens, special tokens included.
        target_tokens: Their target tokens, special tokens included.
        updates: Updates that read at least one of them.
    """

    pair: LanguagePair
    available: int
    sentences: int
    source_tokens: int
    target_tokens: int
    updates: int


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What a run writes into its manifest.

    Attributes:
        scores: By split (``dev``, ``test``): each metric of the task by its name, their signatures, and ``n_sentences``.
        contributions: The target's, then each member's.
        loss_curve: Update and mean training loss (smoothed, nats a token) since the point before.
        dev_curve: Update (0 is the base model) and ``loss`` in nats a token, not smoothed, and the
            metric that chose, where another did.
        updates: Updates done.
        scored_update: The update whose weights were scored.
        stopped: Why training ended: ``patience``, ``cap``, ``budget``; ``zero-shot``.
        seconds: Computing time by phase: ``training`` (with dev), ``translating``.
        seconds_per_update: Of training, dev left out; 0 for zero-shot.
        pace: How fast it went; None where nothing was trained, by several processes, and of earlier versions.
        device: What computed: ``cpu``, ``cuda``, or ``4 × cuda`` for as many processes.
        workspace: What was asked for.
        cut: What was taken of the training text.
        generation: What held in the search of the model's own generation settings, beside the roles of tokens.
        version: Of this package.
        libraries: Versions by name.
    """

    scores: Mapping[str, Mapping[str, Any]]
    contributions: tuple[Contribution, ...]
    loss_curve: tuple[tuple[int, float], ...]
    dev_curve: tuple[tuple[int, Mapping[str, float]], ...]
    updates: int
    scored_update: int
    stopped: str
    seconds: Mapping[str, float]
    seconds_per_update: float
    pace: Pace | None = None
    device: str
    workspace: Workspace
    cut: TextCut
    generation: tuple[str, ...] = ()
    version: str | int
    libraries: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class FinetuneRun(RunRecord):
    """A finished run.

    Attributes:
        key: Of the artifact.
        spec: What was trained.
        created: ISO 8601, UTC.
        artifact: Where its translations are.
    """

    key: str
    spec: FinetuneSpec
    created: str
    artifact: Artifact = field(repr=False, compare=False)

    @property
    def task(self) -> Task:
        """What the model was fine-tuned to do."""
        return self.spec.task

    @property
    def target(self) -> LanguagePair:
        """The pair that was adapted to."""
        return self.spec.target

    @property
    def members(self) -> tuple[LanguagePair, ...]:
        """Its auxiliaries, sorted."""
        return self.spec.members

    @property
    def mixture(self) -> Mixture:
        """What arms of this run have in common."""
        return None if self.is_zero_shot else self.members, self.spec.weights

    @property
    def budget(self) -> Budget | None:
        """How long it was trained; None for zero-shot."""
        return self.spec.budget

    @property
    def recipe(self) -> Recipe | None:
        """How it was trained; None for zero-shot."""
        return self.spec.recipe

    @property
    def seed(self) -> int | None:
        """Of the training; None for zero-shot."""
        return self.spec.seed

    @property
    def beams(self) -> int:
        """Of the search on test and dev."""
        return self.spec.beams

    @property
    def model_revision(self) -> str:
        """Of the base model."""
        return self.spec.model_revision

    @property
    def test_digest(self) -> str:
        """Of the test text: runs of different ones can't be compared."""
        return self.spec.test_digest

    @property
    def dev_digest(self) -> str:
        """Of the dev text."""
        return self.spec.dev_digest

    @property
    def is_zero_shot(self) -> bool:
        """Whether the base model was scored as it is."""
        return self.budget is None

    @cached_property
    def outputs(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """``sources``, ``references`` and ``hypotheses`` of ``dev`` and ``test``, in the order of the corpus."""
        stored = json.loads(self.artifact.file(OUTPUTS_FILE).read_text(encoding="utf-8"))
        return {split: {side: tuple(lines) for side, lines in sides.items()} for split, sides in stored.items()}


def finetune_key(spec: FinetuneSpec) -> str:
    """The key under which the cache holds the run of `spec`."""
    return Stage.FINETUNE.key(spec)


def find_run(spec: FinetuneSpec, cache: Cache) -> FinetuneRun | None:
    """The finished run of `spec`, or None."""
    return readable(cache.find(Stage.FINETUNE, finetune_key(spec), spec=spec), run_of)


def find_weights(spec: FinetuneSpec, cache: Cache) -> Artifact | None:
    """The kept weights of `spec`, a Hugging Face folder, or None."""
    return cache.find(Stage.FINETUNE_WEIGHTS, finetune_key(spec), spec=spec)


def finished_run(spec: FinetuneSpec, cache: Cache, *, keep_weights: bool) -> FinetuneRun | None:
    """`find_run`, but None where weights are asked for that were not kept: they take another training."""
    return None if keep_weights and not has_weights(spec, cache) else find_run(spec, cache)


def has_weights(spec: FinetuneSpec, cache: Cache) -> bool:
    """Whether the weights of `spec` were kept; zero-shot has none to keep."""
    return spec.is_zero_shot or find_weights(spec, cache) is not None


def runs_of(
    cache: Cache,
    *,
    target: LanguagePair | None = None,
    model_revision: str | None = None,
    test_digest: str | None = None,
    mode: BudgetMode | None = None,
) -> tuple[FinetuneRun, ...]:
    """Finished runs, the oldest first; of each filter that is given, only those that match.

    Zero-shot runs have no budget and belong to every mode. Damaged artifacts are left out and logged.
    """
    artifacts = (cache.find(Stage.FINETUNE, key) for key in cache.keys(Stage.FINETUNE))
    readings = (readable(artifact, _own_run) for artifact in artifacts)
    runs = _matching((run for run in readings if run is not None), target, model_revision, test_digest, mode)
    return tuple(sorted(runs, key=lambda run: (run.created, run.key)))


def _own_run(artifact: Artifact) -> FinetuneRun:
    """A run that was found without knowing its spec.

    Raises:
        MalformedValue: It is not the manifest of a run, or its key is none that any version of the stage makes of its spec.
    """
    if Stage.FINETUNE.version_of(artifact.key, artifact.spec) is None:
        raise MalformedValue(f"The key of run {artifact.key[:8]} is not that of its spec.")
    return run_of(artifact)


def run_of(artifact: Artifact) -> FinetuneRun:
    """Read a finished run's manifest.

    Raises:
        MalformedValue: It is not that of a run.
    """
    place = f"manifest of run {artifact.key[:8]}"
    spec = restored(dict[str, Any], artifact.spec, place=f"{place}.spec")
    aside = {name: value for name, value in artifact.summary.items() if name in ("workspace", "cut")}
    record = restored(RunRecord, known_of(RunRecord, of_any_version(artifact.summary)), place=place)
    return FinetuneRun(
        **vars(record),
        key=artifact.key,
        spec=restored(FinetuneSpec, {**spec, **aside}, place=f"{place}.spec"),
        created=artifact.created,
        artifact=artifact,
    )


def _matching(
    runs: Iterable[FinetuneRun],
    target: LanguagePair | None,
    model_revision: str | None,
    test_digest: str | None,
    mode: BudgetMode | None,
) -> list[FinetuneRun]:
    return [
        run
        for run in runs
        if target in (None, run.target)
        and model_revision in (None, run.model_revision)
        and test_digest in (None, run.test_digest)
        and (mode is None or run.budget is None or run.budget.mode is mode)
    ]
