"""``foresee``: every signal held against the gains that were measured."""

from __future__ import annotations

import argparse
from pathlib import Path

from pseudofam_core.commands.options import bar, stop_on_interrupt, written
from pseudofam_core.commands.transfer import add_request, request_of
from pseudofam_core.exchange.foresight_table import foresight_csv, judgement_frame
from pseudofam_core.signals import signal_matrices
from pseudofam_core.store.cache import Cache
from pseudofam_core.transfer import transfer_matrix
from pseudofam_core.transfer.forecast import FEWEST_TARGETS
from pseudofam_core.transfer.foresight import Foresight, foresight_of


def _add_foresee(parser: argparse.ArgumentParser) -> None:
    add_request(parser)
    parser.add_argument("--out", type=Path, help="CSV of gains beside signals to write (default: none, the table only)")
    parser.set_defaults(run=_foresee)


def _foresee(options: argparse.Namespace) -> None:
    request, cache = request_of(options), Cache(options.cache)
    measured = transfer_matrix(request, cache)
    with stop_on_interrupt() as should_stop, bar("signals", in_parts=True) as report:
        signals = signal_matrices(
            request.workspace, cache, targets=request.targets, report=report, should_stop=should_stop
        )
    foresight = foresight_of(measured, signals)
    print(told(foresight), flush=True)
    if options.out:
        written(foresight_csv(foresight), options.out)


def told(foresight: Foresight) -> str:
    """The judge's table, and what it comes to, as text."""
    judgement = foresight.judgement
    table = judgement_frame(judgement).to_string(index=False, float_format=lambda value: f"{value:.3f}")
    lines = [table, f"{judgement.n_targets} targets. Best signal that needs no gains: {foresight.best_signal}."]
    if judgement.ceiling is not None:
        lines.append(f"Spearman of the gains by one seed with those by another: {judgement.ceiling:.2f}.")
    if judgement.n_targets >= FEWEST_TARGETS:
        lines.append(f"By {foresight.best_signal} a gain is foreseen {foresight.forecast().reach}.")
    return "\n".join(lines)


COMMANDS = (("foresee", _add_foresee, "tell which signal foresees the gains that `transfer` measured"),)
