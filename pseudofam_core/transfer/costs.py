"""What a transfer matrix will cost, before it starts: from the pace of runs that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from pseudofam_core.finetuning import (
    FinetuneSpec,
    FinetuneTexts,
    TrainingSpec,
    cost,
    expected_updates,
    find_pace,
    find_run,
    specs_of,
    trains_alike,
)
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.store.cache import Cache
from pseudofam_core.transfer.kept import kept_runs
from pseudofam_core.transfer.request import TransferRequest, specs_of_target
from pseudofam_core.transfer.runs import find_transfer

Texts = Mapping[LanguagePair, FinetuneTexts]


@dataclass(frozen=True)
class MatrixCost:
    """What is still to be done.

    Attributes:
        n_runs: Runs asked for, those that are scored counted apart.
        n_kept: Those of them that are in the cache already.
        updates: Updates of the others.
        seconds: Their time one after the other, or None while the pace is unknown.
    """

    n_runs: int
    n_kept: int
    updates: int
    seconds: float | None


def matrix_cost(request: TransferRequest, texts: Texts, cache: Cache) -> MatrixCost:
    """Add up what the unfinished runs will take, at the pace of kept runs or of a timing: see `seconds_per_update_of`."""
    left = unfinished(request, texts, cache)
    pace = seconds_per_update_of(request, cache)
    cheap = sum(expected_work(spec, texts) for spec in left if not isinstance(spec, FinetuneSpec))
    scored = _scored(request, texts, [spec for spec in left if isinstance(spec, FinetuneSpec)], cache)
    n_cells = len(request.seeds) * sum(len(request.members(target)) for target in request.targets)
    n_runs = n_cells * (2 if request.scores else 1)
    unknown = (cheap and pace is None) or scored[1] is None
    seconds = None if unknown else cheap * (pace or 0.0) + (scored[1] or 0.0)
    return MatrixCost(n_runs, n_runs - len(left), cheap + scored[0], seconds)


def unfinished(request: TransferRequest, texts: Texts, cache: Cache) -> list[TrainingSpec]:
    """The runs that are not kept, seed by seed, then target by target; a run that is scored follows its cheap one."""
    cells = {target: specs_of_target(request, target, texts[target]) for target in request.targets}
    scored = {target: specs_of(request.arms_of(target), texts[target]) for target in request.targets if request.scores}
    left: list[TrainingSpec] = []
    for seed in request.seeds:
        for target, specs in cells.items():
            of_seed = [spec for (_, its), spec in specs.items() if its == seed]
            left += [spec for spec in of_seed if find_transfer(spec, cache) is None]
            arms = [spec for (_, its), spec in scored.get(target, {}).items() if its == seed]
            left += [spec for spec in arms if find_run(spec, cache) is None]
    return left


def expected_work(spec: TrainingSpec, texts: Texts) -> int:
    """Updates of a run, about: batches with an auxiliary are not quite as many as the plan will have."""
    return expected_updates(spec, texts[spec.target])


def seconds_per_update_of(request: TransferRequest, cache: Cache) -> float | None:
    """How long an update of runs like these took, evaluations and reading counted; else one of fine-tuning or a timing.

    The median of the kept runs of this model with batches of this size and kind, or None. It is the pace of the machine that
    ran then.
    """
    revision = resolve_model(request.workspace.model).revision
    seconds = [
        run.seconds["all"] / run.updates
        for run in kept_runs(cache)
        if run.spec.recipe and trains_alike(run.spec.model_revision, run.spec.recipe, revision, request.recipe)
    ]
    if seconds:
        return median(seconds)
    pace = find_pace(cache, model_revision=revision, recipe=request.recipe, beams=request.beams)
    return None if pace is None else pace.seconds_per_update


def _scored(request: TransferRequest, texts: Texts, left: list[FinetuneSpec], cache: Cache) -> tuple[int, float | None]:
    """Updates and seconds of the runs that are translated as well."""
    if not left:
        return 0, 0.0
    pace = find_pace(cache, model_revision=left[0].model_revision, recipe=request.recipe, beams=request.beams)
    costs = [
        cost([spec for spec in left if spec.target == target], texts[target], cache, pace=pace)
        for target in {spec.target for spec in left}
    ]
    seconds = [expected.seconds for expected in costs]
    known = [duration for duration in seconds if duration is not None]
    return sum(expected.updates for expected in costs), sum(known) if len(known) == len(seconds) else None
