"""Content or language: what does similarity follow when languages do not read the same sentences?

From one multi-parallel text the sentences are dealt into as many blocks as there are pairs (shard s of every estimate holds the
same sentences for all of them). *The same sentences*: all pairs read block b, for each b in turn. *Disjoint sentences*: pair i
reads block i + r, for each r in turn (a Latin square), so that every pair and every block is used equally often in both. Only
who reads what differs, not how much: the two are the same estimates, combined otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.lab.blocks import MOST, blocked, same_lines
from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.ready import Texts, n_sentences, with_relatives
from pseudofam_core.lab.running import seen_on
from pseudofam_core.lab.uncertainty import Mean, over_targets
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.replicates import ShardSketches, shared_counts
from pseudofam_core.similarity.results import FloatMatrix
from pseudofam_core.similarity.sketches import shard_sketches
from pseudofam_core.similarity.traits import FromMasks, FromSums
from pseudofam_core.store.cache import Cache
from pseudofam_core.structure.kinship import Kin, nearest_is_relative, relatives, relatives_before_others

MEASURES = (Measure.OVERLAP, Measure.HELLINGER, Measure.KL_NORMALISED, Measure.KL, Measure.MSE)
TOP_FRACTION = 0.4
_SAME, _DISJOINT = "same sentences", "disjoint sentences"
_COLUMNS = {
    "measure": "Measure",
    "sentences": "Which sentences the languages read",
    "kinship": "A relative stands before another language (share of cases; chance is 0.5)",
    "low": "Lower end of the 95 % interval over targets",
    "high": "Upper end",
    "nearest": "Nearest neighbour is a relative (share of targets)",
    "content_nearer": "Another language with the same sentences is nearer than the same language with others (share of cases)",
}


def finding(material: Material) -> Finding:
    """Kinship found by the same and by disjoint sentences, measure by measure."""
    pool = material.pool
    sketches = shard_sketches(pool, together=True)
    n_blocks = sketches.counts.shape[1]
    kin = relatives(sketches.pairs)
    rows, gaps = [], {}
    for measure in MEASURES:
        distances = block_distances(sketches, measure)
        content_nearer = content_before_language(distances)
        kinship = {name: _kinship(distances, kin, name == _SAME) for name in (_SAME, _DISJOINT)}
        gaps[measure] = over_targets(kinship[_SAME][0] - kinship[_DISJOINT][0])
        rows += [_row(measure, name, *kinship[name], content_nearer) for name in kinship]
    usual = gaps[MEASURES[0]]
    by_usual = {row["sentences"]: row for row in rows if row["measure"] == _name(MEASURES[0])}
    per_block = round(float(sketches.counts.mean()))
    return Finding(
        answer=_answer(by_usual, usual, gaps, per_block),
        seen_on=seen_on(material.workspace, pool),
        columns=_COLUMNS,
        rows=tuple(rows),
        chart=Chart(
            Look.BARS,
            x="measure",
            y="kinship",
            series="sentences",
            low="low",
            high="high",
            chance=0.5,
            words="Two bars for each measure: how often a relative stands nearer to a target than another language does, "
            "where all "
            "languages read the same sentences and where each reads its own. The dotted line is chance.",
        ),
        limits=f"{per_block} sentences of each language are few. The interval is over targets, "
        "which share "
        "one model and one text.",
        settings={"top_fraction": TOP_FRACTION, "blocks": n_blocks, "sentences_in_a_block": per_block},
    )


def ready(workspace: Workspace, texts: Texts, cache: Cache) -> None:
    """Refuse what can't be dealt into blocks that all pairs share.

    Raises:
        ValueError: The text is not the same in all languages, or has fewer sentences than there are pairs; or `with_relatives`.
    """
    n = len(texts)
    if n > MOST or not same_lines(texts):
        raise ValueError(
            f"The text must be the same in all languages, line by line, and the pool of at most {MOST} pairs. Got {n} pairs"
            f"{'' if n > MOST else ' with sentences of their own'}. Choose a multi-parallel corpus, such as FLORES or the "
            "sample, without cleaning that drops lines, and name some of its pairs."
        )
    if n_sentences(texts) < n:
        raise ValueError(f"There must be as many sentences as pairs, {n}. Got {n_sentences(texts)}. Read more.")
    with_relatives(workspace, texts, cache)


def block_distances(sketches: ShardSketches, measure: Measure) -> FloatMatrix:
    """(n, n, B, B): the distance of pair i on block b from pair j on block c, at [i, j, b, c]; what `measure` orders by."""
    n, B, m = sketches.sums.shape
    every = ShardSketches(
        tuple(pair for pair in sketches.pairs for _ in range(B)),
        sketches.sums.reshape(n * B, 1, m),
        sketches.counts.reshape(n * B, 1),
        sketches.n_parameters,
        False,
    )
    weights = 1 / every.counts[None].astype(np.float64)
    match measure.computed:
        case FromSums(resampled=resampled):
            values = resampled(every, weights)[0]
        case FromMasks(values=of_masks):
            values = of_masks(shared_counts(every, weights, TOP_FRACTION).astype(np.float64))[0]
        case _:
            raise ValueError(f"measure must be computed from diagonals. Got {measure}.")
    distances = np.abs(1 - values if measure.is_similarity else values)
    return distances.reshape(n, B, n, B).transpose(0, 2, 1, 3)


def same_blocks(distances: FloatMatrix, block: int) -> FloatMatrix:
    """(n, n): all pairs on one block."""
    return distances[:, :, block, block]


def disjoint_blocks(distances: FloatMatrix, turn: int) -> FloatMatrix:
    """(n, n): pair i on block i + turn, no two on the same."""
    places = np.arange(len(distances))
    blocks = (places + turn) % distances.shape[2]
    return distances[places[:, None], places, blocks[:, None], blocks]


def content_before_language(distances: FloatMatrix) -> float:
    """How often (j, b) is nearer to (i, b) than (i, c) is, over all i ≠ j and b ≠ c: content counts for more than language."""
    n, _, B, _ = distances.shape
    wins = total = 0.0
    for i in range(n):
        for b in range(B):
            itself = np.delete(distances[i, i, b], b)
            another = np.delete(distances[i, :, b, b], i)
            wins += (another[:, None] < itself).sum() + (another[:, None] == itself).sum() / 2
            total += another.size * itself.size
    return wins / total


def _kinship(distances: FloatMatrix, kin: Kin, same: bool) -> tuple[FloatMatrix, FloatMatrix]:
    """(n,) relatives before others, and nearest is a relative: means over blocks or turns."""
    pick = same_blocks if same else disjoint_blocks
    matrices = [pick(distances, turn) for turn in range(distances.shape[2])]
    before = np.mean([relatives_before_others(matrix, kin) for matrix in matrices], axis=0)
    nearest = np.mean([nearest_is_relative(matrix, kin) for matrix in matrices], axis=0)
    return before, nearest


def _row(
    measure: Measure, sentences: str, before: FloatMatrix, nearest: FloatMatrix, content_nearer: float
) -> dict[str, Any]:
    mean = over_targets(before)
    return {
        "measure": _name(measure),
        "sentences": sentences,
        "kinship": mean.value,
        "low": mean.low,
        "high": mean.high,
        "nearest": float(np.nanmean(nearest)),
        "content_nearer": content_nearer,
    }


def _answer(rows: dict[str, dict[str, Any]], gap: Mean, gaps: dict[Measure, Mean], per_block: int) -> str:
    same, disjoint = rows[_SAME], rows[_DISJOINT]
    clear = sum(mean.low > 0 for mean in gaps.values())
    points, low, high = (round(100 * share) for share in (gap.value, gap.low, gap.high))
    return (
        f"With the same {per_block} sentences in all languages a relative stands before another language in "
        f"{same['kinship']:.0%} of cases by {_name(MEASURES[0])}, with disjoint ones in {disjoint['kinship']:.0%}: {points} "
        f"point{'' if abs(points) == 1 else 's'} (95 % over {gap.n} targets {low} to {high}; clear by {clear} of {len(gaps)} "
        "measures). Another language with the same sentences is nearer than the same language with others in "
        f"{same['content_nearer']:.0%} of cases."
    )


def _name(measure: Measure) -> str:
    return f"{measure.label} (K = {TOP_FRACTION:.0%})" if measure.has_masks else measure.label


EXPERIMENT = Experiment(
    name="content",
    title="Content or language",
    question="What does similarity follow where the languages do not read the same sentences: language, or what the text is "
    "about?",
    expected="That relatives stand nearer with the same sentences than with disjoint ones, however few. An interval of the "
    "difference "
    "that holds zero would refute it.",
    needs="One text with the same sentences in all languages, and as many of them as there are pairs; better fifty times as "
    "many.",
    ready=ready,
    arms=blocked,
    finding=finding,
    seconds=lambda n_pairs: 1 + 0.00003 * n_pairs**4,
)
