"""The matrices that kept runs make, whoever asked for them and by which recipe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates import pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import Budget, Recipe, TextCut
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.stages import Stage
from pseudofam_core.transfer.request import TransferRequest
from pseudofam_core.transfer.results import TransferMatrix, transfer_matrix
from pseudofam_core.transfer.runs import TransferRun, transfer_run_of

_Settings = tuple[Budget, Recipe, TextCut, int]


def kept_runs(cache: Cache) -> Iterator[TransferRun]:
    """All kept runs, in no order; one that can't be read is left out and logged."""
    for key in cache.keys(Stage.TRANSFER):
        if run := readable(cache.find(Stage.TRANSFER, key), _checked):
            yield run


def kept_requests(workspace: Workspace, cache: Cache) -> tuple[TransferRequest, ...]:
    """What to ask `transfer_matrix` for to see the runs that are kept of this model and pool.

    Runs of different updates, recipes or cuts are different matrices: that with the most targets comes first, then with the
    most runs. Whether their text is still that of the workspace, `transfer_matrix` tells: runs of other text are not found.

    Args:
        workspace: Model, corpus and pool.
        cache: Where runs are kept.

    Raises:
        ModelError: There is no such model.
        CorpusError: The corpus can't be read.
    """
    revision, pool = resolve_model(workspace.model).revision, set(pool_of(workspace))
    groups: defaultdict[_Settings, list[TransferRun]] = defaultdict(list)
    for run in kept_runs(cache):
        ours = run.spec.model_revision == revision and pool.issuperset(run.spec.pairs)
        if ours and run.spec.budget and run.spec.recipe:
            groups[run.spec.budget, run.spec.recipe, run.cut, run.spec.max_length].append(run)
    filled = [(settings, runs) for settings, runs in groups.items() if any(run.spec.members for run in runs)]
    filled.sort(key=lambda group: (len({run.spec.target for run in group[1]}), len(group[1])), reverse=True)
    return tuple(_request(workspace, settings, runs) for settings, runs in filled)


def kept_request(workspace: Workspace, cache: Cache) -> TransferRequest | None:
    """The first of `kept_requests`, or None where there is none."""
    return next(iter(kept_requests(workspace, cache)), None)


def kept_matrix(workspace: Workspace, cache: Cache) -> TransferMatrix | None:
    """The kept gains of this model and pool, of all targets; None where there are none.

    Raises:
        ModelError: There is no such model.
        CorpusError: The corpus can't be read.
    """
    request = kept_request(workspace, cache)
    return None if request is None else transfer_matrix(request, cache)


def _checked(artifact: Artifact) -> TransferRun:
    """A run that was come upon without knowing its spec.

    Raises:
        MalformedValue: It is none, or its key is none that any version of the stage makes of its spec.
    """
    if Stage.TRANSFER.version_of(artifact.key, artifact.spec) is None:
        raise MalformedValue(f"The key of transfer run {artifact.key[:8]} is not that of its spec.")
    return transfer_run_of(artifact)


def _request(workspace: Workspace, settings: _Settings, runs: Sequence[TransferRun]) -> TransferRequest:
    budget, recipe, cut, max_length = settings
    return TransferRequest(
        workspace=replace(workspace, max_length=max_length),
        targets=tuple(sorted({run.spec.target for run in runs})),
        auxiliaries=tuple(sorted({member for run in runs for member in run.spec.members})),
        updates=budget.updates,
        recipe=recipe,
        seeds=tuple(sorted({run.spec.seed for run in runs if run.spec.seed is not None})),
        cut=cut,
    )
