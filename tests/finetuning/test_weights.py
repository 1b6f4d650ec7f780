"""Weights from what auxiliaries are expected to help, beside the slow twin."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pseudofam_core.finetuning import weights_of
from pseudofam_core.languages import pair
from tests.reference_signals import weights

PAIRS = tuple(pair(f"{one}-en") for one in ("bg", "de", "fa", "hr", "kk", "sr", "uk"))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e6])
def test_weights_are_those_of_the_twin_whatever_the_unit(seed, unit):
    expected = dict(zip(PAIRS, unit * np.random.default_rng(seed).normal(size=7), strict=True))
    expected[PAIRS[seed]] = math.nan
    found = weights_of(expected)
    twin = weights({str(one): value for one, value in expected.items()})
    assert {str(one): weight for one, weight in found.items()} == pytest.approx(twin, abs=1e-12)
    assert not set(found) & {one for one, value in expected.items() if not value > 0}
    assert sum(found.values()) == pytest.approx(sum(value > 0 for value in expected.values()), abs=0.005 * len(PAIRS))


def test_who_is_expected_to_harm_or_hardly_helps_gets_none():
    assert weights_of(dict(zip(PAIRS, (3, 1, -2, 0, 1e-3, math.nan, -1), strict=True))) == {
        PAIRS[0]: 2.25,
        PAIRS[1]: 0.75,
    }
    assert weights_of(dict.fromkeys(PAIRS, -1.0)) == {}
    assert weights_of({}) == {}
