"""How multi-parallel a pool is."""

import pytest

from pseudofam_core.corpora import Bitext, shared_targets
from pseudofam_core.languages import pair


def into_english(code, *targets):
    return Bitext(pair(f"{code}-en"), "test", tuple(f"{code} {target}" for target in targets), targets)


def test_the_same_sentences_in_any_order():
    pool = [into_english("be", "a", "b"), into_english("uk", "b", "a"), into_english("ja", "a", "b", "b")]
    assert shared_targets(pool) == 1.0


def test_no_sentence_in_common():
    assert shared_targets([into_english("be", "a"), into_english("uk", "b")]) == 0.0


def test_the_mean_over_pairs_of_pairs():
    pool = [into_english("be", "a", "b"), into_english("uk", "b", "c"), into_english("ja", "c", "d")]
    assert shared_targets(pool) == pytest.approx((1 / 3 + 0 + 1 / 3) / 3)


def test_a_pool_from_one_language_is_compared_by_its_sources():
    pool = [Bitext(pair(f"en-{code}"), "test", ("a", "b"), (f"{code} a", f"{code} b")) for code in ("be", "uk")]
    assert shared_targets(pool) == 1.0


def test_one_bitext_has_nothing_to_be_compared_with():
    with pytest.raises(ValueError, match=r"at least two, to compare. Got 1"):
        shared_targets([into_english("be", "a")])


def test_a_pool_without_a_common_language_is_refused():
    pool = [into_english("be", "a"), Bitext(pair("en-uk"), "test", ("a",), ("b",))]
    with pytest.raises(ValueError, match=r"must share their target language.*Got be-en, en-uk"):
        shared_targets(pool)
