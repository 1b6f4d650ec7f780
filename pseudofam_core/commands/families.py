"""``similarity`` and ``families``: finished estimates compared, and the families picked from them."""

from __future__ import annotations

import argparse

from pseudofam_core.commands.options import add_measure, choice, chosen_matrix, count, pair_of, written
from pseudofam_core.exchange.tables import families_csv, matrix_csv
from pseudofam_core.families.selection import select_families, select_family
from pseudofam_core.families.spec import Rule, SelectionSpec


def _add_similarity(parser: argparse.ArgumentParser) -> None:
    add_measure(parser)
    parser.set_defaults(run=_similarity)


def _add_families(parser: argparse.ArgumentParser) -> None:
    add_measure(parser)
    parser.add_argument("--target", type=pair_of, help="one target (default: each pair of the pool)")
    add_rule(parser)
    parser.set_defaults(run=_families)


def add_rule(parser: argparse.ArgumentParser) -> None:
    """How a family is picked."""
    default = SelectionSpec()
    parser.add_argument("--rule", type=choice(Rule), default=default.rule)
    parser.add_argument("--radius", type=float, help="first radius; for --rule radius, the radius")
    parser.add_argument("--shrink", type=float, default=default.shrink)
    parser.add_argument("--smallest", type=count, default=default.smallest)
    parser.add_argument("--largest", type=count, default=default.largest, help="largest family; for nearest, its size")


def chosen_rule(options: argparse.Namespace) -> SelectionSpec:
    """The rule that the options name."""
    return SelectionSpec(
        rule=options.rule,
        initial_radius=options.radius,
        shrink=options.shrink,
        smallest=min(options.smallest, options.largest),
        largest=options.largest,
    )


def _similarity(options: argparse.Namespace) -> None:
    written(matrix_csv(chosen_matrix(options)), options.out)


def _families(options: argparse.Namespace) -> None:
    selection, matrix = chosen_rule(options), chosen_matrix(options)
    if options.target is None:
        families = select_families(matrix, selection=selection)
    else:
        families = (select_family(matrix, options.target, selection=selection),)
    written(families_csv(families), options.out)


COMMANDS = (
    ("similarity", _add_similarity, "compare the estimated pairs: a matrix as CSV"),
    ("families", _add_families, "pick a pseudo language family per target: CSV"),
)
