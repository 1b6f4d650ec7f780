"""Fisher information of a model for one language pair."""

from __future__ import annotations

from pseudofam_core.estimates.fisher.estimate import FisherDiagonal, estimate_fisher
from pseudofam_core.estimates.fisher.squares import SquaredGradients

__all__ = ["FisherDiagonal", "SquaredGradients", "estimate_fisher"]
