"""``signals``: what may foresee which auxiliary helps, for every target and auxiliary."""

from __future__ import annotations

import argparse
from pathlib import Path

from pseudofam_core.commands.options import add_workspace, bar, chosen_workspace, pairs_of, stop_on_interrupt, written
from pseudofam_core.exchange.signal_tables import signals_csv
from pseudofam_core.signals import SIGNALS, signal_matrices
from pseudofam_core.store.cache import Cache


def _add_signals(parser: argparse.ArgumentParser) -> None:
    add_workspace(parser)
    parser.add_argument("--targets", type=pairs_of, help="like be-en,uk-en; all pairs by default")
    parser.add_argument("--signals", type=_names, help=f"of {', '.join(SIGNALS)}; all by default")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(run=_signals)


def _signals(options: argparse.Namespace) -> None:
    with stop_on_interrupt() as should_stop, bar("signals") as report:
        matrices = signal_matrices(
            chosen_workspace(options),
            Cache(options.cache),
            signals=options.signals,
            targets=options.targets,
            report=report,
            should_stop=should_stop,
        )
    written(signals_csv(matrices), options.out)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in SIGNALS]:
        raise argparse.ArgumentTypeError(f"must be of {', '.join(SIGNALS)}. Got {unknown[0]!r}.")
    return names


COMMANDS = (("signals", _add_signals, "tell what may foresee which auxiliary helps which target: CSV"),)
