"""Slow and obvious twins of the Lab's own numerics, in float64."""

from __future__ import annotations

import numpy as np
from scipy.linalg import sqrtm
from scipy.stats import rankdata


def partial_spearman_by_inverse(x, y, given) -> float:
    """Minus the entry of the inverse of the ranks' correlation matrix, over the root of its diagonal's."""
    precision = np.linalg.inv(np.corrcoef([rankdata(one) for one in (x, y, *given)]))
    return -precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1])


def whole_fisher(gradients) -> np.ndarray:
    """1/N Σ g gᵀ of (N, P) gradients, formed entry by entry."""
    return sum(np.outer(one, one) for one in gradients) / len(gradients)


def frobenius_product(one, other) -> float:
    """Σ over all entries of two whole Fisher matrices."""
    return float((whole_fisher(one) * whole_fisher(other)).sum())


def bures_fidelity(one, other) -> float:
    """tr (F^½ G F^½)^½ by matrix roots."""
    root = sqrtm(whole_fisher(one))
    return float(np.trace(sqrtm(root @ whole_fisher(other) @ root)).real)


def kronecker_product(inputs_one, outputs_one, inputs_other, outputs_other) -> float:
    """⟨A ⊗ G, A' ⊗ G'⟩ with the factors' means over tokens, the Kronecker products formed."""
    factors = [one.T @ one / len(one) for one in (inputs_one, outputs_one, inputs_other, outputs_other)]
    return float((np.kron(factors[0], factors[1]) * np.kron(factors[2], factors[3])).sum())
