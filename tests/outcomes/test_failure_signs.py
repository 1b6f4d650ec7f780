from dataclasses import replace

import pytest

from pseudofam_core.languages import pair
from pseudofam_core.outcomes.failure_signs import (
    dominated_by_few,
    few_gradients,
    measures_that_disagree,
    no_gain,
    stopping_at_two,
)
from pseudofam_core.scoring.significance import Interval, Verdict
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.tasks.translation import TRANSLATION

BE, UK = pair("be-en"), pair("uk-en")


def test_few_parameters_dominate_from_one_half_on():
    assert dominated_by_few({BE: 0.49, UK: 0.1}) is None
    sign = dominated_by_few({BE: 0.5, UK: 0.8})
    assert "2 of 2 pairs" in sign.words
    assert "Ukrainian · uk has 80%" in sign.words
    assert "Overlap" in sign.advice


def test_of_few_gradients_it_is_said_how_few():
    assert few_gradients({BE: 4, UK: 160}) is None
    assert "In 1 of 2 pairs" in few_gradients({BE: 3, UK: 160}).words
    assert "Ukrainian · uk is one squared gradient" in few_gradients({BE: 3, UK: 1}).words


@pytest.mark.parametrize(("n_small", "warned"), [(4, True), (3, False)])
def test_families_that_stop_at_two_are_held_against_chance(n_small, warned):
    """Of the sample's similarities dealt out blindly 37% of the families would: four of ten are no fewer, three are."""
    sign = stopping_at_two([2] * n_small + [4] * (10 - n_small), by_chance=0.37)
    assert (sign is not None) == warned
    assert sign is None or "it would be 37% of them" in sign.words


def test_of_few_targets_nothing_is_said():
    assert stopping_at_two([2, 2, 2, 2], by_chance=0.5) is None


def test_the_two_measures_furthest_apart_are_named():
    assert measures_that_disagree({(Measure.MSE, Measure.KL): 0.5}) is None
    agreement = {
        (Measure.MSE, Measure.KL): 0.2,
        (Measure.MSE, Measure.OVERLAP): -0.3,
        (Measure.KL, Measure.OVERLAP): 0.9,
    }
    sign = measures_that_disagree(agreement)
    assert sign.words.startswith("MSE and Overlap")
    assert "-0.30" in sign.words


def verdict(value, p_holm):
    return Verdict(Interval(value, value - 1, value + 1, p_holm), p_holm, p_holm, 1, "t")


@pytest.mark.parametrize(
    ("value", "p_holm", "seen"),
    # An interval beside zero is no verdict: after Holm's correction it may be that of a tie.
    [
        (0, 1, "can't be told from"),
        (-2, 0.06, "can't be told from"),
        (-2, 0.04, "does worse than"),
        (2, 0.06, "can't be"),
    ],
)
def test_no_gain_is_said_of_a_tie_and_of_a_loss(value, p_holm, seen):
    assert (
        seen
        in no_gain(BE, "overlap", verdict(value, p_holm), metric=TRANSLATION.tested, against="random languages").words
    )


def test_a_gain_is_no_failure():
    assert no_gain(BE, "overlap", verdict(2, 0.04), metric=TRANSLATION.tested, against="random languages") is None


def test_by_one_seed_a_loss_is_one_of_these_sentences():
    loss, gain = (
        no_gain(
            BE,
            "overlap",
            replace(verdict(value, 0.01), caveat="one seed"),
            metric=TRANSLATION.tested,
            against="random languages",
        )
        for value in (-2, 2)
    )
    assert "does worse on these sentences than" in loss.words
    assert gain is None
