"""The command line: the same stages as the app, for servers and scripts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pseudofam_core.languages import pair


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    return int(options.run(options) or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pseudofam_core", description=__doc__)
    commands = parser.add_subparsers(required=True)
    pretrain = commands.add_parser("pretrain", help="make a small M2M100 from a folder of parallel text")
    pretrain.add_argument("--corpus", required=True)
    pretrain.add_argument("--pairs", required=True)
    pretrain.add_argument("--out", type=Path, required=True)
    pretrain.add_argument("--steps", type=int, default=3200)
    pretrain.add_argument("--cap", action="append", default=[], metavar="PAIR=N")
    pretrain.add_argument("--seed", type=int, default=1)
    pretrain.set_defaults(run=_pretrain)
    return parser


def _pretrain(options: argparse.Namespace) -> None:
    from pseudofam_core.corpora import open_corpus
    from pseudofam_core.pretraining import PretrainingSpec, pretrain

    caps = {pair(name): int(n) for name, n in (cap.split("=") for cap in options.cap)}
    pairs = tuple(pair(name) for name in options.pairs.split(","))
    spec = PretrainingSpec(pairs=pairs, steps=options.steps, caps=caps, seed=options.seed)
    pretrain(spec, open_corpus(options.corpus), options.out)


if __name__ == "__main__":
    sys.exit(main())
