"""``finetune``: the arms of a target trained, translated and scored."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence
from dataclasses import replace

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
)
from pseudofam_core.estimates import pool_of
from pseudofam_core.families.selection import paper_family
from pseudofam_core.finetuning import (
    ARM_NAMES,
    DEFAULT_ARMS,
    DEV_METRICS,
    PRECISIONS,
    PRESETS,
    Budget,
    BudgetMode,
    Cost,
    FinetuneRequest,
    FinetuneRun,
    Lora,
    Recipe,
    TextCut,
    cost,
    distinct_members,
    find_pace,
    named_arms,
    open_texts,
    refuse_lacking,
    refuse_seen,
    specs_of,
    tuned_workspace,
)
from pseudofam_core.languages import LanguagePair
from pseudofam_core.scoring.metrics import meaningful_first
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity, pool_similarity
from pseudofam_core.store.cache import Cache


def _add_finetune(parser: argparse.ArgumentParser) -> None:
    add_workspace(parser)
    add_families_from(parser)
    parser.add_argument("--target", type=pair_of, required=True, help="the pair that is adapted to, like be-en")
    parser.add_argument(
        "--arms", default=",".join(DEFAULT_ARMS), help=f"of {', '.join(ARM_NAMES)}, own (default: %(default)s)"
    )
    parser.add_argument("--members", type=pairs_of, help="auxiliaries of the arm `own`, like bg-en,uk-en")
    parser.add_argument("--draws", type=count, default=1, help="random families per size (default: %(default)s)")
    parser.add_argument("--top-fraction", type=float, default=0.4, help="K of overlap (default: %(default)s)")
    parser.add_argument("--preset", choices=PRESETS, help="default: small for the sample model, else paper")
    parser.add_argument("--budget", type=choice(BudgetMode), default=BudgetMode.EARLY_STOPPING)
    parser.add_argument("--updates", type=count, help="cap of early stopping, or updates (default: the preset's)")
    parser.add_argument("--patience", type=count, help="evaluations without improvement (default: the preset's)")
    parser.add_argument("--eval-every", type=count, help="updates between evaluations on dev")
    parser.add_argument("--batch-tokens", type=count, help="padded tokens of a batch")
    parser.add_argument("--batches-per-update", type=count, dest="batches", help="gradients accumulated")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--warmup-updates", type=int, help="the learning rate rises so long")
    parser.add_argument("--training-dropout", type=float, help="of hidden states")
    parser.add_argument("--training-attention-dropout", type=float)
    parser.add_argument("--training-label-smoothing", type=float)
    parser.add_argument("--temperature", type=float, help="n^(1/T) weighs a pair of n sentences (default: all alike)")
    parser.add_argument("--dev-metric", choices=DEV_METRICS, help="what chooses the best weights")
    parser.add_argument("--mixed-precision", choices=PRECISIONS, help="of training (default: the preset's)")
    parser.add_argument("--lora", type=count, metavar="RANK", help="train adapters of this rank (needs peft)")
    parser.add_argument("--target-sentences", type=count, help="train on so many sentences of the target")
    parser.add_argument("--auxiliary-sentences", type=count, help="train on so many sentences of each auxiliary")
    parser.add_argument("--seeds", type=count, default=1, help="runs of each arm (default: %(default)s)")
    parser.add_argument("--beams", type=count, default=5)
    parser.add_argument("--keep-weights", action="store_true")
    parser.set_defaults(run=_finetune)


def _finetune(options: argparse.Namespace) -> None:
    from pseudofam_core.finetuning.fit import base_model  # opens torch, as the next
    from pseudofam_core.finetuning.processes import is_first
    from pseudofam_core.finetuning.run import finetune

    request, cache = _request(options), Cache(options.cache)
    texts = open_texts(request.workspace, request.target, request.cut)
    specs = specs_of(request, texts)
    revision = next(iter(specs.values())).model_revision
    pace = find_pace(cache, model_revision=revision, recipe=request.recipe, beams=request.beams)
    expected = cost(specs.values(), texts, cache, pace=pace, keep_weights=options.keep_weights)
    if is_first():
        print(_told(expected))
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


def _request(options: argparse.Namespace) -> FinetuneRequest:
    estimated = families_workspace(options)
    workspace = tuned_workspace(estimated, chosen_corpus(options))
    refuse_lacking(workspace)
    recipe, budget = _trained_as(options, workspace.model)

    @functools.cache
    def compared() -> PoolSimilarity:
        estimates = finished_estimates(options, estimated)
        refuse_seen(estimated, estimates, open_texts(workspace, options.target))
        return pool_similarity(estimates, cache=Cache(options.cache))

    def family_of(measure: Measure) -> Sequence[LanguagePair]:
        """The target's pseudo family by the paper's rule; estimates are looked for once a measure is named."""
        matrix = compared().matrix(measure, options.top_fraction)
        return paper_family(matrix, options.target)

    if options.members:  # they may be a family that estimates of this workspace have told
        refuse_seen(estimated, (options.target, *options.members), open_texts(workspace, options.target))
    arms = named_arms(
        options.arms.split(","),
        options.target,
        pool_of(workspace),
        family_of=family_of,
        own=options.members,
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
        cut=TextCut(options.target_sentences, options.auxiliary_sentences),
        beams=options.beams,
        keep_weights=options.keep_weights,
    )


def _trained_as(options: argparse.Namespace, model: str) -> tuple[Recipe, Budget]:
    """The preset with what the options change."""
    recipe, preset = PRESETS[options.preset or ("small" if model == "sample" else "paper")]
    names = {name: name for name in ("eval_every", "batch_tokens", "learning_rate", "temperature", "dev_metric")}
    names |= {"accumulation": "batches", "precision": "mixed_precision", "warmup_updates": "warmup_updates"}
    # Estimators have a dropout and a smoothing of their own.
    names |= {name: f"training_{name}" for name in ("dropout", "attention_dropout", "label_smoothing")}
    chosen = {name: getattr(options, option) for name, option in names.items()}
    changes = {name: value for name, value in chosen.items() if value is not None}
    lora = None if options.lora is None else Lora(rank=options.lora, alpha=2 * options.lora)
    budget = Budget.of(options.budget, options.updates or preset.updates, options.patience or preset.patience)
    return replace(recipe, lora=lora, **changes), budget


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
    for members, names in distinct_members(request.arms).items():
        own = [run for (arm, _), run in runs.items() if arm == names[0]]
        test, dev = (pd.DataFrame([run.scores[split] for run in own]) for split in ("test", "dev"))
        rows.append(
            {
                "arm": " = ".join(names),
                "auxiliaries": " ".join(one.source if one.target == "en" else str(one) for one in members or ()),
                "runs": len(own),
                **{one.label: round(test[one.name].mean(), one.decimals) for one in metrics},
                f"dev {task.tested.label}": round(dev[task.tested.name].mean(), task.tested.decimals),
                "updates": round(sum(run.updates for run in own) / len(own)),
                "scored at": round(sum(run.scored_update for run in own) / len(own)),
            }
        )
    first = next(iter(runs.values())).scores["test"]
    signatures = " | ".join(first[one.signature_name] for one in metrics)
    return f"{pd.DataFrame(rows).to_string(index=False)}\n{signatures}"


COMMANDS = (("finetune", _add_finetune, "fine-tune a target with each arm's auxiliaries, and score it"),)
