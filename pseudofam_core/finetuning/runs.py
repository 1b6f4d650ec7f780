"""Finished runs: found by spec, listed for a target, read without opening weights or a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pseudofam_core.finetuning.budget import Budget, BudgetMode
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.finetuning.spec import FinetuneSpec
from pseudofam_core.languages import LanguagePair
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.store.keys import key_of
from pseudofam_core.store.restoring import restored
from pseudofam_core.tasks.task import Task
from pseudofam_core.tasks.translation import TRANSLATION

FINETUNE_STAGE = "finetune"
WEIGHTS_STAGE = "finetune-weights"
FINETUNE_VERSION = 1  # raise it when the same spec would give another value
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


@dataclass(frozen=True)
class FinetuneRun:
    """What the manifest of a finished run tells.

    Attributes:
        key: Of the artifact.
        target: The pair that was adapted to.
        members: Its auxiliaries, sorted.
        budget: None for zero-shot, as the next two.
        recipe: How it was trained.
        seed: Of the training.
        beams: Of the search on test and dev.
        model_revision: Of the base model.
        test_digest: Of the test text: runs of different ones can't be compared.
        dev_digest: Of the dev text.
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
        device: What computed: ``cpu``, ``cuda``, or ``4 × cuda`` for as many processes.
        provenance: Workspace, cut, library versions, time of creation.
    """

    key: str
    target: LanguagePair
    members: tuple[LanguagePair, ...]
    budget: Budget | None
    recipe: Recipe | None
    seed: int | None
    beams: int
    model_revision: str
    test_digest: str
    dev_digest: str
    scores: Mapping[str, Mapping[str, Any]]
    contributions: tuple[Contribution, ...]
    loss_curve: tuple[tuple[int, float], ...]
    dev_curve: tuple[tuple[int, Mapping[str, float]], ...]
    updates: int
    scored_update: int
    stopped: str
    seconds: Mapping[str, float]
    seconds_per_update: float
    device: str
    provenance: Mapping[str, Any]
    artifact: Artifact = field(repr=False, compare=False)

    @property
    def task(self) -> Task:
        """What the model was fine-tuned to do: see `FinetuneSpec.task`."""
        return TRANSLATION

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
    return key_of(FINETUNE_STAGE, FINETUNE_VERSION, spec)


def find_run(spec: FinetuneSpec, cache: Cache) -> FinetuneRun | None:
    """The finished run of `spec`, or None."""
    found = cache.find(FINETUNE_STAGE, finetune_key(spec))
    return None if found is None else run_of(found)


def find_weights(spec: FinetuneSpec, cache: Cache) -> Artifact | None:
    """The kept weights of `spec`, a Hugging Face folder, or None."""
    return cache.find(WEIGHTS_STAGE, finetune_key(spec))


def finished_run(spec: FinetuneSpec, cache: Cache, *, keep_weights: bool) -> FinetuneRun | None:
    """`find_run`, but None where weights are asked for that were not kept: they take another training."""
    kept = not keep_weights or spec.is_zero_shot or find_weights(spec, cache) is not None
    return find_run(spec, cache) if kept else None


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
    artifacts = (cache.find(FINETUNE_STAGE, key) for key in cache.keys(FINETUNE_STAGE))
    runs = _matching((run_of(one) for one in artifacts if one is not None), target, model_revision, test_digest, mode)
    return tuple(sorted(runs, key=lambda run: (run.provenance["created"], run.key)))


def run_of(artifact: Artifact) -> FinetuneRun:
    """Read a finished run's manifest."""
    manifest = artifact.manifest
    spec = manifest["spec"]
    return FinetuneRun(
        key=artifact.key,
        target=restored(LanguagePair, spec["target"]),
        members=tuple(restored(LanguagePair, one) for one in spec["members"]),
        budget=None if spec["budget"] is None else restored(Budget, spec["budget"]),
        recipe=None if spec["recipe"] is None else restored(Recipe, spec["recipe"]),
        seed=spec["seed"],
        beams=spec["beams"],
        model_revision=spec["model_revision"],
        test_digest=spec["test_digest"],
        dev_digest=spec["dev_digest"],
        scores=manifest["scores"],
        contributions=tuple(restored(Contribution, one) for one in manifest["contributions"]),
        loss_curve=tuple((update, loss) for update, loss in manifest["loss_curve"]),
        dev_curve=tuple((update, values) for update, values in manifest["dev_curve"]),
        artifact=artifact,
        provenance={name: manifest[name] for name in ("workspace", "cut", "libraries", "version", "created")},
        **{name: manifest[name] for name in _PLAIN},
    )


_PLAIN = ("updates", "scored_update", "stopped", "seconds", "seconds_per_update", "device")


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
