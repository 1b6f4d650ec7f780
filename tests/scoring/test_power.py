"""Power against simulation and textbook values."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from scipy import stats

from pseudofam_core.scoring.power import Design, power, smallest_visible_gain, visible_gain
from pseudofam_core.scoring.significance import Interval, Verdict
from pseudofam_core.tasks.translation import TRANSLATION


def test_power_of_a_textbook_case():
    # Two-sided at 5%: 2.8 standard errors are found four times in five (1.96 + 0.84).
    assert power(2.8, error=1) == pytest.approx(0.80, abs=0.001)
    assert power(0, error=1) == pytest.approx(0.05)
    assert power(-2.8, error=1) == power(2.8, error=1)
    assert smallest_visible_gain(error=0.5) == pytest.approx(1.4007, abs=0.001)


@pytest.mark.parametrize(("freedom", "n_tests"), [(4, 1), (20, 45)])
def test_power_is_the_share_of_experiments_that_find_it(freedom, n_tests):
    rng, n = np.random.default_rng(1), 200_000
    t = (rng.normal(3, 1, n)) / np.sqrt(rng.chisquare(freedom, n) / freedom)
    found = np.mean(2 * stats.t.sf(np.abs(t), freedom) * n_tests < 0.05)
    assert power(3, error=1, freedom=freedom, n_tests=n_tests) == pytest.approx(found, abs=0.004)


def test_the_smallest_visible_gain_has_the_power_it_is_named_for():
    gain = smallest_visible_gain(error=0.7, freedom=6, n_tests=9, wanted=0.9)
    assert power(gain, error=0.7, freedom=6, n_tests=9) == pytest.approx(0.9, abs=0.001)


def test_a_design_sees_more_with_more_seeds_and_fewer_tests():
    gains = [Design(n_targets=1, n_arms=5, n_seeds=n).smallest_visible_gain(0.8) for n in (1, 2, 3, 5)]
    assert gains[0] == inf
    assert gains == sorted(gains, reverse=True)
    assert Design(5, 5, 3).smallest_visible_gain(0.8) > Design(1, 5, 3).smallest_visible_gain(0.8)
    assert Design(5, 10, 3).freedom == 20
    assert Design(5, 10, 3).n_tests == 45
    with pytest.raises(ValueError, match="n_arms must be at least 2"):
        Design(1, 1, 3).smallest_visible_gain(0.8)


def test_runs_on_four_times_the_sentences_are_half_as_far_apart():
    spread = TRANSLATION.tested.usual_run_spread
    assert spread(100) == 2 * spread(400)


def test_what_a_test_could_see_is_told_of_those_that_may_say_better():
    delta = Interval(0.2, -1, 1.4, 0.7, error=0.5, freedom=20)
    assert visible_gain(Verdict(delta, 0.7, 1, 9, "t")) == pytest.approx(
        smallest_visible_gain(error=0.5, freedom=20, n_tests=9)
    )
    assert visible_gain(Verdict(delta, 0.7, 1, 9, "t", caveat="one seed of single")) is None
    assert visible_gain(Verdict(Interval(0, 0, 0, 1), 1, 1, 1, "the same run")) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [({"error": 0}, "error must be positive"), ({"error": 1, "wanted": 0.05}, "wanted must be between")],
)
def test_what_has_no_answer_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        smallest_visible_gain(**options)
