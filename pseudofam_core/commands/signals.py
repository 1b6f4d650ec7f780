"""``signals`` and ``selfcheck``: what may foresee which auxiliary helps, and whether it tells what nobody doubts."""

from __future__ import annotations

import argparse
from pathlib import Path

from pseudofam_core.commands.options import (
    add_workspace,
    bar,
    chosen_workspace,
    count,
    pairs_of,
    stop_on_interrupt,
    written,
)
from pseudofam_core.exchange.signal_tables import self_check_csv, signals_csv
from pseudofam_core.signals import SIGNALS, signal_matrices
from pseudofam_core.signals.selfcheck import self_check
from pseudofam_core.store.cache import Cache


def _add_signals(parser: argparse.ArgumentParser) -> None:
    add_workspace(parser)
    parser.add_argument("--targets", type=pairs_of, help="like be-en,uk-en; all pairs by default")
    parser.add_argument("--signals", type=_names, help=f"of {', '.join(SIGNALS)}; all by default")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(run=_signals)


def _signals(options: argparse.Namespace) -> None:
    with stop_on_interrupt() as should_stop, bar("signals", in_parts=True) as report:
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


def _add_self_check(parser: argparse.ArgumentParser) -> None:
    add_workspace(parser)
    parser.add_argument(
        "--sentences", type=_counts, default=(25, 50, 100, 200), help="sentences of a half, like 25,50,100,200"
    )
    parser.add_argument("--signals", type=_names, help="see `signals`; all that look at text by default")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(run=_self_check)


def _self_check(options: argparse.Namespace) -> None:
    workspace = chosen_workspace(options)
    with stop_on_interrupt() as should_stop, bar("selfcheck", in_parts=True) as report:
        answers = self_check(
            workspace, sentences=options.sentences, signals=options.signals, report=report, should_stop=should_stop
        )
    written(self_check_csv(answers, workspace), options.out)


def _counts(text: str) -> tuple[int, ...]:
    return tuple(map(count, text.split(",")))


COMMANDS = (
    ("signals", _add_signals, "tell what may foresee which auxiliary helps which target: CSV"),
    (
        "selfcheck",
        _add_self_check,
        "ask the signals what nobody doubts: which of them fail with this model and text: CSV",
    ),
)
