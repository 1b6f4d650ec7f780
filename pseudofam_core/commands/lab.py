"""``lab``: the paper's open questions as experiments."""

from __future__ import annotations

import argparse
from pathlib import Path

from pseudofam_core import lab
from pseudofam_core.commands.options import (
    add_workspace,
    bar,
    chosen_workspace,
    duration,
    stop_on_interrupt,
    written,
)
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.exchange.lab_tables import finding_csv
from pseudofam_core.lab import Experiment, Finding
from pseudofam_core.store.cache import Cache


def _add_lab(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="list|show|run")
    for run, verb, text in (
        (_list, "list", "each experiment with its question and whether it has been run on this workspace"),
        (_show, "show", "the kept answer: this workspace's, else those that ship with the package"),
        (_run, "run", "answer it for this workspace; an interrupted run goes on where it was"),
    ):
        command = verbs.add_parser(verb, help=text, description=text[0].upper() + text[1:] + ".")
        if verb != "list":
            command.add_argument("experiment", type=_experiment, metavar="NAME", help="as `lab list` has it")
            command.add_argument(
                "--others",
                type=_names,
                default=(),
                metavar="A,B",
                help="further corpora or models, where it takes them",
            )
            command.add_argument("--out", type=Path, help="CSV file to write")
        add_workspace(command)
        command.set_defaults(run=run)


def _list(options: argparse.Namespace) -> None:
    workspace, cache = chosen_workspace(options), Cache(options.cache)
    for experiment in lab.EXPERIMENTS:
        print(f"{experiment.name:12} {experiment.question}\n{'':12} {_state(experiment, workspace, cache)}")


def _state(experiment: Experiment, workspace: Workspace, cache: Cache) -> str:
    if experiment.finding is None:
        return f"not here. {experiment.elsewhere}"
    try:
        plan = lab.planned(experiment, workspace, cache)
    except ValueError as error:
        return f"not run yet: {error}"
    if lab.find(plan, cache) is not None:
        return "answered for this workspace"
    cost = lab.cost(plan, cache)
    seconds = (
        f", then about {duration(cost.own_seconds)}"
        if cost.seconds is None
        else f", about {duration(cost.seconds)} in all"
    )
    if not cost.n_missing:
        return f"not run yet: its {cost.n_estimates} estimates are finished{seconds}"
    return f"not run yet: {cost.n_missing} of {cost.n_estimates} estimates to make{seconds}"


def _show(options: argparse.Namespace) -> None:
    experiment: Experiment = options.experiment
    kept = _found(options)
    findings = lab.shipped(experiment) if kept is None else {"": kept}
    if not findings:
        raise PseudoFamError(
            f"{experiment.name} has no answer yet. {experiment.elsewhere or f'Run `lab run {experiment.name}`.'}"
        )
    print(f"{experiment.question}\nExpected: {experiment.expected}")
    for finding in findings.values():
        _print(finding)
    if options.out is not None:
        written(finding_csv(experiment, next(iter(findings.values()))), options.out)


def _run(options: argparse.Namespace) -> None:
    plan, cache = _plan(options), Cache(options.cache)
    with stop_on_interrupt() as should_stop, bar(f"lab {plan.experiment.name}", in_parts=True) as report:
        finding = lab.run(plan, cache, report=report, should_stop=should_stop)
    _print(finding)
    if options.out is not None:
        written(finding_csv(plan.experiment, finding), options.out)


def _found(options: argparse.Namespace) -> Finding | None:
    """This workspace's finding; None where there is none, or the workspace is nothing for it."""
    try:
        return lab.find(_plan(options), Cache(options.cache))
    except (PseudoFamError, ValueError):
        if options.others:
            raise
        return None


def _plan(options: argparse.Namespace) -> lab.Plan:
    return lab.planned(options.experiment, chosen_workspace(options), Cache(options.cache), others=options.others)


def _print(finding: Finding) -> None:
    print(f"\n{finding.answer}\nSeen on: {finding.seen_on}.\n{finding.limits}".rstrip())


def _experiment(text: str) -> Experiment:
    try:
        return lab.experiment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _names(text: str) -> tuple[str, ...]:
    """Read names, parted by commas that no `#` choice of a corpus holds: those stand in the workspace's own."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


COMMANDS = (("lab", _add_lab, "the paper's open questions as experiments"),)
