"""Inner products of Fisher matrices of one layer, whole, diagonal and Kronecker-factored, without forming a whole one.

With g_n the gradient of sentence n, F_i = 1/N_i Σ_n g_n g_nᵀ over the sentences of language pair i, and

    ⟨F_i, F_j⟩ = 1/(N_i N_j) Σ_nm (g_n · g_m)²                                 (Frobenius)
    tr (F_i^½ F_j F_i^½)^½ = ‖ [g_n · g_m]_nm ‖_* / √(N_i N_j)                 (fidelity, the heart of the Bures distance)

so that all that is needed is the Gram matrix of the sentences' gradients, (ΣN)². K-FAC (Martens and Grosse, 2015) puts A ⊗ G
in the place of F, the mean outer products of a layer's inputs and of the gradients at its output over tokens, times the mean
number of tokens in a sentence; ⟨A ⊗ G, A' ⊗ G'⟩ = ⟨A, A'⟩ ⟨G, G'⟩.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pseudofam_core.estimates.fisher.factors import Factors, Floats

FloatMatrix = npt.NDArray[np.float64]
MOST_EXACT = 2**22  # numbers of a weight whose gradients are multiplied as they are


@dataclass(frozen=True, eq=False)
class LayerProducts:
    """What one layer gives; n language pairs.

    Attributes:
        gram: (ΣN, ΣN) products of the sentences' gradients, pair after pair.
        squares: (n, n) inner products of the diagonals.
        roots: (n, n) inner products of the diagonals' roots.
        kronecker: (n, n) inner products of the Kronecker-factored matrices.
        seconds: Computing time of the Gram matrix, the diagonals and the factors, in this order.
        shape: (out, in) of the weight.
        projected: Numbers that a gradient was projected to, or 0 where it was not.
    """

    gram: FloatMatrix
    squares: FloatMatrix
    roots: FloatMatrix
    kronecker: FloatMatrix
    seconds: tuple[float, float, float]
    shape: tuple[int, int]
    projected: int


def layer_products(pool: Sequence[Sequence[Factors]], *, project: int | None = None, seed: int = 1) -> LayerProducts:
    """Everything about one layer.

    Args:
        pool: For each language pair the factors of its sentences.
        project: Each factor is projected to so many numbers by a seeded Gaussian matrix before gradients are made of them for
            the Gram matrix: its expected value is the same. None: only where a weight has more than `MOST_EXACT` numbers.
        seed: Of the projection.
    """
    n_out, n_in = (factor.shape[1] for factor in pool[0][0])
    width = project or (64 if n_out * n_in > MOST_EXACT else None)
    started = time.monotonic()
    gram = _gram([_projected(sentences, width, seed) for sentences in pool] if width else pool)
    after_gram = time.monotonic()
    squares, roots = _diagonals(pool)
    after_diagonals = time.monotonic()
    kronecker = kronecker_products(pool)
    seconds = (after_gram - started, after_diagonals - after_gram, time.monotonic() - after_diagonals)
    return LayerProducts(gram, squares, roots, kronecker, seconds, (n_out, n_in), width**2 if width else 0)


def kronecker_products(pool: Sequence[Sequence[Factors]]) -> FloatMatrix:
    """(n, n) inner products of T̄ · A ⊗ G."""
    outputs, inputs = ([_second_moment([sentence[side] for sentence in mine]) for mine in pool] for side in (0, 1))
    tokens = np.array([np.mean([len(sentence[0]) for sentence in mine]) for mine in pool])
    return _inner(outputs) * _inner(inputs) * np.outer(tokens, tokens)


def _gram(pool: Sequence[Sequence[Factors]]) -> FloatMatrix:
    """Language pair against language pair, so that the gradients of two are held at once."""
    starts = np.cumsum([0, *map(len, pool)])
    gram = np.zeros((starts[-1], starts[-1]))
    for i, mine in enumerate(pool):
        gradients = _gradients(mine)
        for j in range(i + 1):
            block = gradients @ (gradients if i == j else _gradients(pool[j])).T
            gram[starts[i] : starts[i + 1], starts[j] : starts[j + 1]] = block
            gram[starts[j] : starts[j + 1], starts[i] : starts[i + 1]] = block.T
    return gram


def _diagonals(pool: Sequence[Sequence[Factors]]) -> tuple[FloatMatrix, FloatMatrix]:
    diagonals = np.stack([np.mean(_gradients(mine) ** 2, axis=0, dtype=np.float64) for mine in pool])
    roots = np.sqrt(diagonals)
    return diagonals @ diagonals.T, roots @ roots.T


def _gradients(sentences: Sequence[Factors]) -> Floats:
    """(N, out · in)."""
    return np.stack([(outputs.T @ inputs).reshape(-1) for outputs, inputs in sentences])


def _projected(sentences: Sequence[Factors], width: int, seed: int) -> list[Factors]:
    """Both factors times a Gaussian matrix R with E[R Rᵀ] = 1: the products of gradients keep their expected values."""
    generator = np.random.default_rng(seed)
    sides = []
    for side in (0, 1):
        n = sentences[0][side].shape[1]
        R = (generator.normal(size=(n, width)) / np.sqrt(width)).astype(np.float32)
        sides.append([factors[side] @ R for factors in sentences])
    return list(zip(*sides, strict=True))


def _second_moment(tokens: Sequence[Floats]) -> FloatMatrix:
    whole = np.concatenate(tokens)
    return (whole.T @ whole).astype(np.float64) / len(whole)


def _inner(matrices: Sequence[FloatMatrix]) -> FloatMatrix:
    flat = np.stack([matrix.reshape(-1) for matrix in matrices])
    return flat @ flat.T
