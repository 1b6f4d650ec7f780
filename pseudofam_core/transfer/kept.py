"""The matrix that a workspace's kept runs make, whoever asked for them and by which recipe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates import pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.stages import Stage
from pseudofam_core.transfer.request import TransferRequest
from pseudofam_core.transfer.runs import TransferRun, transfer_run_of


def kept_request(workspace: Workspace, cache: Cache) -> TransferRequest | None:
    """What to ask `transfer_matrix` for to see the runs that are kept of this model and pool; None where there is none.

    Runs of different updates, recipes or cuts are different matrices: that with the most targets is taken, then with the most runs.

    Raises:
        ModelError: There is no such model.
        CorpusError: The corpus can't be read.
    """
    revision, pool = resolve_model(workspace.model).revision, set(pool_of(workspace))
    groups: dict[Hashable, list[TransferRun]] = defaultdict(list)
    for key in cache.keys(Stage.TRANSFER):
        run = readable(cache.find(Stage.TRANSFER, key), _checked)
        if run and run.spec.model_revision == revision and pool.issuperset(run.spec.pairs):
            groups[run.spec.budget, run.spec.recipe, run.cut, run.spec.max_length].append(run)
    runs = max(groups.values(), key=lambda own: (len({run.spec.target for run in own}), len(own)), default=None)
    return None if runs is None else _request(workspace, runs)


def _checked(artifact: Artifact) -> TransferRun:
    """A run that was come upon without knowing its spec.

    Raises:
        MalformedValue: It is none, or its key is none that any version of the stage makes of its spec.
    """
    if Stage.TRANSFER.version_of(artifact.key, artifact.spec) is None:
        raise MalformedValue(f"The key of transfer run {artifact.key[:8]} is not that of its spec.")
    return transfer_run_of(artifact)


def _request(workspace: Workspace, runs: list[TransferRun]) -> TransferRequest | None:
    first = runs[0]
    auxiliaries = {one for run in runs for one in run.spec.members}
    if not auxiliaries or first.spec.budget is None or first.spec.recipe is None:
        return None
    return TransferRequest(
        workspace=workspace,
        targets=tuple(sorted({run.spec.target for run in runs})),
        auxiliaries=tuple(sorted(auxiliaries)),
        updates=first.spec.budget.updates,
        recipe=first.spec.recipe,
        seeds=tuple(sorted({run.spec.seed for run in runs if run.spec.seed is not None})),
        cut=first.cut,
    )
