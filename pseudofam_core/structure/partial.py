"""Partial rank correlation: how far two things go together once what both go with is taken out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from pseudofam_core.similarity.results import FloatMatrix


def partial_spearman(x: FloatMatrix, y: FloatMatrix, given: Sequence[FloatMatrix]) -> float | None:
    """Spearman's ρ of `x` and `y` given others: Pearson's r of what linear regression on their ranks leaves of both ranks.

    Args:
        x: (n,); ties share their mean rank.
        y: (n,).
        given: Others, (n,) each. One that is constant takes nothing out.

    Returns:
        None where the others explain one side wholly, or there are too few values: n must be at least 3 above the others.

    Raises:
        ValueError: Lengths that differ, or a value that is not finite.
    """
    columns = [x, y, *given]
    if len({column.shape for column in columns}) > 1 or not all(np.isfinite(column).all() for column in columns):
        shapes = ", ".join(str(column.shape) for column in columns)
        raise ValueError(f"x, y and given must be of one length and finite. Got {shapes}. Leave out what is not known.")
    n = len(x)
    if n < 3 + len(given):
        return None
    design = np.column_stack([np.ones(n), *(rankdata(control) for control in given)])
    ranks = np.column_stack([rankdata(x), rankdata(y)])
    left = ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]
    lengths = np.sqrt((left**2).sum(axis=0))
    # What rounding leaves of a side that is explained wholly.
    if (lengths <= 1e-9 * np.sqrt((ranks**2).sum(axis=0))).any():
        return None
    return float(left[:, 0] @ left[:, 1] / lengths.prod())
