"""Where relatives stand among neighbours, against counting every two of them."""

from __future__ import annotations

import numpy as np

from pseudofam_core.languages import pair
from pseudofam_core.structure.kinship import nearest_is_relative, relatives, relatives_before_others

POOL = tuple(pair(f"{code}-en") for code in ("be", "uk", "bg", "kk", "tr", "ja"))


def counted(distances, kin):
    """Every relative against every other pair, one at a time; ties count half."""
    shares = []
    for target in range(len(distances)):
        verdicts = [
            1.0
            if distances[target, one] < distances[target, other]
            else 0.5 * (distances[target, one] == distances[target, other])
            for one in range(len(distances))
            for other in range(len(distances))
            if target not in (one, other) and kin[target, one] and not kin[target, other]
        ]
        shares.append(np.mean(verdicts) if verdicts else np.nan)
    return np.array(shares)


def test_relatives_are_those_of_one_traditional_family_and_never_oneself():
    kin = relatives(POOL)
    assert not kin.diagonal().any()
    assert (kin == kin.T).all()
    assert kin.sum(axis=1).tolist() == [2, 2, 2, 1, 1, 0]


def test_shares_are_those_of_counting_every_two():
    rng = np.random.default_rng(3)
    for _ in range(20):
        distances = rng.integers(0, 6, size=(6, 6)).astype(float)  # many ties
        kin = relatives(POOL)
        assert np.allclose(relatives_before_others(distances, kin), counted(distances, kin), equal_nan=True)


def test_relatives_first_is_one_and_last_is_nought_and_the_diagonal_is_of_no_account():
    kin = relatives(POOL)
    first = np.where(kin, 1.0, 2.0)
    np.fill_diagonal(first, 1.0)
    before = relatives_before_others(first, kin)
    assert before[:5].tolist() == [1.0] * 5
    assert np.isnan(before[5])
    last = np.where(kin, 2.0, 1.0)
    np.fill_diagonal(last, 0.0)
    assert relatives_before_others(last, kin)[:5].tolist() == [0.0] * 5
    assert nearest_is_relative(first, kin)[:5].tolist() == [1.0] * 5
    assert nearest_is_relative(last, kin)[:5].tolist() == [0.0] * 5
    assert np.isnan(nearest_is_relative(last, kin)[5])
