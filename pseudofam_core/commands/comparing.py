"""``compare`` and ``comet``: finished fine-tuning runs held against a pinned arm, and scored by COMET."""

from __future__ import annotations

import argparse
import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go

from pseudofam_core.charts.outcomes import control_figure, difference_figure, score_figure
from pseudofam_core.commands.options import (
    add_families_from,
    add_workspace,
    choice,
    chosen_corpus,
    count,
    families_workspace,
    finished_estimates,
    pairs_of,
    warn_of_zeros,
    written,
)
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.estimates import pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.exchange.figures import write_svg
from pseudofam_core.exchange.outcome_tables import comet_csv, comparison_csv, comparison_latex
from pseudofam_core.finetuning import FinetuneRun, open_texts, runs_of, tuned_workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.outcomes.arm_names import arm_families, arms_found
from pseudofam_core.outcomes.results import Comparison, Question
from pseudofam_core.outcomes.run_settings import comparable, compared_settings, settings_that_differ
from pseudofam_core.outcomes.testing import compare_arms
from pseudofam_core.scoring.comet import DEFAULT_COMET, comet_python, comet_scores
from pseudofam_core.scoring.protocols import Protocol
from pseudofam_core.scoring.significance import LEVEL
from pseudofam_core.similarity.pools import pool_similarity
from pseudofam_core.store.cache import Cache
from pseudofam_core.transfer.arms import families_told, gains_of, kept_signs
from pseudofam_core.transfer.kept import kept_matrix

logger = logging.getLogger(__name__)

_TOLD = 6
_TABLES = {".csv": comparison_csv, ".tex": comparison_latex}


def _add_compare(parser: argparse.ArgumentParser) -> None:
    _add_chosen_runs(parser)
    parser.add_argument("--level", type=float, default=LEVEL, help="of the corrected tests (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        help="file to write, .csv, .tex or .svg, of which the last makes three: NAME-scores.svg, NAME-differences.svg and "
        "NAME-against-random.svg (default: CSV on standard output)",
    )
    parser.set_defaults(run=_compare)


def _add_comet(parser: argparse.ArgumentParser) -> None:
    _add_chosen_runs(parser)
    parser.add_argument("--comet-model", default=DEFAULT_COMET, help="name or checkpoint (default: %(default)s)")
    parser.add_argument("--batch-size", type=count, default=8)
    parser.add_argument("--gpus", type=int, default=0, help="0 computes on the CPU")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(run=_comet, level=LEVEL)


def _add_chosen_runs(parser: argparse.ArgumentParser) -> None:
    add_workspace(parser)
    add_families_from(parser)
    parser.add_argument("--target", type=pairs_of, required=True, help="like be-en, or be-en,bn-en for several")
    parser.add_argument(
        "--pinned", default="single", help="the arm that others are held against (default: %(default)s)"
    )
    parser.add_argument("--protocol", type=choice(Protocol), default=Protocol.DETOKENISED, help="what text is scored")
    parser.add_argument("--top-fraction", type=float, default=0.4, help="K of overlap (default: %(default)s)")
    parser.add_argument(
        "--target-sentences",
        type=_count_or_all,
        default=0,
        help="only runs trained on so many sentences of the target, or `all`",
    )
    parser.add_argument("--group", type=count, help="which runs, where the cache holds some that can't be compared")


def _compare(options: argparse.Namespace) -> None:
    kind = ".csv" if options.out is None else options.out.suffix.lower()
    if kind not in (*_TABLES, ".svg"):
        raise ValueError(f"--out must end in .csv, .tex or .svg. Got {options.out}.")
    comparison = _comparison(options)
    if kind == ".svg":
        for name, figure in _figures(comparison).items():
            file = options.out.with_stem(f"{options.out.stem}-{name}")
            write_svg(figure, file)
            print(file)
    else:
        written(_TABLES[kind](comparison), options.out)


def _figures(comparison: Comparison) -> Mapping[str, go.Figure]:
    """The figures of the page that have something to show, by the end of their file's name."""
    figures = {"scores": score_figure(comparison)}
    asked = {Question.PINNED: ("differences", difference_figure), Question.RANDOM: ("against-random", control_figure)}
    for question, (name, draw) in asked.items():
        if any(comparison.verdicts(question, target) for target in comparison.targets):
            figures[name] = draw(comparison)
    return figures


def _comet(options: argparse.Namespace) -> None:
    python = comet_python()
    comparison = _comparison(options)
    runs = {run.key: run for outcome in comparison.outcomes for draw in outcome.runs for run in draw}
    texts = [run.outputs["test"] for run in runs.values()]
    lines = [
        line for text in texts for line in zip(text["sources"], text["hypotheses"], text["references"], strict=True)
    ]
    comet = comet_scores(
        lines, python=python, model=options.comet_model, batch_size=options.batch_size, gpus=options.gpus
    )
    scores = iter(comet.scores)
    by_run = {key: [next(scores) for _ in run.outputs["test"]["hypotheses"]] for key, run in runs.items()}
    written(comet_csv(comparison, by_run, signature=comet.signature), options.out)


def _comparison(options: argparse.Namespace) -> Comparison:
    estimated = families_workspace(options)
    workspace = tuned_workspace(estimated, chosen_corpus(options))
    runs, pool = _chosen_runs(options, workspace), pool_of(workspace)
    families, cache = _families(options, estimated), Cache(options.cache)
    arms, measured = {}, kept_matrix(workspace, cache)
    for target in options.target:
        signs = functools.partial(kept_signs, workspace, target, cache)
        of_target = {**families.get(target, {}), **families_told(runs, target, gains_of(measured, target), signs)}
        arms[target] = arms_found(runs, target, pool, families=of_target, seed=options.seed)
    return compare_arms(runs, arms, pinned=options.pinned, protocol=options.protocol, level=options.level)


def _chosen_runs(options: argparse.Namespace, workspace: Workspace) -> Sequence[FinetuneRun]:
    """Finished runs of the targets with this model and test text, of one group that may be compared."""
    cache = Cache(options.cache)
    revision = resolve_model(workspace.model).revision
    runs = [
        run
        for target in options.target
        for run in runs_of(
            cache, target=target, model_revision=revision, test_digest=open_texts(workspace, target).test.digest
        )
    ]
    if options.target_sentences != 0:
        runs = _of_cut(runs, options.target_sentences)
    groups = comparable(runs)
    if options.group is not None and options.group > len(groups):
        raise ValueError(f"--group must be at most {len(groups)}, the groups that there are. Got {options.group}.")
    if not groups:
        targets = ",".join(map(str, options.target))
        raise PseudoFamError(f"No run of {targets} is finished with this model and corpus. Run `finetune` first.")
    if len(groups) > 1 and options.group is None:
        raise PseudoFamError(f"The cache holds runs that can't be compared with one another. {_told(groups)}")
    chosen = groups[(options.group or 1) - 1]
    if without := [str(target) for target in options.target if target not in {run.target for run in chosen}]:
        logger.warning("Left out, for no such run of it is finished: %s", ", ".join(without))
    return chosen


def _of_cut(runs: Sequence[FinetuneRun], n: int | None) -> list[FinetuneRun]:
    """The runs trained on `n` sentences of the target (None is all), and the base models, which were trained on none."""
    cuts = {run.cut.target_sentences for run in runs if not run.is_zero_shot}
    if cuts and n not in cuts:
        have = ", ".join(
            [
                *map(str, sorted(n_sentences for n_sentences in cuts if n_sentences is not None)),
                *(["all"] if None in cuts else []),
            ]
        )
        raise ValueError(f"--target-sentences must be one that runs were trained on: {have}. Got {n or 'all'}.")
    return [run for run in runs if run.is_zero_shot or run.cut.target_sentences == n]


def _count_or_all(text: str) -> int | None:
    return None if text == "all" else count(text)


def _told(groups: Sequence[Sequence[FinetuneRun]]) -> str:
    differing = settings_that_differ([run for group in groups for run in group])
    lines = []
    for number, group in enumerate(groups, start=1):
        settings = {name: value for run in group for name, value in compared_settings(run).items() if name in differing}
        shown = list(settings.items())[:_TOLD]
        told = ", ".join(f"{name} {value[:12]}" for name, value in shown)
        told += f", and {len(settings) - len(shown)} more" if len(settings) > len(shown) else ""
        lines.append(f"\n  --group {number}: {len(group)} runs; {told}")
    return "Name one:" + "".join(lines)


def _families(
    options: argparse.Namespace, estimated: Workspace
) -> Mapping[LanguagePair, Mapping[str, Sequence[LanguagePair]]]:
    """The pseudo families of the targets by arm name, where the pool is estimated: by the paper's rule."""
    try:
        estimates = finished_estimates(options, estimated)
    except PseudoFamError as error:
        logger.warning("Pseudo families are named by their members, for they can't be told: %s", error)
        return {}
    cache = Cache(options.cache)
    compared = pool_similarity(estimates, cache=cache)
    warn_of_zeros(compared.curve, options.top_fraction)
    return {target: arm_families(compared, target, options.top_fraction) for target in options.target}


COMMANDS = (
    ("compare", _add_compare, "hold finished fine-tuning runs against a pinned arm: CSV, LaTeX or SVG"),
    ("comet", _add_comet, "score finished fine-tuning runs with COMET, in an environment of its own: CSV"),
)
