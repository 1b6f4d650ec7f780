"""Does the pseudo family pay? All arms of several targets, trained, scored and tabled.

``python -m benchmarks.finetuning`` takes be→en of the sample workspace, every arm once. The experiment of the README
takes the families from the sample's estimates, where all pairs have the same sentences; Tatoeba's have not::

    python -m benchmarks.finetuning --corpus DIR --families-from sample --targets be-en,bn-en,hr-en,ms-en,sk-en \
        --seeds 3 --cuts all,300 --updates 300 --patience 5 --eval-every 20 --out results.csv

What is finished is found in the cache, so the same command goes on where it was stopped (``--minutes`` stops it after
that long, between two updates). The table is made of all that is finished.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from pseudofam_core.errors import JobCancelled
from pseudofam_core.estimates import computing, fisher_specs, pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.finetuning import (
    DEFAULT_ARMS,
    PRESETS,
    Budget,
    BudgetMode,
    FinetuneRequest,
    FinetuneRun,
    FinetuneTexts,
    TextCut,
    distinct_arms,
    find_run,
    named_arms,
    open_texts,
    refuse_seen,
    specs_of,
    tuned_workspace,
)
from pseudofam_core.finetuning.run import finetune
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity, pool_similarity
from pseudofam_core.store.cache import Cache, default_root, write_atomically


def main() -> None:
    """Train what is missing, then print what there is."""
    options = _options()
    cache, started = Cache(options.cache), time.monotonic()
    pairs = None if options.pairs is None else tuple(map(pair, options.pairs.split(",")))
    estimated = Workspace(options.model, options.families_from or options.corpus, pairs=pairs)
    workspace = tuned_workspace(estimated, options.corpus)
    estimates = {one: computing.compute(spec, cache) for one, spec in fisher_specs(estimated).items()}
    pool = pool_similarity(estimates, cache=cache)

    def late() -> bool:
        return options.minutes is not None and time.monotonic() - started > 60 * options.minutes

    experiments = [
        (request, open_texts(workspace, request.target, request.cut)) for request in _requests(options, workspace, pool)
    ]
    wanted = [
        (seed or 0, arm, spec, experiment)
        for experiment in experiments
        for (arm, seed), spec in specs_of(*experiment).items()
    ]
    for _, texts in experiments:
        refuse_seen(estimated, estimates, texts)
    runs: dict[tuple[FinetuneRequest, str], list[FinetuneRun]] = {}
    n_left, computed = 0, 0.0
    # Seed by seed, so that an experiment that is cut short has all targets with all arms.
    for seed, arm, spec, (request, texts) in sorted(wanted, key=lambda one: one[0]):
        began, run = time.monotonic(), find_run(spec, cache)
        if run is None and not late():
            with contextlib.suppress(JobCancelled):
                run = finetune(spec, cache, texts=texts, should_stop=late)
            computed += time.monotonic() - began
            _tell(request, arm, seed, run)
        if run is None:
            n_left += 1
        else:
            runs.setdefault((request, arm), []).append(run)
    rows = [row for request, texts in experiments for row in _rows(request, runs, texts)]
    table = pd.DataFrame(rows)
    if options.out is not None:
        write_atomically(options.out, table.to_csv(index=False))
    print(table.to_string(index=False))
    print("RESULT", json.dumps({"rows": len(rows), "runs_left": n_left, "seconds": round(computed, 1)}))


def _requests(options: argparse.Namespace, workspace: Workspace, pool: PoolSimilarity) -> Iterator[FinetuneRequest]:
    recipe, preset = PRESETS[options.preset]
    budget = Budget.of(options.budget, options.updates or preset.updates, options.patience or preset.patience)
    for text in options.cuts.split(","):
        for target in map(pair, options.targets.split(",")):
            arms = named_arms(
                options.arms.split(","),
                target,
                pool_of(workspace),
                family_of=functools.partial(_family, pool, target),
                n_draws=options.draws,
            )
            yield FinetuneRequest(
                workspace=workspace,
                target=target,
                arms=arms,
                budget=budget,
                recipe=replace(recipe, eval_every=options.eval_every or recipe.eval_every),
                seeds=tuple(range(1, options.seeds + 1)),
                cut=TextCut(target_sentences=None if text == "all" else int(text)),
                beams=options.beams,
            )


def _family(pool: PoolSimilarity, target: LanguagePair, measure: Measure) -> tuple[LanguagePair, ...]:
    """The target's pseudo family by the paper's rule."""
    return select_family(pool.matrix(measure), target, selection=SelectionSpec()).members


def _rows(
    request: FinetuneRequest, runs: Mapping[tuple[FinetuneRequest, str], list[FinetuneRun]], texts: FinetuneTexts
) -> Iterator[dict[str, object]]:
    """A row per distinct run: means over the seeds that are finished."""
    tested = request.task.tested
    for arm, names in distinct_arms(request.arms).items():
        if own := runs.get((request, arm.name)):
            yield {
                "target": str(request.target),
                "sentences": len(texts.train(request.target)),
                "arm": " = ".join(names),
                "auxiliaries": " ".join(one.source for one in arm.members or ()),
                "seeds": len(own),
                **{one.label: _mean([run.scores["test"][one.name] for run in own]) for one in request.task.metrics},
                f"dev {tested.label}": _mean([run.scores["dev"][tested.name] for run in own]),
                "updates": _mean([run.updates for run in own]),
                "scored at": _mean([run.scored_update for run in own]),
                "seconds": _mean([sum(run.seconds.values()) for run in own]),
            }


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 1)


def _tell(request: FinetuneRequest, arm: str, seed: int, run: FinetuneRun | None) -> None:
    name = f"{request.target} {request.cut.target_sentences or 'all'} {arm} seed {seed}"
    if run is None:
        print(name, "stopped", flush=True)
    else:
        seconds = ", ".join(f"{phase} {value:.0f} s" for phase, value in run.seconds.items())
        tested = run.task.tested
        score = f"{tested.label} {run.scores['test'][tested.name]:.{tested.decimals}f}"
        print(f"{name}: {score} after {run.updates} updates; {seconds}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="sample")
    parser.add_argument("--corpus", default="sample")
    parser.add_argument("--families-from", help="corpus on which the families are estimated (default: the same)")
    parser.add_argument("--pairs", help="the pool (default: all of the corpus)")
    parser.add_argument("--targets", default="be-en")
    parser.add_argument("--arms", default=",".join(DEFAULT_ARMS))
    parser.add_argument("--draws", type=int, default=1, help="random families per size")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--cuts", default="all", help="sentences of the target, like all,300")
    parser.add_argument("--preset", choices=PRESETS, default="small")
    parser.add_argument("--budget", type=BudgetMode, default=BudgetMode.EARLY_STOPPING)
    parser.add_argument("--updates", type=int)
    parser.add_argument("--patience", type=int)
    parser.add_argument("--eval-every", type=int)
    parser.add_argument("--beams", type=int, default=5)
    parser.add_argument("--minutes", type=float, help="stop after so long")
    parser.add_argument("--cache", type=Path, default=default_root())
    parser.add_argument("--out", type=Path, help="CSV to write")
    return parser.parse_args()


if __name__ == "__main__":
    main()
