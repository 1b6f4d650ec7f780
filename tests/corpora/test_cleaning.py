"""Cleaning: each reason by itself, and a report that accounts for every pair."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudofam_core.corpora import Bitext, Cleaning, Reason, clean
from pseudofam_core.corpora.cleaning import symbol_share
from pseudofam_core.languages import pair


def bitext(*rows, text="be-en"):
    sources, targets = zip(*rows, strict=True) if rows else ((), ())
    return Bitext(pair(text), "train", sources, targets)


def test_the_default_composes_characters_and_drops_blank_lines():
    decomposed = "й" + unicodedata.normalize("NFD", "й")
    cleaned, report = clean(bitext((decomposed, "y"), ("добра", "well"), (" ", "x"), ("x", "")), Cleaning())
    assert cleaned.sources == ("йй", "добра")
    assert cleaned.targets == ("y", "well")
    assert (report.n_pairs, report.n_kept, report.n_dropped, report.n_normalised) == (4, 2, 2, 1)
    assert report.dropped[Reason.TOO_SHORT] == 2


def test_without_nfc_the_text_stays():
    decomposed = unicodedata.normalize("NFD", "й")
    cleaned, report = clean(bitext((decomposed, "y")), Cleaning(nfc=False))
    assert cleaned.sources == (decomposed,)
    assert report.n_normalised == 0


ORDINARY = ("звычайны сказ", "usual sentence")


@pytest.mark.parametrize(
    ("cleaning", "bad", "reason"),
    [
        (Cleaning(min_characters=3), ("не", "not"), Reason.TOO_SHORT),
        (Cleaning(max_characters=20), ("так", "y" * 21), Reason.TOO_LONG),
        (Cleaning(max_length_ratio=3), ("так", "y" * 15), Reason.LENGTH_RATIO),
        (Cleaning(max_symbol_share=0.5), ("12:30 — 14:45 аб", "noon"), Reason.SYMBOLS),
        (Cleaning(duplicates="drop-pairs"), ORDINARY, Reason.DUPLICATE),
        (Cleaning(duplicates="drop-sources"), (ORDINARY[0], "other"), Reason.DUPLICATE),
    ],
)
def test_each_reason_drops_the_bad_pair_alone(cleaning, bad, reason):
    cleaned, report = clean(bitext(ORDINARY, ORDINARY[::-1], ("іншы сказ", "other phrase"), bad), cleaning)
    assert len(cleaned) == 3
    assert report.dropped == {**dict.fromkeys(Reason, 0), reason: 1}


def test_duplicate_pairs_differ_from_duplicate_sources():
    cleaned, _ = clean(bitext(("а", "1"), ("а", "2"), ("а", "1")), Cleaning(duplicates="drop-pairs"))
    assert cleaned.targets == ("1", "2")


def test_the_length_ratio_follows_the_script():
    """Japanese needs about a third of the characters of English: that alone is no reason to drop."""
    rows = [("猫がいる", "there is a cat")] * 9 + [("猫", "there is a cat and a dog and a cow")]
    cleaned, report = clean(bitext(*rows, text="ja-en"), Cleaning(max_length_ratio=3))
    assert len(cleaned) == 9
    assert report.dropped[Reason.LENGTH_RATIO] == 1


@pytest.mark.parametrize(
    "held_out",
    [
        bitext(("адзін", "elsewhere")),
        bitext(("інакш", "one")),
        bitext(("um", "one"), text="pt-en"),
        bitext(("one", "um"), text="en-pt"),
    ],
)
def test_overlap_with_held_out_text_of_any_pair(held_out):
    cleaned, report = clean(bitext(("адзін", "one"), ("два", "two")), Cleaning(), held_out=[held_out])
    assert cleaned.sources == ("два",)
    assert report.dropped[Reason.HELD_OUT] == 1


def test_held_out_text_is_compared_after_normalisation_and_within_a_language():
    held_out = [bitext((unicodedata.normalize("NFD", "й"), "x")), bitext(("two", "z"), text="pt-en")]
    cleaned, _ = clean(bitext(("й", "one"), ("два", "two")), Cleaning(), held_out=held_out)
    assert cleaned.targets == ("two",)


def test_held_out_text_may_stay():
    cleaned, _ = clean(bitext(("а", "b")), Cleaning(drop_held_out=False), held_out=[bitext(("а", "b"))])
    assert len(cleaned) == 1


@pytest.mark.parametrize(
    ("text", "share"),
    [("", 0), ("  ", 0), ("ab", 0), ("a1", 0.5), ("1, 2", 1), ("हिन्दी", 0), ("می\u200cشود", 0)],
)
def test_symbol_share(text, share):
    assert symbol_share(text) == share


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_characters": -1}, "min_characters must be at least 0. Got -1"),
        ({"max_characters": 0}, "max_characters must be at least 1"),
        ({"min_characters": 5, "max_characters": 4}, "Got 4 and 5"),
        ({"max_length_ratio": 0.5}, "max_length_ratio must be at least 1. Got 0.5"),
        ({"max_length_ratio": float("nan")}, "max_length_ratio must be at least 1"),
        ({"max_symbol_share": 1.5}, r"max_symbol_share must be in \[0, 1\]"),
        ({"duplicates": "drop"}, "duplicates must be one of keep, drop-pairs, drop-sources. Got 'drop'"),
    ],
)
def test_limits_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Cleaning(**options)


SENTENCES = st.text(alphabet="аб1! й\u0306", max_size=6)
BITEXTS = st.lists(st.tuples(SENTENCES, SENTENCES), max_size=20).map(lambda rows: bitext(*rows))
CLEANINGS = st.builds(
    Cleaning,
    nfc=st.booleans(),
    min_characters=st.integers(0, 2),
    max_characters=st.none() | st.integers(3, 6),
    max_length_ratio=st.none() | st.floats(1, 4),
    max_symbol_share=st.none() | st.floats(0, 1),
    drop_held_out=st.booleans(),
    duplicates=st.sampled_from(["keep", "drop-pairs", "drop-sources"]),
)


@given(BITEXTS, CLEANINGS, BITEXTS)
def test_every_pair_is_kept_or_dropped_for_one_reason(text, cleaning, held_out):
    cleaned, report = clean(text, cleaning, held_out=[held_out])
    assert report.n_pairs == len(text) == report.n_kept + report.n_dropped
    assert report.n_kept == len(cleaned)
    assert set(report.dropped) == set(Reason)


@given(BITEXTS, CLEANINGS)
def test_cleaning_twice_changes_nothing_more(text, cleaning):
    cleaning = replace(cleaning, max_length_ratio=None)  # its reference is the text that is cleaned
    once, _ = clean(text, cleaning)
    twice, report = clean(once, cleaning)
    assert twice == once
    assert report.n_dropped == report.n_normalised == 0
