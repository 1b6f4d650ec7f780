"""Two matrices of the same pairs, held against each other: values whose answer is known by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.lab.agreement import agreement, agreement_of_matrices
from pseudofam_core.lab.beside import targets_beside
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix

BE, BG, KK, UK = POOL = tuple(pair(f"{code}-en") for code in ("be", "bg", "kk", "uk"))
NEAREST_TWO = SelectionSpec(rule=Rule.NEAREST, largest=2)


def matrix_of(*rows):
    return PairwiseMatrix(POOL, np.array(rows, dtype=np.float64), Measure.MSE)


FIRST = matrix_of((0, 1, 2, 3), (1, 0, 2, 3), (1, 2, 0, 3), (1, 2, 3, 0))
# Of be bg and kk change places, of bg all are turned round, of kk nothing changes, of uk all are equally near.
SECOND = matrix_of((0, 2, 1, 3), (3, 0, 2, 1), (1, 2, 0, 3), (1, 1, 1, 0))


def test_rows_and_families_of_each_target_by_hand():
    be, bg, kk, uk = targets_beside(FIRST, SECOND, selection=NEAREST_TWO)
    # Spearman: 1 − 6 Σ d² / (n (n² − 1)), of (1 2 3) with (2 1 3) and with (3 2 1).
    assert (be.rho, bg.rho, kk.rho, uk.rho) == (pytest.approx(0.5), pytest.approx(-1), pytest.approx(1), None)
    assert (be.first, be.second, be.is_same) == ((BG, KK), (KK, BG), True)
    assert (bg.first, bg.second, bg.is_same) == ((BE, KK), (UK, KK), False)
    assert [one.target for one in (be, bg, kk, uk)] == list(POOL)


def test_different_pools_are_refused():
    other = dataclasses.replace(SECOND, pairs=(BE, BG, KK, pair("tr-en")))
    with pytest.raises(ValueError, match="over the same pool"):
        targets_beside(FIRST, other)


def test_the_wholes_are_correlated_over_both_directions_averaged():
    symmetric = matrix_of((0, 1, 2, 3), (1, 0, 4, 5), (2, 4, 0, 6), (3, 5, 6, 0))
    # Of the six distances 1 and 6 change places: 1 − 6 · (5² + 5²) / (6 · 35).
    turned = matrix_of((0, 6, 2, 3), (6, 0, 4, 5), (2, 4, 0, 1), (3, 5, 1, 0))
    both = agreement_of_matrices(symmetric, turned)
    assert both["matrix_rho"] == pytest.approx(1 - 300 / 210)
    assert {name: both[name] for name in agreement(symmetric, turned)} == agreement(symmetric, turned)
    assert agreement_of_matrices(symmetric, symmetric)["matrix_rho"] == pytest.approx(1)
