"""``report``: a target's family with all that is known of it, as one HTML file."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from pseudofam_core.commands.families import add_rule, chosen_rule
from pseudofam_core.commands.options import (
    add_families_from,
    add_measure,
    chosen_corpus,
    families_workspace,
    finished_estimates,
    pair_of,
    warn_of_zeros,
    written,
)
from pseudofam_core.corpora import shared_targets
from pseudofam_core.estimates import drawn_text, held_out_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.families.selection import select_family
from pseudofam_core.finetuning import tuned_workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.report import Basis, Firmness, gathered, report_html, report_of, resampled, share_draws, why_unknown
from pseudofam_core.similarity.pools import pool_similarity
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.store.cache import Cache


def _add_report(parser: argparse.ArgumentParser) -> None:
    add_measure(parser)
    add_families_from(parser)
    parser.add_argument("--target", type=pair_of, required=True, help="the pair that is to be adapted to, like be-en")
    add_rule(parser)
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> None:
    kind = ".html" if options.out is None else options.out.suffix.lower()
    if kind not in (".html", ".htm"):
        raise ValueError(f"--out must end in .html. Got {options.out}.")
    cache, workspace = Cache(options.cache), families_workspace(options)
    estimates = finished_estimates(options, workspace)
    compared = pool_similarity(estimates, scope=options.scope, cache=cache)
    if options.measure.depends_on_k:
        warn_of_zeros(compared.curve, options.top_fraction)
    matrix = compared.matrix(options.measure, options.top_fraction)
    family = select_family(matrix, options.target, selection=chosen_rule(options))
    shared = _shared_text(workspace, tuple(estimates))
    basis = Basis(workspace, tuned_workspace(workspace, chosen_corpus(options)), estimates, shared_text=shared)
    material = gathered(
        basis, compared, matrix, family, _firmness(basis, matrix, options), cache, top_fraction=options.top_fraction
    )
    written(report_html(report_of(material, made=datetime.now(UTC))), options.out)


def _firmness(basis: Basis, matrix: PairwiseMatrix, options: argparse.Namespace) -> Firmness | str:
    together = share_draws(basis.workspace, basis.shared_text)
    try:
        return resampled(basis.estimates, matrix, selection=chosen_rule(options), together=together)
    except (OSError, ValueError) as error:
        return why_unknown(error)


def _shared_text(workspace: Workspace, pairs: tuple[LanguagePair, ...]) -> float | None:
    held = held_out_of(workspace)
    try:
        return shared_targets([drawn_text(workspace, pair, held=held)[0] for pair in pairs])
    except ValueError:  # pairs with no side in common
        return None


COMMANDS = (("report", _add_report, "a target's family with all that is known of it: one HTML file"),)
