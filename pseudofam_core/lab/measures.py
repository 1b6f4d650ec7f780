"""Each measure alone, two together, and the consensus: which orders relatives first? The paper's check 1.

Two measures are combined as the consensus combines its three: by the mean of their ranks within a target's row.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.gains import GAIN_COLUMN, foreseen, measured_gains, paper_family_gains, runs
from pseudofam_core.lab.ready import with_relatives
from pseudofam_core.lab.running import seen_on
from pseudofam_core.lab.uncertainty import over_targets
from pseudofam_core.similarity.consensus import consensus
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity, pool_similarity
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.structure.correlation import kendall_w, off_diagonal
from pseudofam_core.structure.kinship import nearest_is_relative, relatives, relatives_before_others

ALONE = (Measure.MSE, Measure.KL, Measure.KL_NORMALISED, Measure.OVERLAP, Measure.HELLINGER, Measure.COSINE)
TOP_FRACTION = 0.4
_COLUMNS = {
    "measures": "Measure, or measures by mean rank",
    "kind": "Alone, two, or the consensus",
    "kinship": "A relative stands before another language (share of cases; chance is 0.5)",
    "low": "Lower end of the 95 % interval over targets",
    "high": "Upper end",
    "nearest": "Nearest neighbour is a relative (share of targets)",
    "against_overlap": "Kinship above that of Overlap alone",
    "against_low": "Lower end of its 95 % interval over targets",
    "against_high": "Upper end",
    "gain": GAIN_COLUMN,
    "gain_low": "Lower end of its 95 % interval over targets",
    "gain_high": "Upper end",
    "foreseen": "Rank correlation of nearness and measured gain within a target's row (mean over targets)",
}


def finding(material: Material) -> Finding:
    """Kinship found by every measure, every two of them, and the consensus."""
    similarities = pool_similarity(material.pool, cache=material.cache)
    kin = relatives(similarities.spec.pairs)
    compared = _combinations(similarities)
    before = {name: relatives_before_others(matrix.ordering_distances(), kin) for name, (_, matrix) in compared.items()}
    nearest = {name: nearest_is_relative(matrix.ordering_distances(), kin) for name, (_, matrix) in compared.items()}
    usual = before[Measure.OVERLAP.label]
    gains = measured_gains(material, similarities.spec.pairs)
    rows = [
        {**_row(name, kind, before[name], nearest[name], usual), **_gained(matrix, gains)}
        for name, (kind, matrix) in compared.items()
    ]
    rows.sort(key=lambda row: -row["kinship"])
    singles = [off_diagonal(similarities.matrix(measure, TOP_FRACTION).ordering_distances()) for measure in ALONE]
    return Finding(
        answer=_answer(rows, kendall_w(np.array(singles))) + _gain_words(rows),
        seen_on=seen_on(material.workspace, material.pool),
        columns=_COLUMNS,
        rows=tuple(rows),
        chart=Chart(
            Look.BARS,
            x="kinship",
            y="measures",
            series="kind",
            low="low",
            high="high",
            chance=0.5,
            words="A bar for each measure and each combination, the best first: how often a relative stands nearer to a "
            "target than "
            "another language does, with its interval over targets.",
        ),
        limits="The best of many is the best by luck as well: its lead over the next is smaller than it looks. Kinship is a "
        "stand-in "
        "for gain in translation.",
        settings={"top_fraction": TOP_FRACTION},
    )


def _combinations(similarities: PoolSimilarity) -> dict[str, tuple[str, PairwiseMatrix]]:
    """By name: alone, two or consensus, and the matrix."""
    single = {measure: similarities.matrix(measure, TOP_FRACTION) for measure in ALONE}
    compared = {measure.label: ("alone", matrix) for measure, matrix in single.items()}
    compared |= {
        f"{first.label} + {second.label}": ("two", consensus([single[first], single[second]]))
        for first, second in combinations(ALONE, 2)
    }
    combined = [measure for measure in Measure if measure.combined]
    return compared | {measure.label: ("consensus", similarities.matrix(measure, TOP_FRACTION)) for measure in combined}


def _row(name: str, kind: str, before: FloatMatrix, nearest: FloatMatrix, usual: FloatMatrix) -> dict[str, Any]:
    mean, against = over_targets(before), over_targets(before - usual)
    return {
        "measures": name,
        "kind": kind,
        "kinship": mean.value,
        "low": mean.low,
        "high": mean.high,
        "nearest": float(np.nanmean(nearest)),
        "against_overlap": against.value,
        "against_low": against.low,
        "against_high": against.high,
    }


def _gained(matrix: PairwiseMatrix, gains: FloatMatrix | None) -> dict[str, Any]:
    """What the families by the paper's rule gained, and how far nearness foresaw gains; nothing where none is measured."""
    if gains is None:
        return {}
    gained, rho = over_targets(paper_family_gains(matrix, gains)), over_targets(foreseen(matrix, gains))
    return {"gain": gained.value, "gain_low": gained.low, "gain_high": gained.high, "foreseen": rho.value}


def _gain_words(rows: list[dict[str, Any]]) -> str:
    if "gain" not in rows[0]:
        return ""
    told = [
        f"{row['measures']} {row['gain']:+.3f} ({row['gain_low']:+.3f} to {row['gain_high']:+.3f}; ρ = {row['foreseen']:.2f})"
        for row in sorted(rows, key=lambda row: -row["gain"])
    ]
    return (
        " What the members of a family gained one by one, over a blind choice, in nats a token (95 % over targets; ρ of "
        f"nearness and gain): most by {told[0]}, then {told[1]}, least by {told[-1]}."
    )


def _answer(rows: list[dict[str, Any]], agreement: float) -> str:
    best = {kind: next(row for row in rows if row["kind"] == kind) for kind in ("alone", "two", "consensus")}
    alone, two = best["alone"], best["two"]
    clear = [row for row in rows if row["kind"] != "alone" and row["against_low"] > 0]
    lead = (
        f"{len(clear)} combinations are clearly better than Overlap alone"
        if clear
        else "no combination is clearly better than Overlap alone"
    )
    return (
        f"Alone, {alone['measures']} puts relatives first most often: {alone['kinship']:.2f} ({alone['low']:.2f} to "
        f"{alone['high']:.2f}; "
        f"chance 0.5); of two together {two['measures']} with {two['kinship']:.2f} ({two['low']:.2f} to {two['high']:.2f}); "
        "the consensus has "
        f"{best['consensus']['kinship']:.2f}. By the interval of their difference over targets, {lead}. The six measures "
        "order the pool "
        f"alike with W = {agreement:.2f}."
    )


EXPERIMENT = Experiment(
    name="measures",
    title="Measures together",
    question="Does each measure help alone, and do they help together?",
    expected="That measures free of scale (Overlap, Hellinger, the normalised KL, cosine) order relatives first and MSE and "
    "KL do not, "
    "and that two together are no better than the better of them. A combination whose lead over Overlap has an interval "
    "above zero "
    "would refute the second.",
    needs="The workspace's estimates; where a transfer matrix of its model is kept, its gains as well.",
    ready=with_relatives,
    finding=finding,
    runs=runs,
    seconds=lambda n_pairs: 1 + 0.002 * n_pairs**2,
)
