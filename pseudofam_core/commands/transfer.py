"""``transfer``: what each target gains by each single auxiliary."""

from __future__ import annotations

import argparse
from pathlib import Path

from pseudofam_core.commands.options import (
    add_workspace,
    bar,
    chosen_workspace,
    count,
    duration,
    pairs_of,
    stop_on_interrupt,
    written,
)
from pseudofam_core.commands.recipes import add_recipe, chosen_cut, chosen_recipe
from pseudofam_core.estimates import pool_of
from pseudofam_core.exchange.transfer_tables import transfer_csv
from pseudofam_core.finetuning import refuse_lacking, texts_of_targets
from pseudofam_core.store.cache import Cache
from pseudofam_core.tasks.translation import TRANSLATION
from pseudofam_core.transfer import (
    MatrixCost,
    TransferRequest,
    matrix_cost,
    score_matrices,
    transfer_matrix,
)


def add_request(parser: argparse.ArgumentParser) -> None:
    """The options of a matrix: see `request_of`."""
    add_workspace(parser)
    parser.add_argument("--targets", type=pairs_of, help="pairs that are adapted to, like be-en,bn-en (default: all)")
    parser.add_argument("--auxiliaries", type=pairs_of, help="pairs that may help (default: all of the pool)")
    parser.add_argument("--updates", type=count, help="of the target alone (default: the preset's)")
    add_recipe(parser)
    parser.add_argument("--seeds", type=count, default=1, help="runs of each cell (default: %(default)s)")
    parser.set_defaults(scores=False, beams=5)


def _add_transfer(parser: argparse.ArgumentParser) -> None:
    add_request(parser)
    parser.add_argument(
        "--scores", action="store_true", help=f"translate test as well: {TRANSLATION.metric_labels}, which takes longer"
    )
    parser.add_argument("--beams", type=count, default=5, help="of --scores (default: %(default)s)")
    parser.add_argument(
        "--preview", action="store_true", help="tell what it costs, and train no more than it takes to know"
    )
    parser.add_argument("--out", type=Path, help="CSV to write (default: standard output)")
    parser.set_defaults(run=_transfer)


def _transfer(options: argparse.Namespace) -> None:
    from pseudofam_core.transfer import run  # opens torch

    request, cache = request_of(options), Cache(options.cache)
    texts = texts_of_targets(request.workspace, request.targets, request.cut)
    expected = matrix_cost(request, texts, cache)
    if expected.seconds is None:
        with bar("timing") as report:
            run.time_matrix(request, cache, report=report)
        expected = matrix_cost(request, texts, cache)
    print(f"{_told(expected)}; trained in {request.recipe.precision}", flush=True)
    if options.preview:
        return
    with stop_on_interrupt() as should_stop, bar("transfer") as report:
        run.transfer_all(request, cache, texts=texts, report=report, should_stop=should_stop)
    matrices = [transfer_matrix(request, cache, texts=texts)]
    if request.scores:
        matrices += score_matrices(request, cache, texts=texts).values()
    written(transfer_csv(matrices), options.out)


def request_of(options: argparse.Namespace) -> TransferRequest:
    """The matrix that the options of `add_request` name."""
    workspace = chosen_workspace(options)
    refuse_lacking(workspace)
    recipe, preset = chosen_recipe(options, workspace.model)
    pool = pool_of(workspace)
    return TransferRequest(
        workspace=workspace,
        targets=options.targets or pool,
        auxiliaries=options.auxiliaries or pool,
        updates=options.updates or preset.updates,
        recipe=recipe,
        seeds=tuple(range(1, options.seeds + 1)),
        cut=chosen_cut(options),
        scores=options.scores,
        beams=options.beams,
    )


def _told(expected: MatrixCost) -> str:
    """What is still to be done, in a line."""
    time = "for how long the first run will show" if expected.seconds is None else f"about {duration(expected.seconds)}"
    return f"{expected.n_runs} runs, {expected.n_kept} kept; about {expected.updates:,} updates to do, {time}"


COMMANDS = (("transfer", _add_transfer, "train each target with each single auxiliary, and say what it gains"),)
