"""Does it matter whether gradients are squared by sentence, by batch, or of sentences drawn from the model?

Per batch with the paper's own batch (4,800 tokens × 2 batches × 2 GPUs to a gradient), and with batches small enough for the
text to hold several. What two halves of the sentences differ by, per sentence, stands beside it: an estimator that changes less
than that changes nothing that could be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pseudofam_core.estimates import summarise
from pseudofam_core.estimates.spec import Estimator, MiniBatches, Workspace
from pseudofam_core.lab.agreement import COLUMNS, TOP_FRACTION, agreement, matrix
from pseudofam_core.lab.blocks import drawn_together
from pseudofam_core.lab.experiment import Experiment, Material, Pool
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.ready import Texts, n_sentences
from pseudofam_core.lab.running import seen_on
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.resampling import weighted_matrices
from pseudofam_core.similarity.sketches import shard_sketches
from pseudofam_core.store.cache import Cache

MEASURES = (Measure.OVERLAP, Measure.KL_NORMALISED, Measure.MSE)
PAPER = MiniBatches(tokens=4800, accumulation=4)
SMALL = MiniBatches(tokens=256, accumulation=1)
_PER_SENTENCE, _PAPER, _SMALL, _SAMPLED, _HALVES = (
    "per sentence",
    "per batch, the paper's",
    "per batch, 256 tokens",
    "sampled",
    "per sentence, two halves",
)
_COLUMNS = {
    "estimator": "Estimator held against per sentence",
    "measure": "Measure",
    "gradients": "Gradients squared for a language (least)",
    **COLUMNS,
}


def arms(workspace: Workspace, others: tuple[str, ...]) -> dict[str, Workspace]:
    """The same text by every estimator."""
    plain = replace(workspace, estimator=Estimator.PER_SENTENCE, mini_batches=None)
    return {
        _PER_SENTENCE: plain,
        _PAPER: replace(plain, estimator=Estimator.PER_BATCH, mini_batches=PAPER),
        _SMALL: replace(plain, estimator=Estimator.PER_BATCH, mini_batches=SMALL),
        _SAMPLED: replace(plain, estimator=Estimator.SAMPLED),
    }


def finding(material: Material) -> Finding:
    """Every estimator's similarities and families against those per sentence."""
    pools, rows = material.pools, []
    for measure in MEASURES:
        plain = matrix(pools[_PER_SENTENCE], measure, material.cache)
        for name in (_PAPER, _SMALL, _SAMPLED):
            held = agreement(plain, matrix(pools[name], measure, material.cache))
            rows.append(_row(name, measure, held, pools[name]))
        rows.append(_row(_HALVES, measure, _halves(material, measure), pools[_PER_SENTENCE]))
    return Finding(
        answer=_answer(rows, pools),
        seen_on=seen_on(material.workspace, pools[_PER_SENTENCE]),
        columns=_COLUMNS,
        rows=tuple(rows),
        chart=Chart(
            Look.BARS,
            x="measure",
            y="rho",
            series="estimator",
            low="rho_low",
            high="rho_high",
            words="Four bars for each measure: how far the order of a target's neighbours by another estimator agrees with "
            "that per "
            "sentence, and, last, how far two halves of the sentences agree with one another.",
        ),
        limits="Halves have half of the sentences each, so that they agree less than two texts of the full size would.",
        settings={"top_fraction": TOP_FRACTION, "paper_tokens": PAPER.tokens, "paper_accumulation": PAPER.accumulation},
    )


def _halves(material: Material, measure: Measure) -> dict[str, Any]:
    """Agreement of two halves of the sentences, on the sketched parameters."""
    pool = material.pools[_PER_SENTENCE]
    sketches = shard_sketches(pool, together=drawn_together(material.workspace, tuple(pool)))
    first = np.broadcast_to(np.arange(sketches.counts.shape[1]) % 2 == 0, sketches.counts.shape)
    k = TOP_FRACTION if measure.has_masks else None
    times = np.stack([first, ~first]).astype(np.float64)
    first_half, second_half = weighted_matrices(sketches, times, measure=measure, top_fraction=k)
    return agreement(first_half, second_half)


def ready(workspace: Workspace, texts: Texts, cache: Cache) -> None:
    """Refuse what has no halves.

    Raises:
        ValueError: One sentence, or one shard.
    """
    n_blocks = min(workspace.shards, n_sentences(texts))
    if n_blocks < 2:
        raise ValueError(
            f"There must be at least 2 shards to be halved. Got {n_blocks}. Ask for more, and read more sentences."
        )


def _row(name: str, measure: Measure, held: dict[str, Any], pool: Pool) -> dict[str, Any]:
    return {"estimator": name, "measure": measure.label, "gradients": n_gradients(pool), **held}


def n_gradients(pool: Pool) -> int:
    """The fewest gradients that any pair's diagonal is the mean of."""
    return min(summary.n_gradients or summary.n_sentences for summary in map(summarise, pool.values()))


def _answer(rows: list[dict[str, Any]], pools: Any) -> str:
    by = {row["estimator"]: row for row in rows if row["measure"] == MEASURES[0].label}

    def rho(name: str) -> str:
        return f"{by[name]['rho']:.2f} ({by[name]['rho_low']:.2f} to {by[name]['rho_high']:.2f})"

    n_paper = by[_PAPER]["gradients"]
    batch = "all of a language's text in one gradient" if n_paper == 1 else f"{n_paper} gradients or more of a language"
    return (
        f"By {MEASURES[0].label} a target's neighbours stand as per sentence with ρ = {rho(_SAMPLED)} sampled, {rho(_SMALL)} "
        "per batch of "
        f"256 tokens, and {rho(_PAPER)} by the paper's batch, which takes {batch}; two halves of the sentences agree with "
        f"{rho(_HALVES)}. Families share {by[_SAMPLED]['shared']:.0%}, {by[_SMALL]['shared']:.0%} and "
        f"{by[_PAPER]['shared']:.0%} of their "
        f"members with those per sentence (halves: {by[_HALVES]['shared']:.0%}); {_kinship_words(by)}."
    )


def _kinship_words(by: Mapping[str, Mapping[str, Any]]) -> str:
    shares = [by[name]["kinship"] for name in (_SAMPLED, _SMALL, _PAPER)]
    if None in shares:
        return "no language of this pool has a relative in it to stand first"
    return "relatives stand first in {:.0%}, {:.0%} and {:.0%} of cases".format(*shares)


EXPERIMENT = Experiment(
    name="estimator",
    title="Estimator",
    question="Does it matter whether gradients are squared by sentence, by batch as the paper's scripts do, or of drawn "
    "sentences?",
    expected="That sampled and per sentence agree as well as two halves of the sentences do, and that the paper's batch "
    "agrees less, for it "
    "squares a mean over hundreds of sentences. The paper's batch within the interval of the halves would refute it.",
    needs="The workspace's text estimated four times: per sentence, by two sizes of batch, and sampled.",
    ready=ready,
    arms=arms,
    finding=finding,
    seconds=lambda n_pairs: 0.5 * n_pairs,
)
