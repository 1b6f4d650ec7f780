"""How many sentences until the core of a family is settled, and does another draw of them (another seed) give the same?

The sentences lie in blocks. For s blocks, up to half of all, two disjoint draws of s blocks are taken again and again, and the
families of both are picked: what they share is what two seeds share that read so many sentences each. A target's *core* are the
auxiliaries that at least 80 % of the draws choose, and it is settled where there are two, the least that a family has. Where the
text is multi-parallel all pairs get the same blocks, elsewhere each its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.families.stability import members_of
from pseudofam_core.lab.blocks import blocked, drawn_together
from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.ready import Texts, n_sentences
from pseudofam_core.lab.running import seen_on
from pseudofam_core.lab.uncertainty import share_of_targets
from pseudofam_core.progress import Meter
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.replicates import ShardSketches
from pseudofam_core.similarity.resampling import weighted_matrices
from pseudofam_core.similarity.results import FloatMatrix
from pseudofam_core.similarity.sketches import shard_sketches
from pseudofam_core.store.cache import Cache

MEASURES = (Measure.OVERLAP, Measure.KL_NORMALISED, Measure.MSE)
TOP_FRACTION = 0.4
_N_DRAWS = 40
_CHOSEN, _ENOUGH = 0.8, 0.8
_FEWEST_BLOCKS, _FEWEST_PAIRS = 4, 6
Members = npt.NDArray[np.bool_]
_COLUMNS = {
    "measure": "Measure",
    "sentences": "Sentences read of each language",
    "settled": "Targets whose core is settled: two auxiliaries in 80 % of the draws (share)",
    "low": "Lower end of the 95 % interval over targets",
    "high": "Upper end",
    "shared": "Members that two disjoint draws share, of those in either",
    "nearest": "Both draws have the same nearest neighbour (share of targets and draws)",
}


def finding(material: Material) -> Finding:
    """Share of targets with a settled core by sentences read, measure by measure."""
    pool = material.pool
    sketches = shard_sketches(pool, together=drawn_together(material.workspace, tuple(pool)))
    n_blocks = sketches.counts.shape[1]
    sizes = [size for size in (1, 2, 3, 4, 6, 8, 10, 12) if 2 * size <= n_blocks]
    meter = Meter(
        material.report, material.should_stop, phase="drawing", total=len(sizes) * len(MEASURES), unit="draws"
    )
    rows = []
    for measure in MEASURES:
        for size in sizes:
            rows.append(_row(sketches, measure, size))
            meter.advance(1)
    usual = [row for row in rows if row["measure"] == MEASURES[0].label]
    enough = advice(usual)
    return Finding(
        answer=_answer(usual, rows, enough, int(sketches.counts.sum(axis=1).min())),
        seen_on=seen_on(material.workspace, pool),
        columns=_COLUMNS,
        rows=tuple(rows),
        chart=Chart(
            Look.LINES,
            x="sentences",
            y="settled",
            series="measure",
            low="low",
            high="high",
            chance=_ENOUGH,
            words="A line for each measure: for how many targets two auxiliaries are chosen in 80 % of the draws, by the "
            "sentences that "
            "a draw has of each language. The dotted line is 80 % of the targets.",
        ),
        limits=f"Up to half of the sentences can be drawn twice without any in common. On {sketches.sums.shape[2]:,} of the "
        "parameters.",
        settings={
            "advice_sentences": enough,
            "most_sentences": usual[-1]["sentences"],
            "draws": _N_DRAWS,
            "multi_parallel": sketches.shared_sentences,
        },
    )


def ready(workspace: Workspace, texts: Texts, cache: Cache) -> None:
    """Refuse what tells nothing of how firm a core is.

    Raises:
        ValueError: Fewer than four sentences or six pairs.
    """
    if n_sentences(texts) < _FEWEST_BLOCKS or len(texts) < _FEWEST_PAIRS:
        raise ValueError(
            f"There must be at least {_FEWEST_BLOCKS} sentences and {_FEWEST_PAIRS} pairs: of fewer, any two may be chosen "
            f"by chance. Got {n_sentences(texts)} and {len(texts)}. Read more sentences, or name more pairs."
        )


def advice(rows: list[dict[str, Any]]) -> int | None:
    """The fewest sentences from which on at least 80 % of the targets have a settled core; None where none is enough."""
    enough = None
    for row in reversed(rows):
        if row["settled"] < _ENOUGH:
            break
        enough = int(row["sentences"])
    return enough


def advice_words(settings: Mapping[str, Any]) -> str:
    """How many sentences to read, in a sentence, from a finding's settings."""
    enough, most = settings.get("advice_sentences"), settings.get("most_sentences")
    if enough is None:
        return (
            f"Read more than {most} sentences of each language: with these the core of too many families by Overlap is not "
            "settled."
        )
    return f"Read at least {enough} sentences of each language: from there on the core of most families by Overlap is settled."


def drawn_blocks(n_blocks: int, n_pairs: int, size: int, *, together: bool, seed: int) -> FloatMatrix:
    """(2 draws, n_draws, n_pairs, n_blocks): 1 where a draw has a block; the two draws have none in common."""
    generator = np.random.default_rng(seed)
    picked = np.zeros((2, _N_DRAWS, n_pairs, n_blocks))
    for draw in range(_N_DRAWS):
        for pair in range(1 if together else n_pairs):
            order = generator.permutation(n_blocks)
            rows = slice(None) if together else pair
            picked[0, draw, rows, order[:size]] = 1
            picked[1, draw, rows, order[size : 2 * size]] = 1
    return picked


def _row(sketches: ShardSketches, measure: Measure, size: int) -> dict[str, Any]:
    n_pairs, n_blocks = sketches.counts.shape
    drawn = drawn_blocks(n_blocks, n_pairs, size, together=sketches.shared_sentences, seed=size)
    k = TOP_FRACTION if measure.has_masks else None
    both = [list(weighted_matrices(sketches, times, measure=measure, top_fraction=k)) for times in drawn]
    families = np.array([[members_of(matrix, SelectionSpec()) for matrix in draws] for draws in both])
    nearest = np.array([[_nearest(matrix.ordering_distances()) for matrix in draws] for draws in both])
    settled = share_of_targets(core(families).sum(axis=1) >= 2)
    shared = (families[0] & families[1]).sum(axis=2) / (families[0] | families[1]).sum(axis=2)
    return {
        "measure": measure.label,
        "sentences": round(float((drawn[0, 0] * sketches.counts).sum(axis=1).mean())),
        "settled": settled.value,
        "low": settled.low,
        "high": settled.high,
        "shared": float(shared.mean()),
        "nearest": float((nearest[0] == nearest[1]).mean()),
    }


def core(families: Members) -> Members:
    """(n, n): whether the column is in the row's family in at least 80 % of all draws of (2, n_draws, n, n)."""
    often: Members = families.reshape(-1, *families.shape[2:]).mean(axis=0) >= _CHOSEN
    return often


def _nearest(distances: FloatMatrix) -> npt.NDArray[np.intp]:
    return np.where(np.eye(len(distances), dtype=bool), np.inf, distances).argmin(axis=1)


def _answer(usual: list[dict[str, Any]], rows: list[dict[str, Any]], enough: int | None, n_read: int) -> str:
    last = usual[-1]
    advised = (
        f"read at least {enough} sentences"
        if enough
        else f"read more than {last['sentences']}; how many, {n_read} sentences can't tell"
    )
    others = ", ".join(
        f"{row['settled']:.0%} by {row['measure']}"
        for row in rows
        if row["sentences"] == last["sentences"] and row is not last
    )
    return (
        f"With {last['sentences']} sentences of each language {last['settled']:.0%} of the targets (95 % over targets "
        f"{last['low']:.0%} to "
        f"{last['high']:.0%}) have a settled core by {last['measure']} ({others}), and two draws without a sentence in "
        "common share "
        f"{last['shared']:.0%} of the members: {advised}."
    )


EXPERIMENT = Experiment(
    name="sentences",
    title="How many sentences",
    question="How many sentences does it take until the core of a family is settled, and do other seeds give the same "
    "families?",
    expected="That a few hundred sentences settle the core of most families, though not whole families. A share of settled "
    "targets that "
    "does not rise with the sentences, or stays under 80 % at five hundred, would refute it.",
    needs="The workspace's estimates in blocks of sentences, of at least 6 pairs; a few hundred sentences show more of the curve.",
    ready=ready,
    arms=blocked,
    finding=finding,
    seconds=lambda n_pairs: 0.6 * n_pairs,
)
