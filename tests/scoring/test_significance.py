"""Tests and intervals against their slow twins, and their rates of error in simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.languages import pair
from pseudofam_core.scoring.significance import (
    Interval,
    Replicates,
    Verdict,
    Word,
    estimate,
    holm,
    paired_tests,
    pooled_spread,
    replicates,
    sentence_weights,
)
from pseudofam_core.tasks.translation import TRANSLATION
from tests import reference_statistics as twins
from tests.cases_translations import corrupted, sentences

N = 24


@pytest.fixture(scope="module")
def references():
    return sentences(N, seed=0)


@pytest.fixture(scope="module")
def scorer(references):
    return TRANSLATION.scorer(Bitext(pair("be-en"), "test", references, references))


def arm(scorer, runs, weights, metric="bleu"):
    """The replicates of an arm whose runs are lists of lines, one replicate per list of runs."""
    found = [[scorer.statistics(run, metric) for run in replicate] for replicate in runs]
    return replicates(scorer.made[metric], found, weights)


def naive(metric, hypotheses, references):
    return (
        type(metric)(**({"word_order": 2} if hasattr(metric, "word_order") else {}))
        .corpus_score(list(hypotheses), [list(references)])
        .score
    )


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_resampled_scores_are_the_scores_of_the_lines_drawn(scorer, references, metric):
    runs = [[corrupted(references, 0.2, seed=1), corrupted(references, 0.3, seed=2)], [corrupted(references, 0.2, 3)]]
    weights = sentence_weights(N, n_resamples=12)
    drawn = [[i for i in range(N) for _ in range(int(row[i]))] for row in weights]
    own = scorer.made[metric]
    slow = twins.resampled_scores(lambda h, r: naive(own, h, r), runs, references, [range(N), *drawn])
    fast = arm(scorer, runs, weights, metric)
    np.testing.assert_allclose(fast.observed, slow[0])
    np.testing.assert_allclose(fast.resampled, slow[1:])


def test_every_resample_draws_as_many_sentences_as_there_are_and_alike_for_all():
    weights = sentence_weights(50, n_resamples=20)
    assert (weights.sum(axis=1) == 50).all()
    np.testing.assert_array_equal(weights, sentence_weights(50, n_resamples=20))
    assert weights.std() == pytest.approx(1, abs=0.1)  # with replacement: multinomial counts


def test_the_interval_counts_sentences_and_seeds(scorer, references):
    weights = sentence_weights(N, n_resamples=40)
    arms = [
        (0.5, [[corrupted(references, q, seed=10 + i)] for i, q in enumerate((0.1, 0.2, 0.3))]),
        (-0.5, [[corrupted(references, 0.3, seed=20 + i)] for i in range(2)]),
        (1.0, [[corrupted(references, 0.4, seed=30)]]),
    ]
    made = pooled([(weight, arm(scorer, runs, weights)) for weight, runs in arms])
    found = estimate(made)
    parts = twins.squared_errors([(w, list(one.observed), one.resampled.tolist()) for w, one in made])
    variance = sum(parts)
    # Three seeds and two: three degrees of freedom, the one seed borrows them.
    freedom = variance**2 / sum(part**2 / own for part, own in zip(parts, (N - 1, 3), strict=True))
    assert found.value == pytest.approx(sum(w * one.observed.mean() for w, one in made))
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, freedom) * variance**0.5)
    assert found.value - found.low == pytest.approx(found.high - found.value)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.value) / variance**0.5, freedom))
    assert (found.error, found.freedom) == (pytest.approx(variance**0.5), pytest.approx(freedom))


def test_what_sentences_do_to_a_run_is_counted_once(scorer, references):
    """Two arms whose runs differ in nothing but luck with the sentences: the spread between runs is all there is."""
    weights = sentence_weights(N, n_resamples=400)
    arms = [arm(scorer, [[corrupted(references, 0.3, seed=10 * i + j)] for j in range(8)], weights) for i in (1, 2)]
    spread = pooled_spread(arms)
    assert 0.4 < spread.sentences / spread.variance < 2.5
    both = pooled([(1, arms[0]), (-1, arms[1])])
    twice = np.var(arms[0].resampled.mean(axis=1) - arms[1].resampled.mean(axis=1), ddof=1) + spread.variance * 2 / 8
    assert estimate(both).error ** 2 < 0.75 * twice


def pooled(terms):
    """The terms, their arms taken to have the same spread."""
    spread = pooled_spread([one for _, one in terms])
    return [(weight, replace(one, spread=spread)) for weight, one in terms]


def test_arms_of_one_seed_have_no_spread_to_pool(scorer, references):
    once = arm(scorer, [[corrupted(references, 0.2, 1)]], sentence_weights(N, n_resamples=10))
    assert pooled_spread([once, once]) is None
    assert estimate(pooled([(1, once)])) == estimate([(1, once)])


def test_seeds_that_differ_widen_the_interval(scorer, references):
    weights = sentence_weights(N, n_resamples=200)
    equal = estimate(pooled([(1, arm(scorer, [[corrupted(references, 0.2, 1)]] * 3, weights))]))
    unequal = estimate(pooled([(1, arm(scorer, [[corrupted(references, q, 1)] for q in (0.05, 0.2, 0.35)], weights))]))
    assert unequal.high - unequal.low > 2 * (equal.high - equal.low)


def test_pairing_makes_small_differences_visible(scorer, references):
    weights = sentence_weights(N, n_resamples=200)
    lines = (*references[: N // 2], *corrupted(references[N // 2 :], 0.9, seed=1))
    worse = arm(scorer, [[corrupted(lines, 0.05, seed=2)]], weights)
    better = arm(scorer, [[lines]], weights)
    apart = [one.high - one.low for one in (estimate([(1, better)]), estimate([(1, worse)]))]
    together = estimate([(1, better), (-1, worse)])
    assert together.high - together.low < 0.6 * np.hypot(*apart)


def test_an_arm_against_itself_is_a_tie(scorer, references):
    same = arm(scorer, [[corrupted(references, 0.2, seed=1)]], sentence_weights(N, n_resamples=10))
    assert estimate([(1, same), (-1, same)]) == Interval(0, 0, 0, 1)


def gaussian_arm(rng, sentences, *, n_seeds, seed_spread, weights):
    """Replicates whose score is a mean over sentences: common sentence effects, own noise, and a seed's effect."""
    n = len(sentences)
    lines = sentences[:, None] + rng.normal(0, 0.3 * n**0.5, (n, n_seeds)) + rng.normal(0, seed_spread, n_seeds)
    return Replicates(lines.mean(axis=0), weights @ lines / n, n)


@pytest.mark.parametrize("seed_spread", [0, 1])
@pytest.mark.parametrize("n_seeds", [1, 3])
def test_without_a_difference_few_are_called_different(n_seeds, seed_spread):
    rng, n, rounds = np.random.default_rng(5), 100, 400
    weights = sentence_weights(n, n_resamples=200)
    found = 0
    for _ in range(rounds):
        both = [
            gaussian_arm(rng, effects * n**0.5, n_seeds=n_seeds, seed_spread=seed_spread, weights=weights)
            for effects in (rng.normal(0, 0.5, n), np.zeros(n))
        ]
        found += estimate(pooled([(1, both[0]), (-1, both[1])])).p < 0.05
    if n_seeds == 1 and seed_spread:
        assert found > 0.15 * rounds  # what one seed can't know, and the caveat must say
    else:
        assert 0.01 * rounds <= found <= 0.07 * rounds


@pytest.mark.parametrize("n_seeds", [2, 3])
def test_of_many_comparisons_without_a_difference_few_find_any(n_seeds):
    """Holm's correction asks for p-values that hold far below 5%: a variance of each arm's own does not give them."""
    rng, n, rounds = np.random.default_rng(7), 50, 200
    weights = sentence_weights(n, n_resamples=100)
    found = {"pooled": 0, "own": 0}
    for _ in range(rounds):
        arms = [gaussian_arm(rng, np.zeros(n), n_seeds=n_seeds, seed_spread=1, weights=weights) for _ in range(11)]
        together = pooled_spread(arms)
        for kind in found:
            spread = [replace(one, spread=together if kind == "pooled" else pooled_spread([one])) for one in arms]
            p_values = [estimate([(1, one), (-1, spread[0])]).p for one in spread[1:]]
            found[kind] += min(holm(p_values)) < 0.05
    assert found["pooled"] <= 0.07 * rounds
    assert n_seeds > 2 or found["own"] > 0.07 * rounds


def test_sacrebleu_finds_what_is_there_and_nothing_else(references, scorer):
    metric = scorer.made["bleu"]
    lines = corrupted(references, 0.3, seed=1)
    same, worse, other = paired_tests(
        metric, lines, [lines, corrupted(references, 0.8, seed=2), corrupted(references, 0.3, seed=3)], n_trials=500
    )
    assert same.randomisation == 1
    assert worse.randomisation < 0.01
    assert worse.bootstrap < 0.01
    assert other.randomisation > 0.05


def test_two_systems_of_few_different_sentences_are_never_told_apart(references, scorer):
    lines = corrupted(references, 0.3, seed=1)
    k = 4
    (found,) = paired_tests(scorer.made["bleu"], lines, [(*references[:k], *lines[k:])], n_trials=200)
    assert found.randomisation >= 2.0 ** (1 - k)


def test_randomisation_keeps_its_level(references, scorer):
    rng, rounds = np.random.default_rng(1), 120
    found = 0
    for _ in range(rounds):
        both = [corrupted(references, 0.4, seed=int(one)) for one in rng.integers(1 << 30, size=2)]
        (p,) = paired_tests(scorer.made["bleu"], both[0], [both[1]], n_trials=100, n_resamples=2)
        found += p.randomisation < 0.05
    assert found <= 0.1 * rounds


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_agrees_with_its_definition(p_values):
    corrected = holm(p_values)
    assert corrected == pytest.approx(twins.holm(p_values))
    assert all(after >= before for before, after in zip(p_values, corrected, strict=True))


def test_holm_of_a_textbook_case():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize(
    ("value", "p_holm", "word"),
    [
        (1, 0.049, Word.BETTER),
        (-1, 0.049, Word.WORSE),
        (9, 0.05, Word.TIE),
        (-9, 0.3, Word.TIE),
        (0, 0, Word.TIE),
    ],
)
def test_better_is_said_only_where_the_corrected_test_says_so(value, p_holm, word):
    verdict = Verdict(Interval(value, value - 1, value + 1, 0.001), 0.001, p_holm, 4, "t")
    assert verdict.word is word
    assert verdict.words.startswith(f"{word} (p = ")
    assert "Holm over 4 tests, level 0.05)" in verdict.words
    assert sum(one in verdict.words for one in Word) == 1


@pytest.mark.parametrize(("p_holm", "word"), [(0.001, Word.DIFFERS), (0.2, Word.TIE)])
def test_where_luck_is_not_counted_nothing_is_better_or_worse(p_holm, word):
    verdict = Verdict(Interval(5, 4, 6, 0.001), 0.001, p_holm, 4, "t", caveat="one seed")
    assert verdict.word is word
    assert verdict.words.startswith(f"{word} (p = ")
    assert "level 0.05; one seed)" in verdict.words
