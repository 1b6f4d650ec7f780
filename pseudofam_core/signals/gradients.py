"""What the gradients of two texts say of one another: whether a step of training on one lowers the loss of the other.

A step of size η down the auxiliary's gradient g_a changes the target's loss by −η g_tᵀ g_a, to first order: a positive
product helps. Gradients are of the mean loss, nats a token, at the kept coordinates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pseudofam_core.estimates.gradients import FloatArray


@dataclass(frozen=True, eq=False)
class TargetGradient:
    """What a target brings where its Fisher information weighs.

    Attributes:
        mean: (m,) g_t, the gradient of its dev loss.
        fisher: (m,) F_t, its Fisher diagonal at the same coordinates.
    """

    mean: FloatArray
    fisher: FloatArray

    @property
    def weights(self) -> FloatArray:
        """(F_t + λ)⁻¹ with λ the mean of F_t, times λ: 1 where F_t is zero. The scale of F does not matter."""
        damping = self.fisher.mean()
        weights: FloatArray = damping / (self.fisher + damping)
        return weights


def cosine(target: FloatArray, auxiliary: FloatArray) -> float:
    """g_tᵀ g_a / (|g_t| |g_a|); NaN where one of them is zero."""
    lengths = math.sqrt((target @ target) * (auxiliary @ auxiliary))
    return float(target @ auxiliary / lengths) if lengths else math.nan


def fisher_weighted(target: TargetGradient, auxiliary: FloatArray) -> float:
    """λ g_tᵀ (F_t + λ)⁻¹ g_a, with λ the mean of F_t: nats² a token²; NaN where F_t is zero everywhere."""
    return float((target.weights * target.mean) @ auxiliary) if target.fisher.any() else math.nan


def fisher_weighted_cosine(target: TargetGradient, auxiliary: FloatArray) -> float:
    """The same over both lengths in that metric, √(gᵀ (F_t + λ)⁻¹ g); NaN where a length is zero."""
    if not target.fisher.any():
        return math.nan
    roots = target.weights**0.5
    return cosine(roots * target.mean, roots * auxiliary)
