"""Lexical signals against their slow twins, and by hand."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudofam_core.signals import texts
from tests import reference_signals as reference

SUBWORDS = st.lists(st.lists(st.integers(0, 12), max_size=6), min_size=1, max_size=8).filter(lambda one: any(one))
SENTENCES = st.lists(st.text("aBcç д日 ", max_size=12), min_size=1, max_size=6)


def counted(subwords):
    return Counter(one for line in subwords for one in line)


@given(SUBWORDS, SUBWORDS)
def test_subwords_as_their_twins(target, auxiliary):
    t, a = (texts.profile([""] * len(one), one) for one in (target, auxiliary))
    mine, theirs = counted(target), counted(auxiliary)
    assert texts.covered_types(t, a) == pytest.approx(reference.covered(mine, theirs, running=False), abs=1e-12)
    assert texts.covered_tokens(t, a) == pytest.approx(reference.covered(mine, theirs, running=True), abs=1e-12)
    assert texts.nearness_of_distributions(t, a) == pytest.approx(
        -reference.skew_divergence(mine, theirs, 0.99), abs=1e-12
    )


@given(SENTENCES, SENTENCES)
def test_trigrams_as_their_twin(target, auxiliary):
    mine, theirs = reference.trigrams(target), reference.trigrams(auxiliary)
    t, a = (texts.profile(one, [[]] * len(one)) for one in (target, auxiliary))
    assert t.trigram_counts.sum() == mine.total()
    found = texts.trigram_cosine(t, a)
    if mine and theirs:
        assert found == pytest.approx(reference.cosine_of_counts(mine, theirs), abs=1e-12)
    else:
        assert math.isnan(found)


def test_the_subword_distributions_do_not_favour_small_texts():
    """Adding one to each count would: a text of ten words would be nearer than one that holds the target's very words."""
    target = texts.profile(["x"], [[1, 2, 3, 4] * 50])
    same_words, few = texts.profile(["x"], [[1, 2, 3, 9] * 5000]), texts.profile(["x"], [[1, 9, 9, 9]])
    assert texts.nearness_of_distributions(target, same_words) > texts.nearness_of_distributions(target, few)
    nothing = texts.profile(["x"], [[7] * 3])
    assert texts.nearness_of_distributions(target, nothing) == pytest.approx(-math.log(100))


def test_scripts_are_told_from_the_letters_that_are_there():
    """Serbian is written in both alphabets, whatever a table of languages says."""
    latin, cyrillic, both = (texts.profile([one], [[]]) for one in ("dobar, 1 dan", "добар дан", "dobar дан"))
    assert texts.shared_scripts(latin, cyrillic) == 0
    assert texts.shared_scripts(latin, both) == pytest.approx(5 / 8)
    assert texts.shared_scripts(both, both) == pytest.approx(1)
    assert math.isnan(texts.shared_scripts(texts.profile(["1, 2"], [[]]), latin))


def test_the_amount_is_the_auxiliarys():
    one, many = texts.profile(["a"], [[1]]), texts.profile(["a"] * 20, [[1]] * 20)
    assert texts.log_amount(one, many) == pytest.approx(math.log(20))
    assert texts.log_amount(many, one) == 0


def test_a_text_without_subwords_says_nothing():
    empty, some = texts.profile(["a"], [[]]), texts.profile(["a"], [[1]])
    assert math.isnan(texts.covered_types(empty, some))
    assert math.isnan(texts.covered_tokens(empty, some))
    assert math.isnan(texts.nearness_of_distributions(empty, some))
    assert np.isnan(texts.nearness_of_distributions(some, empty))
