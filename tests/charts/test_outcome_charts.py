"""What the figures of a comparison show: the numbers of the table, and no verdict but the test's."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pseudofam_core.charts.outcomes import control_figure, difference_figure, score_figure, verdict_figure
from pseudofam_core.languages import pair
from pseudofam_core.outcomes.results import Average, Comparison, Outcome, Question
from pseudofam_core.scoring.protocols import Protocol
from pseudofam_core.scoring.significance import Interval, Verdict, Word
from pseudofam_core.tasks.translation import TRANSLATION

TARGETS = tuple(pair(f"{code}-en") for code in ("be", "bn"))
# Interval and corrected p disagree on purpose: the p decides what is said.
DELTAS = {
    ("be", "mse"): (2.0, 0.01),
    ("be", "kl"): (3.0, 0.2),
    ("bn", "mse"): (-1.0, 0.01),
    ("bn", "kl"): (0.5, 0.9),
}


def verdict(delta, p, *, caveat=""):
    return Verdict(Interval(delta, delta - 1, delta + 1, p), p, p, 4, "a test", caveat=caveat)


def both(score):
    return {"bleu": score, "chrf": score}


@pytest.fixture
def comparison():
    outcomes = []
    for target in TARGETS:
        for arm in ("traditional", "mse", "kl"):
            delta, p = DELTAS.get((target.source, arm), (0.0, 1.0))
            score = Interval(20 + delta, 19 + delta, 21 + delta, 0)
            found = None if arm == "traditional" else verdict(delta, p)
            outcomes.append(Outcome(target, arm, ((),), (1,), both(score), None, found, {}, 80, 1000, 500, ()))
    averages = [
        Average("traditional", TARGETS, both(Interval(20, 19, 21, 0)), None),
        Average("mse", TARGETS, both(Interval(20.5, 19, 21, 0)), verdict(0.5, 0.4)),
        Average("kl", TARGETS, both(Interval(21.7, 20, 22, 0)), verdict(1.75, 0.04)),
    ]
    return Comparison(
        TRANSLATION,
        "traditional",
        Protocol.DETOKENISED,
        0.05,
        "early-stopping",
        tuple(outcomes),
        tuple(averages),
        {},
        {},
        {},
    )


def run(key):
    return SimpleNamespace(key=key)


def with_runs(comparison, keys):
    """The same arms, each with the one run of this key."""
    outcomes = tuple(replace(one, runs=((run(f"{one.target}/{keys[one.arm]}"),),)) for one in comparison.outcomes)
    return replace(comparison, outcomes=outcomes)


def of_one_target(comparison):
    (first, *_) = comparison.targets
    return replace(comparison, outcomes=tuple(one for one in comparison.outcomes if one.target == first), averages=())


def test_arms_of_the_same_run_are_one_row_under_all_their_names(comparison):
    same = with_runs(comparison, {"traditional": "a", "mse": "b", "kl": "b"})
    assert same.same_runs(*same.targets) == {"traditional": ("traditional",), "mse": ("mse", "kl")}
    for question in (same.verdicts(Question.PINNED, same.targets[0]), same.verdicts(Question.PINNED)):
        assert list(question) == ["mse = kl"]
    assert list(traces(score_figure(same))) == ["traditional", "mse = kl"]
    assert list(difference_figure(same).layout.yaxis.ticktext).count("mse = kl") == len(same.targets) + 1
    assert list(verdict_figure(same).layout.yaxis.ticktext) == ["mse = kl"]
    pinned = with_runs(comparison, {"traditional": "a", "mse": "a", "kl": "b"})
    assert pinned.same_runs(*pinned.targets) == {"traditional": ("traditional", "mse"), "kl": ("kl",)}
    assert list(pinned.verdicts(Question.PINNED, pinned.targets[0])) == ["kl"]
    apart = with_runs(comparison, {"traditional": "a", "mse": "b", "kl": "c"})
    assert list(apart.verdicts(Question.PINNED)) == ["mse", "kl"]


def test_many_names_of_a_run_stand_two_a_line(comparison):
    same = of_one_target(with_runs(comparison, dict.fromkeys(("traditional", "mse", "kl"), "a")))
    assert list(score_figure(same).layout.yaxis.ticktext) == ["traditional = mse =<br>kl"]


def test_an_only_target_has_a_line_per_arm_with_its_interval(comparison):
    one = of_one_target(comparison)
    figure = score_figure(one, arms=["traditional", "kl"])
    assert list(figure.layout.yaxis.ticktext) == ["traditional", "kl"]
    for row, trace in enumerate(figure.data):
        assert list(trace.y) == [row]
        assert list(trace.error_x.array) == list(trace.error_x.arrayminus) == [1.0]


def traces(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_every_target_has_its_scores_on_one_line(comparison):
    figure = score_figure(comparison)
    drawn = traces(figure)
    assert list(drawn) == ["traditional", "mse", "kl"]
    assert list(drawn["kl"].x) == [23.0, 20.5]
    assert list(drawn["kl"].y) == [0, 1]
    assert list(figure.layout.yaxis.ticktext) == [target.label for target in TARGETS]
    bars = [trace for trace in figure.data if trace.mode == "lines"]
    assert [tuple(bar.x) for bar in bars] == [(20.0, 23.0), (19.0, 20.5)]
    assert len({trace.marker.symbol for trace in drawn.values()}) == 3


def test_some_arms_make_a_dumbbell(comparison):
    figure = score_figure(comparison, arms=["mse", "traditional"])
    assert list(traces(figure)) == ["traditional", "mse"]
    assert [tuple(trace.x) for trace in figure.data if trace.mode == "lines"] == [(20.0, 22.0), (19.0, 20.0)]
    with pytest.raises(ValueError, match="arms must be of traditional, mse, kl"):
        score_figure(comparison, arms=["nothing"])


def test_differences_wear_the_verdict_of_the_test(comparison):
    figure = difference_figure(comparison)
    drawn = traces(figure)
    labels = list(figure.layout.yaxis.ticktext)
    assert labels == [
        "<b>Belarusian · be</b>", "mse", "kl", "<b>Bengali · bn</b>", "mse", "kl", "<b>mean of 2 targets</b>", "mse", "kl",
    ]  # fmt: skip
    assert list(zip(drawn["better"].x, drawn["better"].y, strict=True)) == [(2.0, 1), (1.75, 8)]
    assert list(zip(drawn["worse"].x, drawn["worse"].y, strict=True)) == [(-1.0, 4)]
    assert list(zip(drawn["tie"].x, drawn["tie"].y, strict=True)) == [(3.0, 2), (0.5, 5), (0.5, 7)]
    assert list(drawn["better"].error_x.array) == [1, 1]
    assert all("better" not in one[2] and "worse" not in one[2] for one in drawn["tie"].customdata)


def test_where_seeds_are_not_counted_a_difference_has_a_mark_of_its_own(comparison):
    first, second, *rest = comparison.outcomes
    held = replace(comparison, outcomes=(first, replace(second, verdict=verdict(2.0, 0.01, caveat="one seed")), *rest))
    drawn = traces(difference_figure(held))
    assert list(drawn["differs on these sentences"].x) == [2.0]
    assert list(drawn["better"].x) == [1.75]
    assert "one seed" in drawn["differs on these sentences"].customdata[0][2]
    assert list(traces(verdict_figure(held))["differs on these sentences"].text) == ["1 differs", ""]


def test_the_papers_claim_is_drawn_only_where_it_speaks_of_the_same(comparison):
    told = [one.text for one in difference_figure(comparison).layout.annotations]
    assert told == ["the paper's claim, +1.7"]
    assert not difference_figure(replace(comparison, pinned="single")).layout.annotations


def test_differences_from_random_families_are_drawn_apart(comparison):
    first, second, *rest = comparison.outcomes
    held = replace(comparison, outcomes=(first, replace(second, control=verdict(0.7, 0.03)), *rest))
    drawn = traces(control_figure(held))
    assert list(drawn["better"].x) == [0.7]
    assert list(drawn["tie"].x) == list(drawn["worse"].x) == []
    assert list(control_figure(held).layout.yaxis.ticktext) == ["<b>Belarusian · be</b>", "mse"]
    assert control_figure(held).layout.xaxis.title.text == "BLEU minus that of random,<br>with its 95% interval"
    assert not control_figure(held).layout.annotations


def test_an_average_over_some_targets_says_over_how_many(comparison):
    first, second, third = comparison.averages
    partly = replace(second, targets=TARGETS[:1], control=verdict(0.7, 0.03), controlled=TARGETS[:1])
    whole = replace(third, control=verdict(0.7, 0.03), controlled=TARGETS)
    held = replace(comparison, averages=(first, partly, whole))
    labels = ["<b>mean of 2 targets</b>", "mse (1 of 2)", "kl"]
    for figure in (difference_figure(held), control_figure(held)):
        assert list(figure.layout.yaxis.ticktext)[-3:] == labels


def test_verdicts_are_counted_by_arm(comparison):
    figure = verdict_figure(comparison)
    drawn = traces(figure)
    assert list(figure.layout.yaxis.ticktext) == ["mse", "kl"]
    assert {word: list(drawn[word].x) for word in Word} == {
        "better": [1, 0],
        "differs on these sentences": [0, 0],
        "tie": [0, 2],
        "worse": [1, 0],
    }
    assert list(drawn["tie"].text) == ["", "2 tie"]


def test_verdicts_without_a_single_case_keep_their_place_in_the_legend(comparison):
    alone = replace(comparison, outcomes=comparison.outcomes[:2], averages=())
    for figure in (difference_figure(alone), verdict_figure(alone)):
        assert [trace.name for trace in figure.data if trace.name] == [
            "better", "differs on these sentences", "tie", "worse",
        ]  # fmt: skip


def test_backgrounds_and_fonts_are_the_themes(comparison):
    for figure in (score_figure(comparison), difference_figure(comparison), verdict_figure(comparison)):
        assert figure.layout.paper_bgcolor is None
        assert figure.layout.plot_bgcolor is None
        assert figure.layout.font.color is None
