"""Transfer matrices of which runs are kept, whatever page or command asked for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pseudofam_core.corpora.choices import absolute_source
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.store.cache import Cache, readable
from pseudofam_core.store.stages import Stage
from pseudofam_core.transfer.request import TransferRequest
from pseudofam_core.transfer.runs import TransferRun, transfer_run_of


def kept_matrix(workspace: Workspace, cache: Cache) -> tuple[TransferRequest, tuple[str, ...]] | None:
    """The request whose runs are kept for a workspace's model, and the keys of these runs; None where there is none.

    Of several, one that trained on the workspace's corpus comes first, then the one with most runs. Targets, auxiliaries and
    seeds are those that any of its runs has: some cells may be missing.

    Raises:
        ModelError: There is no such model.
    """
    groups: dict[tuple[object, ...], list[TransferRun]] = defaultdict(list)
    revision = resolve_model(workspace.model).revision
    for key in cache.keys(Stage.TRANSFER):
        run = readable(cache.find(Stage.TRANSFER, key), transfer_run_of)
        if run is not None and run.spec.model_revision == revision and run.spec.budget is not None:
            groups[_group(run)].append(run)
    if not groups:
        return None
    here = absolute_source(workspace.corpus)
    best = max(groups.values(), key=lambda runs: (absolute_source(runs[0].spec.workspace.corpus) == here, len(runs)))
    return _request(best), tuple(sorted(one.key for one in best))


def _group(run: TransferRun) -> tuple[object, ...]:
    """What all runs of a matrix share."""
    spec = run.spec
    return absolute_source(spec.workspace.corpus), spec.budget, spec.recipe, spec.max_length, repr(spec.cut)


def _request(runs: Sequence[TransferRun]) -> TransferRequest:
    specs = [one.spec for one in runs]
    budget, recipe = specs[0].budget, specs[0].recipe
    assert budget is not None  # only a model that is not trained at all has none
    assert recipe is not None
    return TransferRequest(
        workspace=specs[0].workspace,
        targets=tuple(sorted({one.target for one in specs})),
        auxiliaries=tuple(sorted({pair for one in specs for pair in one.members})),
        updates=budget.updates,
        recipe=recipe,
        seeds=tuple(sorted({one.seed for one in specs if one.seed is not None})),
        cut=specs[0].cut,
    )
