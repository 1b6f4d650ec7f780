"""What does the diagonal lose against the whole Fisher matrix? The paper's check 3.

Four matrices of the same sentences: the diagonal; K-FAC, a Kronecker product for each layer; each layer's whole matrix by itself;
and the whole matrix over all layers. None but the diagonal is ever formed: inner products are enough
(`pseudofam_core.estimates.fisher.products`). Two ways to compare two matrices, each of which is one of the diagonal's measures
where both are diagonal: the angle (Frobenius; cosine), and the Bures distance of matrices of trace 1 (Hellinger).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pseudofam_core.estimates import summarise
from pseudofam_core.lab.agreement import COLUMNS, agreement
from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.gains import foreseen, measured_gains, runs
from pseudofam_core.lab.ready import with_relatives
from pseudofam_core.lab.running import seen_on
from pseudofam_core.lab.uncertainty import over_targets
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.structure.correlation import off_diagonal, spearman
from pseudofam_core.structure.kinship import relatives, relatives_before_others

if TYPE_CHECKING:
    from pseudofam_core.estimates.fisher.products import LayerProducts

N_SENTENCES = 48
_WIDTH = 64
_ALL = "all layers"
_DIAGONAL, _KFAC, _LAYERS, _WHOLE = "diagonal", "K-FAC", "layer by layer", "whole"
_ANGLE, _BURES = "angle (cosine)", "Bures (Hellinger)"
_COLUMNS = {
    "part": "Layers",
    "matrix": "What stands for the Fisher matrix",
    "compared": "How two are compared",
    "kinship": "A relative stands before another language (share of cases; chance is 0.5)",
    "kinship_low": "Lower end of the 95 % interval over targets",
    "kinship_high": "Upper end",
    **{name: f"{words}: against the diagonal's" for name, words in COLUMNS.items() if name != "kinship"},
    "foreseen": "Rank correlation of nearness and measured gain within a target's row (mean over targets)",
    "foreseen_low": "Lower end of its 95 % interval over targets",
    "foreseen_high": "Upper end",
    "seconds": "Computing time on this machine, beside reading, s",
    "numbers": "Numbers of a language's matrix; those of the whole ones are never formed",
}


def finding(material: Material) -> Finding:
    """Similarity by the diagonal, K-FAC, the layers' and the whole matrix.

    Raises:
        ValueError: Parameters that are not weights of linear layers.
    """
    from pseudofam_core.estimates import whole  # opens torch, which only workers and commands do

    pairs = tuple(sorted(material.pool))
    n_read = min(N_SENTENCES, *(summarise(estimate).n_sentences for estimate in material.pool.values()))
    layers = whole.products_by_layer(
        material.workspace,
        pairs,
        n_sentences=n_read,
        partial=Path(str(material.partial("layers"))),
        report=material.report,
        should_stop=material.should_stop,
    )
    gains = measured_gains(material, pairs)
    rows = _rows(_ALL, pairs, list(layers.values()), gains)
    for name, products in layers.items():
        rows += _rows(name, pairs, [products], gains)
    first = next(iter(layers))
    by_projection = whole.projected_products(material.workspace, pairs, first, n_sentences=n_read, width=_WIDTH)
    error = projection_error(layers[first], by_projection, len(pairs))
    return Finding(
        answer=_answer(rows, n_read) + _foreseen_words(rows),
        seen_on=f"{seen_on(material.workspace, material.pool)}, of which the first {n_read} of each",
        columns=_COLUMNS,
        rows=tuple(rows),
        chart=Chart(
            Look.BARS,
            x="matrix",
            y="kinship",
            series="compared",
            low="kinship_low",
            high="kinship_high",
            chance=0.5,
            only=("part", _ALL),
            words="Two bars for each matrix: how often a relative stands nearer to a target than another language does, by "
            "the angle "
            "between two matrices and by their Bures distance.",
        ),
        limits=f"The whole matrix of {n_read} sentences has rank {n_read} at most: it says as much of these sentences as of "
        "the language. " + error,
        settings={"sentences": n_read, "projection_width": _WIDTH, "layers": len(layers)},
    )


def gram_blocks(gram: FloatMatrix, n_pairs: int) -> FloatMatrix:
    """(n, n, N, N) of (n N, n N)."""
    N = len(gram) // n_pairs
    return gram.reshape(n_pairs, N, n_pairs, N).transpose(0, 2, 1, 3)


def frobenius_products(gram: FloatMatrix, n_pairs: int) -> FloatMatrix:
    """(n, n) ⟨F_i, F_j⟩ = 1/N² Σ_nm (g_n · g_m)²."""
    products: FloatMatrix = (gram_blocks(gram, n_pairs) ** 2).mean(axis=(2, 3))
    return products


def fidelities(gram: FloatMatrix, n_pairs: int) -> FloatMatrix:
    """(n, n) tr (F_i^½ F_j F_i^½)^½: the sum of the singular values of the pairs' Gram matrix, over N."""
    blocks = gram_blocks(gram, n_pairs)
    values = np.zeros((n_pairs, n_pairs))
    for i in range(n_pairs):
        for j in range(i + 1):
            values[i, j] = values[j, i] = np.linalg.svd(blocks[i, j], compute_uv=False).sum() / blocks.shape[2]
    return values


def angle_distances(products: FloatMatrix) -> FloatMatrix:
    """1 − ⟨F_i, F_j⟩ / (‖F_i‖ ‖F_j‖)."""
    norms = np.sqrt(products.diagonal())
    return np.maximum(1 - products / np.outer(norms, norms), 0)


def bures_distances(affinities: FloatMatrix) -> FloatMatrix:
    """√(1 − fidelity) of matrices divided by their traces, which stand on the diagonal: Hellinger's where they are diagonal."""
    traces = np.sqrt(affinities.diagonal())
    return np.sqrt(np.maximum(1 - affinities / np.outer(traces, traces), 0))


def distances_of(layers: list[LayerProducts], n_pairs: int) -> dict[tuple[str, str], FloatMatrix]:
    """(n, n) distances by what stands for the Fisher matrix and how two are compared."""
    whole = np.sum([layer.gram for layer in layers], axis=0)
    return {
        (_DIAGONAL, _ANGLE): angle_distances(np.sum([layer.squares for layer in layers], axis=0)),
        (_DIAGONAL, _BURES): bures_distances(np.sum([layer.roots for layer in layers], axis=0)),
        (_KFAC, _ANGLE): angle_distances(np.sum([layer.kronecker for layer in layers], axis=0)),
        (_LAYERS, _ANGLE): angle_distances(
            np.sum([frobenius_products(layer.gram, n_pairs) for layer in layers], axis=0)
        ),
        (_LAYERS, _BURES): bures_distances(np.sum([fidelities(layer.gram, n_pairs) for layer in layers], axis=0)),
        (_WHOLE, _ANGLE): angle_distances(frobenius_products(whole, n_pairs)),
        (_WHOLE, _BURES): bures_distances(fidelities(whole, n_pairs)),
    }


def projection_error(exact: LayerProducts, projected: LayerProducts, n_pairs: int) -> str:
    """How far projected gradients are from exact ones, in a sentence, for the first layer."""
    angles, approximate = (
        off_diagonal(angle_distances(frobenius_products(each.gram, n_pairs))) for each in (exact, projected)
    )
    rho = spearman(angles, approximate)
    return (
        f"Gradients here are exact; projected to {projected.projected:,} numbers, those of the first layer give angles that "
        "are off by "
        f"{np.abs(angles - approximate).max():.3f} at most (they spread over {np.ptp(angles):.3f}) and rank with ρ = "
        f"{'–' if rho is None else f'{rho:.3f}'}."
    )


def _rows(
    part: str, pairs: tuple[LanguagePair, ...], layers: list[LayerProducts], gains: FloatMatrix | None
) -> list[dict[str, Any]]:
    distances = distances_of(layers, len(pairs))
    if len(layers) == 1:  # the whole is the layer
        distances = {key: values for key, values in distances.items() if key[0] != _LAYERS}
    # The family rule takes distances without direction or rounding as they are, as it takes Hellinger's.
    matrices = {key: PairwiseMatrix(pairs, values, Measure.HELLINGER) for key, values in distances.items()}
    seconds, numbers = _costs(layers)
    kin = relatives(pairs)
    rows = []
    for (name, compared), matrix in matrices.items():
        held = agreement(matrices[_DIAGONAL, compared], matrix)
        kinship = over_targets(relatives_before_others(matrix.ordering_distances(), kin))
        rows.append(
            {
                "part": part,
                "matrix": name,
                "compared": compared,
                **held,
                "kinship": kinship.value,
                "kinship_low": kinship.low,
                "kinship_high": kinship.high,
                **_foreseen(matrix, gains),
                "seconds": seconds[name],
                "numbers": numbers[name],
            }
        )
    return rows


def _foreseen(matrix: PairwiseMatrix, gains: FloatMatrix | None) -> dict[str, Any]:
    """How far nearness foresaw measured gains; nothing where none is measured."""
    if gains is None:
        return {}
    rho = over_targets(foreseen(matrix, gains))
    return {"foreseen": rho.value, "foreseen_low": rho.low, "foreseen_high": rho.high}


def _costs(layers: list[LayerProducts]) -> tuple[Mapping[str, float], Mapping[str, int]]:
    """Seconds for all languages together, and numbers of a language's matrix, by what stands for it."""
    gram, diagonal, factors = (round(sum(layer.seconds[i] for layer in layers), 2) for i in range(3))
    sizes = [layer.shape[0] * layer.shape[1] for layer in layers]
    return {_DIAGONAL: diagonal, _KFAC: factors, _LAYERS: gram, _WHOLE: gram}, {
        _DIAGONAL: sum(sizes),
        _KFAC: sum(layer.shape[0] ** 2 + layer.shape[1] ** 2 for layer in layers),
        _LAYERS: sum(size**2 for size in sizes),
        _WHOLE: sum(sizes) ** 2,
    }


def _answer(rows: list[dict[str, Any]], n_read: int) -> str:
    by = {(row["matrix"], row["compared"]): row for row in rows if row["part"] == _ALL}

    def told(name: str, compared: str) -> str:
        row = by[name, compared]
        return f"{row['kinship']:.2f} ({row['kinship_low']:.2f} to {row['kinship_high']:.2f})"

    whole, layers, kfac = by[_WHOLE, _BURES], by[_LAYERS, _BURES], by[_KFAC, _ANGLE]
    return (
        f"On {n_read} sentences a relative stands before another language in {told(_DIAGONAL, _BURES)} of cases by the "
        "diagonal, "
        f"{told(_LAYERS, _BURES)} by each layer's whole matrix and {told(_WHOLE, _BURES)} by the whole matrix (Bures; by the "
        "angle "
        f"{told(_DIAGONAL, _ANGLE)}, {told(_LAYERS, _ANGLE)} and {told(_WHOLE, _ANGLE)}, K-FAC {told(_KFAC, _ANGLE)}); the "
        "whole matrix ranks "
        f"a target's neighbours as the diagonal does with ρ = {whole['rho']:.2f} ({whole['rho_low']:.2f} to "
        f"{whole['rho_high']:.2f}; layer by "
        f"layer {layers['rho']:.2f}, K-FAC {kfac['rho']:.2f}) and shares {whole['shared']:.0%} of the families' members, at "
        f"{whole['seconds']:.0f} s instead of {by[_DIAGONAL, _BURES]['seconds']:.0f} s beside reading."
    )


def _foreseen_words(rows: list[dict[str, Any]]) -> str:
    told = [
        f"{row['matrix']} {row['foreseen']:.2f} ({row['foreseen_low']:.2f} to {row['foreseen_high']:.2f})"
        for row in rows
        if row["part"] == _ALL and row["compared"] == _BURES and "foreseen" in row
    ]
    return f" Measured gains of single auxiliaries are foreseen (Bures) with ρ: {', '.join(told)}." if told else ""


EXPERIMENT = Experiment(
    name="whole",
    title="Whole Fisher matrix",
    question="What does the diagonal lose against the whole Fisher matrix, and what does it save?",
    expected="That the whole matrix ranks neighbours much as the diagonal does (ρ above 0.8) and finds no more relatives. A "
    "kinship of "
    "the whole matrix above the interval of the diagonal's would refute it.",
    needs="The workspace's estimates and its model, on weights of linear layers (ffn). Minutes for a small model; "
    "the sample's 17 pairs took 49 on a busy machine with two cores.",
    ready=with_relatives,
    finding=finding,
    runs=runs,
    seconds=lambda n_pairs: 3.0 * n_pairs**2,
)
