"""The sample corpus: counts, alignment, scripts, nothing twice, train and test apart."""

from __future__ import annotations

import re
import unicodedata

import pytest

from pseudofam_core.corpora import open_corpus, shared_targets
from pseudofam_core.estimates import sample_corpus
from pseudofam_core.languages import language, pair

POOL = ["bg", "sr", "hr", "uk", "sk", "be", "fa", "hi", "bn", "id", "ms", "kk", "tr", "de", "sv", "ja", "ko"]
COUNTS = {"train": 200, "test": 100}
# How Unicode names the letters of an ISO 15924 script.
LETTERS = {
    "Latn": ("LATIN",),
    "Cyrl": ("CYRILLIC",),
    "Arab": ("ARABIC",),
    "Deva": ("DEVANAGARI",),
    "Beng": ("BENGALI",),
    "Jpan": ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC"),
    "Hang": ("HANGUL",),
    "Kore": ("HANGUL",),
}
ENDS = {".": ".", "。": ".", "।": ".", "?": "?", "？": "?", "؟": "?", "!": "!", "！": "!"}


def lines(code: str, split: str) -> list[str]:
    text = (sample_corpus() / f"{split}.{code}").read_bytes().decode("utf-8")
    assert text.endswith("\n")
    return text[:-1].split("\n")


def test_the_reader_sees_the_pool_and_its_splits():
    corpus = open_corpus(sample_corpus())
    assert {one.source for one in corpus.pairs()} == set(POOL)
    for one in corpus.pairs():
        assert corpus.splits(one) == ("train", "test")
        assert {split: len(corpus.read(one, split)) for split in COUNTS} == COUNTS
    assert shared_targets([corpus.read(one, "train") for one in corpus.pairs()]) == 1.0


@pytest.mark.parametrize("code", ["en", *POOL])
def test_each_line_is_clean(code):
    for split, count in COUNTS.items():
        own = lines(code, split)
        assert len(own) == count
        for line in own:
            assert line == unicodedata.normalize("NFC", line).strip()
            assert line
            assert "  " not in line
            assert not any(unicodedata.category(mark) == "Cc" for mark in line)


@pytest.mark.parametrize("code", ["en", *POOL])
def test_each_language_is_in_its_script(code):
    names = LETTERS["Cyrl" if code == "sr" else language(code).script]
    for split in COUNTS:
        for line in lines(code, split):
            letters = [mark for mark in line if mark.isalpha()]
            foreign = [mark for mark in letters if not unicodedata.name(mark).startswith(names) and mark not in "々ー"]
            assert not foreign, (split, line, foreign)


@pytest.mark.parametrize("code", ["en", *POOL])
def test_nothing_stands_twice_and_test_is_not_in_train(code):
    plain = [re.sub(r"\W+", " ", line).strip().casefold() for split in COUNTS for line in lines(code, split)]
    assert len(set(plain)) == len(plain) == 300


@pytest.mark.parametrize("code", POOL)
def test_lines_align_with_the_english(code):
    """Misalignment by one line would break the agreement of final marks and of digits at once."""
    for split in COUNTS:
        for own, english in zip(lines(code, split), lines("en", split), strict=True):
            assert own != english
            assert ENDS[own[-1]] == ENDS[english[-1]], (own, english)
            years = re.findall(r"\d{4}", english)
            digits = "".join(str(unicodedata.digit(mark)) if mark.isdigit() else " " for mark in own)
            assert all(year in digits for year in years), (own, english)


def test_english_sentences_are_short_and_everyday():
    words = [len(line.split()) for split in COUNTS for line in lines("en", split)]
    assert min(words) == 3
    assert max(words) == 12


def test_every_pair_is_one_of_the_papers_pool():
    families = {language(code).traditional_family for code in POOL}
    assert families == {"Slavic", "Indo-Iranian", "Austronesian", "Turkic", "Germanic", "Japonic", "Koreanic"}
    assert pair("be-en") in open_corpus(sample_corpus()).pairs()
