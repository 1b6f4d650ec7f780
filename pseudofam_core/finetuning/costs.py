"""What a comparison will cost, before it starts: from the pace of finished runs or of a short timing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pseudofam_core.errors import MalformedValue
from pseudofam_core.finetuning.budget import Budget, BudgetMode
from pseudofam_core.finetuning.pace import GuessedPace, Pace, of_any_version
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.finetuning.runs import FinetuneRun, find_run, has_weights, runs_of
from pseudofam_core.finetuning.spec import FinetuneSpec, TrainingSpec
from pseudofam_core.finetuning.texts import FinetuneTexts
from pseudofam_core.scoring.metrics import LOSS
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.store.restoring import known_of, restored
from pseudofam_core.store.stages import Stage

logger = logging.getLogger(__name__)
TIMING_BUDGET = Budget(BudgetMode.EQUAL_UPDATES, updates=8, patience=None)
_CHECKPOINTS_AT_ONCE = 3  # the best one, the last one, and the one being written
_DECIDES_SPEED = ("batch_tokens", "accumulation", "precision", "lora")


@dataclass(frozen=True)
class Timing:
    """A few updates that were timed.

    Attributes:
        model_revision: Of the base model.
        recipe: How it was trained.
        pace: What was found; None where several processes shared the work.
        created: ISO 8601, UTC.
        beams: Of the translation; None where an earlier version did not record it.
        device: What computed.
    """

    model_revision: str
    recipe: Recipe
    pace: Pace | None
    created: str
    beams: int | None = None
    device: str | None = None


@dataclass(frozen=True)
class Cost:
    """What is still to be done.

    Attributes:
        n_runs: Runs asked for, equal ones counted once.
        n_finished: Those of them that are in the cache already.
        n_again: Those of the others that are finished too, but without the weights that are asked for.
        updates: Updates of the others.
        seconds: Their time one after the other, or None while the pace is unknown.
        disk_bytes: Most room taken at a time: checkpoints, which go again, and `kept_bytes`; None while the pace is unknown.
        kept_bytes: Room of the weights that are kept, or None while it is unknown, and left out of `disk_bytes`.
        is_limit: Whether early stopping may make it less.
        is_guess: Whether the pace is of runs that evaluated or translated in another way.
    """

    n_runs: int
    n_finished: int
    n_again: int
    updates: int
    seconds: float | None
    disk_bytes: int | None
    kept_bytes: int | None
    is_limit: bool
    is_guess: bool


def cost(
    specs: Iterable[FinetuneSpec],
    texts: FinetuneTexts,
    cache: Cache,
    *,
    pace: Pace | None,
    keep_weights: bool = False,
) -> Cost:
    """Add up what the unfinished runs of a target will take.

    Args:
        specs: The runs.
        texts: The target's text, for the sizes that weigh the pairs and for the sentences to translate.
        cache: Where finished runs are found.
        pace: See `find_pace`.
        keep_weights: Whether weights are kept; runs that are finished without theirs are then trained again for them.
    """
    runs = {spec: find_run(spec, cache) for spec in specs}
    left = [spec for spec, run in runs.items() if run is None or (keep_weights and not has_weights(spec, cache))]
    updates = {spec: expected_updates(spec, texts) for spec in left}
    n_sentences = len(texts.dev) + len(texts.test)
    seconds = None if pace is None else sum(_seconds(spec, updates[spec], n_sentences, pace) for spec in left)
    n_trained = sum(not spec.is_zero_shot for spec in left)
    kept = _kept_bytes(n_trained if keep_weights else 0, pace)
    checkpoints = None if pace is None else (n_trained > 0) * _CHECKPOINTS_AT_ONCE * pace.checkpoint_bytes
    return Cost(
        n_runs=len(runs),
        n_finished=len(runs) - len(left),
        n_again=sum(runs[spec] is not None for spec in left),
        updates=sum(updates.values()),
        seconds=seconds,
        disk_bytes=None if checkpoints is None else checkpoints + (kept or 0),
        kept_bytes=kept,
        is_limit=any(spec.budget is not None and spec.budget.stops_early for spec in left),
        is_guess=bool(left) and isinstance(pace, GuessedPace),
    )


def expected_updates(spec: TrainingSpec, texts: FinetuneTexts) -> int:
    """Updates of a run, or the most that they can be."""
    if spec.budget is None or spec.recipe is None:
        return 0
    sizes = [len(texts.train(pair)) for pair in spec.pairs]
    return spec.budget.expected_updates(sizes, spec.recipe, spec.weights)


def find_pace(cache: Cache, *, model_revision: str, recipe: Recipe, beams: int) -> Pace | None:
    """The latest pace in the cache of this model with batches of this size and kind: of a run, else of a timing.

    One that evaluated on dev by this recipe and translated with as many beams goes before all others, which are a guess:
    see `GuessedPace`. Runs on several processes have none, nor has one that had only its translations left to do when
    it was resumed. It is the pace of the machine that ran then, which the cache does not tell from this one.
    """
    paced: list[FinetuneRun | Timing] = [*runs_of(cache, model_revision=model_revision), *_timings(cache)]
    ranked = []
    for timed in paced:
        if timed.pace and timed.recipe and trains_alike(timed.model_revision, timed.recipe, model_revision, recipe):
            alike = _searches_alike(timed, recipe, beams)
            pace = timed.pace if alike else GuessedPace(**vars(timed.pace))
            ranked.append(((alike, isinstance(timed, FinetuneRun), timed.created), pace))
    return max(ranked, key=lambda candidate: candidate[0])[1] if ranked else None


def trains_alike(model_revision: str, recipe: Recipe, other_revision: str, other: Recipe) -> bool:
    """Whether an update of one takes as long as an update of the other: the same model, and batches of one size and kind."""
    return model_revision == other_revision and all(getattr(recipe, n) == getattr(other, n) for n in _DECIDES_SPEED)


def timing_key(model_revision: str, recipe: Recipe, beams: int) -> str:
    """The key under which the cache holds a timing."""
    return Stage.FINETUNE_TIMING.key([model_revision, recipe, beams])


def timing_of(artifact: Artifact) -> Timing:
    """A kept timing.

    Raises:
        MalformedValue: It is none.
    """
    place = f"manifest of timing {artifact.key[:8]}"
    spec = restored(dict[str, Any], artifact.spec, place=f"{place}.spec")
    known = known_of(Timing, {**of_any_version(artifact.summary), **spec, "created": artifact.created})
    return restored(Timing, known, place=place)


def _kept_bytes(n_trained: int, pace: Pace | None) -> int | None:
    """Room of the weights of so many runs, or None where it is unknown."""
    if not n_trained:
        return 0
    return None if pace is None or pace.weights_bytes is None else n_trained * pace.weights_bytes


def _seconds(spec: FinetuneSpec, updates: int, n_sentences: int, pace: Pace) -> float:
    translating = n_sentences * pace.seconds_per_sentence
    if spec.recipe is None:
        return translating
    evaluating = updates / spec.recipe.eval_every * pace.seconds_per_evaluation
    return updates * pace.seconds_per_update + evaluating + translating


def _timings(cache: Cache) -> Iterator[Timing]:
    """The timings of the cache; one that can't be read is left out and logged."""
    for key in cache.keys(Stage.FINETUNE_TIMING):
        if (artifact := cache.find(Stage.FINETUNE_TIMING, key)) is not None:
            try:
                yield timing_of(artifact)
            except MalformedValue as error:
                logger.warning("%s The timing is left out.", error)


def _searches_alike(timed: FinetuneRun | Timing, recipe: Recipe, beams: int) -> bool:
    """Whether dev was evaluated by this recipe, and the final translation had as many beams."""
    recipe_there = timed.recipe
    assert recipe_there is not None  # see `find_pace`
    beams_alike = recipe.dev_metric == LOSS.name or recipe_there.dev_beams == recipe.dev_beams
    return recipe_there.dev_metric == recipe.dev_metric and beams_alike and timed.beams == beams
