"""The sample workspace: how long a first start takes, and whether its families make sense.

``python -m benchmarks.sample [--tatoeba DIR]``. Estimates are made anew in an empty cache. With a folder of Tatoeba
(Moses layout), BLEU and chrF++ of the sample model on its test sets are measured as well, and what families 200 of its
sentences a pair give, which are not the same in all languages.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from pseudofam_core import jobs
from pseudofam_core.estimates import computing, corpus_of, find_fisher, fisher_specs, pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.families.selection import select_families
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.jobs import State, engine
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import FISHER_MEASURES, Measure
from pseudofam_core.similarity.pools import similarity, similarity_spec
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.structure.clustering import agreement, cut_by_number, linkage, nearest_neighbour_agreement
from pseudofam_core.structure.correlation import p_words
from pseudofam_core.tasks.translation import TRANSLATION

_N_PERMUTATIONS = 99_999


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tatoeba", type=Path, help="folder with <lang>-en/{train,test}.<lang>")
    options = parser.parse_args()
    workspace = Workspace()
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        started = time.monotonic()
        estimates = _first_start(workspace, cache)
        result: dict[str, object] = {"estimates_s": round(time.monotonic() - started, 1)}
        matrices = _matrices(estimates, cache)
        select_families(matrices[Measure.MSE], selection=SelectionSpec())
        result["first_families_s"] = round(time.monotonic() - started, 1)
        result["finetune_minutes"] = round(_finetune_minutes(cache), 2)
        result |= _sense("sample", matrices) | _scores("sample", Workspace())
        if options.tatoeba is not None:
            tatoeba = Workspace(corpus=str(options.tatoeba), pairs=pool_of(workspace))
            result |= _scores("tatoeba", tatoeba)
            for split in ("test", "train"):
                own = {
                    one: computing.compute(spec, cache)
                    for one, spec in fisher_specs(replace(tatoeba, split=split)).items()
                }
                result |= _sense(f"tatoeba_{split}", _matrices(own, cache))
    print("RESULT", json.dumps(result))


def _matrices(estimates: Mapping[LanguagePair, Artifact], cache: Cache) -> dict[Measure, PairwiseMatrix]:
    return {one: similarity(estimates, similarity_spec(estimates, one), cache) for one in FISHER_MEASURES}


def _sense(name: str, matrices: Mapping[Measure, PairwiseMatrix]) -> dict[str, object]:
    """How far measures agree with traditional families: nearest neighbours, and the permutation p of the clusters."""
    found: dict[str, object] = {}
    for measure, matrix in matrices.items():
        print(name, measure.label)
        _show(matrix)
        clusters = cut_by_number(linkage(matrix), _n_families(matrix))
        held = agreement(clusters, matrix.pairs, n_permutations=_N_PERMUTATIONS, seed=1)
        found[f"{name}_{measure.value}"] = _same_family(matrix) | {"p": p_words(held.p_value, _N_PERMUTATIONS)}
    return found


def _first_start(workspace: Workspace, cache: Cache) -> Mapping[LanguagePair, Artifact]:
    """What the app does when it is opened for the first time: a job on a worker that is started for it."""
    job = jobs.submit_estimate(cache.root, workspace, pool_of(workspace))
    try:
        while (view := jobs.view(cache.root, job)).state.is_active:
            time.sleep(0.2)
        if view.state is not State.DONE:
            raise SystemExit(f"The job ended as {view.state}: {view.error}")
    finally:
        engine.stop(cache.root)
    found = {one: find_fisher(spec, cache) for one, spec in fisher_specs(workspace).items()}
    return {one: artifact for one, artifact in found.items() if artifact is not None}


def _finetune_minutes(cache: Cache) -> float:
    """be→en by every default arm, one seed, as a process of its own: training, dev, and 100 test sentences each."""
    command = [sys.executable, "-m", "pseudofam_core", "finetune", "--target", "be-en", "--cache", str(cache.root)]
    started = time.monotonic()
    subprocess.run(command, check=True)
    return (time.monotonic() - started) / 60


def _n_families(matrix: PairwiseMatrix) -> int:
    return len({pair.language.traditional_family for pair in matrix.pairs})


def _same_family(matrix: PairwiseMatrix) -> dict[str, object]:
    """Targets whose nearest neighbour is of their traditional family, directed as selection has it and symmetrised."""
    symmetric = PairwiseMatrix(matrix.pairs, matrix.symmetric_distances(), Measure.MSE)
    return {
        "same_family": nearest_neighbour_agreement(matrix).n_same,
        "same_family_symmetric": nearest_neighbour_agreement(symmetric).n_same,
    }


def _show(matrix: PairwiseMatrix) -> None:
    for family in select_families(matrix, selection=SelectionSpec()):
        print(f"  {family.target.source} → {' '.join(one.source for one in family.members)}")


def _scores(name: str, workspace: Workspace) -> dict[str, float]:
    model, corpus = computing.open_model(workspace), corpus_of(workspace)
    reports = []
    for pair in pool_of(workspace):
        bitext = corpus.read(pair, "test").complete
        reports.append(TRANSLATION.score(bitext, TRANSLATION.generate(model, bitext)))
        scores = " ".join(f"{one.label} {reports[-1].scores[one.name]:.{one.decimals}f}" for one in TRANSLATION.metrics)
        print(f"{name} {pair} {reports[-1].n_sentences} {scores}")
    print(f"{name}: {' | '.join(reports[0].signatures.values())}")
    means = {metric: float(np.mean([one.scores[metric] for one in reports])) for metric in reports[0].scores}
    return {f"mean_{metric}_{name}": round(value, 2) for metric, value in means.items()}


if __name__ == "__main__":
    main()
