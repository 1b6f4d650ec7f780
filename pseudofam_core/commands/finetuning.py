"""``finetune``: the arms of a target trained, translated and scored."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence

import pandas as pd

from pseudofam_core.commands.options import (
    add_families_from,
    add_workspace,
    bar,
    choice,
    chosen_corpus,
    count,
    families_workspace,
    finished_estimates,
    pair_of,
    pairs_of,
    stop_on_interrupt,
    warn_of_zeros,
)
from pseudofam_core.commands.recipes import add_recipe, chosen_cut, chosen_recipe
from pseudofam_core.estimates import pool_of
from pseudofam_core.families.selection import paper_family
from pseudofam_core.finetuning import (
    ARM_NAMES,
    DEFAULT_ARMS,
    FORESEEN,
    MEASURED,
    OWN,
    WEIGHTED,
    Arm,
    Budget,
    BudgetMode,
    Cost,
    FinetuneRequest,
    FinetuneRun,
    cost,
    distinct_arms,
    find_pace,
    named_arms,
    open_texts,
    refuse_lacking,
    refuse_seen,
    specs_of,
    tuned_workspace,
    with_weights,
)
from pseudofam_core.languages import LanguagePair
from pseudofam_core.scoring.metrics import meaningful_first
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity, pool_similarity
from pseudofam_core.store.cache import Cache
from pseudofam_core.transfer.arms import (
    USUAL_SIGN,
    USUAL_SIZE,
    WEIGHT_SOURCES,
    Known,
    further_arms,
    gains_of,
    kept_signs,
    spelled_out,
)
from pseudofam_core.transfer.kept import kept_matrix
from pseudofam_core.transfer.outlook import kept_outlook


def _add_finetune(parser: argparse.ArgumentParser) -> None:
    add_workspace(parser)
    add_families_from(parser)
    parser.add_argument("--target", type=pair_of, required=True, help="the pair that is adapted to, like be-en")
    further = (
        f"{FORESEEN} (the auxiliaries that gained most for other targets), {MEASURED} (for this one; both by what "
    )
    further += f"`transfer` has measured), {WEIGHTED} (all that are expected to help, weighed), {OWN}"
    parser.add_argument(
        "--arms", default=",".join(DEFAULT_ARMS), help=f"of {', '.join(ARM_NAMES)}, {further} (default: %(default)s)"
    )
    parser.add_argument("--members", type=pairs_of, help=f"auxiliaries of the arm `{OWN}`, like bg-en,uk-en")
    parser.add_argument(
        "--size",
        type=count,
        default=USUAL_SIZE,
        help=f"auxiliaries of `{FORESEEN}` and `{MEASURED}` (default: %(default)s)",
    )
    parser.add_argument(
        "--weights-from",
        type=_sources,
        default=(USUAL_SIGN,),
        help=f"what weighs the arms `{WEIGHTED}`: of {', '.join(WEIGHT_SOURCES)}; an arm for each (default: {USUAL_SIGN})",
    )
    parser.add_argument("--draws", type=count, default=2, help="random families per size (default: %(default)s)")
    parser.add_argument("--top-fraction", type=float, default=0.4, help="K of overlap (default: %(default)s)")
    add_recipe(parser)
    parser.add_argument("--budget", type=choice(BudgetMode), default=BudgetMode.EARLY_STOPPING)
    parser.add_argument("--updates", type=count, help="cap of early stopping, or updates (default: the preset's)")
    parser.add_argument("--patience", type=count, help="evaluations without improvement (default: the preset's)")
    parser.add_argument("--seeds", type=count, default=1, help="runs of each arm (default: %(default)s)")
    parser.add_argument("--beams", type=count, default=5)
    parser.add_argument("--keep-weights", action="store_true")
    parser.add_argument(
        "--preview",
        action="store_true",
        help="tell the cost, and what gain to expect where `transfer` has measured other targets; train nothing",
    )
    parser.set_defaults(run=_finetune)


def _finetune(options: argparse.Namespace) -> None:
    from pseudofam_core.finetuning.fit import base_model  # opens torch, as the next
    from pseudofam_core.finetuning.processes import is_first
    from pseudofam_core.finetuning.run import finetune

    cache = Cache(options.cache)
    request = _request(options, cache)
    texts = open_texts(request.workspace, request.target, request.cut)
    specs = specs_of(request, texts)
    revision = next(iter(specs.values())).model_revision
    pace = find_pace(cache, model_revision=revision, recipe=request.recipe, beams=request.beams)
    expected = cost(specs.values(), texts, cache, pace=pace, keep_weights=options.keep_weights)
    if is_first():
        print(f"{_told(expected)}; trained in {request.recipe.precision}")
        print(_told_arms(request), end="")
        print(_expected_gains(request, cache), end="", flush=True)
    if options.preview:
        return
    for spec in specs.values() if expected.updates else ():
        base_model(spec)  # what can't be trained is told before the first arm
    runs: dict[tuple[str, int | None], FinetuneRun] = {}
    with stop_on_interrupt() as should_stop:
        for place, ((arm, seed), spec) in enumerate(specs.items(), start=1):
            title = f"{arm}{'' if seed is None else f' seed {seed}'} ({place} of {len(specs)})"
            with bar(title, shown=is_first()) as report:
                runs[arm, seed] = finetune(
                    spec,
                    cache,
                    keep_weights=options.keep_weights,
                    texts=texts,
                    report=report,
                    should_stop=should_stop,
                )
    if is_first():
        print(_table(request, runs))


def _request(options: argparse.Namespace, cache: Cache) -> FinetuneRequest:
    estimated = families_workspace(options)
    workspace = tuned_workspace(estimated, chosen_corpus(options))
    refuse_lacking(workspace)
    recipe, preset = chosen_recipe(options, workspace.model)
    budget = Budget.of(options.budget, options.updates or preset.updates, options.patience or preset.patience)

    @functools.cache
    def compared() -> PoolSimilarity:
        estimates = finished_estimates(options, estimated)
        refuse_seen(estimated, estimates, open_texts(workspace, options.target))
        return pool_similarity(estimates, cache=Cache(options.cache))

    def family_of(measure: Measure) -> Sequence[LanguagePair]:
        """The target's pseudo family by the paper's rule; estimates are looked for once a measure is named."""
        if measure.depends_on_k:
            warn_of_zeros(compared().curve, options.top_fraction)
        matrix = compared().matrix(measure, options.top_fraction)
        return paper_family(matrix, options.target)

    if options.members:  # they may be a family that estimates of this workspace have told
        refuse_seen(estimated, (options.target, *options.members), open_texts(workspace, options.target))

    @functools.cache
    def signs() -> Known:
        refuse_seen(workspace, pool_of(workspace), open_texts(workspace, options.target))
        return kept_signs(workspace, options.target, cache)

    @functools.cache
    def gains() -> Known:
        return gains_of(kept_matrix(workspace, cache), options.target)

    further = further_arms(options.target, gains, signs, size=options.size)
    arms = named_arms(
        spelled_out(options.arms.split(","), size=options.size, weights_from=options.weights_from),
        options.target,
        pool_of(workspace),
        family_of=family_of,
        further={**further, **({OWN: lambda: options.members} if options.members else {})},
        n_draws=options.draws,
        seed=options.seed,
    )
    return FinetuneRequest(
        workspace=workspace,
        target=options.target,
        arms=arms,
        budget=budget,
        recipe=recipe,
        seeds=tuple(range(1, options.seeds + 1)),
        cut=chosen_cut(options),
        beams=options.beams,
        keep_weights=options.keep_weights,
    )


def _told_arms(request: FinetuneRequest) -> str:
    """A line for each arm of measured gains or weights: its auxiliaries."""
    told = [arm for arm in request.arms if arm.name.partition("-")[0] in (FORESEEN, MEASURED, WEIGHTED)]
    return "".join(f"{arm.name}: {_listed(arm) or 'none is expected to help'}\n" for arm in told)


def _listed(arm: Arm) -> str:
    names = [pair.source if pair.target == "en" else str(pair) for pair in arm.members or ()]
    return (", " if arm.weights else " ").join(with_weights(names, arm.weights))


def _sources(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in WEIGHT_SOURCES]:
        raise argparse.ArgumentTypeError(f"must be of {', '.join(WEIGHT_SOURCES)}. Got {unknown[0]!r}.")
    return names


def _expected_gains(request: FinetuneRequest, cache: Cache) -> str:
    """A line for each auxiliary that is named, where measured gains of other targets tell what to expect of it."""
    outlook = kept_outlook(request.workspace, request.target, cache)
    if outlook is None:
        return ""
    members = sorted({pair for arm in request.arms for pair in arm.members or ()} & set(outlook.auxiliaries))
    forecast = outlook.forecast
    head = f"By {outlook.signal}, from {forecast.n_targets} other targets, each auxiliary alone, in dev loss, {forecast.reach}:"
    return "\n".join([head, *(f"  {outlook.words(pair)}" for pair in members)]) + "\n"


def _told(expected: Cost) -> str:
    """What is still to be done, in a line."""
    again = f" ({expected.n_again} more without weights, trained again)" if expected.n_again else ""
    limit = "at most " if expected.is_limit else ""
    unknown = "for how long the first run will show"
    time = unknown if expected.seconds is None else f"about {expected.seconds / 60:.0f} min"
    guess = " (a guess: measured with other beams or another dev metric)" if expected.is_guess else ""
    disk = "" if not expected.disk_bytes else f", {expected.disk_bytes / 1e6:,.0f} MB of disk"
    beside = ", kept weights not counted" if disk and expected.kept_bytes is None else ""
    return (
        f"{expected.n_runs} runs, {expected.n_finished} finished{again}; {limit}{expected.updates} updates to do, "
        f"{time}{guess}{disk}{beside}"
    )


def _table(request: FinetuneRequest, runs: dict[tuple[str, int | None], FinetuneRun]) -> str:
    """Each arm's mean scores over its seeds, equal arms named together. `compare` says what they mean."""
    rows, task = [], request.task
    metrics = meaningful_first(task.metrics, [request.target.target])
    for arm, names in distinct_arms(request.arms).items():
        repeats = [run for (name, _), run in runs.items() if name == arm.name]
        test, dev = (pd.DataFrame([run.scores[split] for run in repeats]) for split in ("test", "dev"))
        rows.append(
            {
                "arm": " = ".join(names),
                "auxiliaries": _listed(arm),
                "runs": len(repeats),
                **{metric.label: round(test[metric.name].mean(), metric.decimals) for metric in metrics},
                f"dev {task.tested.label}": round(dev[task.tested.name].mean(), task.tested.decimals),
                "updates": round(sum(run.updates for run in repeats) / len(repeats)),
                "scored at": round(sum(run.scored_update for run in repeats) / len(repeats)),
            }
        )
    first = next(iter(runs.values())).scores["test"]
    signatures = " | ".join(first[metric.signature_name] for metric in metrics)
    return f"{pd.DataFrame(rows).to_string(index=False)}\n{signatures}"


COMMANDS = (("finetune", _add_finetune, "fine-tune a target with each arm's auxiliaries, and score it"),)
